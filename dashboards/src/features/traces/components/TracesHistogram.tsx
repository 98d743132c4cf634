import { ChartColumn, Table2 } from "lucide-react";
import { useState } from "react";
import { BarChart } from "@/components/chart/BarChart";
import { BarTable } from "@/components/chart/BarTable";
import { Button } from "@/components/core/Button";
import { IconButton } from "@/components/core/IconButton";
import { Skeleton } from "@/components/core/Skeleton";
import { cn } from "@/lib/cn";
import { formatCount } from "@/lib/format/number";
import type { TraceList } from "../useTraceList";

type TracesHistogramProps = Pick<TraceList, "question" | "histogram"> & {
  /** The filter cannot be read: there is nothing to chart, and nothing to try again. */
  unreadable: boolean;
  onBrushed: (startMs: number, endMs: number) => void;
};

const height = 92;

/** How many traces began when, and how many failed. Drag to zoom in. */
export function TracesHistogram({ question, histogram, unreadable, onBrushed }: TracesHistogramProps) {
  const [asTable, setAsTable] = useState(false);
  const { data, isPending, isError, isPlaceholderData, refetch } = histogram;
  const buckets = data?.buckets ?? [];
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  const failed = buckets.reduce((sum, { error_count }) => sum + error_count, 0);
  return (
    <section aria-label="Traces over time" className="shrink-0 border-border border-b px-3 pt-1.5 pb-1">
      <div className="flex h-6 items-center gap-3 text-xs tabular-nums">
        {data ? (
          <>
            <span>
              <span className="font-medium">{formatCount(total)}</span>{" "}
              <span className="text-muted-foreground">{total === 1 ? "trace" : "traces"}</span>
            </span>
            {failed > 0 ? <span className="text-destructive">{formatCount(failed)} failed</span> : null}
          </>
        ) : isPending ? (
          <Skeleton className="h-2.5 w-24" />
        ) : null}
        <IconButton
          label={asTable ? "Show the chart" : "Show as a table"}
          size="icon-sm"
          className="ml-auto"
          onClick={() => setAsTable(!asTable)}
        >
          {asTable ? <ChartColumn /> : <Table2 />}
        </IconButton>
      </div>
      {unreadable ? (
        <div style={{ height }} />
      ) : isError ? (
        <div style={{ height }} className="flex items-center gap-3 text-muted-foreground text-xs">
          The chart could not be loaded.
          <Button size="sm" onClick={() => void refetch()}>
            Try again
          </Button>
        </div>
      ) : !data ? (
        <div style={{ height }} className="py-2 pl-10">
          <Skeleton className="h-full" />
        </div>
      ) : asTable ? (
        <BarTable unit="traces" buckets={buckets} height={height} />
      ) : (
        <div className={cn("transition-opacity", isPlaceholderData && "opacity-50")}>
          <BarChart
            unit="traces"
            buckets={buckets}
            intervalMs={data.interval_ms}
            fromMs={Date.parse(question.from)}
            toMs={Date.parse(question.to)}
            height={height}
            onBrushed={onBrushed}
          />
        </div>
      )}
    </section>
  );
}
