"""A stock OpenTelemetry program: a root span with a model call under it. Knows nothing of Brokle; endpoint,
key and protocol come from the standard OTEL_* environment. Prints the trace id as JSON."""

import json
import os

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

if os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
tracer = provider.get_tracer("shop", "1.2.3")

with tracer.start_as_current_span("answer question") as root:
    root.set_attribute("user.id", "u-7")
    root.set_attribute("session.id", "s-9")
    root.set_attribute("retries", 3)
    root.set_attribute("ratio", 0.25)
    root.set_attribute("cached", False)
    root.set_attribute("steps", ["plan", "call"])
    with tracer.start_as_current_span("chat gpt-4o-mini", kind=trace.SpanKind.CLIENT) as call:
        call.set_attribute("gen_ai.operation.name", "chat")
        call.set_attribute("gen_ai.provider.name", "openai")
        call.set_attribute("gen_ai.request.model", "gpt-4o-mini")
        call.set_attribute("gen_ai.response.model", "gpt-4o-mini-2024-07-18")
        call.set_attribute("gen_ai.usage.input_tokens", 1000)
        call.set_attribute("gen_ai.usage.output_tokens", 100)
        call.set_attribute("gen_ai.usage.cache_read.input_tokens", 400)
        call.set_attribute(
            "gen_ai.input.messages",
            json.dumps([{"role": "user", "parts": [{"type": "text", "content": "What is the capital of France?"}]}]),
        )
        call.set_attribute(
            "gen_ai.output.messages",
            json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "Paris."}], "finish_reason": "stop"}]),
        )
        call.add_event("first chunk", {"index": 0})
    with tracer.start_as_current_span("store answer") as failing:
        failing.set_status(trace.StatusCode.ERROR, "disk is full")

trace_id = format(root.get_span_context().trace_id, "032x")
provider.shutdown()
print(json.dumps({"trace_id": trace_id}))
