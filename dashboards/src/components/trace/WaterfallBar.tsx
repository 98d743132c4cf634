import { cn } from "@/lib/cn";
import { formatDuration } from "@/lib/format/duration";
import { observationType } from "./observation-types";
import type { TreeNode } from "./tree";
import { treeColumns } from "./tree-columns";
import { placeBar, type WaterfallTick } from "./waterfall";

type WaterfallBarProps = { node: TreeNode; totalMs: number; ticks: readonly WaterfallTick[] };

/** When it ran, and for how long; the lighter part is the wait for the first token. */
export function WaterfallBar({ node, totalMs, ticks }: WaterfallBarProps) {
  const { observation, startMs, durationMs, failed } = node;
  const { leftPercent, widthPercent } = placeBar(startMs, durationMs, totalMs);
  const waitMs = observation.time_to_first_token_ms ?? 0;
  const waitShare = durationMs > 0 ? Math.min(1, waitMs / durationMs) : 0;
  const fill = failed ? "bg-destructive" : observationType(observation.type).fill;
  const wait = waitShare > 0 ? `, first token after ${formatDuration(waitMs)}` : "";
  return (
    <span
      className={treeColumns.waterfall}
      title={`${formatDuration(durationMs)}, ${formatDuration(startMs)} after the beginning${wait}`}
    >
      {ticks.map(({ ms, leftPercent: at }) => (
        <span
          key={ms}
          aria-hidden
          style={{ left: `${at}%` }}
          className="absolute inset-y-0 w-px bg-border/70"
        />
      ))}
      <span
        aria-hidden
        style={{ left: `min(${leftPercent}%, calc(100% - 2px))`, width: `max(${widthPercent}%, 2px)` }}
        className={cn(
          "absolute top-[9px] flex h-2.5 overflow-hidden rounded-[2px]",
          waitShare > 0 ? undefined : fill,
        )}
      >
        {waitShare > 0 ? (
          <>
            <span style={{ width: `${waitShare * 100}%` }} className={cn("h-full opacity-40", fill)} />
            <span className={cn("h-full flex-1", fill)} />
          </>
        ) : null}
      </span>
    </span>
  );
}
