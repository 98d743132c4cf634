/** The list's question, as the URL asks it, and the answers. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { useProject, useProjectSearch } from "@/features/projects/useProject";
import { resolveTimeRange, timeRangeOf } from "@/lib/time-range";
import { joined, quoteValue } from "./filter-language";
import { facetsQuery, histogramQuery, type TracesQuestion, tracesQuery } from "./queries";

const tracesRoute = getRouteApi("/_signed-in/$orgSlug/$projectSlug/traces");

export function useTraceList() {
  const { project } = useProject();
  const { filter = "" } = tracesRoute.useSearch();
  const search = useProjectSearch();
  const range = timeRangeOf(search);
  const asked = JSON.stringify([project.id, range, search.env, filter]);
  const { nowMs, refresh } = useAnchor(asked);

  const { from, to } = resolveTimeRange(range, nowMs);
  const environment = search.env ? `environment:${quoteValue(search.env)}` : "";
  // The environment comes last: positions that the server reports are then positions in what was typed.
  const question: TracesQuestion = { projectId: project.id, from, to, filter: joined(filter, environment) };
  const list = useInfiniteQuery(tracesQuery(question));
  const histogram = useQuery(histogramQuery(question));
  const facets = useQuery(facetsQuery(question));

  const traces = useMemo(() => list.data?.pages.flatMap(({ items }) => items) ?? [], [list.data]);
  const { hasNextPage, isFetchingNextPage, fetchNextPage, isPlaceholderData, isFetchNextPageError } = list;
  const loadMore = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isPlaceholderData && !isFetchNextPageError)
      void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isPlaceholderData, isFetchNextPageError, fetchNextPage]);

  return { question, range, list, histogram, facets, traces, loadMore, refresh };
}

/**
 * The moment that a moving range ends at. It stands still while a person reads and pages, and moves when they ask
 * something else or refresh.
 */
function useAnchor(asked: string) {
  const [anchor, setAnchor] = useState(() => ({ asked, nowMs: Date.now() }));
  let current = anchor;
  if (anchor.asked !== asked) {
    current = { asked, nowMs: Date.now() };
    setAnchor(current);
  }
  return { nowMs: current.nowMs, refresh: () => setAnchor({ asked, nowMs: Date.now() }) };
}

export type TraceList = ReturnType<typeof useTraceList>;
