import { describe, expect, test } from "vitest";
import type { Observation } from "@/lib/api/types";
import { attemptsOf } from "./attempts";
import { groupAttributes } from "./attributes";
import { embeddedImage, jsonInText, readContent, remoteAddress } from "./conversation";
import { jsonRows } from "./json-rows";
import { anObservation } from "./testing";
import { ancestorIds, buildTree, nextError, visibleRows } from "./tree";
import { placeBar, waterfallTicks } from "./waterfall";

const begin = Date.parse("2026-11-22T10:00:00Z");
function span(id: string, parent: string | null, startMs = 0, rest: Partial<Observation> = {}): Observation {
  return anObservation({
    observation_id: id,
    parent_observation_id: parent,
    name: id,
    start_time: new Date(begin + startMs).toISOString(),
    duration_ms: 10,
    ...rest,
  });
}
const all = { collapsed: new Set<string>(), text: "", types: new Set<string>() };
const shape = (observations: Observation[], question = all) =>
  visibleRows(buildTree(observations), question).map(({ node }) => `${"-".repeat(node.depth)}${node.id}`);

describe("the tree", () => {
  const sample = [
    span("c", "a", 30),
    span("a", null, 0, { duration_ms: 100 }),
    span("b", "a", 10),
    span("b1", "b", 12, { status: "error" }),
  ];

  test("siblings stand in the order in which they began, whatever order they came in", () => {
    expect(shape(sample)).toEqual(["a", "-b", "--b1", "-c"]);
  });

  test("offsets count from the first start, the length to the last end", () => {
    const tree = buildTree(sample);
    expect(tree.byId.get("c")?.startMs).toBe(30);
    expect(tree.durationMs).toBe(100);
    expect(tree.hasRoot).toBe(true);
  });

  test("errors are counted upwards", () => {
    const tree = buildTree(sample);
    expect(tree.byId.get("a")).toMatchObject({ errorsBelow: 1, failed: false, end: 4 });
    expect(tree.errorCount).toBe(1);
  });

  test("a parent that has not arrived leaves an orphan at the top, and no root", () => {
    const tree = buildTree([span("x", "missing"), span("y", "x", 5)]);
    expect(tree.nodes.map(({ id, depth, orphan }) => [id, depth, orphan])).toEqual([
      ["x", 0, true],
      ["y", 1, false],
    ]);
    expect(tree.hasRoot).toBe(false);
  });

  test("parents in a circle are shown, each once", () => {
    expect(shape([span("a", "b"), span("b", "a", 5)]).sort()).toEqual(["-b", "a"]);
    expect(shape([span("a", "a")])).toEqual(["a"]);
  });

  test("the same observation twice is one row", () =>
    expect(shape([span("a", null), span("a", null)])).toEqual(["a"]));

  test("nothing is an empty tree", () => {
    expect(buildTree([])).toMatchObject({ nodes: [], durationMs: 0, hasRoot: false });
  });

  test("collapsing hides what is inside", () => {
    expect(shape(sample, { ...all, collapsed: new Set(["b"]) })).toEqual(["a", "-b", "-c"]);
  });

  test("a search keeps the parents of what it found, and opens what is collapsed", () => {
    const rows = visibleRows(buildTree(sample), { ...all, text: "b1", collapsed: new Set(["a"]) });
    expect(rows.map(({ node, hit }) => [node.id, hit])).toEqual([
      ["a", false],
      ["b", false],
      ["b1", true],
    ]);
  });

  test("types narrow the rows", () => {
    const tools = [span("a", null), span("t", "a", 1, { type: "tool" }), span("s", "a", 2)];
    expect(shape(tools, { ...all, types: new Set(["tool"]) })).toEqual(["a", "-t"]);
  });

  test("the next error comes after the selected row, then from the top again", () => {
    const tree = buildTree([...sample, span("z", null, 500, { status: "error" })]);
    expect(nextError(tree, undefined)?.id).toBe("b1");
    expect(nextError(tree, "b1")?.id).toBe("z");
    expect(nextError(tree, "z")?.id).toBe("b1");
    expect(nextError(buildTree([span("a", null)]), undefined)).toBeUndefined();
  });

  test("the way to a row is known", () => expect(ancestorIds(buildTree(sample), "b1")).toEqual(["b", "a"]));

  test("a chain of 50,000 is built without overflowing the stack", () => {
    const chain = Array.from({ length: 50_000 }, (_, index) =>
      span(`n${index}`, index === 0 ? null : `n${index - 1}`, index),
    );
    const tree = buildTree(chain);
    expect(tree.nodes).toHaveLength(50_000);
    expect(tree.nodes[0]?.end).toBe(50_000);
    expect(tree.nodes.at(-1)?.depth).toBe(49_999);
  });
});

describe("the waterfall", () => {
  test.each([
    [0, 100, 100, 0, 100],
    [25, 50, 100, 25, 50],
    [90, 50, 100, 90, 10],
    [-10, 20, 100, 0, 10],
    [0, 0, 0, 0, 100],
  ])("a bar at %d for %d of %d stands at %d with width %d", (start, duration, total, left, width) => {
    const placed = placeBar(start, duration, total);
    expect(placed.leftPercent).toBeCloseTo(left);
    expect(placed.widthPercent).toBeCloseTo(width);
  });

  test.each([
    [9_840, [0, 2_500, 5_000, 7_500]],
    [100, [0, 25, 50, 75, 100]],
    [0.8, [0, 0.2, 0.4, 0.6000000000000001, 0.8]],
    [185_000, [0, 60_000, 120_000, 180_000]],
    [0, []],
  ])("%d ms gets round ticks", (total, ticks) => {
    expect(waterfallTicks(total, 4).map(({ ms }) => ms)).toEqual(ticks);
  });
});

describe("the conversation", () => {
  const call = { type: "tool_call", id: "c1", name: "weather", arguments: { city: "Oslo" } };
  const input = [
    { role: "user", parts: [{ type: "text", content: "weather?" }] },
    { role: "assistant", parts: [{ type: "reasoning", content: "look" }, call] },
    { role: "tool", parts: [{ type: "tool_call_response", id: "c1", result: { c: -3 } }] },
  ];

  test("a tool's result stands beside its call, and its message is gone", () => {
    const content = readContent(input, [{ role: "assistant", parts: [{ type: "text", content: "cold" }] }]);
    expect(content).toMatchObject({
      kind: "conversation",
      turns: [
        { role: "user", side: "input" },
        {
          role: "assistant",
          blocks: [{ kind: "reasoning" }, { kind: "tool", result: { value: { c: -3 } } }],
        },
        { role: "assistant", side: "output" },
      ],
    });
  });

  test("a result whose call is not here stays", () => {
    const content = readContent(
      [{ role: "tool", parts: [{ type: "tool_call_response", id: "x", result: 1 }] }],
      null,
    );
    expect(content).toMatchObject({ turns: [{ role: "tool", blocks: [{ kind: "result", value: 1 }] }] });
  });

  test("a part of a kind not known is kept as it came", () => {
    const part = { type: "hologram", depth: 3 };
    expect(readContent([{ role: "user", parts: [part] }], null)).toMatchObject({
      turns: [{ blocks: [{ kind: "other", value: part }] }],
    });
  });

  test("what is no conversation stays two values", () => {
    expect(readContent({ a: 1 }, "done")).toEqual({ kind: "values", input: { a: 1 }, output: "done" });
    expect(readContent([], null)).toMatchObject({ kind: "values" });
  });

  test("one plain side becomes a turn beside the other's conversation", () => {
    expect(readContent("hello", [{ role: "assistant", parts: [] }])).toMatchObject({
      turns: [{ role: "user", blocks: [{ kind: "text", text: "hello" }] }, { role: "assistant" }],
    });
  });

  test("only bytes that came with the trace are shown as an image", () => {
    const png = { kind: "image", data: "iVBOR", mime_type: "image/png" } as const;
    expect(embeddedImage(png)).toBe("data:image/png;base64,iVBOR");
    expect(embeddedImage({ ...png, mime_type: "image/svg+xml" })).toBeUndefined();
    expect(embeddedImage({ kind: "image", uri: "https://x/cat.png" })).toBeUndefined();
    expect(remoteAddress({ kind: "image", uri: "https://x/cat.png" })).toBe("https://x/cat.png");
    expect(remoteAddress({ kind: "image", uri: "javascript:alert(1)" })).toBeUndefined();
  });

  test("JSON inside a text is found", () => {
    expect(jsonInText(' {"a":1} ')).toEqual({ value: { a: 1 } });
    expect(jsonInText("[not json")).toBeUndefined();
    expect(jsonInText("12")).toBeUndefined();
  });
});

describe("gateway attempts", () => {
  test("read as one story, in their order", () => {
    const attempt = (number: number, rest: Record<string, unknown>) => ({
      attributes: { "brokle.gateway.attempt": number, ...rest },
    });
    const tree = buildTree([
      span("call", null, 0, { attributes: { "brokle.gateway.attempts": 2 } }),
      span("two", "call", 2, {
        ...attempt(2, { "brokle.gateway.provider": "openai", "http.response.status_code": 200 }),
        model: "gpt-4o-mini",
        time_to_first_token_ms: 180,
      }),
      span("one", "call", 1, {
        ...attempt(1, {
          "brokle.gateway.provider": "azure",
          "http.response.status_code": "429",
          "error.type": "rate_limited",
          "brokle.gateway.outcome": "failed",
        }),
        status: "error",
      }),
    ]);
    const [call] = tree.nodes;
    expect(call && attemptsOf(tree, call)).toMatchObject([
      { provider: "azure", status: 429, reason: "rate limited", outcome: "failed", firstTokenMs: null },
      { provider: "openai", status: 200, model: "gpt-4o-mini", outcome: "answered", firstTokenMs: 180 },
    ]);
  });

  test("an ordinary span has none", () => {
    const tree = buildTree([span("a", null)]);
    expect(tree.nodes[0] && attemptsOf(tree, tree.nodes[0])).toEqual([]);
  });
});

describe("raw values", () => {
  const view = { toggled: new Set<string>(), shown: new Map<string, number>() };

  test("two levels are open, and paths can be pasted into code", () => {
    const rows = jsonRows({ a: [{ "b-c": 1 }], d: null }, view);
    expect(rows.map(({ path, open }) => [path, open])).toEqual([
      ["", true],
      ["a", true],
      ["a[0]", false],
      ["d", false],
    ]);
    expect(jsonRows({ a: [{ "b-c": 1 }] }, { ...view, toggled: new Set(["a[0]"]) }).at(-1)?.path).toBe(
      'a[0]["b-c"]',
    );
  });

  test("a long list is shown a step at a time", () => {
    const rows = jsonRows(
      Array.from({ length: 250 }, (_, index) => index),
      view,
    );
    expect(rows).toHaveLength(102);
    expect(rows.at(-1)).toMatchObject({ hiddenCount: 150, value: "" });
  });

  test("attributes fall into what was understood, the rest, and the resource", () => {
    const groups = groupAttributes({
      attributes: { "gen_ai.request.model": "m", "app.flag": true },
      resource: { "service.name": "s" },
      metadata: {},
    });
    expect(groups.map(({ title, rows }) => [title, rows.map(({ key }) => key)])).toEqual([
      ["Mapped", ["gen_ai.request.model"]],
      ["Other", ["app.flag"]],
      ["Resource", ["service.name"]],
    ]);
  });
});
