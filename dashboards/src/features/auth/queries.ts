import { queryOptions } from "@tanstack/react-query";
import { api, dataOf } from "@/lib/api/client";

export const currentUserQuery = queryOptions({
  queryKey: ["users", "me"],
  queryFn: ({ signal }) => dataOf(api.GET("/api/v1/users/me", { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});
