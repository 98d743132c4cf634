import { useRef } from "react";
import { Splitter } from "@/components/trace/Splitter";
import { useStoredNumber } from "@/components/trace/useStoredNumber";
import { useProject } from "@/features/projects/useProject";
import type { Trace } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { useObservations } from "../useObservations";
import { ObservationPanel } from "./ObservationPanel";
import { TraceHeader } from "./TraceHeader";
import { PanelSkeleton } from "./TraceSkeleton";
import { TraceTreePane } from "./TraceTreePane";
import type { TraceViewProps } from "./TraceView";

const treeShare = { initial: 57, least: 28, most: 75 };

/** The header, the tree on the left and the selected observation on the right; one after the other where it is narrow. */
export function TraceContent({ trace, ...view }: TraceViewProps & { trace: Trace }) {
  const { project } = useProject();
  const { query, tree } = useObservations(project.id, trace.trace_id);
  const [percent, setPercent] = useStoredNumber("brokle.trace.tree-percent", treeShare.initial);
  const panes = useRef<HTMLDivElement>(null);
  const selected =
    tree.byId.get(view.selected ?? "") ?? tree.byId.get(trace.root_observation_id) ?? tree.nodes[0];
  const chosen = view.selected !== undefined && tree.byId.has(view.selected);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <TraceHeader trace={trace} tree={tree} onClosed={view.onClosed} />
      <div
        ref={panes}
        style={{ "--tree-width": `${percent}%` } as React.CSSProperties}
        className="flex min-h-0 flex-1"
      >
        <div
          className={cn(
            "flex min-w-0 flex-1 flex-col md:w-(--tree-width) md:flex-none",
            chosen && "max-md:hidden",
          )}
        >
          <TraceTreePane
            trace={trace}
            query={query}
            tree={tree}
            selectedId={selected?.id}
            inDrawer={view.onClosed !== undefined}
            onSelected={view.onSelected}
          />
        </div>
        <Splitter
          label="Width of the tree"
          percent={percent}
          least={treeShare.least}
          most={treeShare.most}
          frame={panes}
          onMoved={setPercent}
        />
        <div className={cn("flex min-w-0 flex-1 flex-col", !chosen && "max-md:hidden")}>
          {selected ? (
            <ObservationPanel
              key={selected.id}
              tree={tree}
              node={selected}
              tab={view.tab}
              onTabChanged={view.onTabChanged}
              onSelected={view.onSelected}
            />
          ) : query.isFetching ? (
            <PanelSkeleton />
          ) : null}
        </div>
      </div>
    </div>
  );
}
