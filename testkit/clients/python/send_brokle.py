"""The stock Brokle SDK, with only its environment set: an observed function around a generation, and scores of every
kind. Prints what it sent."""

import json

from brokle import get_client, observe
from brokle.scorers import scorer
from brokle.scores import ScoreResult, ScoreSource, ScoreType
from opentelemetry import trace

client = get_client()


@scorer
def verdict(output, expected=None, **kwargs):
    return ScoreResult(name="verdict", value=1.0, type=ScoreType.CATEGORICAL, string_value="right", reason="says Paris")


@observe(name="answer", user_id="u-7", session_id="s-9", tags=["beta"])
def answer(question):
    with client.start_as_current_generation(
        name="chat",
        model="gpt-4o-mini",
        provider="openai",
        input_messages=[{"role": "user", "content": question}],
        model_parameters={"temperature": 0.5},
    ) as generation:
        generation.set_attribute("gen_ai.output.messages", json.dumps([{"role": "assistant", "content": "Paris."}]))
        generation.set_attribute("gen_ai.usage.input_tokens", 1000)
        generation.set_attribute("gen_ai.usage.output_tokens", 100)
        context = trace.get_current_span().get_span_context()
    return format(context.trace_id, "032x"), format(context.span_id, "016x")


is_known = client.auth_check()
trace_id, span_id = answer("What is the capital of France?")
client.flush()
number = client.scores.submit(trace_id=trace_id, name="accuracy", value=0.9, reason="close", metadata={"run": "r1"})
client.scores.submit(
    trace_id=trace_id, span_id=span_id, name="polite", value=1.0, type=ScoreType.BOOLEAN, source=ScoreSource.HUMAN
)
client.scores.submit(trace_id=trace_id, scorer=verdict, output="Paris.", source=ScoreSource.LLM)
client.scores.batch([{"trace_id": trace_id, "name": "speed", "value": 0.5}, {"trace_id": trace_id, "name": "cost", "value": 0.25}])
client.shutdown()
print(json.dumps({"trace_id": trace_id, "span_id": span_id, "auth": is_known, "score": number["id"]}))
