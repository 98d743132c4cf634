// A stand-in for `brokle serve`: the dashboard's API with sample data in memory, and the built dashboard when there is
// one. For looking at pages and for trying the browser test without a backend; nothing in it is the product.
//
//   node e2e/mock-server.mjs [port]      sign in as ada@example.com / correct-horse, or sign up
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { sampleTraces } from "./mock-data.mjs";
import { tracesFromOtlp } from "./mock-otlp.mjs";
import { facets, histogram, matches } from "./mock-query.mjs";

const port = Number(process.argv[2] ?? 8080);
const dist = fileURLToPath(new URL("../dist", import.meta.url));
const accessLifeSeconds = 900;

const users = [];
const organizations = [];
const projects = [];
const keys = [];
const accessTokens = new Map();
const refreshTokens = new Map();
const tracesOf = new Map();

const ulid = () => {
  const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  return `01K${[...randomBytes(23)].map((byte) => alphabet[byte % 32]).join("")}`;
};
const slugOf = (name) =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
const now = () => new Date().toISOString();

class Failure extends Error {
  constructor(status, code, message, details) {
    super(message);
    Object.assign(this, { status, code, details });
  }
}

function addOrganization(user, name) {
  const organization = {
    id: ulid(),
    name,
    slug: uniqueSlug(name, organizations),
    role: "owner",
    created_at: now(),
  };
  organizations.push({ ...organization, owner: user.id });
  return organization;
}

function addProject(organizationId, name) {
  const siblings = projects.filter((project) => project.organization_id === organizationId);
  const slug = uniqueSlug(name, siblings);
  const project = { id: ulid(), name, slug, organization_id: organizationId, created_at: now() };
  projects.push(project);
  tracesOf.set(project.id, []);
  return project;
}

function uniqueSlug(name, taken) {
  const slug = slugOf(name) || "x";
  return taken.some((other) => other.slug === slug) ? `${slug}-${taken.length + 1}` : slug;
}

function addKey(projectId, body) {
  const secret = randomBytes(16).toString("hex");
  const key = `bk_proj_${projectId}_${secret}`;
  const record = {
    id: ulid(),
    name: body.name,
    preview: `bk_proj_${projectId.slice(0, 6)}...${key.slice(-4)}`,
    scopes: body.scopes ?? ["ingest", "gateway", "read"],
    models: body.models ?? [],
    created_at: now(),
    last_used_at: null,
    expires_at: body.expires_at ?? null,
    disabled_at: null,
  };
  keys.push({ ...record, key, projectId });
  return { ...record, key };
}

function openSession(user) {
  const access = randomBytes(24).toString("hex");
  const refresh = randomBytes(24).toString("hex");
  accessTokens.set(access, user);
  refreshTokens.set(refresh, user);
  const { password, ...shown } = user;
  return { user: shown, access_token: access, refresh_token: refresh, expires_in: accessLifeSeconds };
}

const cookie = (value) => ({
  "set-cookie": `brokle_refresh=${value}; HttpOnly; SameSite=Strict; Path=/api/v1/auth`,
});

function signUp({ body }) {
  if (users.some(({ email }) => email === body.email)) {
    throw new Failure(409, "email_taken", "An account with this e-mail address exists already.", {
      field: "email",
    });
  }
  const user = { id: ulid(), email: body.email, name: body.name, password: body.password };
  users.push(user);
  const session = openSession(user);
  return { status: 201, data: session, headers: cookie(session.refresh_token) };
}

function logIn({ body }) {
  const user = users.find(({ email, password }) => email === body.email && password === body.password);
  if (!user) throw new Failure(401, "invalid_credentials", "The e-mail address or the password is wrong.");
  const session = openSession(user);
  return { data: session, headers: cookie(session.refresh_token) };
}

function refresh({ cookies }) {
  const user = refreshTokens.get(cookies.brokle_refresh);
  if (!user) throw new Failure(401, "session_expired", "The session has ended. Sign in again.");
  refreshTokens.delete(cookies.brokle_refresh);
  const session = openSession(user);
  return { data: session, headers: cookie(session.refresh_token) };
}

function logOut({ cookies }) {
  refreshTokens.delete(cookies.brokle_refresh);
  return { status: 204, headers: cookie("; Max-Age=0") };
}

const mineOnly = (user) => organizations.filter(({ owner }) => owner === user.id);

function projectFor(user, id) {
  const project = projects.find((candidate) => candidate.id === id);
  if (
    !project ||
    !mineOnly(user).some(({ id: organizationId }) => organizationId === project.organization_id)
  ) {
    throw new Failure(404, "not_found", "There is no such project.");
  }
  return project;
}

function listTraces({ user, query }) {
  const all = tracesIn(user, query).filter((row) => matches(row.trace, query.get("filter")));
  const limit = Number(query.get("limit") ?? 50);
  const offset = Number(query.get("cursor") ?? 0);
  const page = all.slice(offset, offset + limit).map(({ trace }) => trace);
  const more = offset + limit < all.length;
  return {
    data: page,
    meta: { pagination: { next_cursor: more ? String(offset + limit) : null, has_next: more } },
  };
}

function tracesIn(user, query) {
  const project = projectFor(user, query.get("project_id"));
  const from = query.get("from") ?? "";
  const to = query.get("to") ?? "9999";
  return (tracesOf.get(project.id) ?? [])
    .filter(({ trace }) => trace.start_time >= from && trace.start_time < to)
    .sort((a, b) => b.trace.start_time.localeCompare(a.trace.start_time));
}

function oneTrace(user, query, id) {
  const project = projectFor(user, query.get("project_id"));
  const found = (tracesOf.get(project.id) ?? []).find(({ trace }) => trace.trace_id === id);
  if (!found) throw new Failure(404, "trace_not_found", "There is no such trace.");
  return found;
}

const routes = [
  ["POST", /^\/api\/v1\/auth\/signup$/, signUp, "public"],
  ["POST", /^\/api\/v1\/auth\/login$/, logIn, "public"],
  ["POST", /^\/api\/v1\/auth\/refresh$/, refresh, "public"],
  ["POST", /^\/api\/v1\/auth\/logout$/, logOut, "public"],
  [
    "GET",
    /^\/api\/v1\/users\/me$/,
    ({ user: { password, ...user } }) => ({ data: { ...user, created_at: now() } }),
  ],
  [
    "GET",
    /^\/api\/v1\/organizations$/,
    ({ user }) => ({ data: mineOnly(user).map(({ owner, ...rest }) => rest) }),
  ],
  [
    "POST",
    /^\/api\/v1\/organizations$/,
    ({ user, body }) => ({ status: 201, data: addOrganization(user, body.name) }),
  ],
  [
    "GET",
    /^\/api\/v1\/projects$/,
    ({ user }) => ({
      data: projects.filter((project) => mineOnly(user).some(({ id }) => id === project.organization_id)),
    }),
  ],
  [
    "POST",
    /^\/api\/v1\/projects$/,
    ({ body }) => ({ status: 201, data: addProject(body.organization_id, body.name) }),
  ],
  [
    "GET",
    /^\/api\/v1\/projects\/(\w+)\/api-keys$/,
    ({ user, match }) => ({
      data: keys
        .filter(({ projectId }) => projectId === projectFor(user, match[1]).id)
        .map(({ key, projectId, ...rest }) => rest),
    }),
  ],
  [
    "POST",
    /^\/api\/v1\/projects\/(\w+)\/api-keys$/,
    ({ user, match, body }) => ({ status: 201, data: addKey(projectFor(user, match[1]).id, body) }),
  ],
  [
    "DELETE",
    /^\/api\/v1\/projects\/(\w+)\/api-keys\/(\w+)$/,
    ({ match }) => {
      keys.splice(
        keys.findIndex(({ id }) => id === match[2]),
        1,
      );
      return { status: 204 };
    },
  ],
  ["GET", /^\/api\/v1\/analytics\/traces$/, listTraces],
  [
    "GET",
    /^\/api\/v1\/analytics\/traces\/histogram$/,
    ({ user, query }) => ({
      data: histogram(
        tracesIn(user, query).filter((row) => matches(row.trace, query.get("filter"))),
        query,
      ),
    }),
  ],
  [
    "GET",
    /^\/api\/v1\/analytics\/traces\/facets$/,
    ({ user, query }) => ({ data: facets(tracesIn(user, query)) }),
  ],
  [
    "GET",
    /^\/api\/v1\/analytics\/traces\/(\w+)$/,
    ({ user, query, match }) => ({ data: oneTrace(user, query, match[1]).trace }),
  ],
  [
    "GET",
    /^\/api\/v1\/analytics\/traces\/(\w+)\/observations$/,
    ({ user, query, match }) => ({
      data: oneTrace(user, query, match[1]).observations,
      meta: { pagination: { next_cursor: null, has_next: false } },
    }),
  ],
  [
    "GET",
    /^\/api\/v1\/analytics\/traces\/(\w+)\/otlp$/,
    ({ user, query, match }) => {
      const { observations } = oneTrace(user, query, match[1]);
      return {
        bare: { resourceSpans: [{ scopeSpans: [{ spans: observations.map(({ name }) => ({ name })) }] }] },
      };
    },
  ],
  [
    "POST",
    /^\/v1\/traces$/,
    ({ apiKey, body }) => {
      const found = keys.find(({ key }) => key === apiKey);
      if (!found) throw new Failure(401, "invalid_api_key", "The API key is not known.");
      found.last_used_at = now();
      tracesOf.get(found.projectId)?.push(...tracesFromOtlp(body));
      return { bare: {} };
    },
    "public",
  ],
];

async function answer(request, response) {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (!/^\/(api|v1)\//.test(url.pathname)) return await sendFile(url.pathname, response);
  const requestId = ulid();
  try {
    const result = await dispatch(request, url);
    const body = result.bare ?? {
      success: true,
      data: result.data,
      meta: { request_id: requestId, ...result.meta },
    };
    const status = result.status ?? 200;
    response.writeHead(status, {
      "content-type": "application/json",
      "x-request-id": requestId,
      ...result.headers,
    });
    response.end(status === 204 ? undefined : JSON.stringify(body));
  } catch (error) {
    const { status = 500, code = "internal", message, details } = error;
    response.writeHead(status, { "content-type": "application/json", "x-request-id": requestId });
    response.end(
      JSON.stringify({ success: false, error: { code, message, details, request_id: requestId } }),
    );
  }
}

async function dispatch(request, url) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  for (const [method, pattern, handler, access] of routes) {
    const match = pattern.exec(url.pathname);
    if (!match || method !== request.method) continue;
    const bearer = request.headers.authorization?.replace("Bearer ", "");
    const user = accessTokens.get(bearer);
    if (!user && access !== "public") throw new Failure(401, "unauthorized", "Sign in first.");
    const cookies = Object.fromEntries(
      (request.headers.cookie ?? "").split("; ").map((pair) => pair.split("=")),
    );
    const apiKey = request.headers["x-api-key"] ?? bearer;
    return handler({
      match,
      user,
      cookies,
      apiKey,
      query: url.searchParams,
      body: text ? JSON.parse(text) : {},
    });
  }
  throw new Failure(404, "not_found", "There is no such route.");
}

const types = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

async function sendFile(path, response) {
  const file = join(dist, normalize(path));
  const known = file.startsWith(dist) && extname(file) ? file : join(dist, "index.html");
  try {
    const content = await readFile(known);
    response.writeHead(200, { "content-type": types[extname(known)] ?? "application/octet-stream" });
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
}

const ada = { id: ulid(), email: "ada@example.com", name: "Ada Lindqvist", password: "correct-horse" };
users.push(ada);
const northwind = addOrganization(ada, "Northwind Outdoor");
const shop = addProject(northwind.id, "Shop");
addProject(northwind.id, "Internal tools");
addProject(addOrganization(ada, "Fjord Labs").id, "Playground");
tracesOf.set(shop.id, sampleTraces(Date.now()));
addKey(shop.id, { name: "Production collector", scopes: ["ingest"] });
addKey(shop.id, { name: "Gateway, web shop" });
keys[0].last_used_at = new Date(Date.now() - 40_000).toISOString();
keys[0].created_at = new Date(Date.now() - 32 * 86_400_000).toISOString();

createServer(answer).listen(port, "127.0.0.1", () => console.log(`mock server on http://127.0.0.1:${port}`));
