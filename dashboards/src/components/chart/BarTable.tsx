import { formatCount } from "@/lib/format/number";
import { formatAbsolute } from "@/lib/format/time";
import type { BarInput } from "./prepare-bars";

type BarTableProps = { unit: string; buckets: readonly BarInput[]; height: number };

/** The same figures as a table: for reading aloud, and for exact numbers. Stretches with nothing are left out. */
export function BarTable({ unit, buckets, height }: BarTableProps) {
  const filled = buckets.filter(({ count }) => count > 0);
  return (
    <section
      aria-label={`${unit} over time`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      style={{ height }}
      className="overflow-auto"
    >
      <table className="w-full max-w-lg text-left text-xs tabular-nums">
        <thead className="sticky top-0 bg-background text-muted-foreground">
          <tr>
            <th className="py-0.5 pr-4 pl-3 font-normal">From</th>
            <th className="px-4 py-0.5 text-right font-normal first-letter:uppercase">{unit}</th>
            <th className="px-4 py-0.5 text-right font-normal">Failed</th>
          </tr>
        </thead>
        <tbody>
          {filled.map((bucket) => (
            <tr key={bucket.start}>
              <td className="pr-4 pl-3">{formatAbsolute(bucket.start)}</td>
              <td className="px-4 text-right">{formatCount(bucket.count)}</td>
              <td className="px-4 text-right">{formatCount(bucket.error_count)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {filled.length === 0 ? (
        <p className="px-3 py-1 text-muted-foreground text-xs">No {unit} in this range.</p>
      ) : null}
    </section>
  );
}
