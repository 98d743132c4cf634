/** What was used and what it cost, bucket by bucket. The buckets are those that are billed apart, so that they add up. */
import type { Observation } from "@/lib/api/types";

export type CostRow = {
  bucket: string;
  label: string;
  tokens: number | undefined;
  amount: string | undefined;
};

const labels: Record<string, string> = {
  input: "Input",
  cache_read: "Input, read from cache",
  cache_write: "Input, written to cache",
  output: "Output",
  reasoning: "Output, reasoning",
};
const order = Object.keys(labels);

export function costRows({ usage, cost }: Pick<Observation, "usage" | "cost">): CostRow[] {
  const tokens = billedTokens(usage, cost ?? {});
  const buckets = new Set([
    ...Object.keys(cost ?? {}).filter((bucket) => bucket !== "total"),
    ...Object.keys(tokens).filter((bucket) => (tokens[bucket] ?? 0) > 0),
  ]);
  const rank = (bucket: string) => (order.includes(bucket) ? order.indexOf(bucket) : order.length);
  return [...buckets]
    .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
    .map((bucket) => ({
      bucket,
      label: labels[bucket] ?? bucket.replaceAll("_", " "),
      tokens: tokens[bucket],
      amount: cost?.[bucket],
    }));
}

/** The totals include cached and reasoning tokens: what is listed apart is taken out of them. */
function billedTokens(
  usage: Observation["usage"],
  cost: Record<string, string | undefined>,
): Record<string, number | undefined> {
  if (!usage) return {};
  const reasoning = cost.reasoning === undefined ? 0 : usage.reasoning_tokens;
  return {
    input: Math.max(0, usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens),
    cache_read: usage.cache_read_tokens,
    cache_write: usage.cache_write_tokens,
    output: Math.max(0, usage.output_tokens - reasoning),
    reasoning,
  };
}
