import { Button } from "@/components/core/Button";
import { formatCount } from "@/lib/format/number";
import type { TraceList } from "../useTraceList";

/** Below the last row: more to come, a page that failed, or the end. */
export function TraceListFooter({ list, count }: { list: TraceList["list"]; count: number }) {
  if (list.isFetchNextPageError) {
    return (
      <div
        role="alert"
        className="sticky left-0 flex items-center gap-3 px-4 py-3 text-muted-foreground text-xs"
      >
        The next page could not be loaded.
        <Button size="sm" onClick={() => void list.fetchNextPage()}>
          Try again
        </Button>
      </div>
    );
  }
  return (
    <p className="sticky left-0 px-4 py-3 text-faint-foreground text-xs tabular-nums">
      {list.hasNextPage
        ? list.isFetchingNextPage
          ? "Loading more traces"
          : " "
        : `${formatCount(count)} ${count === 1 ? "trace" : "traces"}, nothing older in this range`}
    </p>
  );
}
