/** What the server found wrong with a filter, and where. */
import { ApiError } from "@/lib/api/errors";
import { type Span, utf16Span } from "./filter-language";

export type FilterProblem = { message: string; span?: Span };

export function filterProblem(error: unknown, filter: string): FilterProblem | undefined {
  if (!(error instanceof ApiError) || error.code !== "invalid_filter") return undefined;
  const details = error.details as { start?: unknown; end?: unknown } | null | undefined;
  const message = sentence(error.message.replace(/^filter, at character \d+: /, ""));
  if (typeof details?.start !== "number" || typeof details.end !== "number") return { message };
  return { message, span: utf16Span(filter, details.start, details.end) };
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.?!]$/.test(begun) ? begun : `${begun}.`;
}
