/** The observations of a trace, loaded page after page until complete, and the tree made of what is there. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { buildTree } from "@/components/trace/tree";
import { observationsQuery } from "./queries";

export function useObservations(projectId: string, traceId: string) {
  const query = useInfiniteQuery(observationsQuery(projectId, traceId));
  const { hasNextPage, isFetching, isError, fetchNextPage } = query;

  // Asks the server for the next page as long as there is one; a failure waits for the person.
  useEffect(() => {
    if (hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [hasNextPage, isFetching, isError, fetchNextPage]);

  const tree = useMemo(() => buildTree(query.data?.pages.flatMap(({ items }) => items) ?? []), [query.data]);
  return { query, tree };
}
