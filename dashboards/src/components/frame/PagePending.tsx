import { Skeleton } from "@/components/core/Skeleton";

/** A page on its way, for pages without a better skeleton of their own. */
export function PagePending() {
  return (
    <div role="status" aria-label="Loading" className="flex flex-1 flex-col gap-3 p-4 md:p-6">
      <Skeleton className="h-6 w-40" />
      <Skeleton className="h-4 w-72 max-w-full" />
      <Skeleton className="mt-4 h-48 w-full" />
    </div>
  );
}
