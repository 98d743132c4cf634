/** The observations of a trace, loaded page after page until complete, and the tree made of what is there. */
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { buildTree } from "@/components/trace/tree";
import { observationsQuery, traceQuery } from "./queries";

export function useObservations(projectId: string, traceId: string) {
  const query = useInfiniteQuery(observationsQuery(projectId, traceId));
  const { hasNextPage, isFetching, isError, fetchNextPage } = query;

  // Asks the server for the next page as long as there is one; a failure waits for the person.
  useEffect(() => {
    if (hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [hasNextPage, isFetching, isError, fetchNextPage]);

  // The sums of the trace grow with its observations: asks for them again when more have arrived.
  const arrived = query.data?.pages.length === 1 ? query.data.pages[0]?.items.length : undefined;
  const queryClient = useQueryClient();
  useEffect(() => {
    const known = queryClient.getQueryData(traceQuery(projectId, traceId).queryKey)?.observation_count;
    if (arrived !== undefined && known !== undefined && arrived > known) {
      void queryClient.invalidateQueries({ queryKey: traceQuery(projectId, traceId).queryKey, exact: true });
    }
  }, [arrived, projectId, traceId, queryClient]);

  const tree = useMemo(() => buildTree(query.data?.pages.flatMap(({ items }) => items) ?? []), [query.data]);
  return { query, tree };
}
