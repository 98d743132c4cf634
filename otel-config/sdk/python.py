"""One model call, recorded. The environment says where to: see README.md beside this file."""

import json

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("example")

question = [{"role": "user", "parts": [{"type": "text", "content": "What is OTLP?"}]}]
answer = [{"role": "assistant", "parts": [{"type": "text", "content": "A protocol."}], "finish_reason": "stop"}]

with tracer.start_as_current_span("chat gpt-4o-mini", kind=trace.SpanKind.CLIENT) as span:
    span.set_attribute("gen_ai.operation.name", "chat")
    span.set_attribute("gen_ai.provider.name", "openai")
    span.set_attribute("gen_ai.request.model", "gpt-4o-mini")
    span.set_attribute("user.id", "user-17")
    span.set_attribute("session.id", "session-4")
    span.set_attribute("gen_ai.input.messages", json.dumps(question))
    # ... the call itself ...
    span.set_attribute("gen_ai.usage.input_tokens", 12)
    span.set_attribute("gen_ai.usage.output_tokens", 5)
    span.set_attribute("gen_ai.output.messages", json.dumps(answer))

# Without this the last spans stay in memory.
provider.shutdown()
