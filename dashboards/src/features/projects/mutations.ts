import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, dataOf } from "@/lib/api/client";
import { organizationsQuery, projectsQuery } from "./queries";

export function useCreateOrganization() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (body: { name: string }) => dataOf(api.POST("/api/v1/organizations", { body })),
    onSuccess: (created) =>
      queryClient.setQueryData(organizationsQuery.queryKey, (known) => [...(known ?? []), created]),
  });
}

export function useCreateProject() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (body: { organization_id: string; name: string }) =>
      dataOf(api.POST("/api/v1/projects", { body })),
    onSuccess: (created) =>
      queryClient.setQueryData(projectsQuery.queryKey, (known) => [...(known ?? []), created]),
  });
}
