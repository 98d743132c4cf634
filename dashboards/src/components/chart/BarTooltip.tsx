import { formatCount } from "@/lib/format/number";
import type { Bar } from "./prepare-bars";

type BarTooltipProps = {
  bar: Bar;
  unit: string;
  brushed: { startMs: number; endMs: number } | undefined;
  /** The middle of the bar, in pixels. */
  x: number;
  width: number;
};

const stretch = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

export function BarTooltip({ bar, unit, brushed, x, width }: BarTooltipProps) {
  const shown = brushed ?? bar;
  const toLeft = x > width / 2;
  return (
    <div
      style={toLeft ? { right: width - x + 10 } : { left: x + 10 }}
      className="pointer-events-none absolute top-1 z-20 whitespace-nowrap rounded-md border border-border-strong bg-popover px-2 py-1 text-xs tabular-nums shadow-popover"
    >
      <div className="text-muted-foreground">
        {stretch.formatRange(new Date(shown.startMs), new Date(shown.endMs))}
      </div>
      {brushed ? (
        <div>Release to zoom in</div>
      ) : (
        <div className="flex gap-3">
          <span>
            {formatCount(bar.value ?? 0)} {unit}
          </span>
          {bar.errors > 0 ? <span className="text-destructive">{formatCount(bar.errors)} failed</span> : null}
        </div>
      )}
    </div>
  );
}
