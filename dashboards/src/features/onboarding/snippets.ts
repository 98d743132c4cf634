/**
 * The examples of the getting-started page, with the real endpoint and key in them. Each is complete: copied into an
 * empty file it runs and sends one span, or one model call.
 */
import type { CodeLanguage } from "@/lib/highlight";

export type Snippet = {
  id: string;
  label: string;
  language: CodeLanguage;
  /** What to install first. */
  install?: string;
  code: string;
  /** What else it needs to work. */
  note?: string;
};

export const keyPlaceholder = "YOUR_API_KEY";

export function snippetsFor(endpoint: string, key: string): Snippet[] {
  return [
    python(endpoint, key),
    typescript(endpoint, key),
    go(endpoint, key),
    curl(endpoint, key),
    collector(endpoint, key),
    openai(endpoint, key),
  ];
}

function python(endpoint: string, key: string): Snippet {
  return {
    id: "python",
    label: "Python",
    language: "python",
    install: "pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http",
    code: `from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

exporter = OTLPSpanExporter(
    endpoint="${endpoint}/v1/traces",
    headers={"x-api-key": "${key}"},
)
provider = TracerProvider(resource=Resource.create({"service.name": "my-service"}))
provider.add_span_processor(BatchSpanProcessor(exporter))
trace.set_tracer_provider(provider)

with trace.get_tracer("getting-started").start_as_current_span("hello from Python") as span:
    span.set_attribute("gen_ai.operation.name", "chat")
    span.set_attribute("gen_ai.request.model", "gpt-4o-mini")
    span.set_attribute("gen_ai.usage.input_tokens", 12)
    span.set_attribute("gen_ai.usage.output_tokens", 48)

provider.shutdown()  # sends what is still buffered`,
  };
}

function typescript(endpoint: string, key: string): Snippet {
  return {
    id: "typescript",
    label: "TypeScript",
    language: "typescript",
    install:
      "npm install @opentelemetry/api @opentelemetry/resources @opentelemetry/sdk-trace-node @opentelemetry/exporter-trace-otlp-http",
    code: `import { trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const exporter = new OTLPTraceExporter({
  url: "${endpoint}/v1/traces",
  headers: { "x-api-key": "${key}" },
});
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "my-service" }),
  spanProcessors: [new BatchSpanProcessor(exporter)],
});
provider.register();

const span = trace.getTracer("getting-started").startSpan("hello from TypeScript", {
  attributes: {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 48,
  },
});
span.end();

await provider.shutdown(); // sends what is still buffered`,
  };
}

function go(endpoint: string, key: string): Snippet {
  return {
    id: "go",
    label: "Go",
    language: "go",
    install:
      "go get go.opentelemetry.io/otel go.opentelemetry.io/otel/sdk go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp",
    code: `package main

import (
	"context"
	"log"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx,
		otlptracehttp.WithEndpointURL("${endpoint}/v1/traces"),
		otlptracehttp.WithHeaders(map[string]string{"x-api-key": "${key}"}),
	)
	if err != nil {
		log.Fatal(err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
	otel.SetTracerProvider(provider)

	_, span := otel.Tracer("getting-started").Start(ctx, "hello from Go")
	span.SetAttributes(
		attribute.String("gen_ai.operation.name", "chat"),
		attribute.String("gen_ai.request.model", "gpt-4o-mini"),
		attribute.Int("gen_ai.usage.input_tokens", 12),
		attribute.Int("gen_ai.usage.output_tokens", 48),
	)
	span.End()

	// Sends what is still buffered.
	if err := provider.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
}`,
  };
}

function curl(endpoint: string, key: string): Snippet {
  return {
    id: "curl",
    label: "curl",
    language: "shell",
    code: `NOW=$(date +%s)
curl -sS ${endpoint}/v1/traces \\
  -H "content-type: application/json" \\
  -H "x-api-key: ${key}" \\
  -d @- <<JSON
{"resourceSpans": [{
  "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "my-service"}}]},
  "scopeSpans": [{"spans": [{
    "traceId": "$(openssl rand -hex 16)",
    "spanId": "$(openssl rand -hex 8)",
    "name": "hello from curl",
    "kind": 1,
    "startTimeUnixNano": "\${NOW}000000000",
    "endTimeUnixNano": "\${NOW}250000000"
  }]}]
}]}
JSON`,
  };
}

function collector(endpoint: string, key: string): Snippet {
  return {
    id: "collector",
    label: "Collector",
    language: "yaml",
    note: "For an OpenTelemetry Collector you run already: add the exporter to its pipelines.",
    code: `receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:4317
      http:
        endpoint: 0.0.0.0:4318

processors:
  batch:

exporters:
  otlphttp/brokle:
    endpoint: ${endpoint}
    headers:
      x-api-key: ${key}

service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [batch]
      exporters: [otlphttp/brokle]`,
  };
}

function openai(endpoint: string, key: string): Snippet {
  return {
    id: "openai",
    label: "OpenAI client",
    language: "python",
    install: "pip install openai",
    note: "Goes through the gateway: the server needs a provider's key, for instance OPENAI_API_KEY in its environment.",
    code: `from openai import OpenAI

client = OpenAI(
    base_url="${endpoint}/v1",
    api_key="${key}",
)
answer = client.chat.completions.create(
    model="gpt-4o-mini",
    messages=[{"role": "user", "content": "Say hello in one short sentence."}],
)
print(answer.choices[0].message.content)`,
  };
}
