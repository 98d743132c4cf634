import { queryOptions } from "@tanstack/react-query";
import { api, dataOf } from "@/lib/api/client";

export const organizationsQuery = queryOptions({
  queryKey: ["organizations"],
  queryFn: ({ signal }) => dataOf(api.GET("/api/v1/organizations", { signal })),
  staleTime: 5 * 60_000,
});

/** Every project of every organization of mine: the switcher needs them all, and they are few. */
export const projectsQuery = queryOptions({
  queryKey: ["projects"],
  queryFn: ({ signal }) => dataOf(api.GET("/api/v1/projects", { signal })),
  staleTime: 5 * 60_000,
});

const lookBackMs = 30 * 24 * 3_600_000;

/** The names of the environments that lately sent something. */
export function environmentsQuery(projectId: string) {
  return queryOptions({
    queryKey: ["projects", projectId, "environments"],
    queryFn: async ({ signal }) => {
      const now = Date.now();
      const query = {
        project_id: projectId,
        from: new Date(now - lookBackMs).toISOString(),
        to: new Date(now).toISOString(),
      };
      const facets = await dataOf(api.GET("/api/v1/analytics/traces/facets", { params: { query }, signal }));
      const values = facets.fields.find(({ field }) => field === "environment")?.values ?? [];
      return values.map(({ value }) => value).filter((value) => value !== "");
    },
    staleTime: 60_000,
  });
}
