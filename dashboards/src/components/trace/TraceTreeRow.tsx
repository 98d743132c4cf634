// biome-ignore-all lint/a11y/useSemanticElements: a row of a tree
import { ChevronRight, CircleAlert } from "lucide-react";
import { cn } from "@/lib/cn";
import { formatCost, formatCostExact } from "@/lib/format/cost";
import { isZeroDecimal } from "@/lib/format/decimal";
import { formatDuration } from "@/lib/format/duration";
import { formatTokens, formatTokensExact } from "@/lib/format/tokens";
import { providerOfAttempt } from "./attempts";
import { ObservationTypeIcon } from "./ObservationTypeIcon";
import type { TreeNode, TreeRow } from "./tree";
import { treeColumns } from "./tree-columns";
import { WaterfallBar } from "./WaterfallBar";
import type { WaterfallTick } from "./waterfall";

type TraceTreeRowProps = {
  row: TreeRow;
  top: number;
  totalMs: number;
  ticks: readonly WaterfallTick[];
  selected: boolean;
  collapsed: boolean;
  onSelected: (id: string) => void;
  onToggled: (node: TreeNode) => void;
};

const indentPixels = 14;
/** Deeper rows stay in sight: beyond this they are told apart by their parents only. */
const indentedMost = 14;

export function TraceTreeRow(props: TraceTreeRowProps) {
  const { row, top, totalMs, ticks, selected, collapsed, onSelected, onToggled } = props;
  const { node, hit } = row;
  const { observation } = node;
  const tokens = observation.usage?.total_tokens ?? 0;
  const cost = observation.cost?.total;
  const provider = providerOfAttempt(observation);
  const indent = Math.min(node.depth, indentedMost) * indentPixels;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: arrows work on the tree, which holds the focus
    // biome-ignore lint/a11y/useFocusableInteractive: the tree holds the focus and names the row
    <div
      id={`observation-${node.id}`}
      role="treeitem"
      aria-level={node.depth + 1}
      aria-selected={selected}
      aria-expanded={node.childCount > 0 ? !collapsed : undefined}
      onClick={() => onSelected(node.id)}
      style={{ transform: `translateY(${top}px)` }}
      className={cn(
        "absolute inset-x-0 top-0 flex h-7 cursor-default items-center pr-3 pl-1.5 text-xs hover:bg-hover",
        selected && "bg-selected shadow-[inset_2px_0_0_var(--accent)] hover:bg-selected",
        !hit && "text-muted-foreground",
      )}
    >
      <span className="flex min-w-0 flex-1 items-center self-stretch">
        <Guides depth={Math.min(node.depth, indentedMost)} />
        <span style={{ paddingLeft: indent }} className="flex min-w-0 items-center gap-1.5">
          <Toggle node={node} collapsed={collapsed} onToggled={onToggled} />
          <ObservationTypeIcon type={observation.type} />
          <span
            title={observation.name}
            className={cn("truncate", hit && "font-medium", node.failed && "text-destructive")}
          >
            {observation.name || "unnamed"}
          </span>
          {node.failed ? (
            <CircleAlert role="img" aria-label="Failed" className="size-3.5 shrink-0 text-destructive" />
          ) : null}
          {collapsed && node.errorsBelow > 0 ? (
            <span
              title={`${node.errorsBelow} failed inside`}
              className="shrink-0 text-destructive tabular-nums"
            >
              {node.errorsBelow}
            </span>
          ) : null}
          {provider ? (
            <span className="hidden min-w-0 shrink-[10] truncate text-muted-foreground @[28rem]:inline">
              {provider}
            </span>
          ) : null}
          {observation.model && !saysModel(observation.name, observation.model) ? (
            <span className="min-w-0 shrink-[100] truncate text-muted-foreground">{observation.model}</span>
          ) : null}
        </span>
      </span>
      <span className={treeColumns.duration}>{formatDuration(node.durationMs)}</span>
      <span
        className={cn(treeColumns.tokens, "text-muted-foreground")}
        title={tokens ? formatTokensExact(tokens) : undefined}
      >
        {tokens > 0 ? formatTokens(tokens) : null}
      </span>
      <span
        className={cn(treeColumns.cost, "text-muted-foreground")}
        title={cost ? formatCostExact(cost) : undefined}
      >
        {cost && !isZeroDecimal(cost) ? formatCost(cost) : null}
      </span>
      <WaterfallBar node={node} totalMs={totalMs} ticks={ticks} />
    </div>
  );
}

function Guides({ depth }: { depth: number }) {
  return Array.from({ length: depth }, (_, level) => (
    <span
      // biome-ignore lint/suspicious/noArrayIndexKey: levels never move
      key={level}
      aria-hidden
      style={{ left: level * indentPixels + 13.5 }}
      className="absolute inset-y-0 w-px bg-border"
    />
  ));
}

function Toggle({
  node,
  collapsed,
  onToggled,
}: Pick<TraceTreeRowProps, "collapsed" | "onToggled"> & { node: TreeNode }) {
  if (node.childCount === 0) return <span className="w-4 shrink-0" />;
  return (
    <button
      type="button"
      tabIndex={-1}
      aria-label={collapsed ? `Open ${node.observation.name}` : `Close ${node.observation.name}`}
      onClick={(event) => {
        event.stopPropagation();
        onToggled(node);
      }}
      className="relative z-1 flex size-4 shrink-0 items-center justify-center rounded-sm text-muted-foreground hover:bg-border hover:text-foreground"
    >
      <ChevronRight aria-hidden className={cn("size-3.5 transition-transform", !collapsed && "rotate-90")} />
    </button>
  );
}

/** "chat gpt-4o-mini" says enough about gpt-4o-mini-2024-07-18. */
function saysModel(name: string, model: string): boolean {
  const lastWord = name.split(" ").at(-1) ?? "";
  return name.includes(model) || (lastWord.length > 3 && model.startsWith(lastWord));
}
