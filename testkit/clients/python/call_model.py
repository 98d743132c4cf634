"""A stock OpenAI program, configured by OPENAI_BASE_URL and OPENAI_API_KEY alone. Calls MODEL once plainly and
once streaming, and prints what it got as JSON."""

import json
import os

import openai

client = openai.OpenAI(max_retries=0)
model = os.environ["MODEL"]
messages = [{"role": "user", "content": "Say hello"}]

plain = client.chat.completions.with_raw_response.create(model=model, messages=messages)
completion = plain.parse()

chunks = list(
    client.chat.completions.create(model=model, messages=messages, stream=True, stream_options={"include_usage": True})
)
streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)

try:
    client.chat.completions.create(model="no-such-model", messages=messages)
    refused = None
except openai.NotFoundError as error:
    refused = error.code

print(
    json.dumps(
        {
            "text": completion.choices[0].message.content,
            "usage": completion.usage.model_dump(),
            "trace_id": plain.headers.get("x-brokle-trace-id"),
            "provider": plain.headers.get("x-brokle-provider"),
            "attempts": plain.headers.get("x-brokle-attempts"),
            "cost": plain.headers.get("x-brokle-cost"),
            "streamed": streamed,
            "streamed_usage": chunks[-1].usage.model_dump() if chunks[-1].usage else None,
            "models": [model.id for model in client.models.list()],
            "refused": refused,
        }
    )
)
