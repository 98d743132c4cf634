import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowRight, CircleCheck } from "lucide-react";
import { Button } from "@/components/core/Button";
import { Skeleton } from "@/components/core/Skeleton";
import { useProject } from "@/features/projects/useProject";
import { describeError } from "@/lib/api/errors";
import type { Trace } from "@/lib/api/types";
import { newestTraceQuery } from "./queries";

/** Waits for a trace, and turns into it when it arrives. */
export function FirstTrace() {
  const { project } = useProject();
  const { data: trace, error, isPending } = useQuery(newestTraceQuery(project.id));
  return (
    <section
      aria-label="First trace"
      aria-live="polite"
      className="flex min-h-14 items-center gap-3 rounded-md border border-border bg-surface px-3 py-2"
    >
      {isPending && !error ? (
        <Skeleton className="h-5 w-64" />
      ) : trace ? (
        <Received trace={trace} />
      ) : (
        <Waiting error={error} />
      )}
    </section>
  );
}

function Waiting({ error }: { error: Error | null }) {
  return (
    <>
      <span aria-hidden className="relative mx-1 flex size-2.5 shrink-0">
        <span className="absolute inset-0 animate-ping rounded-full bg-accent opacity-50" />
        <span className="relative size-2.5 rounded-full bg-accent" />
      </span>
      <div className="min-w-0">
        <p className="font-medium text-sm">Waiting for the first trace</p>
        <p className="text-muted-foreground text-xs">
          {error
            ? `${describeError(error).text} Still trying.`
            : "This page notices by itself, about a second after it arrives."}
        </p>
      </div>
    </>
  );
}

function Received({ trace }: { trace: Trace }) {
  const { organization, project } = useProject();
  return (
    <>
      <CircleCheck aria-hidden className="mx-0.5 size-4.5 shrink-0 text-success" />
      <div className="min-w-0 flex-1">
        <p className="font-medium text-sm">Traces are arriving</p>
        <p className="truncate text-muted-foreground text-xs">
          Newest: {trace.name}, {trace.observation_count}{" "}
          {trace.observation_count === 1 ? "observation" : "observations"}
        </p>
      </div>
      <Button variant="primary" asChild>
        <Link
          to="/$orgSlug/$projectSlug/traces/$traceId"
          params={{ orgSlug: organization.slug, projectSlug: project.slug, traceId: trace.trace_id }}
        >
          Open the trace <ArrowRight aria-hidden />
        </Link>
      </Button>
    </>
  );
}
