/** Nouns with sensible values; a test names only what it is about. */
import type {
  ApiKey,
  CreatedApiKey,
  CurrentUser,
  Organization,
  Project,
  Session,
  Trace,
  Usage,
} from "@/lib/api/types";

const created_at = "2026-11-01T08:00:00Z";

export function aUser(values: Partial<CurrentUser> = {}): CurrentUser {
  return { id: "01KUSER", email: "ada@example.com", name: "Ada Lindqvist", created_at, ...values };
}

export function aSession(values: Partial<Session> = {}): Session {
  const { id, email, name } = aUser();
  return {
    user: { id, email, name },
    access_token: "token-1",
    refresh_token: "refresh-1",
    expires_in: 900,
    ...values,
  };
}

export function anOrganization(values: Partial<Organization> = {}): Organization {
  return { id: "01KORG", name: "Acme", slug: "acme", role: "owner", created_at, ...values };
}

export function aProject(values: Partial<Project> = {}): Project {
  return { id: "01KPROJECT", name: "Shop", slug: "shop", organization_id: "01KORG", created_at, ...values };
}

export function anApiKey(values: Partial<ApiKey> = {}): ApiKey {
  return {
    id: "01KKEY",
    name: "Production collector",
    preview: "bk_proj_01KPRO...Zx9Q",
    scopes: ["ingest"],
    models: [],
    created_at,
    last_used_at: null,
    expires_at: null,
    disabled_at: null,
    ...values,
  };
}

export function aCreatedApiKey(values: Partial<CreatedApiKey> = {}): CreatedApiKey {
  return {
    id: "01KNEWKEY",
    name: "My first key",
    key: "bk_proj_01KPROJECT_0123456789abcdefghijklmnopqrstuv",
    preview: "bk_proj_01KPRO...stuv",
    scopes: ["ingest", "gateway", "read"],
    models: [],
    created_at,
    expires_at: null,
    ...values,
  };
}

export function aUsage(values: Partial<Usage> = {}): Usage {
  return {
    input_tokens: 0,
    output_tokens: 0,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    reasoning_tokens: 0,
    total_tokens: 0,
    ...values,
  };
}

export function aTrace(values: Partial<Trace> = {}): Trace {
  return {
    trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
    name: "support_agent",
    start_time: "2026-11-22T10:00:00Z",
    duration_ms: 9840,
    status: "ok",
    user_id: null,
    session_id: null,
    tags: [],
    environment: "production",
    observation_count: 12,
    error_count: 0,
    usage: aUsage(),
    total_cost: "0",
    models: [],
    metadata: {},
    scores: [],
    root_type: "agent",
    root_observation_id: "00f067aa0ba902b7",
    service_name: "support-bot",
    input_preview: null,
    output_preview: null,
    ...values,
  };
}
