"""A stock OpenAI program, configured by OPENAI_BASE_URL and OPENAI_API_KEY alone: the Responses API, embeddings, and
tools, each called on MODEL, plainly and streaming. Prints what it got as JSON."""

import json
import os

import openai

client = openai.OpenAI(max_retries=0)
model = os.environ["MODEL"]
parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def responses():
    plain = client.responses.with_raw_response.create(model=model, input="Say hello")
    response = plain.parse()
    with client.responses.stream(model=model, input="Say hello") as stream:
        for _ in stream:
            pass
        streamed = stream.get_final_response()
    return {
        "text": response.output_text,
        "usage": response.usage.model_dump(),
        "trace_id": plain.headers.get("x-brokle-trace-id"),
        "streamed": streamed.output_text,
        "streamed_usage": streamed.usage.model_dump(),
    }


def responses_tools():
    tool = {"type": "function", "name": "weather", "parameters": parameters, "strict": False}
    question = [{"role": "user", "content": "What is the weather in Paris?"}]
    response = client.responses.create(model=model, input=question, tools=[tool])
    call = next(item for item in response.output if item.type == "function_call")
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "18 degrees"}
    after = client.responses.create(model=model, input=[*question, *response.output, result], tools=[tool])
    return {"name": call.name, "arguments": call.arguments, "after": after.output_text}


def chat_tools():
    tool = {"type": "function", "function": {"name": "weather", "parameters": parameters}}
    messages = [{"role": "user", "content": "What is the weather in Paris?"}]
    with client.chat.completions.stream(model=model, messages=messages, tools=[tool]) as stream:
        for _ in stream:
            pass
        choice = stream.get_final_completion().choices[0]
    call = choice.message.tool_calls[0]
    messages += [
        {"role": "assistant", "tool_calls": [call.model_dump(include={"id", "type", "function"})]},
        {"role": "tool", "tool_call_id": call.id, "content": "18 degrees"},
    ]
    after = client.chat.completions.create(model=model, messages=messages, tools=[tool])
    return {
        "name": call.function.name,
        "arguments": call.function.arguments,
        "finish_reason": choice.finish_reason,
        "after": after.choices[0].message.content,
    }


def embeddings():
    answer = client.embeddings.create(model=model, input=["one", "two"])
    return {"count": len(answer.data), "size": len(answer.data[0].embedding), "usage": answer.usage.model_dump()}


print(
    json.dumps(
        {
            "responses": responses(),
            "responses_tools": responses_tools(),
            "chat_tools": chat_tools(),
            "embeddings": embeddings(),
        }
    )
)
