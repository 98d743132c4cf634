// A stock OpenTelemetry program with the OTLP/JSON exporter. Knows nothing of Brokle; endpoint and key come from
// the standard OTEL_* environment. Prints the trace id as JSON.
import { SpanKind, SpanStatusCode, context, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";

const provider = new TracerProvider({
  resource: resourceFromAttributes({ "service.name": "storefront" }),
  spanProcessors: [new SimpleSpanProcessor({ exporter: new OTLPTraceExporter() })],
});
const tracer = provider.getTracer("web", "4.5.6");

const root = tracer.startSpan("GET /answer", { kind: SpanKind.SERVER, attributes: { "user.id": "u-7", retries: 3 } });
const inRoot = trace.setSpan(context.active(), root);
const call = tracer.startSpan(
  "chat gpt-4o-mini",
  {
    kind: SpanKind.CLIENT,
    attributes: {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-4o-mini",
      "gen_ai.usage.input_tokens": 1000,
      "gen_ai.usage.output_tokens": 100,
    },
  },
  inRoot,
);
call.end();
root.setStatus({ code: SpanStatusCode.OK });
root.end();
await provider.forceFlush();
await provider.shutdown();
console.log(JSON.stringify({ trace_id: root.spanContext().traceId }));
