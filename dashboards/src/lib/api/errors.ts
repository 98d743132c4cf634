/**
 * Failures of the API as one type. Every answer that is not a success becomes an `ApiError`, whatever the reason: an
 * error envelope, a proxy's HTML page, no answer at all.
 */

export type FieldErrors = Record<string, string>;

type ApiErrorInit = {
  status: number;
  code: string;
  message: string;
  details?: unknown;
  requestId?: string;
  cause?: unknown;
};

export class ApiError extends Error {
  /** The HTTP status, or 0 when there was no answer. */
  readonly status: number;
  readonly code: string;
  readonly details: unknown;
  readonly requestId: string | undefined;

  constructor({ status, code, message, details, requestId, cause }: ApiErrorInit) {
    super(message, { cause });
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.details = details;
    this.requestId = requestId;
  }
}

/**
 * Reads the failure envelope `{success:false,error:{code,message,details?,request_id}}`, or the message of an OTLP
 * status, or makes do without either.
 */
export function errorFromResponse(response: Response, body: unknown): ApiError {
  const envelope = asRecord(asRecord(body)?.error);
  const headerId = response.headers.get("x-request-id") ?? undefined;
  return new ApiError({
    status: response.status,
    code: asText(envelope?.code) ?? `http_${response.status}`,
    message:
      asText(envelope?.message) ??
      asText(asRecord(body)?.message) ??
      `The server answered with status ${response.status}.`,
    details: envelope?.details,
    requestId: asText(envelope?.request_id) ?? headerId,
  });
}

export function errorFromNetwork(cause: unknown): ApiError {
  const timedOut = cause instanceof DOMException && cause.name === "TimeoutError";
  return new ApiError({
    status: 0,
    code: timedOut ? "timeout" : "network",
    message: timedOut ? "The server did not answer in time." : "The server could not be reached.",
    cause,
  });
}

/**
 * The failures that belong to one form field each. The server names one field in `details.field` and says what is wrong
 * in the message; `details.fields` may hold several, by name.
 */
export function fieldErrors(error: unknown): FieldErrors {
  if (!(error instanceof ApiError)) return {};
  const details = asRecord(error.details);
  const single = asText(details?.field);
  if (single) return { [single]: error.message };
  return Object.fromEntries(Object.entries(asRecord(details?.fields) ?? {}).flatMap(textFieldError));
}

function textFieldError([field, value]: [string, unknown]): [string, string][] {
  const message = asText(Array.isArray(value) ? value[0] : value);
  return message ? [[field, message]] : [];
}

type ErrorKind = "forbidden" | "missing" | "offline" | "failed";
type ErrorWords = { kind: ErrorKind; title: string; text: string; retryable: boolean };

/** What to tell a person about a failure. */
export function describeError(error: unknown): ErrorWords {
  if (!(error instanceof ApiError)) {
    return {
      kind: "failed",
      title: "Something went wrong",
      text: "This page failed to draw. Your data is safe.",
      retryable: true,
    };
  }
  if (error.status === 0) {
    return {
      kind: "offline",
      title: "Brokle does not answer",
      text: `${error.message} Nothing was lost; check that it runs, then try again.`,
      retryable: true,
    };
  }
  if (error.status === 401) {
    return {
      kind: "forbidden",
      title: "You are signed out",
      text: "The session has ended. Sign in again to go on.",
      retryable: true,
    };
  }
  if (error.status === 403) {
    return {
      kind: "forbidden",
      title: "You may not see this",
      text: "Your role lacks the permission. An owner of the organization can grant it.",
      retryable: false,
    };
  }
  if (error.status === 404) {
    return {
      kind: "missing",
      title: "Not found",
      text: "It does not exist, or you have no access to it.",
      retryable: false,
    };
  }
  if (error.status === 429) {
    return {
      kind: "failed",
      title: "Too many requests",
      text: "Wait a moment, then try again.",
      retryable: true,
    };
  }
  return { kind: "failed", title: "The request failed", text: error.message, retryable: true };
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function asText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
