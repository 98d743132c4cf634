import { Skeleton } from "@/components/core/Skeleton";

const rows = Array.from({ length: 14 }, (_, index) => index);

/** The shape of a trace to come. */
export function TraceSkeleton() {
  return (
    <div role="status" aria-label="Loading the trace" className="flex min-h-0 flex-1 flex-col">
      <div className="flex flex-col gap-3 border-border border-b px-4 py-3">
        <Skeleton className="h-5 w-64" />
        <Skeleton className="h-4 w-96 max-w-full" />
      </div>
      <TreeSkeleton />
    </div>
  );
}

/** Rows of a tree to come, with the height of real ones. */
export function TreeSkeleton() {
  return (
    <div className="flex flex-col overflow-hidden px-4 pt-1">
      {rows.map((row) => (
        <div
          key={row}
          style={{ paddingLeft: (row % 4) * 14 }}
          className="flex h-7 shrink-0 items-center gap-6"
        >
          <div style={{ width: `${36 - (row % 5) * 4}%` }}>
            <Skeleton className="h-2.5" />
          </div>
          <div style={{ marginLeft: `${(row * 7) % 40}%` }} className="w-1/6">
            <Skeleton className="h-2.5" />
          </div>
        </div>
      ))}
    </div>
  );
}

/** An observation to come. */
export function PanelSkeleton() {
  return (
    <div aria-hidden className="flex flex-col gap-3 px-4 py-4">
      <Skeleton className="h-4 w-48" />
      <Skeleton className="h-3 w-64" />
      <Skeleton className="mt-6 h-3 w-full" />
      <Skeleton className="h-3 w-11/12" />
      <Skeleton className="h-3 w-4/5" />
    </div>
  );
}
