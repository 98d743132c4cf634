"""A stock LiteLLM program (the library as a client), configured by OPENAI_BASE_URL and OPENAI_API_KEY alone: a
completion, a stream, and a message in Anthropic's form by ANTHROPIC_BASE_URL. Prints what it got as JSON."""

import json
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else the import fetches a list of prices

import litellm  # noqa: E402

litellm.telemetry = False
model = os.environ["MODEL"]
messages = [{"role": "user", "content": "Say hello"}]

plain = litellm.completion(model=f"openai/{model}", messages=messages, num_retries=0)
chunks = list(
    litellm.completion(
        model=f"openai/{model}",
        messages=messages,
        stream=True,
        stream_options={"include_usage": True},
        num_retries=0,
    )
)
whole = litellm.stream_chunk_builder(chunks, messages=messages)
anthropic = litellm.completion(model=f"anthropic/{model}", messages=messages, max_tokens=100, num_retries=0)

try:
    litellm.completion(model="openai/no-such-model", messages=messages, num_retries=0)
    refused = None
except litellm.NotFoundError as error:
    refused = error.status_code

print(
    json.dumps(
        {
            "text": plain.choices[0].message.content,
            "prompt_tokens": plain.usage.prompt_tokens,
            "streamed": whole.choices[0].message.content,
            "streamed_prompt_tokens": whole.usage.prompt_tokens,
            "anthropic": anthropic.choices[0].message.content,
            "refused": refused,
        }
    )
)
