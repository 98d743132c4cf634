import { formatDuration } from "@/lib/format/duration";
import { treeColumns } from "./tree-columns";
import type { WaterfallTick } from "./waterfall";

/** Headings of the columns, and the time axis of the waterfall. */
export function TraceTreeHeader({ ticks }: { ticks: readonly WaterfallTick[] }) {
  return (
    <div
      aria-hidden
      className="flex h-6.5 shrink-0 items-center border-border border-b pr-3 pl-3 text-2xs text-faint-foreground"
    >
      <span className="min-w-0 flex-1">Name</span>
      <span className={treeColumns.duration}>Duration</span>
      <span className={treeColumns.tokens}>Tokens</span>
      <span className={treeColumns.cost}>Cost</span>
      <span className={treeColumns.waterfall}>
        {ticks.map(({ ms, leftPercent }, index) => (
          <span
            key={ms}
            style={{ left: `${leftPercent}%` }}
            className="absolute inset-y-0 flex items-center border-border border-l whitespace-nowrap pl-1 tabular-nums"
          >
            {leftPercent < 82 ? (
              <span className={index % 2 === 1 ? "hidden @[30rem]:inline" : undefined}>
                {formatDuration(ms)}
              </span>
            ) : null}
          </span>
        ))}
      </span>
    </div>
  );
}
