import { Button } from "@/components/core/Button";
import type { TraceTree } from "@/components/trace/tree";
import type { Trace } from "@/lib/api/types";
import { formatCount } from "@/lib/format/number";
import type { useObservations } from "../useObservations";

type TraceProgressProps = {
  trace: Trace;
  query: ReturnType<typeof useObservations>["query"];
  tree: TraceTree;
};

/** What is still missing: pages on their way, a page that failed, the beginning of the trace. */
export function TraceProgress({ trace, query, tree }: TraceProgressProps) {
  const loaded = tree.nodes.length;
  const total = Math.max(trace.observation_count, loaded);
  if (query.isError) {
    return (
      <Note role="alert">
        {formatCount(loaded)} of {formatCount(total)} observations are here; the rest could not be loaded.
        <Button size="sm" onClick={() => void query.fetchNextPage()} pending={query.isFetching}>
          Try again
        </Button>
      </Note>
    );
  }
  if (query.hasNextPage) {
    return (
      <Note role="status">
        <progress
          aria-label="Observations loaded"
          max={total}
          value={loaded}
          className="h-1 w-24 overflow-hidden rounded-full [&::-moz-progress-bar]:bg-accent [&::-webkit-progress-bar]:bg-border [&::-webkit-progress-value]:bg-accent"
        />
        <span className="tabular-nums">
          {formatCount(loaded)} of {formatCount(total)} observations
        </span>
      </Note>
    );
  }
  if (loaded > 0 && !tree.hasRoot) {
    return (
      <Note role="status">
        The beginning of this trace has not arrived; its parts are shown side by side.
      </Note>
    );
  }
  return null;
}

function Note({ role, children }: { role: "status" | "alert"; children: React.ReactNode }) {
  return (
    <div
      role={role}
      className="flex shrink-0 items-center gap-2.5 border-border border-b bg-sunken px-3 py-1 text-muted-foreground text-xs"
    >
      {children}
    </div>
  );
}
