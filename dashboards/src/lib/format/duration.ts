/** Lengths of time: "0.42 ms", "12 ms", "1.24 s", "3 m 05 s", "2 h 04 m", "3 d 04 h". */

const secondMs = 1_000;
const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

export function formatDuration(durationMs: number): string {
  if (!Number.isFinite(durationMs)) return "–";
  const ms = Math.max(0, durationMs);
  if (ms === 0) return "0 ms";
  if (ms < 0.995) return `${significant(ms)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${seconds(ms)} s`;
  return ofTwoUnits(ms);
}

/** Two significant digits, and never an exponent: "0.42", "0.0031". */
function significant(ms: number): string {
  return ms < 0.0001 ? "<0.0001" : String(Number(ms.toPrecision(2)));
}

function seconds(ms: number): string {
  return (ms / secondMs).toFixed(ms < 9_995 ? 2 : 1);
}

function ofTwoUnits(ms: number): string {
  if (ms < hourMs - 500) return pair(Math.round(ms / secondMs), 60, "m", "s");
  if (ms < dayMs - 30_000) return pair(Math.round(ms / minuteMs), 60, "h", "m");
  return pair(Math.round(ms / hourMs), 24, "d", "h");
}

function pair(count: number, base: number, large: string, small: string): string {
  return `${Math.floor(count / base)} ${large} ${String(count % base).padStart(2, "0")} ${small}`;
}
