/** Places for axis labels that a person would have chosen. Pure. */

/** Whole-number ticks from 0 to at least `max`, about `wanted` of them: 0, 5, 10. */
export function countTicks(max: number, wanted = 2): number[] {
  if (max <= 0) return [0, 1];
  const step = niceStep(max / wanted);
  const last = Math.ceil(max / step);
  return Array.from({ length: last + 1 }, (_, index) => index * step);
}

/** 1, 2 or 5 times a power of ten, and never a fraction of a thing that is counted. */
function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= rough) ?? 10;
  return factor * power;
}

const secondMs = 1_000;
const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;
const timeSteps = [
  ...[1, 5, 15, 30].map((count) => count * secondMs),
  ...[1, 5, 10, 15, 30].map((count) => count * minuteMs),
  ...[1, 3, 6, 12].map((count) => count * hourMs),
  ...[1, 2, 7, 14, 28].map((count) => count * dayMs),
];

export type TimeTick = { atMs: number; label: string };

/** Ticks on whole local hours, days or minutes, at most `most` of them. */
export function timeTicks(fromMs: number, toMs: number, most: number): TimeTick[] {
  const span = toMs - fromMs;
  if (span <= 0 || most < 1) return [];
  const step = timeSteps.find((candidate) => span / candidate <= most) ?? dayMs * 28;
  const ticks: TimeTick[] = [];
  for (let at = firstTick(fromMs, step); at <= toMs; at = nextTick(at, step)) {
    ticks.push({ atMs: at, label: tickLabel(at, step) });
  }
  return ticks;
}

/** Steps count from local midnight, so that a tick says 06:00 and not 05:30 wherever the clock stands. */
function firstTick(fromMs: number, step: number): number {
  const midnight = new Date(fromMs).setHours(0, 0, 0, 0);
  return midnight + Math.ceil((fromMs - midnight) / step) * step;
}

function nextTick(at: number, step: number): number {
  if (step < dayMs) return at + step;
  const next = new Date(at);
  next.setDate(next.getDate() + Math.round(step / dayMs));
  return next.getTime();
}

const hourAndMinute = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const withSeconds = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

function tickLabel(atMs: number, step: number): string {
  const date = new Date(atMs);
  const midnight = date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0;
  if (midnight) return day.format(date);
  return (step < minuteMs ? withSeconds : hourAndMinute).format(date);
}
