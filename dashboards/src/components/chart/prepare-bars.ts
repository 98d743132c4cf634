/**
 * Decides what a chart of bars over time shows; drawing is elsewhere. An additive measure counts zero where nothing
 * happened; any other one has a gap there, which is not the same: say which with `missing`.
 */
import { countTicks, type TimeTick, timeTicks } from "./ticks";

export type MissingBucket = "zero" | "gap";

/** One stretch of time: the whole, and the part of it that failed. */
export type BarInput = { start: string; count: number; error_count: number };

export type Bar = {
  startMs: number;
  endMs: number;
  /** Null where nothing is known. */
  value: number | null;
  errors: number;
};

export type PreparedBars = {
  bars: Bar[];
  fromMs: number;
  toMs: number;
  intervalMs: number;
  /** The top of the scale. */
  top: number;
  valueTicks: number[];
  timeTicks: TimeTick[];
  total: number;
  totalErrors: number;
};

type BarsQuestion = {
  buckets: readonly BarInput[];
  intervalMs: number;
  fromMs: number;
  toMs: number;
  missing: MissingBucket;
  /** How many time labels there is room for. */
  labels: number;
};

export function prepareBars(question: BarsQuestion): PreparedBars {
  const { intervalMs, fromMs, toMs, labels } = question;
  const bars = fill(question);
  const valueTicks = countTicks(Math.max(0, ...bars.map(({ value }) => value ?? 0)));
  return {
    bars,
    fromMs,
    toMs,
    intervalMs,
    top: valueTicks.at(-1) ?? 1,
    valueTicks,
    timeTicks: timeTicks(fromMs, toMs, labels),
    total: bars.reduce((sum, { value }) => sum + (value ?? 0), 0),
    totalErrors: bars.reduce((sum, { errors }) => sum + errors, 0),
  };
}

const bucketsMost = 2_000;

/** One bar per interval of the range, aligned to the buckets that came. */
function fill({ buckets, intervalMs, fromMs, toMs, missing }: BarsQuestion): Bar[] {
  if (intervalMs <= 0 || toMs <= fromMs || (toMs - fromMs) / intervalMs > bucketsMost) return [];
  const known = new Map(buckets.map((bucket) => [Date.parse(bucket.start), bucket]));
  const anchor = buckets[0] ? Date.parse(buckets[0].start) : Math.floor(fromMs / intervalMs) * intervalMs;
  const first = anchor - Math.ceil((anchor - fromMs) / intervalMs) * intervalMs;
  const bars: Bar[] = [];
  for (let startMs = first; startMs < toMs; startMs += intervalMs) {
    const bucket = known.get(startMs);
    bars.push({
      startMs,
      endMs: startMs + intervalMs,
      value: bucket ? bucket.count : missing === "zero" ? 0 : null,
      errors: bucket?.error_count ?? 0,
    });
  }
  return bars;
}

/** The bar under a moment. */
export function barAt(bars: readonly Bar[], atMs: number): Bar | undefined {
  return bars.find(({ startMs, endMs }) => atMs >= startMs && atMs < endMs);
}

/** What a brush from one moment to another selects: whole bars, at least one, never beyond the range. */
export function brushedRange(prepared: PreparedBars, oneMs: number, otherMs: number) {
  const { intervalMs, bars, fromMs, toMs } = prepared;
  const first = bars[0]?.startMs ?? fromMs;
  const snap = (at: number) => first + Math.floor((at - first) / intervalMs) * intervalMs;
  const startMs = Math.max(fromMs, snap(Math.min(oneMs, otherMs)));
  const endMs = Math.min(toMs, snap(Math.max(oneMs, otherMs)) + intervalMs);
  return { startMs, endMs: Math.max(endMs, startMs + 1) };
}
