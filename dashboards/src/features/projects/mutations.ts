import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, dataOf } from "@/lib/api/client";
import { organizationsQuery, projectsQuery } from "./queries";

export function useCreateOrganization() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (body: { name: string }) => dataOf(api.POST("/api/v1/organizations", { body })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: organizationsQuery.queryKey }),
  });
}

export function useCreateProject() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (body: { organization_id: string; name: string }) =>
      dataOf(api.POST("/api/v1/projects", { body })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: projectsQuery.queryKey }),
  });
}
