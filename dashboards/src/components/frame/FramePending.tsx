import { Skeleton } from "@/components/core/Skeleton";
import { PagePending } from "./PagePending";

/** The frame's outline, shown while the project is looked up. Has the frame's measures, so that nothing jumps. */
export function FramePending() {
  return (
    <div className="flex h-dvh">
      <div
        aria-hidden
        className="hidden w-56 shrink-0 flex-col gap-2 border-border border-r bg-sunken p-2 md:flex"
      >
        <Skeleton className="h-9 w-full" />
        <Skeleton className="mt-2 h-7 w-full" />
        <Skeleton className="h-7 w-full" />
      </div>
      <div className="flex min-w-0 flex-1 flex-col">
        <div className="h-11 shrink-0 border-border border-b" />
        <PagePending />
      </div>
    </div>
  );
}
