/**
 * Provisional: written by hand in the shape that `npm run gen:api` produces from docs/reference/openapi.json.
 */
export interface paths {
  "/api/v1/auth/signup": {
    post: {
      requestBody: { content: { "application/json": components["schemas"]["SignUpRequest"] } };
      responses: {
        201: {
          content: { "application/json": { success: boolean; data: components["schemas"]["Session"] } };
        };
      };
    };
  };
  "/api/v1/auth/login": {
    post: {
      requestBody: { content: { "application/json": components["schemas"]["LoginRequest"] } };
      responses: {
        200: {
          content: { "application/json": { success: boolean; data: components["schemas"]["Session"] } };
        };
      };
    };
  };
  "/api/v1/auth/refresh": {
    post: {
      requestBody?: { content: { "application/json": { refresh_token?: string | null } } };
      responses: {
        200: {
          content: { "application/json": { success: boolean; data: components["schemas"]["Session"] } };
        };
      };
    };
  };
  "/api/v1/auth/logout": {
    post: {
      requestBody?: { content: { "application/json": { refresh_token?: string | null } } };
      responses: { 204: { content?: never } };
    };
  };
  "/api/v1/users/me": {
    get: {
      responses: {
        200: {
          content: { "application/json": { success: boolean; data: components["schemas"]["CurrentUser"] } };
        };
      };
    };
  };
  "/api/v1/organizations": {
    get: {
      responses: {
        200: {
          content: {
            "application/json": { success: boolean; data: components["schemas"]["Organization"][] };
          };
        };
      };
    };
    post: {
      requestBody: { content: { "application/json": { name: string } } };
      responses: {
        201: {
          content: { "application/json": { success: boolean; data: components["schemas"]["Organization"] } };
        };
      };
    };
  };
  "/api/v1/projects": {
    get: {
      parameters: { query?: { organization_id?: string } };
      responses: {
        200: {
          content: { "application/json": { success: boolean; data: components["schemas"]["Project"][] } };
        };
      };
    };
    post: {
      requestBody: { content: { "application/json": { organization_id: string; name: string } } };
      responses: {
        201: {
          content: { "application/json": { success: boolean; data: components["schemas"]["Project"] } };
        };
      };
    };
  };
  "/api/v1/projects/{id}/api-keys": {
    get: {
      parameters: { path: { id: string } };
      responses: {
        200: {
          content: { "application/json": { success: boolean; data: components["schemas"]["ApiKey"][] } };
        };
      };
    };
    post: {
      parameters: { path: { id: string } };
      requestBody: {
        content: {
          "application/json": {
            name: string;
            scopes?: components["schemas"]["Scope"][];
            expires_at?: string | null;
          };
        };
      };
      responses: {
        201: {
          content: { "application/json": { success: boolean; data: components["schemas"]["CreatedApiKey"] } };
        };
      };
    };
  };
  "/api/v1/projects/{id}/api-keys/{key_id}": {
    delete: {
      parameters: { path: { id: string; key_id: string } };
      responses: { 204: { content?: never } };
    };
  };
  "/api/v1/analytics/traces": {
    get: {
      parameters: {
        query: {
          project_id: string;
          from?: string;
          to?: string;
          limit?: number;
          cursor?: string;
          filter?: string;
        };
      };
      responses: {
        200: {
          content: {
            "application/json": {
              success: boolean;
              data: components["schemas"]["Trace"][];
              meta?: components["schemas"]["Meta"];
            };
          };
        };
      };
    };
  };
  "/api/v1/analytics/traces/histogram": {
    get: {
      parameters: { query: { project_id: string; from: string; to: string; filter?: string } };
      responses: {
        200: {
          content: { "application/json": { success: boolean; data: components["schemas"]["Histogram"] } };
        };
      };
    };
  };
  "/api/v1/analytics/traces/facets": {
    get: {
      parameters: { query: { project_id: string; from: string; to: string } };
      responses: {
        200: { content: { "application/json": { success: boolean; data: components["schemas"]["Facets"] } } };
      };
    };
  };
  "/api/v1/analytics/traces/{trace_id}": {
    get: {
      parameters: { path: { trace_id: string }; query: { project_id: string } };
      responses: {
        200: { content: { "application/json": { success: boolean; data: components["schemas"]["Trace"] } } };
      };
    };
  };
  "/api/v1/analytics/traces/{trace_id}/observations": {
    get: {
      parameters: {
        path: { trace_id: string };
        query: { project_id: string; limit?: number; cursor?: string };
      };
      responses: {
        200: {
          content: {
            "application/json": {
              success: boolean;
              data: components["schemas"]["Observation"][];
              meta?: components["schemas"]["Meta"];
            };
          };
        };
      };
    };
  };
  "/api/v1/analytics/traces/{trace_id}/otlp": {
    get: {
      parameters: { path: { trace_id: string }; query: { project_id: string } };
      responses: { 200: { content: { "application/json": Record<string, unknown> } } };
    };
  };
}

export interface components {
  schemas: {
    Meta: { request_id?: string; pagination?: { next_cursor?: string | null; has_next: boolean } | null };
    SignUpRequest: { email: string; password: string; name: string };
    LoginRequest: { email: string; password: string };
    User: { id: string; email: string; name: string };
    CurrentUser: { id: string; email: string; name: string; created_at: string };
    Session: {
      user: components["schemas"]["User"];
      access_token: string;
      refresh_token: string;
      expires_in: number;
    };
    Organization: { id: string; name: string; slug: string; role: string; created_at: string };
    Project: { id: string; name: string; slug: string; organization_id: string; created_at: string };
    Scope: "ingest" | "gateway" | "read";
    ApiKey: {
      id: string;
      name: string;
      preview: string;
      scopes: components["schemas"]["Scope"][];
      created_at: string;
      last_used_at?: string | null;
      expires_at?: string | null;
    };
    CreatedApiKey: {
      id: string;
      name: string;
      key: string;
      preview: string;
      scopes: components["schemas"]["Scope"][];
      created_at: string;
      expires_at?: string | null;
    };
    Usage: {
      input_tokens: number;
      output_tokens: number;
      cache_read_tokens: number;
      cache_write_tokens: number;
      reasoning_tokens: number;
      total_tokens: number;
    };
    Cost: { total: string } & { [bucket: string]: string };
    Trace: {
      trace_id: string;
      name: string;
      start_time: string;
      duration_ms: number;
      status: "ok" | "error" | "unset";
      user_id?: string | null;
      session_id?: string | null;
      tags: string[];
      environment: string;
      observation_count: number;
      error_count: number;
      usage?: components["schemas"]["Usage"] | null;
      total_cost?: string | null;
      models: string[];
      metadata: { [key: string]: unknown };
      root_type: string;
      root_observation_id?: string | null;
      service_name?: string | null;
      input_preview?: string | null;
      output_preview?: string | null;
    };
    Observation: {
      trace_id: string;
      observation_id: string;
      parent_observation_id?: string | null;
      type: string;
      name: string;
      kind: string;
      start_time: string;
      end_time: string;
      duration_ms: number;
      status: "ok" | "error" | "unset";
      level?: string | null;
      status_message?: string | null;
      provider?: string | null;
      model?: string | null;
      input?: unknown;
      output?: unknown;
      usage?: components["schemas"]["Usage"] | null;
      cost?: components["schemas"]["Cost"] | null;
      time_to_first_token_ms?: number | null;
      service_name?: string | null;
      environment?: string | null;
      attributes: { [key: string]: unknown };
      resource: { [key: string]: unknown };
      events: { name: string; time: string; attributes: { [key: string]: unknown } }[];
      links: { trace_id: string; observation_id: string; attributes: { [key: string]: unknown } }[];
    };
    Histogram: { interval_ms: number; buckets: { start: string; count: number; error_count: number }[] };
    Facets: { fields: { field: string; values: { value: string; count: number }[] }[] };
  };
}
