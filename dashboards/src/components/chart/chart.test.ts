import { describe, expect, test } from "vitest";
import { barAt, brushedRange, prepareBars } from "./prepare-bars";
import { countTicks, timeTicks } from "./ticks";

const minute = 60_000;
const from = Date.parse("2026-11-22T10:00:00Z");
const at = (minutes: number) => new Date(from + minutes * minute).toISOString();

function prepare(missing: "zero" | "gap", buckets = [{ start: at(1), count: 4, error_count: 1 }]) {
  return prepareBars({
    buckets,
    intervalMs: minute,
    fromMs: from,
    toMs: from + 4 * minute,
    missing,
    labels: 4,
  });
}

describe("bars", () => {
  test("an additive measure is zero where nothing happened", () => {
    expect(prepare("zero").bars.map(({ value }) => value)).toEqual([0, 4, 0, 0]);
  });

  test("any other measure has a gap there", () => {
    expect(prepare("gap").bars.map(({ value }) => value)).toEqual([null, 4, null, null]);
  });

  test("a bucket that begins before the range is drawn too", () => {
    const prepared = prepareBars({
      buckets: [{ start: at(-0.5), count: 2, error_count: 0 }],
      intervalMs: minute,
      fromMs: from,
      toMs: from + 2 * minute,
      missing: "zero",
      labels: 2,
    });
    expect(prepared.bars.map(({ startMs }) => (startMs - from) / minute)).toEqual([-0.5, 0.5, 1.5]);
  });

  test("totals are those of the bars", () => {
    expect(prepare("zero")).toMatchObject({ total: 4, totalErrors: 1, top: 4 });
  });

  test("an interval that makes no sense draws nothing rather than hanging", () => {
    const prepared = prepareBars({
      buckets: [],
      intervalMs: 1,
      fromMs: 0,
      toMs: 1e12,
      missing: "zero",
      labels: 4,
    });
    expect(prepared.bars).toEqual([]);
  });

  test("the bar under the pointer is found", () => {
    const { bars } = prepare("zero");
    expect(barAt(bars, from + 1.5 * minute)?.value).toBe(4);
    expect(barAt(bars, from - minute)).toBeUndefined();
  });

  test("a brush takes whole bars, in either direction, inside the range", () => {
    const prepared = prepare("zero");
    const expected = { startMs: from + minute, endMs: from + 3 * minute };
    expect(brushedRange(prepared, from + 1.2 * minute, from + 2.4 * minute)).toEqual(expected);
    expect(brushedRange(prepared, from + 2.4 * minute, from + 1.2 * minute)).toEqual(expected);
    expect(brushedRange(prepared, from - 5 * minute, from + 90 * minute)).toEqual({
      startMs: from,
      endMs: from + 4 * minute,
    });
  });
});

describe("axes", () => {
  test.each([
    [0, [0, 1]],
    [1, [0, 1]],
    [3, [0, 2, 4]],
    [7, [0, 5, 10]],
    [98, [0, 50, 100]],
    [1_204, [0, 1_000, 2_000]],
  ])("a maximum of %d gets the ticks %j", (max, ticks) => expect(countTicks(max)).toEqual(ticks));

  test.each([
    [15 * minute, 6],
    [6 * 60 * minute, 6],
    [24 * 60 * minute, 8],
    [30 * 24 * 60 * minute, 8],
  ])("a range of %d ms gets at most its number of labels", (span, most) => {
    const ticks = timeTicks(from, from + span, most);
    expect(ticks.length).toBeGreaterThan(1);
    expect(ticks.length).toBeLessThanOrEqual(most + 1);
    expect(ticks.every(({ atMs }) => atMs >= from && atMs <= from + span)).toBe(true);
  });

  test("an empty range has no ticks", () => expect(timeTicks(from, from, 8)).toEqual([]));
});
