/**
 * The nouns of the API under short names, taken from the paths that return them: whatever the generator calls a
 * schema, the rest of the dashboard does not notice.
 */
import type { paths } from "./schema.gen";

type SuccessStatus = 200 | 201;

/** The `data` of a successful answer of one operation. */
type Data<Operation> = Operation extends { responses: infer Responses }
  ? Responses[keyof Responses & SuccessStatus] extends {
      content: { "application/json": { data: infer Value } };
    }
    ? Value
    : never
  : never;

export type Session = Data<paths["/api/v1/auth/login"]["post"]>;
export type CurrentUser = Data<paths["/api/v1/users/me"]["get"]>;
export type Organization = Data<paths["/api/v1/organizations"]["get"]>[number];
export type Project = Data<paths["/api/v1/projects"]["get"]>[number];
export type ApiKey = Data<paths["/api/v1/projects/{project_id}/api-keys"]["get"]>[number];
export type CreatedApiKey = Data<paths["/api/v1/projects/{project_id}/api-keys"]["post"]>;
export type Scope = ApiKey["scopes"][number];
export type Trace = Data<paths["/api/v1/analytics/traces"]["get"]>[number];
export type Observation = Data<paths["/api/v1/analytics/traces/{trace_id}/observations"]["get"]>[number];
export type Usage = NonNullable<Trace["usage"]>;
export type Histogram = Data<paths["/api/v1/analytics/traces/histogram"]["get"]>;
export type Facets = Data<paths["/api/v1/analytics/traces/facets"]["get"]>;
