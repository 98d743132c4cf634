/** Everything behind sign-in: the way home, onboarding, and an organization's own address. */
import { createRoute, lazyRouteComponent, notFound, Outlet, redirect } from "@tanstack/react-router";
import * as z from "zod";
import { organizationsQuery, projectsQuery } from "@/features/projects/queries";
import { currentSession, maySignInSilently } from "@/lib/api/session";
import { lastProject } from "@/lib/last-project";
import { rootRoute } from "./root";

export const signedInRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: "_signed-in",
  component: Outlet,
  beforeLoad: async ({ location }) => {
    const atHome = location.pathname === "/";
    const session = atHome && !maySignInSilently() ? undefined : await currentSession();
    if (!session)
      throw redirect({ to: "/signin", search: atHome ? {} : { redirect: location.href }, replace: true });
  },
});

const onboardingSearchSchema = z.object({
  /** Begin with a new project in this organization. */
  organization: z.string().optional().catch(undefined),
});

/** `/` leads to the project used last, or else the first one, or else to onboarding. */
export const homeRoute = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/",
  beforeLoad: async ({ context: { queryClient } }) => {
    const [organizations, projects] = await Promise.all([
      queryClient.fetchQuery(organizationsQuery),
      queryClient.fetchQuery(projectsQuery),
    ]);
    const project = projects.find(({ id }) => id === lastProject()) ?? projects[0];
    const organization = organizations.find(({ id }) => id === project?.organization_id);
    if (!project || !organization) throw redirect({ to: "/onboarding", replace: true });
    throw redirect({
      to: "/$orgSlug/$projectSlug/traces",
      params: { orgSlug: organization.slug, projectSlug: project.slug },
      replace: true,
    });
  },
});

export const onboardingRoute = createRoute({
  getParentRoute: () => signedInRoute,
  path: "onboarding",
  validateSearch: onboardingSearchSchema,
  staticData: { title: "Welcome" },
  loader: ({ context: { queryClient } }) =>
    Promise.all([queryClient.fetchQuery(organizationsQuery), queryClient.fetchQuery(projectsQuery)]),
  component: lazyRouteComponent(() => import("@/features/onboarding/OnboardingPage"), "OnboardingPage"),
});

/** `/acme` leads to the organization's first project. */
export const organizationRoute = createRoute({
  getParentRoute: () => signedInRoute,
  path: "$orgSlug",
  beforeLoad: async ({ context: { queryClient }, params: { orgSlug } }) => {
    const organizations = await queryClient.fetchQuery(organizationsQuery);
    const organization = organizations.find(({ slug }) => slug === orgSlug);
    if (!organization) throw notFound();
    const projects = await queryClient.fetchQuery(projectsQuery);
    const project = projects.find(({ organization_id }) => organization_id === organization.id);
    if (!project) throw redirect({ to: "/onboarding", replace: true });
    throw redirect({
      to: "/$orgSlug/$projectSlug/traces",
      params: { orgSlug, projectSlug: project.slug },
      replace: true,
    });
  },
});
