import { useRef } from "react";
import { useCreateApiKey } from "@/features/api-keys/mutations";
import { allScopes } from "@/features/api-keys/scopes";
import { useCreateOrganization, useCreateProject } from "@/features/projects/mutations";
import type { Organization, Project } from "@/lib/api/types";
import { keepFreshKey } from "./fresh-key";

type Made = { organization: Organization; project: Project };

/**
 * Creates organization, project and first key, one after the other. What was made stays made when a later step fails:
 * the next try goes on from there instead of making a second organization.
 */
export function useCreateWorkspace(existing: Organization | undefined) {
  const made = useRef<Partial<Made>>({});
  const createOrganization = useCreateOrganization();
  const createProject = useCreateProject();
  const createApiKey = useCreateApiKey();

  return async (names: { organization: string; project: string }): Promise<Made> => {
    made.current.organization ??=
      existing ?? (await createOrganization.mutateAsync({ name: names.organization }));
    const { organization } = made.current;
    made.current.project ??= await createProject.mutateAsync({
      organization_id: organization.id,
      name: names.project,
    });
    const { project } = made.current;
    const { key } = await createApiKey.mutateAsync({
      projectId: project.id,
      name: "First key",
      scopes: allScopes,
    });
    keepFreshKey(project.id, key);
    return { organization, project };
  };
}
