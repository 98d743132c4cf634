import { describe, expect, test } from "vitest";
import {
  projectSearchSchema,
  resolveTimeRange,
  searchOfTimeRange,
  timeRangeLabel,
  timeRangeOf,
} from "./time-range";

const from = "2026-11-20T00:00:00Z";
const to = "2026-11-21T00:00:00Z";

describe("the time range in the URL", () => {
  test.each([
    ["nothing means the last day", {}, { kind: "preset", preset: "24h" }],
    ["a preset is taken", { range: "7d" }, { kind: "preset", preset: "7d" }],
    ["two moments win over a preset", { range: "7d", from, to }, { kind: "fixed", from, to }],
    ["one moment alone is ignored", { from }, { kind: "preset", preset: "24h" }],
    [
      "a range that ends before it starts is ignored",
      { from: to, to: from },
      { kind: "preset", preset: "24h" },
    ],
    [
      "what does not parse is ignored",
      { range: "yesterday", from: "x", to: 5 },
      { kind: "preset", preset: "24h" },
    ],
  ] as const)("%s", (_name, search, expected) => {
    expect(timeRangeOf(projectSearchSchema.parse(search))).toEqual(expected);
  });

  test("survives the way into the URL and back", () => {
    for (const range of [{ kind: "preset", preset: "1h" } as const, { kind: "fixed", from, to } as const]) {
      expect(timeRangeOf(searchOfTimeRange(range))).toEqual(range);
    }
  });

  test("the default leaves no trace in the URL", () => {
    expect(searchOfTimeRange({ kind: "preset", preset: "24h" })).toEqual({});
  });

  test("a preset moves with the clock", () => {
    const now = Date.parse("2026-11-22T10:00:00Z");
    expect(resolveTimeRange({ kind: "preset", preset: "1h" }, now)).toEqual({
      from: "2026-11-22T09:00:00.000Z",
      to: "2026-11-22T10:00:00.000Z",
    });
  });

  test("a preset is named in words", () => {
    expect(timeRangeLabel({ kind: "preset", preset: "30d" })).toBe("Last 30 days");
  });
});
