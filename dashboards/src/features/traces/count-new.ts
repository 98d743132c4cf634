import type { Page } from "@/lib/api/client";
import type { Trace } from "@/lib/api/types";

/**
 * How many of the newest traces the list does not have, as words: "12", or "50+" when there may be more. Traces older
 * than the list's oldest are not new, only not loaded yet.
 */
export function countNew(newest: Page<Trace> | undefined, listed: readonly Trace[]): string | undefined {
  if (!newest) return undefined;
  const known = new Set(listed.map(({ trace_id }) => trace_id));
  const oldest = listed.at(-1)?.start_time ?? "";
  const fresh = newest.items.filter(
    ({ trace_id, start_time }) =>
      !known.has(trace_id) && Date.parse(start_time) >= Date.parse(oldest || start_time),
  );
  if (fresh.length === 0) return undefined;
  const all = fresh.length === newest.items.length;
  return all && newest.nextCursor !== undefined ? `${fresh.length}+` : String(fresh.length);
}
