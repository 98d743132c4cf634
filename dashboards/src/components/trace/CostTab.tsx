import { EmptyState } from "@/components/core/EmptyState";
import type { Observation } from "@/lib/api/types";
import { formatCostExact } from "@/lib/format/cost";
import { formatCount } from "@/lib/format/number";
import { costRows } from "./cost-rows";

const sources: Record<string, string> = {
  client: "The application sent these amounts.",
  priced: "Brokle priced these tokens by its price table.",
};

/** Each billed bucket: its tokens and its share of the cost. */
export function CostTab({ observation }: { observation: Observation }) {
  const rows = costRows(observation);
  const { cost, usage, cost_source } = observation;
  if (rows.length === 0) {
    return (
      <EmptyState title="Nothing was counted" className="py-10">
        This observation reported no tokens and no cost.
      </EmptyState>
    );
  }
  return (
    <div className="flex flex-col gap-3 px-4 py-3">
      <table className="w-full max-w-xl text-sm tabular-nums">
        <thead className="text-muted-foreground text-xs">
          <tr className="border-border border-b">
            <th className="py-1.5 text-left font-normal">Bucket</th>
            <th className="py-1.5 text-right font-normal">Tokens</th>
            <th className="py-1.5 text-right font-normal">US dollars</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ bucket, label, tokens, amount }) => (
            <tr key={bucket} className="border-border border-b">
              <td className="py-1.5">{label}</td>
              <td className="py-1.5 text-right">{tokens === undefined ? "–" : formatCount(tokens)}</td>
              <td className="py-1.5 text-right font-mono text-xs">
                {amount ? formatCostExact(amount) : "–"}
              </td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr className="font-medium">
            <td className="py-1.5">Total</td>
            <td className="py-1.5 text-right">{usage ? formatCount(usage.total_tokens) : "–"}</td>
            <td className="py-1.5 text-right font-mono text-xs">
              {cost?.total ? formatCostExact(cost.total) : "–"}
            </td>
          </tr>
        </tfoot>
      </table>
      <p className="text-muted-foreground text-xs">
        {cost_source
          ? (sources[cost_source] ?? `Priced by ${cost_source}.`)
          : "No price is known for this model."}
        {usage && usage.reasoning_tokens > 0
          ? ` ${formatCount(usage.reasoning_tokens)} of the output tokens went into reasoning.`
          : null}
      </p>
    </div>
  );
}
