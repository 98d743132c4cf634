/** The answers of a server where Ada is signed in and has one project, with nothing in it yet. */
import { HttpResponse, http } from "msw";
import { anOrganization, aProject, aSession, aUser } from "./factories";
import { failure, ok } from "./http";

export const handlers = [
  http.post("*/api/v1/auth/refresh", () => ok(aSession())),
  http.post("*/api/v1/auth/logout", () => new HttpResponse(null, { status: 204 })),
  http.get("*/api/v1/users/me", () => ok(aUser())),
  http.get("*/api/v1/organizations", () => ok([anOrganization()])),
  http.get("*/api/v1/projects", () => ok([aProject()])),
  http.get("*/api/v1/projects/:id/api-keys", () => ok([])),
  http.get("*/api/v1/analytics/traces", () => ok([])),
  http.get("*/api/v1/analytics/traces/histogram", () => ok({ interval_ms: 3_600_000, buckets: [] })),
  http.get("*/api/v1/analytics/traces/facets", () => ok({ fields: [] })),
  http.get("*/api/v1/analytics/traces/:traceId", () =>
    failure(404, "trace_not_found", "There is no such trace."),
  ),
];
