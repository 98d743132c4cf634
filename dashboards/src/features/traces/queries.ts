import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, bodyOf, dataOf, type Page, pageOf } from "@/lib/api/client";
import { ApiError } from "@/lib/api/errors";
import type { Observation } from "@/lib/api/types";

/** What a list of traces is a list of. `from` and `to` are fixed: paging needs a range that does not move. */
export type TracesQuestion = { projectId: string; from: string; to: string; filter: string };

const keys = {
  all: (projectId: string) => ["projects", projectId, "traces"] as const,
  trace: (projectId: string, traceId: string) => ["projects", projectId, "trace", traceId] as const,
};

const pageSize = 100;

function parametersOf({ projectId, from, to, filter }: TracesQuestion) {
  return { project_id: projectId, from, to, filter: filter === "" ? undefined : filter };
}

export function tracesQuery(question: TracesQuestion) {
  return infiniteQueryOptions({
    queryKey: [...keys.all(question.projectId), "list", question],
    queryFn: ({ signal, pageParam }) => {
      const query = { ...parametersOf(question), limit: pageSize, cursor: pageParam };
      return pageOf(api.GET("/api/v1/analytics/traces", { params: { query }, signal }));
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  });
}

export function histogramQuery(question: TracesQuestion) {
  return queryOptions({
    queryKey: [...keys.all(question.projectId), "histogram", question],
    queryFn: ({ signal }) => {
      const query = parametersOf(question);
      return dataOf(api.GET("/api/v1/analytics/traces/histogram", { params: { query }, signal }));
    },
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  });
}

/** Frequent values of the range, whatever the filter: choosing one must not make the others vanish. */
export function facetsQuery({ projectId, from, to }: Omit<TracesQuestion, "filter">) {
  return queryOptions({
    queryKey: [...keys.all(projectId), "facets", { from, to }],
    queryFn: ({ signal }) => {
      const query = { project_id: projectId, from, to };
      return dataOf(api.GET("/api/v1/analytics/traces/facets", { params: { query }, signal }));
    },
    staleTime: 60_000,
    placeholderData: keepPreviousData,
  });
}

const newestAtMost = 50;
const livePollMs = 3_000;

/** The newest traces as of each poll, for saying how many came since the list was loaded. */
export function newestTracesQuery(question: Omit<TracesQuestion, "to">) {
  return queryOptions({
    queryKey: [...keys.all(question.projectId), "newest", question],
    queryFn: ({ signal }) => {
      const to = new Date().toISOString();
      const query = { ...parametersOf({ ...question, to }), limit: newestAtMost };
      return pageOf(api.GET("/api/v1/analytics/traces", { params: { query }, signal }));
    },
    staleTime: 0,
    refetchInterval: livePollMs,
    retry: false,
  });
}

export function traceQuery(projectId: string, traceId: string) {
  return queryOptions({
    queryKey: keys.trace(projectId, traceId),
    queryFn: ({ signal }) => {
      const params = { path: { trace_id: traceId }, query: { project_id: projectId } };
      return dataOf(api.GET("/api/v1/analytics/traces/{trace_id}", { params, signal }));
    },
    // An id can be known a moment before its trace can be read.
    refetchInterval: ({ state }) =>
      state.error instanceof ApiError && state.error.status === 404 && state.errorUpdateCount <= missingLooks
        ? arrivalPollMs
        : false,
  });
}

const missingLooks = 5;
const arrivalPollMs = 2_500;
/** A root that is not there after this long is not coming. */
const arrivalWaitMs = 10 * 60_000;

/** Spans are sent when they end, so the root of a running trace comes last: look again until it is there. */
function waitsForRoot(pages: readonly Page<Observation>[] | undefined): boolean {
  const [first, ...more] = pages ?? [];
  if (!first || more.length > 0 || first.nextCursor !== undefined) return false;
  const newestMs = Math.max(0, ...first.items.map(({ start_time }) => Date.parse(start_time)));
  return first.items.every((item) => item.parent_observation_id) && Date.now() - newestMs < arrivalWaitMs;
}

const firstObservations = 500;
const moreObservations = 4_000;

/** The observations in pages: the first one small, to show something soon. */
export function observationsQuery(projectId: string, traceId: string) {
  return infiniteQueryOptions({
    queryKey: [...keys.trace(projectId, traceId), "observations"],
    queryFn: ({ signal, pageParam }) => {
      const limit = pageParam === undefined ? firstObservations : moreObservations;
      const query = { project_id: projectId, limit, cursor: pageParam };
      const params = { path: { trace_id: traceId }, query };
      return pageOf(api.GET("/api/v1/analytics/traces/{trace_id}/observations", { params, signal }));
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor,
    // Comparing tens of thousands of observations field by field costs more than drawing them again.
    structuralSharing: false,
    refetchInterval: ({ state }) => (waitsForRoot(state.data?.pages) ? arrivalPollMs : false),
  });
}

/** The trace as OTLP/JSON, as text to be saved. */
export async function fetchOtlp(projectId: string, traceId: string): Promise<string> {
  const params = { path: { trace_id: traceId }, query: { project_id: projectId } };
  const body = await bodyOf(api.GET("/api/v1/analytics/traces/{trace_id}/otlp", { params }));
  return JSON.stringify(body, null, 2);
}
