// Sample telemetry for looking at the pages without a backend: a support agent with tools, reasoning and a failing
// payment lookup, retrieval pipelines, embeddings, gateway calls with a retried attempt. The same seed gives the same data.

let seed = 20_260_101;
function random() {
  seed = (seed * 1_664_525 + 1_013_904_223) % 4_294_967_296;
  return seed / 4_294_967_296;
}
const pick = (list) => list[Math.floor(random() * list.length)];
const between = (low, high) => low + random() * (high - low);
const hex = (length) => Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join("");

const pricePerMillion = {
  "gpt-5.1": [1.25, 10],
  "gpt-5.1-mini": [0.25, 2],
  "claude-sonnet-4-5": [3, 15],
  "claude-haiku-4-5": [1, 5],
  "gemini-2.5-flash": [0.3, 2.5],
  "text-embedding-3-small": [0.02, 0],
};
const providerOf = (model) =>
  model.startsWith("claude") ? "anthropic" : model.startsWith("gemini") ? "google" : "openai";

export function usage(input, output, { cached = 0, reasoning = 0 } = {}) {
  return {
    input_tokens: input,
    output_tokens: output,
    cache_read_tokens: cached,
    cache_write_tokens: 0,
    reasoning_tokens: reasoning,
    total_tokens: input + output,
  };
}

function costOf(model, tokens) {
  const price = pricePerMillion[model];
  if (!price || !tokens) return null;
  const fresh = tokens.input_tokens - tokens.cache_read_tokens;
  const parts = {
    input: (fresh * price[0]) / 1e6,
    cache_read: (tokens.cache_read_tokens * price[0] * 0.1) / 1e6,
    output: (tokens.output_tokens * price[1]) / 1e6,
  };
  const cost = { total: decimal(parts.input + parts.cache_read + parts.output) };
  for (const [bucket, value] of Object.entries(parts)) if (value > 0) cost[bucket] = decimal(value);
  return cost;
}
const decimal = (value) => value.toFixed(9).replace(/0+$/, "").replace(/\.$/, "");

const text = (role, content) => ({ role, parts: [{ type: "text", content }] });

/** Builds one trace out of nested observation descriptions; times are offsets from its start, in milliseconds. */
export function buildTrace(startMs, root, facts) {
  const traceId = facts.trace_id ?? hex(32);
  const observations = [];
  const place = (node, parent) => {
    const id = hex(16);
    const begin = startMs + node.at;
    observations.push({
      trace_id: traceId,
      observation_id: id,
      parent_observation_id: parent,
      type: node.type,
      name: node.name,
      kind: node.kind ?? (node.model ? "client" : "internal"),
      start_time: new Date(begin).toISOString(),
      end_time: new Date(begin + node.took).toISOString(),
      duration_ms: node.took,
      status: node.error ? "error" : "ok",
      level: node.error ? "error" : "default",
      status_message: node.error ?? null,
      provider: node.model ? providerOf(node.model) : null,
      model: node.model ?? null,
      input: node.input ?? null,
      output: node.output ?? null,
      usage: node.usage ?? null,
      cost: costOf(node.model, node.usage),
      time_to_first_token_ms: node.firstToken ?? null,
      service_name: facts.service_name,
      environment: facts.environment,
      attributes: { ...attributesOf(node), ...node.attributes },
      model_requested: node.model ?? null,
      cost_source: node.model ? "priced" : null,
      metadata: {},
      scope: { name: "brokle.sample", version: "1.0.0", attributes: {} },
      resource: {
        "service.name": facts.service_name,
        "service.version": "2026.11.3",
        "telemetry.sdk.language": facts.language ?? "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": "1.38.0",
      },
      events: node.error
        ? [
            {
              name: "exception",
              time: new Date(begin + node.took - 2).toISOString(),
              attributes: {
                "exception.type": node.exception ?? "RuntimeError",
                "exception.message": node.error,
              },
            },
          ]
        : [],
      links: [],
      scores: [],
    });
    for (const child of node.children ?? []) place(child, id);
  };
  place(root, null);
  return { trace: summarise(traceId, startMs, root, observations, facts), observations };
}

function attributesOf(node) {
  if (!node.model) return node.type === "tool" ? { "gen_ai.tool.name": node.name } : {};
  return {
    "gen_ai.operation.name": node.type === "embedding" ? "embeddings" : "chat",
    "gen_ai.provider.name": providerOf(node.model),
    "gen_ai.request.model": node.model,
    "gen_ai.response.model": node.model,
    "gen_ai.request.temperature": 0.2,
    "gen_ai.usage.input_tokens": node.usage?.input_tokens ?? 0,
    "gen_ai.usage.output_tokens": node.usage?.output_tokens ?? 0,
    "gen_ai.response.finish_reasons": ["stop"],
  };
}

function summarise(traceId, startMs, root, observations, facts) {
  const used = observations.filter((observation) => observation.usage);
  const sum = (key) => used.reduce((total, { usage: u }) => total + u[key], 0);
  const cost = observations.reduce((total, observation) => total + Number(observation.cost?.total ?? 0), 0);
  const preview = (value) => {
    if (value == null) return null;
    const parts = Array.isArray(value)
      ? (value.findLast((message) => message.role !== "system")?.parts ?? [])
      : [];
    return (
      parts.find((part) => part.type === "text")?.content ??
      (typeof value === "string" ? value : JSON.stringify(value))
    );
  };
  return {
    trace_id: traceId,
    name: root.name,
    start_time: new Date(startMs).toISOString(),
    duration_ms: root.took,
    status: root.error ? "error" : "ok",
    user_id: facts.user_id ?? null,
    session_id: facts.session_id ?? null,
    tags: facts.tags ?? [],
    environment: facts.environment,
    observation_count: observations.length,
    error_count: observations.filter(({ status }) => status === "error").length,
    usage: {
      input_tokens: sum("input_tokens"),
      output_tokens: sum("output_tokens"),
      cache_read_tokens: sum("cache_read_tokens"),
      cache_write_tokens: 0,
      reasoning_tokens: sum("reasoning_tokens"),
      total_tokens: sum("total_tokens"),
    },
    total_cost: used.length ? decimal(cost) : "0",
    models: [...new Set(observations.flatMap(({ model }) => (model ? [model] : [])))],
    metadata: facts.metadata ?? {},
    scores: [],
    root_type: root.type,
    root_observation_id: observations[0].observation_id,
    service_name: facts.service_name,
    input_preview: preview(root.input),
    output_preview: preview(root.output),
  };
}

const refundPolicy =
  "You are the support agent of Northwind Outdoor. Look orders up before you promise anything. Refunds above 200 EUR need a person.";
const refundQuestion =
  "My tent (order NW-48213) arrived with a broken pole. I leave on Friday. Can you send a new pole by then, or refund me?";
const refundAnswer = `I am sorry about the pole, that is the last thing you need before a trip.

**What I found**

| Item | Price | Status |
|---|---|---|
| Ridgeline 2 tent | 189.00 EUR | delivered 18 Nov |

**What I did**

1. Checked the stock: pole set \`RL2-POLE\` is in the Hamburg warehouse (14 left).
2. Booked an express replacement, free of charge, arriving **Thursday before 12:00**.

If it is not there by Thursday noon, reply here and I will refund the tent in full; it is below our limit, so it takes one minute.`;

export function agentTrace(startMs) {
  const model = "claude-sonnet-4-5";
  const system = text("system", refundPolicy);
  const question = text("user", refundQuestion);
  const callOrder = {
    role: "assistant",
    parts: [
      {
        type: "reasoning",
        content:
          "The customer names an order. Before promising a shipping date I have to see what was bought, when it arrived, and whether the pole is sold on its own. Two lookups can run side by side.",
      },
      { type: "text", content: "Let me look your order up." },
      { type: "tool_call", id: "call_1", name: "get_order", arguments: { order_id: "NW-48213" } },
      {
        type: "tool_call",
        id: "call_2",
        name: "check_stock",
        arguments: { sku: "RL2-POLE", warehouse: "any" },
      },
    ],
  };
  const order = {
    order_id: "NW-48213",
    customer: "c_20931",
    items: [{ sku: "RL2", name: "Ridgeline 2 tent", price: "189.00", currency: "EUR" }],
    delivered_at: "2026-11-18T14:20:00Z",
  };
  const stock = { sku: "RL2-POLE", available: 14, warehouse: "HAM", express_cutoff: "16:00" };
  const results = {
    role: "tool",
    parts: [
      { type: "tool_call_response", id: "call_1", result: order },
      { type: "tool_call_response", id: "call_2", result: stock },
    ],
  };
  const ship = {
    role: "assistant",
    parts: [
      {
        type: "tool_call",
        id: "call_3",
        name: "create_shipment",
        arguments: { order_id: "NW-48213", sku: "RL2-POLE", service: "express", charge: false },
      },
    ],
  };
  const shipped = {
    role: "tool",
    parts: [
      {
        type: "tool_call_response",
        id: "call_3",
        result: { shipment: "S-99120", eta: "2026-11-26T12:00:00+01:00" },
      },
    ],
  };
  return buildTrace(
    startMs,
    {
      type: "agent",
      name: "support_agent",
      at: 0,
      took: 9840,
      input: [question],
      output: [text("assistant", refundAnswer)],
      attributes: { "gen_ai.agent.name": "support_agent", "gen_ai.operation.name": "invoke_agent" },
      children: [
        {
          type: "guardrail",
          name: "moderate_input",
          at: 6,
          took: 118,
          input: refundQuestion,
          output: { flagged: false, categories: [] },
        },
        {
          type: "retrieval",
          name: "search_policies",
          at: 130,
          took: 342,
          input: "broken part replacement express refund limit",
          output: [
            { id: "policy-14", score: 0.83, title: "Spare parts and replacements" },
            { id: "policy-02", score: 0.79, title: "Refund limits" },
          ],
          children: [
            {
              type: "embedding",
              name: "embed query",
              at: 134,
              took: 61,
              model: "text-embedding-3-small",
              usage: usage(9, 0),
              input: "broken part replacement express refund limit",
            },
            {
              type: "rerank",
              name: "rerank 24 chunks",
              at: 311,
              took: 155,
              input: { query: "broken part replacement", documents: 24 },
              output: { kept: 2 },
            },
          ],
        },
        {
          type: "generation",
          name: "chat claude-sonnet-4-5",
          at: 480,
          took: 2614,
          firstToken: 702,
          model,
          usage: usage(1843, 286, { cached: 1024, reasoning: 121 }),
          input: [system, question],
          output: [callOrder],
        },
        {
          type: "tool",
          name: "get_order",
          at: 3102,
          took: 88,
          input: { order_id: "NW-48213" },
          output: order,
          children: [
            {
              type: "span",
              name: "SELECT orders",
              kind: "client",
              at: 3110,
              took: 41,
              attributes: {
                "db.system.name": "postgresql",
                "db.query.text": "SELECT * FROM orders WHERE id = $1",
              },
            },
          ],
        },
        {
          type: "tool",
          name: "check_stock",
          at: 3104,
          took: 2008,
          input: { sku: "RL2-POLE", warehouse: "any" },
          output: stock,
          children: [
            {
              type: "span",
              name: "GET inventory.internal/stock",
              kind: "client",
              at: 3108,
              took: 1500,
              error: "deadline exceeded after 1500 ms",
              exception: "httpx.ReadTimeout",
            },
            { type: "span", name: "GET inventory.internal/stock", kind: "client", at: 4720, took: 384 },
          ],
        },
        {
          type: "generation",
          name: "chat claude-sonnet-4-5",
          at: 5130,
          took: 1490,
          firstToken: 512,
          model,
          usage: usage(2391, 94, { cached: 1792 }),
          input: [system, question, callOrder, results],
          output: [ship],
        },
        {
          type: "tool",
          name: "create_shipment",
          at: 6630,
          took: 431,
          input: { order_id: "NW-48213", sku: "RL2-POLE", service: "express" },
          output: { shipment: "S-99120" },
        },
        {
          type: "generation",
          name: "chat claude-sonnet-4-5",
          at: 7075,
          took: 2590,
          firstToken: 604,
          model,
          usage: usage(2547, 312, { cached: 2304 }),
          input: [system, question, callOrder, results, ship, shipped],
          output: [text("assistant", refundAnswer)],
        },
        {
          type: "evaluator",
          name: "tone_and_promises",
          at: 9668,
          took: 164,
          output: { score: 0.94, label: "pass" },
        },
      ],
    },
    {
      trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
      service_name: "support-bot",
      environment: "production",
      user_id: "c_20931",
      session_id: "chat-7f21",
      tags: ["refund", "vip"],
      metadata: { channel: "web", locale: "de-DE" },
    },
  );
}

const questions = [
  ["Where is my parcel?", "Your parcel left Hamburg this morning and arrives tomorrow before noon."],
  [
    "Summarise the incident of last night in three sentences.",
    "At 02:14 the primary database failed over. Writes paused for 41 seconds. Nothing was lost.",
  ],
  ["Which of our plans includes single sign-on?", "Single sign-on is part of the Business plan and above."],
  [
    "Translate the release notes into Portuguese.",
    "Notas da versão 4.2: a exportação em Parquet já está disponível.",
  ],
  ["Extract the invoice number and the total.", '{"invoice":"2026-1187","total":"1,240.00 EUR"}'],
  ["Write a commit message for this diff.", "ingest: cut the torn tail of the log before replay"],
  ["Is this review positive or negative?", "negative"],
];

function chatTrace(startMs) {
  const model = pick(["gpt-5.1", "gpt-5.1-mini", "claude-haiku-4-5", "gemini-2.5-flash"]);
  const [question, answer] = pick(questions);
  const took = Math.round(between(380, 6200) * 100) / 100;
  const failed = random() < 0.09;
  const tokens = usage(Math.round(between(60, 5200)), failed ? 0 : Math.round(between(4, 900)));
  return buildTrace(
    startMs,
    {
      type: "generation",
      name: `chat ${model}`,
      kind: "server",
      at: 0,
      took,
      input: [text("user", question)],
      output: failed ? null : [text("assistant", answer)],
      error: failed ? "upstream answered 529: overloaded" : undefined,
      exception: "UpstreamError",
      children: [
        random() < 0.15
          ? {
              type: "span",
              name: "attempt 1",
              kind: "client",
              at: 2,
              took: took * 0.2,
              error: "429 too many requests, retry after 1 s",
              exception: "RateLimited",
            }
          : null,
        {
          type: "generation",
          name: `attempt ${model}`,
          at: Math.round(took * 0.22),
          took: took * 0.77,
          firstToken: Math.round(took * 0.18),
          model,
          usage: tokens,
          input: [text("user", question)],
          output: failed ? null : [text("assistant", answer)],
          error: failed ? "upstream answered 529: overloaded" : undefined,
        },
      ].filter(Boolean),
    },
    {
      service_name: "brokle-gateway",
      language: "rust",
      environment: pick(["production", "production", "production", "staging"]),
      user_id: random() < 0.7 ? `u_${Math.floor(between(100, 140))}` : null,
      session_id: random() < 0.5 ? `s-${hex(6)}` : null,
      tags: random() < 0.2 ? ["batch"] : [],
    },
  );
}

function pipelineTrace(startMs) {
  const model = pick(["gpt-5.1", "gpt-5.1-mini"]);
  const took = Math.round(between(900, 4800));
  const [question, answer] = pick(questions);
  return buildTrace(
    startMs,
    {
      type: "chain",
      name: pick(["answer_from_docs", "answer_from_docs", "weekly_digest"]),
      at: 0,
      took,
      input: question,
      output: answer,
      children: [
        {
          type: "retrieval",
          name: "vector_search",
          at: 4,
          took: Math.round(took * 0.15),
          input: question,
          children: [
            {
              type: "embedding",
              name: "embed",
              at: 6,
              took: 48,
              model: "text-embedding-3-small",
              usage: usage(14, 0),
            },
          ],
        },
        {
          type: "generation",
          name: `chat ${model}`,
          at: Math.round(took * 0.17),
          took: Math.round(took * 0.8),
          firstToken: Math.round(took * 0.1),
          model,
          usage: usage(Math.round(between(1200, 9000)), Math.round(between(80, 700))),
          input: [text("user", question)],
          output: [text("assistant", answer)],
        },
      ],
    },
    {
      service_name: "docs-search",
      environment: pick(["production", "staging", "development"]),
      user_id: random() < 0.4 ? `u_${Math.floor(between(100, 140))}` : null,
      tags: ["rag"],
    },
  );
}

function httpTrace(startMs) {
  const took = Math.round(between(4, 260) * 100) / 100;
  const failed = random() < 0.06;
  return buildTrace(
    startMs,
    {
      type: "span",
      name: pick(["POST /checkout", "GET /orders/{id}", "GET /products", "POST /webhooks/stripe"]),
      kind: "server",
      at: 0,
      took,
      error: failed ? "connection refused: payments.internal:443" : undefined,
      exception: "ConnectError",
      children: [{ type: "span", name: "SELECT products", kind: "client", at: 1, took: took * 0.6 }],
    },
    { service_name: "shop-api", language: "go", environment: pick(["production", "staging"]) },
  );
}

/** About sixty traces of the last day, the agent's among the newest. */
export function sampleTraces(nowMs) {
  const traces = [agentTrace(nowMs - 95_000)];
  for (let index = 0; index < 62; index += 1) {
    const dice = random();
    const start = Math.round(nowMs - 20_000 - 86_000_000 * random() ** 1.6);
    traces.push(dice < 0.5 ? chatTrace(start) : dice < 0.75 ? pipelineTrace(start) : httpTrace(start));
  }
  return traces;
}
