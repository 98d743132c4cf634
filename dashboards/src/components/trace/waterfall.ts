/** Where bars and ticks of the waterfall stand, in per cent of its width. Pure. */

export type Placed = { leftPercent: number; widthPercent: number };

/** A bar that would be thinner than this could not be seen or hit; the drawing adds a least width in pixels. */
export function placeBar(startMs: number, durationMs: number, totalMs: number): Placed {
  if (!(totalMs > 0)) return { leftPercent: 0, widthPercent: 100 };
  const left = clamp(startMs / totalMs);
  const right = clamp((startMs + Math.max(0, durationMs)) / totalMs);
  return { leftPercent: left * 100, widthPercent: (right - left) * 100 };
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}

export type WaterfallTick = { ms: number; leftPercent: number };

const factors = [1, 2, 2.5, 5, 10];

/** Ticks at round lengths of time, at most `most` of them after the zero. */
export function waterfallTicks(totalMs: number, most: number): WaterfallTick[] {
  if (!(totalMs > 0)) return [];
  const step = roundStep(totalMs / most);
  const ticks: WaterfallTick[] = [];
  for (let count = 0; count * step <= totalMs; count += 1) {
    ticks.push({ ms: count * step, leftPercent: ((count * step) / totalMs) * 100 });
  }
  return ticks;
}

const minuteMs = 60_000;
const minutes = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440].map((count) => count * minuteMs);

function roundStep(rough: number): number {
  if (rough > 20_000)
    return minutes.find((step) => step >= rough) ?? Math.ceil(rough / minuteMs / 1440) * minuteMs * 1440;
  const power = 10 ** Math.floor(Math.log10(rough));
  return (factors.find((factor) => factor * power >= rough) ?? 10) * power;
}
