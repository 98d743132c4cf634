import type { ReactNode } from "react";
import type { Observation } from "@/lib/api/types";
import { formatCost, formatCostExact } from "@/lib/format/cost";
import { isZeroDecimal } from "@/lib/format/decimal";
import { formatDuration } from "@/lib/format/duration";
import { formatCount } from "@/lib/format/number";
import { formatAbsolute } from "@/lib/format/time";
import { formatTokens } from "@/lib/format/tokens";

/** The figures of one observation, on a line that wraps. */
export function ObservationFacts({ observation }: { observation: Observation }) {
  const { usage, cost, model, provider, time_to_first_token_ms: firstTokenMs } = observation;
  return (
    <p className="flex flex-wrap gap-x-3 gap-y-0.5 text-muted-foreground text-xs tabular-nums">
      {model ? (
        <Fact title={provider ? `Served by ${provider}` : undefined}>
          <span className="text-foreground">{model}</span>
        </Fact>
      ) : null}
      <Fact title={`Began ${formatAbsolute(observation.start_time)}`}>
        {formatDuration(observation.duration_ms)}
      </Fact>
      {firstTokenMs ? (
        <Fact title="Until the first token">{formatDuration(firstTokenMs)} to first token</Fact>
      ) : null}
      {usage ? (
        <Fact title={`${formatCount(usage.input_tokens)} in, ${formatCount(usage.output_tokens)} out`}>
          {formatTokens(usage.input_tokens)} in, {formatTokens(usage.output_tokens)} out
        </Fact>
      ) : null}
      {cost?.total && !isZeroDecimal(cost.total) ? (
        <Fact title={formatCostExact(cost.total)}>{formatCost(cost.total)}</Fact>
      ) : null}
      {observation.service_name ? <Fact title="Service">{observation.service_name}</Fact> : null}
    </p>
  );
}

function Fact({ title, children }: { title?: string; children: ReactNode }) {
  return (
    <span title={title} className="whitespace-nowrap">
      {children}
    </span>
  );
}
