import { cn } from "@/lib/cn";
import type { Bar, PreparedBars } from "./prepare-bars";

type BarShapesProps = {
  prepared: PreparedBars;
  x: (ms: number) => number;
  y: (value: number) => number;
  hovered: Bar | undefined;
};

const gapPixels = 1;
/** A single trace among thousands must not vanish. */
const leastHeight = 2;

export function BarShapes({ prepared, x, y, hovered }: BarShapesProps) {
  const base = y(0);
  return prepared.bars.map((bar) => {
    if (!bar.value) return null;
    const left = Math.max(x(prepared.fromMs), x(bar.startMs));
    const right = Math.min(x(prepared.toMs), x(bar.endMs));
    const barWidth = Math.max(1, right - left - gapPixels);
    const height = Math.max(leastHeight, base - y(bar.value));
    const errorHeight = bar.errors > 0 ? Math.max(leastHeight, base - y(bar.errors)) : 0;
    return (
      <g key={bar.startMs} className={cn(hovered && hovered !== bar && "opacity-50")}>
        <rect
          x={left}
          y={base - height}
          width={barWidth}
          height={Math.max(0, height - errorHeight)}
          className="fill-series-1"
        />
        {errorHeight > 0 ? (
          <rect
            x={left}
            y={base - errorHeight}
            width={barWidth}
            height={errorHeight}
            className="fill-destructive"
          />
        ) : null}
      </g>
    );
  });
}
