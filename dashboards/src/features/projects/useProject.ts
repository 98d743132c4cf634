import { getRouteApi } from "@tanstack/react-router";

const projectRoute = getRouteApi("/_signed-in/$orgSlug/$projectSlug");

/** The organization and project the URL names. Only below the project route. */
export function useProject() {
  return projectRoute.useRouteContext({ select: ({ organization, project }) => ({ organization, project }) });
}

/** Time range and environment of the page, as the URL holds them. Only below the project route. */
export function useProjectSearch() {
  return projectRoute.useSearch();
}
