"""A stock Anthropic program, configured by ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY alone: Messages on MODEL, plainly,
streaming, with a tool, and for a model that does not exist. Prints what it got as JSON."""

import json
import os

import anthropic

client = anthropic.Anthropic(max_retries=0)
model = os.environ["MODEL"]
question = {"role": "user", "content": "What is the weather in Paris?"}
tool = {
    "name": "weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}

plain = client.messages.with_raw_response.create(
    model=model, max_tokens=100, messages=[{"role": "user", "content": "Say hello"}]
)
message = plain.parse()

with client.messages.stream(
    model=model, max_tokens=100, messages=[{"role": "user", "content": "Say hello"}]
) as stream:
    streamed = "".join(stream.text_stream)
    final = stream.get_final_message()

with client.messages.stream(model=model, max_tokens=100, messages=[question], tools=[tool]) as stream:
    asked = stream.get_final_message()
call = next(block for block in asked.content if block.type == "tool_use")
after = client.messages.create(
    model=model,
    max_tokens=100,
    tools=[tool],
    messages=[
        question,
        {"role": "assistant", "content": asked.content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "18 degrees"}]},
    ],
)

try:
    client.messages.create(model="no-such-model", max_tokens=100, messages=[question])
    refused = None
except anthropic.NotFoundError as error:
    refused = error.body["error"]["type"]

print(
    json.dumps(
        {
            "text": message.content[0].text,
            "stop_reason": message.stop_reason,
            "usage": {"input_tokens": message.usage.input_tokens, "output_tokens": message.usage.output_tokens},
            "trace_id": plain.headers.get("x-brokle-trace-id"),
            "streamed": streamed,
            "streamed_usage": {"input_tokens": final.usage.input_tokens, "output_tokens": final.usage.output_tokens},
            "tool": {"name": call.name, "input": call.input, "stop_reason": asked.stop_reason},
            "after_tool": after.content[0].text,
            "refused": refused,
        }
    )
)
