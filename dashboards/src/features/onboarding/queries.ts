import { queryOptions } from "@tanstack/react-query";
import { api, pageOf } from "@/lib/api/client";

const lookBackMs = 30 * 86_400_000;
const eagerPolls = 600;
const eagerMs = 1_000;
const patientMs = 5_000;

/** The newest trace of a project. While there is none it is asked for each second, and after ten minutes less often. */
export function newestTraceQuery(projectId: string) {
  return queryOptions({
    queryKey: ["projects", projectId, "newest-trace"],
    queryFn: async ({ signal }) => {
      const from = new Date(Date.now() - lookBackMs).toISOString();
      const query = { project_id: projectId, from, limit: 1 };
      const page = await pageOf(api.GET("/api/v1/analytics/traces", { params: { query }, signal }));
      return page.items[0] ?? null;
    },
    staleTime: 0,
    refetchOnWindowFocus: true,
    refetchInterval: ({ state }) => {
      if (state.data) return false;
      return state.dataUpdateCount + state.errorUpdateCount < eagerPolls ? eagerMs : patientMs;
    },
  });
}
