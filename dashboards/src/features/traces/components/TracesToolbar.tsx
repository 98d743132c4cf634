import { RefreshCw } from "lucide-react";
import { Button } from "@/components/core/Button";
import { IconButton } from "@/components/core/IconButton";
import { ColumnPicker } from "@/components/table/ColumnPicker";
import type { DataTableModel } from "@/components/table/useDataTable";
import type { Facets, Trace } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import type { FilterProblem } from "../filter-problem";
import { useTraceNavigation } from "../useTraceNavigation";
import { FilterBar } from "./FilterBar";

type TracesToolbarProps = {
  filter: string;
  facets: Facets | undefined;
  problem: FilterProblem | undefined;
  live: boolean;
  refreshing: boolean;
  /** Absent where rows have no columns to choose from. */
  table: DataTableModel<Trace> | undefined;
  onColumnsReset: () => void;
  onRefreshed: () => void;
};

export function TracesToolbar(props: TracesToolbarProps) {
  const { filter, live, table } = props;
  const { setFilter, setLive } = useTraceNavigation();
  return (
    <div className="flex shrink-0 items-start gap-1 border-border border-b px-3 py-2">
      <FilterBar
        key={filter}
        value={filter}
        facets={props.facets}
        problem={props.problem}
        onFilterChanged={setFilter}
      />
      <Button
        variant="ghost"
        aria-pressed={live}
        onClick={() => setLive(!live)}
        className={cn("ml-1 px-2", live && "text-foreground")}
      >
        <span aria-hidden className="relative flex size-2">
          {live ? <span className="absolute inset-0 animate-ping rounded-full bg-success/60" /> : null}
          <span className={cn("relative size-2 rounded-full", live ? "bg-success" : "bg-border-strong")} />
        </span>
        Live
      </Button>
      <IconButton label="Refresh" onClick={props.onRefreshed}>
        <RefreshCw className={cn(props.refreshing && "animate-spin")} />
      </IconButton>
      {table ? <ColumnPicker table={table} onReset={props.onColumnsReset} /> : null}
    </div>
  );
}
