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
  cache_write_1h: "Input, written to cache for an hour",
  audio_input: "Input, audio",
  image_input: "Input, images",
  output: "Output",
  reasoning: "Output, reasoning",
  audio_output: "Output, audio",
  image_output: "Output, images",
  request: "Fee for the call",
  priced: "By our prices",
};
const order = Object.keys(labels);

type Priced = Pick<Observation, "usage" | "cost"> & Partial<Pick<Observation, "cost_source">>;

export function costRows({ usage, cost, cost_source }: Priced): CostRow[] {
  // A caller's own cost knows no more than input and output; ours is split as finely as the tokens are.
  const tokens = (cost_source === "priced" && bucketsOf(usage)) || billedTokens(usage, cost ?? {});
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

/** The tokens as they are priced, each in one bucket. */
function bucketsOf(usage: Observation["usage"]): Record<string, number | undefined> | undefined {
  return (usage as { buckets?: Record<string, number> } | null | undefined)?.buckets;
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
