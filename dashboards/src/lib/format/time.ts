/** Moments as people read them: relative in a list, absolute with its zone on hover. */

const steps: [unit: Intl.RelativeTimeFormatUnit, ms: number][] = [
  ["year", 365 * 86_400_000],
  ["month", 30 * 86_400_000],
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

const relative = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "narrow" });

/** "now", "5m ago", "in 3d". */
export function formatRelative(moment: Date | string, nowMs: number): string {
  const awayMs = new Date(moment).getTime() - nowMs;
  for (const [unit, ms] of steps) {
    if (Math.abs(awayMs) >= ms) return relative.format(Math.trunc(awayMs / ms), unit);
  }
  return "now";
}

const absolute = new Intl.DateTimeFormat("en-GB", {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZoneName: "short",
});

/** "22 Nov 2026, 10:04:05 CET". */
export function formatAbsolute(moment: Date | string): string {
  return absolute.format(new Date(moment));
}

const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});

/** "10:04:05.120", for events inside one trace. */
export function formatClock(moment: Date | string): string {
  return clock.format(new Date(moment));
}

/**
 * Milliseconds since 1970 with what follows the third decimal kept: spans of microseconds must not collapse to a
 * point. Good to about a quarter of a microsecond.
 */
export function preciseMs(moment: string): number {
  const ms = Date.parse(moment);
  const beyond = /\.\d{3}(\d+)/.exec(moment)?.[1];
  return beyond ? ms + Number(`0.${beyond}`) : ms;
}
