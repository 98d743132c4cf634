/** The pages of one project, inside the frame. */
import {
  createRoute,
  lazyRouteComponent,
  notFound,
  redirect,
  retainSearchParams,
} from "@tanstack/react-router";
import { FramePending } from "@/components/frame/FramePending";
import { apiKeysQuery } from "@/features/api-keys/queries";
import { currentUserQuery } from "@/features/auth/queries";
import { findProject } from "@/features/projects/find-project";
import { traceSearchSchema, tracesSearchSchema } from "@/features/traces/search-params";
import { rememberProject } from "@/lib/last-project";
import { projectSearchSchema } from "@/lib/time-range";
import { signedInRoute } from "./signed-in";

export const projectRoute = createRoute({
  getParentRoute: () => signedInRoute,
  path: "$orgSlug/$projectSlug",
  validateSearch: projectSearchSchema,
  search: { middlewares: [retainSearchParams(["range", "from", "to", "env"])] },
  component: lazyRouteComponent(() => import("@/components/frame/AppFrame"), "AppFrame"),
  pendingComponent: FramePending,
  beforeLoad: async ({ context: { queryClient }, params }) => {
    const [found] = await Promise.all([
      findProject(queryClient, params),
      queryClient.fetchQuery(currentUserQuery),
    ]);
    if (!found) throw notFound();
    rememberProject(found.project.id);
    return found;
  },
});

const projectHomeRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "/",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/$orgSlug/$projectSlug/traces", params, replace: true });
  },
});

const tracesRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "traces",
  validateSearch: tracesSearchSchema,
  staticData: { title: "Traces", timeRange: true },
  component: lazyRouteComponent(() => import("@/features/traces/TracesPage"), "TracesPage"),
});

const traceRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "traces/$traceId",
  validateSearch: traceSearchSchema,
  staticData: { title: "Trace", parent: { title: "Traces", to: "/$orgSlug/$projectSlug/traces" } },
  component: lazyRouteComponent(() => import("@/features/traces/TracePage"), "TracePage"),
});

const gettingStartedRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "getting-started",
  staticData: { title: "Getting started" },
  component: lazyRouteComponent(
    () => import("@/features/onboarding/GettingStartedPage"),
    "GettingStartedPage",
  ),
});

const settingsRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "settings",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/$orgSlug/$projectSlug/settings/api-keys", params, replace: true });
  },
});

const apiKeysRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "settings/api-keys",
  staticData: { title: "API keys" },
  loader: ({ context: { queryClient, project } }) => {
    void queryClient.prefetchQuery(apiKeysQuery(project.id));
  },
  component: lazyRouteComponent(() => import("@/features/api-keys/ApiKeysPage"), "ApiKeysPage"),
});

export const projectRoutes = projectRoute.addChildren([
  projectHomeRoute,
  tracesRoute,
  traceRoute,
  gettingStartedRoute,
  settingsRoute,
  apiKeysRoute,
]);
