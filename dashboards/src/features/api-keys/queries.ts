import { queryOptions } from "@tanstack/react-query";
import { api, dataOf } from "@/lib/api/client";

export function apiKeysQuery(projectId: string) {
  return queryOptions({
    queryKey: ["projects", projectId, "api-keys"],
    queryFn: ({ signal }) =>
      dataOf(
        api.GET("/api/v1/projects/{project_id}/api-keys", {
          params: { path: { project_id: projectId } },
          signal,
        }),
      ),
  });
}
