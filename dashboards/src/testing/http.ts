/** Answers in the shapes of the API, for MSW handlers. */
import { HttpResponse } from "msw";

export function ok(
  data: unknown,
  { status = 200, nextCursor }: { status?: number; nextCursor?: string } = {},
) {
  const pagination = { next_cursor: nextCursor ?? null, has_next: nextCursor !== undefined };
  return HttpResponse.json({ success: true, data, meta: { request_id: "req_ok", pagination } }, { status });
}

export function failure(status: number, code: string, message: string, details?: unknown) {
  return HttpResponse.json(
    { success: false, error: { code, message, details, request_id: "req_failed" } },
    { status },
  );
}
