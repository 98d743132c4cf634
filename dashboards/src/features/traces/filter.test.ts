import { describe, expect, test } from "vitest";
import type { Facets } from "@/lib/api/types";
import {
  chosenValues,
  parseFilter,
  quoteValue,
  toggleValue,
  utf16Span,
  withoutField,
} from "./filter-language";
import { applySuggestion, suggest } from "./filter-suggestions";

const facets: Facets = {
  fields: [
    {
      field: "model",
      values: [
        { value: "gpt-4o", count: 12 },
        { value: "claude 3", count: 3 },
      ],
    },
    {
      field: "status",
      values: [
        { value: "ok", count: 90 },
        { value: "error", count: 4 },
      ],
    },
  ],
};
const labels = (text: string, caret = text.length) =>
  suggest(text, caret, facets).items.map(({ label }) => label);

describe("reading a filter", () => {
  test("fields, operators, lists, quotes and words are told apart", () => {
    const terms = parseFilter('status:error -user:"Ada L",bob duration:>=1.5s refund "two words"');
    expect(
      terms.map(({ negated, field, operator, values }) => [
        negated,
        field?.name,
        operator,
        values.map(({ text }) => text),
      ]),
    ).toEqual([
      [false, "status", undefined, ["error"]],
      [true, "user", undefined, ["Ada L", "bob"]],
      [false, "duration", ">=", ["1.5s"]],
      [false, undefined, undefined, ["refund"]],
      [false, undefined, undefined, ["two words"]],
    ]);
  });

  test("what is still being typed does not break it", () => {
    expect(parseFilter('model:"gpt')).toHaveLength(1);
    expect(parseFilter("model:a,").at(0)?.values).toHaveLength(2);
    expect(parseFilter("-")).toHaveLength(1);
    expect(parseFilter("   ")).toEqual([]);
  });

  test.each([
    ["gpt-4o", "gpt-4o"],
    ["claude 3", '"claude 3"'],
    ['say "hi"', '"say \\"hi\\""'],
    [">1", '">1"'],
    ["a*", '"a*"'],
    ["", '""'],
  ])("the value %s is written %s and read back", (value, written) => {
    expect(quoteValue(value)).toBe(written);
    expect(parseFilter(`name:${written}`).at(0)?.values.at(0)?.text).toBe(value);
  });
});

describe("choosing a facet", () => {
  test.each([
    ["", "status:error"],
    ["refund", "refund status:error"],
    ["status:ok refund", "status:ok,error refund"],
    ["status:error", ""],
    ["a status:error b", "a b"],
    ["status:ok,error", "status:ok"],
    ["-status:error", "-status:error status:error"],
  ])("%j becomes %j", (before, after) => expect(toggleValue(before, "status", "error")).toBe(after));

  test("a value with spaces is quoted, found again and taken away", () => {
    const chosen = toggleValue("", "user", "Ada L");
    expect(chosen).toBe('user:"Ada L"');
    expect(chosenValues(chosen, "user")).toEqual(new Set(["Ada L"]));
    expect(toggleValue(chosen, "user", "Ada L")).toBe("");
  });

  test("a field can be dropped as a whole", () => {
    expect(withoutField("status:ok -status:error refund", "status")).toBe("refund");
  });
});

describe("suggestions", () => {
  test("fields come first, and narrow while typing", () => {
    expect(labels("")).toContain("status:");
    expect(labels("sta")).toEqual(["status:"]);
    expect(labels("-mo")).toEqual(["model:"]);
  });

  test("values come with their counts, then examples", () => {
    expect(suggest("status:", 7, facets).items).toMatchObject([
      { label: "ok", count: 90 },
      { label: "error", count: 4 },
      { label: "unset", count: undefined },
    ]);
    expect(labels("duration:>")).toEqual([">1s", ">10s"]);
  });

  test("a value already typed in full is not offered again", () => {
    expect(labels("model:gpt-4o")).toEqual([]);
  });

  test("choosing replaces what was typed and moves on", () => {
    const text = "refund mod";
    const { span, items } = suggest(text, text.length, facets);
    expect(items[0] && applySuggestion(text, span, items[0])).toEqual({ text: "refund model:", caret: 13 });
    const next = suggest("refund model:cla", 16, facets);
    expect(next.items[0] && applySuggestion("refund model:cla", next.span, next.items[0])).toEqual({
      text: 'refund model:"claude 3" ',
      caret: 24,
    });
  });

  test("choosing a comparison replaces the operator that was typed", () => {
    const { span, items } = suggest("duration:>", 10, facets);
    expect(items[0] && applySuggestion("duration:>", span, items[0]).text).toBe("duration:>1s ");
  });
});

test("positions count characters, not UTF-16 units", () => {
  expect(utf16Span("😀 wrong:1", 2, 7)).toEqual({ start: 3, end: 8 });
});
