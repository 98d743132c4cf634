/** Dragging over a chart selects a stretch of its time axis. */
import { type PointerEvent, useState } from "react";

type Brush = { oneMs: number; otherMs: number };

/** Shorter drags are clicks of an unsteady hand. */
const leastPixels = 5;

export function useBrush(
  timeAt: (x: number) => number,
  onBrushed: ((oneMs: number, otherMs: number) => void) | undefined,
) {
  const [hoverMs, setHoverMs] = useState<number>();
  const [from, setFrom] = useState<{ x: number; ms: number }>();

  const xOf = (event: PointerEvent<SVGSVGElement>) =>
    event.clientX - event.currentTarget.getBoundingClientRect().left;

  const handlers = {
    onPointerDown(event: PointerEvent<SVGSVGElement>) {
      if (event.button !== 0 || !onBrushed) return;
      event.currentTarget.setPointerCapture?.(event.pointerId);
      const x = xOf(event);
      setFrom({ x, ms: timeAt(x) });
    },
    onPointerMove(event: PointerEvent<SVGSVGElement>) {
      setHoverMs(timeAt(xOf(event)));
    },
    onPointerUp(event: PointerEvent<SVGSVGElement>) {
      const x = xOf(event);
      if (from && Math.abs(x - from.x) >= leastPixels) onBrushed?.(from.ms, timeAt(x));
      setFrom(undefined);
    },
    onPointerCancel() {
      setFrom(undefined);
    },
    onPointerLeave() {
      setHoverMs(undefined);
    },
  };
  const brush: Brush | undefined =
    from && hoverMs !== undefined ? { oneMs: from.ms, otherMs: hoverMs } : undefined;
  return { hoverMs, brush, handlers };
}
