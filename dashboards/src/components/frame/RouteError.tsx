import { useQueryErrorResetBoundary } from "@tanstack/react-query";
import { type ErrorComponentProps, useRouter } from "@tanstack/react-router";
import { ErrorState } from "@/components/core/ErrorState";

/** What a route shows when its loading or drawing failed. */
export function RouteError({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const queries = useQueryErrorResetBoundary();
  function retry() {
    queries.reset();
    reset();
    void router.invalidate();
  }
  return (
    <div className="flex min-h-full flex-1 flex-col">
      <ErrorState error={error} onRetry={retry} />
    </div>
  );
}
