import { Link } from "@tanstack/react-router";
import { Maximize2, X } from "lucide-react";
import type { ReactNode } from "react";
import { Badge } from "@/components/core/Badge";
import { Button } from "@/components/core/Button";
import { CopyText } from "@/components/core/CopyText";
import { IconButton } from "@/components/core/IconButton";
import { TimeAgo } from "@/components/core/TimeAgo";
import { Tooltip } from "@/components/core/Tooltip";
import { ObservationTypeIcon } from "@/components/trace/ObservationTypeIcon";
import { isFailed, type TraceTree } from "@/components/trace/tree";
import { useProject } from "@/features/projects/useProject";
import type { Trace } from "@/lib/api/types";
import { formatCost, formatCostExact } from "@/lib/format/cost";
import { isZeroDecimal } from "@/lib/format/decimal";
import { formatDuration } from "@/lib/format/duration";
import { shortId } from "@/lib/format/id";
import { formatCount } from "@/lib/format/number";
import { formatTokens } from "@/lib/format/tokens";
import { useHotkey } from "@/lib/useHotkey";
import { quoteValue } from "../filter-language";
import { TraceActions } from "./TraceActions";

type TraceHeaderProps = { trace: Trace; tree: TraceTree; onClosed?: () => void };

/** What the trace is and how it went, on two lines. */
export function TraceHeader({ trace, tree, onClosed }: TraceHeaderProps) {
  const { organization, project } = useProject();
  const address = {
    to: "/$orgSlug/$projectSlug/traces/$traceId",
    params: { orgSlug: organization.slug, projectSlug: project.slug, traceId: trace.trace_id },
  } as const;
  const { usage } = trace;
  const root = tree.byId.get(trace.root_observation_id)?.observation;
  return (
    <header className="shrink-0 border-border border-b px-4 pt-2 pb-2">
      <div className="flex h-8 items-center gap-2">
        <ObservationTypeIcon type={trace.root_type} />
        <h1 className="min-w-0 truncate font-semibold text-base" title={trace.name}>
          {trace.name || "unnamed"}
        </h1>
        {trace.status === "error" || (root && isFailed(root)) ? (
          <Badge tone="destructive">Error</Badge>
        ) : null}
        <CopyText text={trace.trace_id} display={shortId(trace.trace_id)} className="hidden sm:inline-flex" />
        <div className="ml-auto flex items-center gap-0.5">
          <TraceActions trace={trace} />
          {onClosed ? (
            <>
              <FullPageButton address={address} />
              <IconButton label="Close" shortcut="Esc" onClick={onClosed}>
                <X />
              </IconButton>
            </>
          ) : null}
        </div>
      </div>
      <dl className="flex flex-wrap items-center gap-x-5 gap-y-1 text-xs tabular-nums">
        <Fact name="Started">
          <TimeAgo moment={trace.start_time} />
        </Fact>
        <Fact name="Duration">{formatDuration(trace.duration_ms)}</Fact>
        {isZeroDecimal(trace.total_cost ?? "0") ? null : (
          <Fact name="Cost">
            <span title={formatCostExact(trace.total_cost ?? "0")}>
              {formatCost(trace.total_cost ?? "0")}
            </span>
          </Fact>
        )}
        {usage && usage.total_tokens > 0 ? (
          <Fact name="Tokens">
            <Tooltip
              content={`${formatCount(usage.input_tokens)} in, ${formatCount(usage.output_tokens)} out, ${formatCount(usage.cache_read_tokens)} from cache`}
            >
              <span>
                {formatTokens(usage.input_tokens)} in, {formatTokens(usage.output_tokens)} out
              </span>
            </Tooltip>
          </Fact>
        ) : null}
        <Fact name={trace.observation_count === 1 ? "Observation" : "Observations"}>
          {formatCount(trace.observation_count)}
        </Fact>
        {trace.error_count > 0 ? (
          <Fact name="Errors">
            <span className="text-destructive">{formatCount(trace.error_count)}</span>
          </Fact>
        ) : null}
        <FilterFact name="Environment" field="environment" value={trace.environment} />
        <FilterFact name="Service" field="service" value={trace.service_name} />
        <FilterFact name="User" field="user" value={trace.user_id} />
        <FilterFact name="Session" field="session" value={trace.session_id} />
        {trace.tags.length > 0 ? (
          <Fact name="Tags">
            <span className="flex gap-1">
              {trace.tags.map((tag) => (
                <Badge key={tag} tone="outline" className="h-4.5">
                  {tag}
                </Badge>
              ))}
            </span>
          </Fact>
        ) : null}
      </dl>
    </header>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex min-w-0 items-baseline gap-1.5">
      <dt className="text-faint-foreground">{name}</dt>
      <dd className="min-w-0 truncate">{children}</dd>
    </div>
  );
}

/** A value that leads to all traces that share it. */
function FilterFact({
  name,
  field,
  value,
}: {
  name: string;
  field: string;
  value: string | null | undefined;
}) {
  const { organization, project } = useProject();
  if (!value) return null;
  return (
    <Fact name={name}>
      <Link
        to="/$orgSlug/$projectSlug/traces"
        params={{ orgSlug: organization.slug, projectSlug: project.slug }}
        search={{ filter: `${field}:${quoteValue(value)}` }}
        title={`All traces with this ${name.toLowerCase()}`}
        className="rounded-sm underline decoration-border-strong underline-offset-2 hover:decoration-foreground"
      >
        {value}
      </Link>
    </Fact>
  );
}

type Address = {
  to: "/$orgSlug/$projectSlug/traces/$traceId";
  params: { orgSlug: string; projectSlug: string; traceId: string };
};

function FullPageButton({ address }: { address: Address }) {
  const link = (
    <Link {...address} search={({ observation, tab }) => ({ observation, tab })} aria-label="Open as a page">
      <Maximize2 />
    </Link>
  );
  useHotkey("o", () => document.getElementById("trace-full-page")?.querySelector("a")?.click());
  return (
    <Tooltip content="Open as a page" shortcut="O">
      <span id="trace-full-page">
        <Button asChild variant="ghost" size="icon">
          {link}
        </Button>
      </span>
    </Tooltip>
  );
}
