import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "./api/errors";

const retriedAtMost = 2;

/** Trying again helps when the server was away, not when it said no. */
function shouldRetry(failures: number, error: unknown): boolean {
  if (failures >= retriedAtMost || !(error instanceof ApiError)) return false;
  return error.status === 0 || error.status === 502 || error.status === 503 || error.status === 504;
}

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { staleTime: 30_000, gcTime: 5 * 60_000, retry: shouldRetry, refetchOnWindowFocus: false },
      mutations: { retry: false },
    },
  });
}
