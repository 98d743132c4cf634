import { Link } from "@tanstack/react-router";
import { StatusDot } from "@/components/table/cells";
import { ObservationTypeIcon } from "@/components/trace/ObservationTypeIcon";
import type { Trace } from "@/lib/api/types";

/** Status, type and name; the name is a link, so that it opens in another tab too. */
export function TraceNameCell({ trace }: { trace: Trace }) {
  return (
    <span className="flex min-w-0 items-center gap-2">
      <StatusDot status={trace.status} />
      <ObservationTypeIcon type={trace.root_type} />
      <Link
        to="."
        search={(search) => ({
          ...search,
          peek: trace.trace_id,
          observation: undefined,
          tab: undefined,
        })}
        preload={false}
        className="truncate rounded-sm font-medium"
        title={trace.name}
      >
        {trace.name || "unnamed"}
      </Link>
    </span>
  );
}
