/** Counts and shares, grouped by thousands in every locale so that a screenshot means the same everywhere. */

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** "1,204". */
export function formatCount(value: number): string {
  return grouped.format(value);
}

const steps = [
  { from: 999_500_000, unit: 1_000_000_000, suffix: "G" },
  { from: 999_500, unit: 1_000_000, suffix: "M" },
  { from: 9_999.5, unit: 1_000, suffix: "k" },
] as const;

/** "1,204", "12.4 k", "3.10 M": at most three digits once a suffix is used. */
export function formatCompact(value: number): string {
  const step = steps.find(({ from }) => Math.abs(value) >= from);
  if (!step) return formatCount(value);
  const scaled = value / step.unit;
  const digits = Math.abs(scaled) < 9.995 ? 2 : Math.abs(scaled) < 99.95 ? 1 : 0;
  return `${scaled.toFixed(digits)} ${step.suffix}`;
}

/** "4.2 %" of a share between 0 and 1; a share that is not nothing never reads as nothing. */
export function formatPercent(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.05) return "<0.1 %";
  return `${percent >= 99.95 || percent === 0 ? Math.round(percent) : percent.toFixed(1)} %`;
}
