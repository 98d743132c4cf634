/** Every page of the dashboard, on one screen. */
import type { QueryClient } from "@tanstack/react-query";
import { createRouter, type RouterHistory } from "@tanstack/react-router";
import { PagePending } from "./components/frame/PagePending";
import { RouteError } from "./components/frame/RouteError";
import { projectRoutes } from "./routes/project";
import { publicRoutes } from "./routes/public";
import { rootRoute } from "./routes/root";
import { homeRoute, onboardingRoute, organizationRoute, signedInRoute } from "./routes/signed-in";

const routeTree = rootRoute.addChildren([
  publicRoutes,
  signedInRoute.addChildren([homeRoute, onboardingRoute, organizationRoute, projectRoutes]),
]);

export function createAppRouter(queryClient: QueryClient, history?: RouterHistory) {
  return createRouter({
    routeTree,
    context: { queryClient },
    history,
    defaultPreload: "intent",
    defaultPreloadStaleTime: 0,
    defaultPendingMs: 150,
    defaultPendingMinMs: 200,
    defaultPendingComponent: PagePending,
    defaultErrorComponent: RouteError,
    scrollRestoration: true,
  });
}

export type AppRouter = ReturnType<typeof createAppRouter>;

declare module "@tanstack/react-router" {
  interface Register {
    router: AppRouter;
  }
  interface StaticDataRouteOption {
    /** The page's name: in the breadcrumb, the document's title and the palette. */
    title?: string;
    /** The page above this one, for the breadcrumb. */
    parent?: { title: string; to: "/$orgSlug/$projectSlug/traces" };
    /** Whether the top bar offers a time range and an environment. */
    timeRange?: boolean;
  }
}
