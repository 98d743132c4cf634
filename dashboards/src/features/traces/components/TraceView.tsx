import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Button } from "@/components/core/Button";
import { ErrorState } from "@/components/core/ErrorState";
import { useProject } from "@/features/projects/useProject";
import { ApiError } from "@/lib/api/errors";
import { traceQuery } from "../queries";
import type { ObservationTab } from "../search-params";
import { TraceContent } from "./TraceContent";
import { TraceMissing } from "./TraceMissing";
import { TraceSkeleton } from "./TraceSkeleton";

export type TraceViewProps = {
  traceId: string;
  /** The observation that the URL names. */
  selected: string | undefined;
  tab: ObservationTab | undefined;
  onSelected: (id: string | undefined) => void;
  onTabChanged: (tab: ObservationTab) => void;
  /** Present in a drawer. */
  onClosed?: () => void;
};

/** One trace: as a page, or in a drawer over the list. */
export function TraceView(props: TraceViewProps) {
  const { traceId, onClosed } = props;
  const { organization, project } = useProject();
  const { data: trace, error, isPending, refetch, isFetching } = useQuery(traceQuery(project.id, traceId));
  if (trace) return <TraceContent trace={trace} {...props} />;
  if (isPending) return <TraceSkeleton />;
  const back = onClosed ? (
    <Button onClick={onClosed}>Close</Button>
  ) : (
    <Button asChild>
      <Link
        to="/$orgSlug/$projectSlug/traces"
        params={{ orgSlug: organization.slug, projectSlug: project.slug }}
      >
        All traces
      </Link>
    </Button>
  );
  if (error instanceof ApiError && error.status === 404) {
    return (
      <TraceMissing traceId={traceId} looking={isFetching} onLookedAgain={() => void refetch()} back={back} />
    );
  }
  return (
    <ErrorState
      error={error}
      title="The trace could not be loaded"
      onRetry={() => void refetch()}
      retrying={isFetching}
      action={back}
    />
  );
}
