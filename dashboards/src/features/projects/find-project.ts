import type { QueryClient } from "@tanstack/react-query";
import type { Organization, Project } from "@/lib/api/types";
import { organizationsQuery, projectsQuery } from "./queries";

type Slugs = { orgSlug: string; projectSlug: string };
type Found = { organization: Organization; project: Project };

/** The project that an address names. What is not in the lists known so far is looked for once more on the server. */
export async function findProject(queryClient: QueryClient, slugs: Slugs): Promise<Found | undefined> {
  return (await lookUp(queryClient, slugs, {})) ?? (await lookUp(queryClient, slugs, { staleTime: 0 }));
}

async function lookUp(
  queryClient: QueryClient,
  { orgSlug, projectSlug }: Slugs,
  options: { staleTime?: number },
): Promise<Found | undefined> {
  const [organizations, projects] = await Promise.all([
    queryClient.fetchQuery({ ...organizationsQuery, ...options }),
    queryClient.fetchQuery({ ...projectsQuery, ...options }),
  ]);
  const organization = organizations.find(({ slug }) => slug === orgSlug);
  const project = projects.find(
    ({ slug, organization_id }) => slug === projectSlug && organization_id === organization?.id,
  );
  return organization && project ? { organization, project } : undefined;
}
