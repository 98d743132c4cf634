import { describe, expect, test } from "vitest";
import { snippetsFor } from "@/features/onboarding/snippets";
import { highlight } from "./highlight";

describe("highlight", () => {
  test.each(snippetsFor("http://localhost:8080", "bk_proj_K_s"))(
    "keeps every character of $label",
    ({ code, language }) => {
      expect(
        highlight(code, language)
          .map(({ text }) => text)
          .join(""),
      ).toBe(code);
    },
  );

  test("does not take an address for a comment", () => {
    expect(
      highlight('url: "https://x.dev", // here', "typescript").filter(({ kind }) => kind !== "plain"),
    ).toEqual([
      { kind: "string", text: '"https://x.dev"' },
      { kind: "comment", text: "// here" },
    ]);
  });
});
