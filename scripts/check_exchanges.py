#!/usr/bin/env python3
"""Holds the exchanges in gateway/tests/it/pairs/snapshots to the providers' own libraries: what a provider is sent must
be a request by its library's types, and what a caller gets must be an answer by its own's.

  pip install openai anthropic google-genai cohere botocore
  python3 scripts/check_exchanges.py

Not part of the tests: the libraries are large and change often. Run it when a snapshot changes. It fails when an
exchange is not what its library expects, and says how many it has looked at.
"""

import base64
import glob
import json
import re
import sys
from pathlib import Path
from typing import get_args

import anthropic.types as anthropic_types
import botocore.session
import botocore.validate
import cohere
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming as AnthropicRequest
from cohere.core.pydantic_utilities import parse_obj_as
from google.genai import types as google
from openai.types import responses as openai_responses
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming as ChatRequest
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming as ResponsesRequest
from pydantic import TypeAdapter

SNAPSHOTS = Path(__file__).resolve().parent.parent / "gateway/tests/it/pairs/snapshots"
CONVERSE = botocore.session.get_session().get_service_model("bedrock-runtime").operation_model("Converse").input_shape


def typed(kind, value):
    """By the one of a union's types that has the value's `type`, so that a complaint is about that."""
    members = get_args(get_args(kind)[0]) if get_args(kind) else ()
    for member in members:
        field = getattr(member, "model_fields", {}).get("type")
        if field and value.get("type") in get_args(field.annotation):
            kind = member
    TypeAdapter(kind).validate_python(value)


def blobs(value):
    """Base64 as the bytes that botocore wants to be given."""
    if isinstance(value, dict):
        return {k: base64.b64decode(v) if k in ("bytes", "redactedContent") else blobs(v) for k, v in value.items()}
    return [blobs(item) for item in value] if isinstance(value, list) else value


def converse(sent):
    report = botocore.validate.ParamValidator().validate(blobs(sent | {"modelId": "m"}), CONVERSE)
    assert not report.has_errors(), report.generate_report()


def gemini(sent):
    known = {"contents", "systemInstruction", "generationConfig", "tools", "toolConfig", "safetySettings", "cachedContent"}
    assert set(sent) <= known, set(sent) - known
    for content in sent["contents"]:
        google.Content.model_validate(content)
    for name, kind in (("systemInstruction", google.Content), ("generationConfig", google.GenerationConfig),
                       ("toolConfig", google.ToolConfig)):
        if name in sent:
            kind.model_validate(sent[name])
    for tool in sent.get("tools", []):
        google.Tool.model_validate(tool)


def cohere_request(sent):
    for message in sent["messages"]:
        parse_obj_as(cohere.ChatMessageV2, message)
    for tool in sent.get("tools", []):
        cohere.ToolV2.model_validate(tool)
    if "response_format" in sent:
        parse_obj_as(cohere.ResponseFormatV2, sent["response_format"])


REQUESTS = {
    "openai": lambda sent: typed(ChatRequest, sent | {"stream": False}),
    "azure": lambda sent: typed(ChatRequest, sent | {"stream": False}),
    "responses": lambda sent: typed(ResponsesRequest, sent | {"stream": False}),
    "anthropic": lambda sent: typed(AnthropicRequest, sent | {"stream": False}),
    "gemini": gemini,
    "vertex": gemini,
    "cohere": cohere_request,
    "bedrock": converse,
}
ANSWERS = {
    "chat": (ChatCompletion, ChatCompletionChunk),
    "responses": (openai_responses.Response, openai_responses.ResponseStreamEvent),
    "messages": (anthropic_types.Message, anthropic_types.RawMessageStreamEvent),
}


def main():
    looked, wrong = 0, []
    for path in sorted(glob.glob(f"{SNAPSHOTS}/*.snap")):
        caller, provider = Path(path).stem.split("-")
        text = Path(path).read_text().split("---\n", 2)[2]
        for exercise in re.split(r"^== ", text, flags=re.M)[1:]:
            name, rest = exercise.split("\n", 1)
            sent, got = re.split(r"^<- .*\n", rest, maxsplit=1, flags=re.M)
            whole, event = ANSWERS[caller]
            checks = [(REQUESTS[provider], json.loads(sent.split("\n", 1)[1]))]
            if "\ndata: " in "\n" + got:
                data = [line[6:] for line in got.splitlines() if line.startswith("data: {")]
                # Allowed at any time, and in no library's types.
                data = [line for line in data if line != '{"type": "ping"}']
                # Azure's first chunk, as Azure sends it.
                data = [line for line in data if '"object": ""' not in line]
                checks += [(lambda value: typed(event, value), json.loads(line)) for line in data]
            elif name != "error":
                checks.append((lambda value: typed(whole, value), json.loads(got)))
            for check, value in checks:
                looked += 1
                try:
                    check(value)
                except Exception as problem:  # Whatever the library says is what is to be read.
                    wrong.append(f"{caller} to {provider}, {name}: {problem}\n  {json.dumps(value)[:300]}")
    print("\n".join(wrong))
    print(f"{looked} messages looked at, {len(wrong)} are not as their library has them")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
