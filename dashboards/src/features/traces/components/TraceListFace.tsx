import { Link } from "@tanstack/react-router";
import { FilterX, ListTree } from "lucide-react";
import { Button } from "@/components/core/Button";
import { EmptyState } from "@/components/core/EmptyState";
import { ErrorState } from "@/components/core/ErrorState";
import { useProject } from "@/features/projects/useProject";
import { type TimeRange, timeRangeLabel } from "@/lib/time-range";
import type { FilterProblem } from "../filter-problem";
import type { TraceList } from "../useTraceList";
import { useTraceNavigation } from "../useTraceNavigation";

type TraceListFaceProps = { traceList: TraceList; filter: string; problem: FilterProblem | undefined };

/** What stands in place of rows: a failure, a filter that matches nothing, a project that has sent nothing. */
export function TraceListFace({ traceList, filter, problem }: TraceListFaceProps) {
  const { list, range, question } = traceList;
  const { organization, project } = useProject();
  const { setFilter, widen } = useTraceNavigation();
  if (problem) {
    return (
      <EmptyState
        icon={FilterX}
        title="The filter cannot be read"
        action={<ClearFilter onClick={() => setFilter("")} />}
      >
        Mend the term that is underlined, or begin again.
      </EmptyState>
    );
  }
  if (list.isError) {
    return (
      <ErrorState
        error={list.error}
        title="Traces could not be loaded"
        onRetry={() => void list.refetch()}
        retrying={list.isFetching}
      />
    );
  }
  if (question.filter !== "") {
    return (
      <EmptyState
        icon={FilterX}
        title="No trace matches"
        action={
          <>
            {filter ? <ClearFilter onClick={() => setFilter("")} /> : null}
            <Button onClick={widen}>Look at the last 30 days</Button>
          </>
        }
      >
        Nothing in {rangeWords(range)} fits {filter ? "this filter" : "this environment"}.
      </EmptyState>
    );
  }
  return (
    <EmptyState
      icon={ListTree}
      title="No traces here yet"
      action={
        <>
          <Button variant="primary" asChild>
            <Link
              to="/$orgSlug/$projectSlug/getting-started"
              params={{ orgSlug: organization.slug, projectSlug: project.slug }}
            >
              Getting started
            </Link>
          </Button>
          <Button onClick={widen}>Look at the last 30 days</Button>
        </>
      }
    >
      Nothing was received in {rangeWords(range)}. Connect an application to see its calls.
    </EmptyState>
  );
}

function ClearFilter({ onClick }: { onClick: () => void }) {
  return <Button onClick={onClick}>Clear the filter</Button>;
}

function rangeWords(range: TimeRange): string {
  return range.kind === "preset" ? `the ${timeRangeLabel(range).toLowerCase()}` : "this stretch of time";
}
