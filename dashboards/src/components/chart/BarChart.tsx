import { useRef } from "react";
import { formatCompact } from "@/lib/format/number";
import { BarShapes } from "./BarShapes";
import { BarTooltip } from "./BarTooltip";
import { type BarInput, barAt, brushedRange, prepareBars } from "./prepare-bars";
import { useBrush } from "./useBrush";
import { useWidth } from "./useWidth";

type BarChartProps = {
  /** What is counted: "traces". The unit of the value axis. */
  unit: string;
  buckets: readonly BarInput[];
  intervalMs: number;
  fromMs: number;
  toMs: number;
  height: number;
  /** Dragging zooms into the selected time. */
  onBrushed?: (startMs: number, endMs: number) => void;
};

const axisWidth = 40;
const axisHeight = 18;
const topSpace = 6;
const labelPixels = 96;

/** Counts over time, the failed part of each bar apart. */
export function BarChart(props: BarChartProps) {
  const { unit, buckets, intervalMs, fromMs, toMs, height, onBrushed } = props;
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const innerWidth = Math.max(1, width - axisWidth - 1);
  const innerHeight = height - axisHeight - topSpace;
  const labels = Math.max(1, Math.floor(innerWidth / labelPixels));
  const prepared = prepareBars({ buckets, intervalMs, fromMs, toMs, missing: "zero", labels });
  const x = (ms: number) => axisWidth + ((ms - fromMs) / (toMs - fromMs)) * innerWidth;
  const y = (value: number) => topSpace + innerHeight * (1 - value / prepared.top);
  const timeAt = (pixels: number) =>
    Math.min(toMs - 1, Math.max(fromMs, fromMs + ((pixels - axisWidth) / innerWidth) * (toMs - fromMs)));
  const { hoverMs, brush, handlers } = useBrush(
    timeAt,
    onBrushed &&
      ((one, other) => {
        const { startMs, endMs } = brushedRange(prepared, one, other);
        onBrushed(startMs, endMs);
      }),
  );
  const hovered = hoverMs === undefined ? undefined : barAt(prepared.bars, hoverMs);
  const brushed = brush && brushedRange(prepared, brush.oneMs, brush.otherMs);
  const summary = `${formatCompact(prepared.total)} ${unit}, ${formatCompact(prepared.totalErrors)} failed`;

  return (
    <div ref={frame} className="relative select-none" style={{ height }}>
      <svg
        role="img"
        aria-label={`${unit} over time: ${summary}`}
        width={width}
        height={height}
        className={onBrushed ? "block cursor-crosshair touch-pan-y" : "block"}
        {...handlers}
      >
        {prepared.valueTicks.map((tick) => (
          <g key={tick}>
            <line x1={axisWidth} x2={width} y1={y(tick)} y2={y(tick)} className="stroke-border" />
            <text
              x={axisWidth - 6}
              y={y(tick)}
              dy="0.32em"
              textAnchor="end"
              className="fill-faint-foreground text-[10px] tabular-nums"
            >
              {formatCompact(tick)}
            </text>
          </g>
        ))}
        {prepared.timeTicks.map(({ atMs, label }) => (
          <text
            key={atMs}
            x={Math.min(width - 18, Math.max(axisWidth + 14, x(atMs)))}
            y={height - 4}
            textAnchor="middle"
            className="fill-faint-foreground text-[10px] tabular-nums"
          >
            {label}
          </text>
        ))}
        <BarShapes prepared={prepared} x={x} y={y} hovered={hovered} />
        {brushed ? (
          <rect
            x={x(brushed.startMs)}
            width={x(brushed.endMs) - x(brushed.startMs)}
            y={topSpace}
            height={innerHeight}
            className="fill-accent/15 stroke-accent"
          />
        ) : null}
      </svg>
      {hovered ? (
        <BarTooltip
          bar={hovered}
          unit={unit}
          brushed={brushed}
          x={x((hovered.startMs + hovered.endMs) / 2)}
          width={width}
        />
      ) : null}
    </div>
  );
}
