"""A stock LangChain program, configured by OPENAI_BASE_URL and OPENAI_API_KEY alone: a chat model called plainly,
streaming, with a tool, and for structured output. Prints what it got as JSON."""

import json
import os

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"18 degrees in {city}"


model = ChatOpenAI(model=os.environ["MODEL"], max_retries=0, stream_usage=True)
plain = model.invoke("Say hello")
chunks = list(model.stream("Say hello"))
total = chunks[0]
for chunk in chunks[1:]:
    total += chunk

asked = model.bind_tools([weather]).invoke("What is the weather in Paris?")
answer = weather.invoke(asked.tool_calls[0])
embeddings = OpenAIEmbeddings(model=os.environ["MODEL"], check_embedding_ctx_length=False, max_retries=0)

print(
    json.dumps(
        {
            "text": plain.content,
            "usage": plain.usage_metadata,
            "streamed": total.content,
            "streamed_usage": total.usage_metadata,
            "chunks": len(chunks),
            "tool": asked.tool_calls[0]["name"],
            "tool_answer_for": answer.tool_call_id == asked.tool_calls[0]["id"],
            "embedded": len(embeddings.embed_documents(["one", "two"])),
        }
    )
)
