import { expect, test } from "vitest";
import { costRows } from "./cost-rows";

const usage = {
  input_tokens: 1000,
  output_tokens: 100,
  cache_read_tokens: 400,
  cache_write_tokens: 0,
  reasoning_tokens: 40,
  total_tokens: 1100,
  buckets: { input: 500, cache_read: 400, audio_input: 100, output: 60, reasoning: 40 },
};
const rows = (cost: Record<string, string>, cost_source: string) =>
  costRows({ usage, cost, cost_source }).map(({ bucket, tokens, amount }) => [bucket, tokens, amount]);

test("our price stands beside the tokens of its bucket, each counted once", () => {
  const cost = {
    total: "0.1",
    input: "0.01",
    cache_read: "0.02",
    audio_input: "0.03",
    output: "0.03",
    request: "0.01",
  };
  expect(rows(cost, "priced")).toEqual([
    ["input", 500, "0.01"],
    ["cache_read", 400, "0.02"],
    ["audio_input", 100, "0.03"],
    ["output", 60, "0.03"],
    ["reasoning", 40, undefined],
    ["request", undefined, "0.01"],
  ]);
});

test("a caller's cost is of input and output, and ours is the last row", () => {
  expect(rows({ total: "0.5", output: "0.5", priced: "0.1" }, "client")).toEqual([
    ["input", 600, undefined],
    ["cache_read", 400, undefined],
    ["output", 100, "0.5"],
    ["priced", undefined, "0.1"],
  ]);
});
