// One model call, recorded. The environment says where to: see README.md beside this file.

import { SpanKind, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { NodeSDK } from "@opentelemetry/sdk-node";

const sdk = new NodeSDK({ traceExporter: new OTLPTraceExporter() });
sdk.start();

const tracer = trace.getTracer("example");
const question = [{ role: "user", parts: [{ type: "text", content: "What is OTLP?" }] }];
const answer = [{ role: "assistant", parts: [{ type: "text", content: "A protocol." }], finish_reason: "stop" }];

tracer.startActiveSpan("chat gpt-4o-mini", { kind: SpanKind.CLIENT }, (span) => {
  span.setAttributes({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "user.id": "user-17",
    "session.id": "session-4",
    "gen_ai.input.messages": JSON.stringify(question),
  });
  // ... the call itself ...
  span.setAttributes({
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 5,
    "gen_ai.output.messages": JSON.stringify(answer),
  });
  span.end();
});

// Without this the last spans stay in memory.
await sdk.shutdown();
