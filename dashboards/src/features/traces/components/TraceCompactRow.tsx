import { CostCell, ErrorsCell, TimestampCell } from "@/components/table/cells";
import type { Trace } from "@/lib/api/types";
import { formatDuration } from "@/lib/format/duration";
import { previewText } from "../preview";
import { TraceNameCell } from "./TraceNameCell";

/** A trace on a narrow screen: what it is and how it went, then what was asked. */
export function TraceCompactRow({ trace }: { trace: Trace }) {
  return (
    <div className="flex flex-col gap-1 py-2">
      <div className="flex items-center justify-between gap-3">
        <TraceNameCell trace={trace} />
        <span className="shrink-0 tabular-nums">{formatDuration(trace.duration_ms)}</span>
      </div>
      <div className="flex items-center gap-3 text-xs">
        <TimestampCell moment={trace.start_time} />
        <span className="min-w-0 flex-1 truncate text-muted-foreground">
          {previewText(trace.input_preview)?.slice(0, 120)}
        </span>
        {trace.error_count > 0 ? <ErrorsCell count={trace.error_count} /> : null}
        <CostCell amount={trace.total_cost} />
      </div>
    </div>
  );
}
