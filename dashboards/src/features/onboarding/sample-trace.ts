/**
 * A small trace as an SDK would send it: an agent that looks up the weather and answers. Sent from the browser with the
 * project's own key, so that it proves the whole way in.
 */
import { ApiError, errorFromNetwork, errorFromResponse } from "@/lib/api/errors";

const timeoutMs = 10_000;

type Value = string | number;
type SpanPlan = { name: string; at: number; took: number; kind: number; attributes: Record<string, Value> };

export function sampleTrace(nowMs: number, randomHex: (bytes: number) => string) {
  const traceId = randomHex(16);
  const rootId = randomHex(8);
  const startMs = nowMs - 1_640;
  const spans = plan().map((step, index) => ({
    traceId,
    spanId: index === 0 ? rootId : randomHex(8),
    parentSpanId: index === 0 ? undefined : rootId,
    name: step.name,
    kind: step.kind,
    startTimeUnixNano: nanoseconds(startMs + step.at),
    endTimeUnixNano: nanoseconds(startMs + step.at + step.took),
    attributes: attributes(step.attributes),
    status: { code: 1 },
  }));
  return {
    resourceSpans: [
      {
        resource: { attributes: attributes({ "service.name": "brokle-sample" }) },
        scopeSpans: [{ scope: { name: "brokle.dashboard" }, spans }],
      },
    ],
  };
}

function plan(): SpanPlan[] {
  const question = [
    { role: "user", parts: [{ type: "text", content: "Do I need an umbrella in Lisbon today?" }] },
  ];
  const call = { type: "tool_call", id: "call_1", name: "get_weather", arguments: { city: "Lisbon" } };
  const result = { type: "tool_call_response", id: "call_1", result: { sky: "clear", celsius: 19, rain: 0 } };
  const answer = [
    {
      role: "assistant",
      parts: [{ type: "text", content: "No. The sky over **Lisbon** is clear, and it is 19 °C." }],
    },
  ];
  const conversation = [...question, { role: "assistant", parts: [call] }, { role: "tool", parts: [result] }];
  const chat = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.response.model": "gpt-4o-mini",
  };
  return [
    {
      name: "weather_agent",
      at: 0,
      took: 1_640,
      kind: 1,
      attributes: {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "weather_agent",
        "gen_ai.input.messages": JSON.stringify(question),
        "gen_ai.output.messages": JSON.stringify(answer),
      },
    },
    {
      name: "chat gpt-4o-mini",
      at: 12,
      took: 710,
      kind: 3,
      attributes: {
        ...chat,
        "gen_ai.usage.input_tokens": 84,
        "gen_ai.usage.output_tokens": 17,
        "gen_ai.input.messages": JSON.stringify(question),
        "gen_ai.output.messages": JSON.stringify([{ role: "assistant", parts: [call] }]),
      },
    },
    {
      name: "execute_tool get_weather",
      at: 730,
      took: 96,
      kind: 1,
      attributes: {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "get_weather",
        "gen_ai.tool.call.arguments": JSON.stringify(call.arguments),
        "gen_ai.tool.call.result": JSON.stringify(result.result),
      },
    },
    {
      name: "chat gpt-4o-mini",
      at: 834,
      took: 790,
      kind: 3,
      attributes: {
        ...chat,
        "gen_ai.usage.input_tokens": 126,
        "gen_ai.usage.output_tokens": 19,
        "gen_ai.input.messages": JSON.stringify(conversation),
        "gen_ai.output.messages": JSON.stringify(answer),
      },
    },
  ];
}

function attributes(values: Record<string, Value>) {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === "number" ? { intValue: String(value) } : { stringValue: value },
  }));
}

/** Milliseconds are integers here, so the digits can simply be appended. */
function nanoseconds(milliseconds: number): string {
  return `${milliseconds}000000`;
}

export function browserRandomHex(bytes: number): string {
  return [...crypto.getRandomValues(new Uint8Array(bytes))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/** Sends the sample. The route speaks OTLP and not the dashboard's envelope, so the typed client is not used. */
export async function sendSampleTrace(key: string): Promise<void> {
  const response = await fetch(new URL("/v1/traces", window.location.origin), {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": key },
    body: JSON.stringify(sampleTrace(Date.now(), browserRandomHex)),
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((cause: unknown) => {
    throw errorFromNetwork(cause);
  });
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw errorFromResponse(response, body);
  const rejected = (body as { partialSuccess?: { errorMessage?: string } } | undefined)?.partialSuccess
    ?.errorMessage;
  if (rejected) throw new ApiError({ status: 400, code: "rejected", message: rejected });
}
