import { expect, test } from "vitest";
import { traceIdIn } from "./trace-id";

const id = "4bf92f3577b34da6a3ce929d0e0e4736";

test.each([
  ["a bare id", id, id],
  ["capitals and spaces", `  ${id.toUpperCase()} `, id],
  ["a traceparent header", `00-${id}-00f067aa0ba902b7-01`, id],
  ["a link", `https://brokle.acme.dev/acme/shop/traces/${id}?range=7d`, id],
  ["a longer run of digits", `${id}0`, undefined],
  ["words", "traces", undefined],
])("%s", (_name, text, expected) => {
  expect(traceIdIn(text)).toBe(expected);
});
