/** The typed client: paths and bodies are checked against schema.gen.ts, every failure is an `ApiError`. */
import createClient from "openapi-fetch";
import { ApiError, errorFromNetwork, errorFromResponse } from "./errors";
import type { paths } from "./schema.gen";
import { currentSession, renewSession } from "./session";

const timeoutMs = 30_000;

/** Sends with the session's token; a refused token is renewed and the request sent once more. */
async function fetchSignedIn(request: Request): Promise<Response> {
  const session = await currentSession();
  if (!session) throw new ApiError({ status: 401, code: "signed_out", message: "You are signed out." });
  const again = request.clone();
  const response = await send(request, session.token);
  if (response.status !== 401) return response;
  const renewed = await renewSession(session.token);
  return renewed ? await send(again, renewed.token) : response;
}

async function send(request: Request, token: string | undefined): Promise<Response> {
  if (token) request.headers.set("authorization", `Bearer ${token}`);
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]);
  try {
    return await fetch(request, { signal });
  } catch (cause) {
    if (request.signal.aborted) throw cause;
    throw errorFromNetwork(cause);
  }
}

const baseUrl = window.location.origin;

/** For everything that needs a session. */
export const api = createClient<paths>({ baseUrl, fetch: fetchSignedIn });

/** For the few calls that come before one. */
export const publicApi = createClient<paths>({ baseUrl, fetch: (request) => send(request, undefined) });

type Answer<Body> = { data?: Body; error?: unknown; response: Response };

/** The answer's body as it came. */
export async function bodyOf<Body>(call: Promise<Answer<Body>>): Promise<Body> {
  const { data, error, response } = await call;
  if (!response.ok) throw errorFromResponse(response, error);
  return data as Body;
}

/** The `data` inside the success envelope. */
export async function dataOf<Data>(call: Promise<Answer<{ data: Data }>>): Promise<Data> {
  return (await bodyOf(call)).data;
}

export type Page<Item> = { items: Item[]; nextCursor: string | undefined };

type PagedBody<Item> = {
  data: Item[];
  meta?: { pagination?: { next_cursor?: string | null; has_next: boolean } | null } | null;
};

/** One page of a list, with the cursor of the next one if there is one. */
export async function pageOf<Item>(call: Promise<Answer<PagedBody<Item>>>): Promise<Page<Item>> {
  const body = await bodyOf(call);
  const pagination = body.meta?.pagination;
  return {
    items: body.data,
    nextCursor: pagination?.has_next ? (pagination.next_cursor ?? undefined) : undefined,
  };
}
