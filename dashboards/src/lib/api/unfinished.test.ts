import { expect, test } from "vitest";
import { remainingWaitMs } from "./unfinished";

test.each([
  ["no renewal was left unfinished", undefined, 0],
  ["one began just now", 10_000, 1_500],
  ["one began a second ago", 9_000, 500],
  ["one began long ago", 1_000, 0],
  ["the clock was set back since", 99_000, 0],
])("%s", (_name, began, expected) => {
  expect(remainingWaitMs(began, 10_000)).toBe(expected);
});
