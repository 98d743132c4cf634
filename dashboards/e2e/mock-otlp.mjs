// Between the sample traces and OTLP/JSON: a sample as an SDK would send it, and, for the mock server, what was sent as
// the dashboard's API would show it. Only the attributes that the samples use.
import { buildTrace, usage } from "./mock-data.mjs";

const kinds = { internal: 1, server: 2, client: 3 };
const usageKeys = {
  input_tokens: "gen_ai.usage.input_tokens",
  output_tokens: "gen_ai.usage.output_tokens",
  cache_read_tokens: "gen_ai.usage.cache_read.input_tokens",
  reasoning_tokens: "gen_ai.usage.reasoning.output_tokens",
};

/** One sample trace as an ExportTraceServiceRequest. */
export function toOtlp({ trace, observations }) {
  const resource = { ...observations[0].resource, "deployment.environment.name": trace.environment };
  const spans = observations.map((observation) => spanOf(observation, trace));
  return { resourceSpans: [{ resource: { attributes: attributes(resource) }, scopeSpans: [{ spans }] }] };
}

function spanOf(observation, trace) {
  const isRoot = observation.parent_observation_id === null;
  const values = { ...observation.attributes, "brokle.span.type": observation.type };
  for (const [field, key] of Object.entries(usageKeys))
    if (observation.usage?.[field]) values[key] = observation.usage[field];
  if (observation.time_to_first_token_ms) {
    values["gen_ai.response.time_to_first_chunk"] = observation.time_to_first_token_ms / 1000 + 1e-9;
  }
  put(values, "input", observation.input);
  put(values, "output", observation.output);
  if (trace.user_id) values["user.id"] = trace.user_id;
  if (trace.session_id) values["session.id"] = trace.session_id;
  if (isRoot && trace.tags.length) values["brokle.trace.tags"] = trace.tags;
  if (isRoot && Object.keys(trace.metadata).length)
    values["brokle.trace.metadata"] = JSON.stringify(trace.metadata);
  return {
    traceId: observation.trace_id,
    spanId: observation.observation_id,
    parentSpanId: observation.parent_observation_id ?? undefined,
    name: observation.name,
    kind: kinds[observation.kind] ?? 1,
    startTimeUnixNano: nanoseconds(observation.start_time, 0),
    endTimeUnixNano: nanoseconds(observation.start_time, observation.duration_ms),
    attributes: attributes(values),
    status: {
      code: observation.status === "error" ? 2 : 1,
      message: observation.status_message ?? undefined,
    },
    events: observation.events.map((event) => ({
      name: event.name,
      timeUnixNano: nanoseconds(event.time, 0),
      attributes: attributes(event.attributes),
    })),
  };
}

function put(values, side, content) {
  if (content === null) return;
  const isConversation = Array.isArray(content) && content.every((message) => message.role);
  const key = isConversation ? `gen_ai.${side}.messages` : `${side}.value`;
  values[key] = typeof content === "string" ? content : JSON.stringify(content);
}

function nanoseconds(moment, addedMs) {
  return String(BigInt(Date.parse(moment)) * 1_000_000n + BigInt(Math.round(addedMs * 1e6)));
}

function attributes(values) {
  return Object.entries(values).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value) {
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  if (typeof value === "number")
    return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { stringValue: String(value) };
}

/** What an OTLP/JSON request becomes in the mock server. */
export function tracesFromOtlp(request) {
  const byTrace = new Map();
  for (const resourceSpans of request.resourceSpans ?? []) {
    const resource = flatten(resourceSpans.resource?.attributes);
    for (const scope of resourceSpans.scopeSpans ?? []) {
      for (const span of scope.spans ?? []) {
        byTrace.set(span.traceId, [...(byTrace.get(span.traceId) ?? []), { span, resource }]);
      }
    }
  }
  return [...byTrace.values()].map(traceFromSpans);
}

function traceFromSpans(rows) {
  const root = rows.find(({ span }) => !span.parentSpanId) ?? rows[0];
  const originMs = milliseconds(root.span.startTimeUnixNano);
  const facts = flatten(root.span.attributes);
  return buildTrace(originMs, nodeFrom(root.span, rows, originMs), {
    trace_id: root.span.traceId,
    service_name: root.resource["service.name"] ?? "unknown",
    environment: root.resource["deployment.environment.name"] ?? "default",
    user_id: facts["user.id"],
    session_id: facts["session.id"],
    tags: facts["brokle.trace.tags"],
    metadata: parsed(facts["brokle.trace.metadata"]) ?? {},
  });
}

const operationTypes = {
  chat: "generation",
  execute_tool: "tool",
  invoke_agent: "agent",
  embeddings: "embedding",
};

function nodeFrom(span, rows, originMs) {
  const values = flatten(span.attributes);
  const model = values["gen_ai.response.model"] ?? values["gen_ai.request.model"];
  const count = (field) => Number(values[usageKeys[field]] ?? 0);
  const firstChunk = values["gen_ai.response.time_to_first_chunk"];
  return {
    type: values["brokle.span.type"] ?? operationTypes[values["gen_ai.operation.name"]] ?? "span",
    name: span.name,
    kind: Object.keys(kinds).find((name) => kinds[name] === span.kind),
    at: milliseconds(span.startTimeUnixNano) - originMs,
    took: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6,
    error: span.status?.code === 2 ? span.status.message : undefined,
    model,
    firstToken: firstChunk ? Math.round(firstChunk * 1000) : undefined,
    usage: model
      ? usage(count("input_tokens"), count("output_tokens"), {
          cached: count("cache_read_tokens"),
          reasoning: count("reasoning_tokens"),
        })
      : undefined,
    input: parsed(
      values["gen_ai.input.messages"] ?? values["gen_ai.tool.call.arguments"] ?? values["input.value"],
    ),
    output: parsed(
      values["gen_ai.output.messages"] ?? values["gen_ai.tool.call.result"] ?? values["output.value"],
    ),
    attributes: values,
    children: rows
      .filter((row) => row.span.parentSpanId === span.spanId)
      .map((row) => nodeFrom(row.span, rows, originMs)),
  };
}

function milliseconds(nanosecondText) {
  return Number(BigInt(nanosecondText) / 1_000_000n);
}

function parsed(value) {
  try {
    return typeof value === "string" ? JSON.parse(value) : (value ?? null);
  } catch {
    return value;
  }
}

function flatten(list = []) {
  return Object.fromEntries(list.map(({ key, value }) => [key, plain(value)]));
}

function plain(value) {
  if (value.arrayValue) return value.arrayValue.values.map(plain);
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.doubleValue ?? value.boolValue;
}
