import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, dataOf } from "@/lib/api/client";
import type { Scope } from "@/lib/api/types";
import { apiKeysQuery } from "./queries";

export type NewApiKey = { name: string; scopes: Scope[]; expires_at?: string };

/** Lets the dialog's button know that its form's creation runs. */
export const createApiKeyKey = ["api-keys", "create"];

export function useCreateApiKey() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationKey: createApiKeyKey,
    mutationFn: ({ projectId, ...body }: NewApiKey & { projectId: string }) =>
      dataOf(
        api.POST("/api/v1/projects/{project_id}/api-keys", {
          params: { path: { project_id: projectId } },
          body,
        }),
      ),
    onSuccess: (_created, { projectId }) =>
      queryClient.invalidateQueries({ queryKey: apiKeysQuery(projectId).queryKey }),
  });
}

export function useRevokeApiKey(projectId: string) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (keyId: string) =>
      bodyOf(
        api.DELETE("/api/v1/projects/{project_id}/api-keys/{key_id}", {
          params: { path: { project_id: projectId, key_id: keyId } },
        }),
      ),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: apiKeysQuery(projectId).queryKey }),
  });
}
