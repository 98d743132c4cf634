import {
  CostCell,
  DurationCell,
  ErrorsCell,
  IdCell,
  NothingCell,
  TagsCell,
  TextCell,
  TimestampCell,
  TokensCell,
} from "@/components/table/cells";
import type { TableColumn } from "@/components/table/columns";
import { observationType } from "@/components/trace/observation-types";
import type { Trace } from "@/lib/api/types";
import { TraceNameCell } from "./components/TraceNameCell";
import { previewText } from "./preview";

/** The columns of the list. `maxMs` is the longest trace on the page: the full width of the latency's bar. */
export function traceColumns(maxMs: number): TableColumn<Trace>[] {
  return [
    {
      id: "time",
      label: "Time",
      size: 72,
      render: ({ start_time }) => <TimestampCell moment={start_time} />,
    },
    {
      id: "name",
      label: "Name",
      size: 180,
      minSize: 120,
      grow: true,
      render: (trace) => <TraceNameCell trace={trace} />,
    },
    {
      id: "type",
      label: "Type",
      size: 96,
      hidden: true,
      render: ({ root_type }) => <TextCell text={observationType(root_type).label} />,
    },
    {
      id: "input",
      label: "Input",
      size: 130,
      grow: true,
      render: ({ input_preview }) => <TextCell text={previewText(input_preview)} />,
    },
    {
      id: "output",
      label: "Output",
      size: 120,
      grow: true,
      render: ({ output_preview }) => <TextCell text={previewText(output_preview)} />,
    },
    { id: "models", label: "Models", size: 124, render: ({ models }) => <ModelsCell models={models} /> },
    {
      id: "latency",
      label: "Latency",
      size: 76,
      align: "right",
      render: ({ duration_ms }) => <DurationCell durationMs={duration_ms} maxMs={maxMs} />,
    },
    {
      id: "tokens-in",
      label: "Tokens in",
      size: 74,
      align: "right",
      render: ({ usage }) => <TokensCell tokens={usage?.input_tokens} />,
    },
    {
      id: "tokens-out",
      label: "Out",
      size: 56,
      align: "right",
      render: ({ usage }) => <TokensCell tokens={usage?.output_tokens} />,
    },
    {
      id: "cost",
      label: "Cost",
      size: 90,
      align: "right",
      render: ({ total_cost }) => <CostCell amount={total_cost} />,
    },
    {
      id: "errors",
      label: "Errors",
      size: 58,
      align: "right",
      render: ({ error_count }) => <ErrorsCell count={error_count} />,
    },
    { id: "user", label: "User", size: 100, render: ({ user_id }) => <TextCell text={user_id} /> },
    {
      id: "session",
      label: "Session",
      size: 110,
      hidden: true,
      render: ({ session_id }) => <TextCell text={session_id} />,
    },
    { id: "tags", label: "Tags", size: 130, hidden: true, render: ({ tags }) => <TagsCell tags={tags} /> },
    {
      id: "environment",
      label: "Environment",
      size: 104,
      render: ({ environment }) => <TextCell text={environment} />,
    },
    {
      id: "service",
      label: "Service",
      size: 120,
      hidden: true,
      render: ({ service_name }) => <TextCell text={service_name} />,
    },
    {
      id: "id",
      label: "Trace id",
      size: 92,
      hidden: true,
      render: ({ trace_id }) => <IdCell id={trace_id} />,
    },
  ];
}

function ModelsCell({ models }: { models: readonly string[] }) {
  const [first, ...rest] = models;
  if (!first) return <NothingCell />;
  return (
    <span title={models.join(", ")} className="flex min-w-0 gap-1">
      <span className="truncate">{first}</span>
      {rest.length > 0 ? <span className="text-muted-foreground">+{rest.length}</span> : null}
    </span>
  );
}
