"""The stock Langfuse SDK, with only its host and keys set: an observed function around a generation, and scores.
Prints what it sent."""

import json

from langfuse import get_client, observe, propagate_attributes

client = get_client()


@observe(name="answer", as_type="agent")
def answer(question):
    with propagate_attributes(user_id="u-7", session_id="s-9", tags=["beta"], metadata={"plan": "pro"}):
        with client.start_as_current_observation(
            as_type="generation",
            name="chat",
            model="gpt-4o-mini",
            input=[{"role": "user", "content": question}],
        ) as generation:
            generation.update(output="Paris.", usage_details={"input": 1000, "output": 100})
            generation.score(name="polite", value=1, data_type="BOOLEAN")
            trace_id, span_id = generation.trace_id, generation.id
    return trace_id, span_id


is_known = client.auth_check()
trace_id, span_id = answer("What is the capital of France?")
client.create_score(trace_id=trace_id, name="accuracy", value=0.9, score_id="acc-1", comment="close", metadata={"run": "r1"})
client.create_score(trace_id=trace_id, name="accuracy", value=0.95, score_id="acc-1", comment="closer")
client.create_score(trace_id=trace_id, name="verdict", value="right", data_type="CATEGORICAL")
client.create_score(session_id="s-9", name="happy", value=True, data_type="BOOLEAN")
client.flush()
client.shutdown()
print(json.dumps({"trace_id": trace_id, "span_id": span_id, "auth": is_known}))
