import { describe, expect, test } from "vitest";
import { formatCost, formatCostExact } from "./cost";
import { compareDecimals, sumDecimals } from "./decimal";
import { formatDuration } from "./duration";
import { shortId } from "./id";
import { formatCompact, formatCount, formatPercent } from "./number";
import { formatRelative, preciseMs } from "./time";
import { formatTokens, formatTokensExact } from "./tokens";

describe("durations", () => {
  test.each([
    [0, "0 ms"],
    [0.0421, "0.042 ms"],
    [0.42, "0.42 ms"],
    [0.999, "1 ms"],
    [12, "12 ms"],
    [12.6, "13 ms"],
    [999.4, "999 ms"],
    [999.6, "1.00 s"],
    [1240, "1.24 s"],
    [9_994, "9.99 s"],
    [12_345, "12.3 s"],
    [59_949, "59.9 s"],
    [59_960, "1 m 00 s"],
    [185_000, "3 m 05 s"],
    [3_599_600, "1 h 00 m"],
    [7_440_000, "2 h 04 m"],
    [273_600_000, "3 d 04 h"],
    [-5, "0 ms"],
    [Number.NaN, "–"],
  ])("%d ms reads %s", (ms, text) => expect(formatDuration(ms)).toBe(text));
});

describe("tokens and counts", () => {
  test.each([
    [0, "0"],
    [1204, "1,204"],
    [9_999, "9,999"],
    [10_000, "10.0 k"],
    [12_431, "12.4 k"],
    [124_310, "124 k"],
    [999_600, "1.00 M"],
    [3_100_000, "3.10 M"],
    [2_500_000_000, "2.50 G"],
  ])("%d reads %s", (value, text) => {
    expect(formatCompact(value)).toBe(text);
    expect(formatTokens(value)).toBe(text);
  });

  test("the exact figure names its unit", () => {
    expect(formatTokensExact(1)).toBe("1 token");
    expect(formatTokensExact(12_431)).toBe("12,431 tokens");
    expect(formatCount(1_234_567)).toBe("1,234,567");
  });

  test.each([
    [0, "0 %"],
    [0.0001, "<0.1 %"],
    [0.042, "4.2 %"],
    [1, "100 %"],
  ])("a share of %d reads %s", (share, text) => expect(formatPercent(share)).toBe(text));
});

describe("costs", () => {
  test.each([
    ["0", "$0"],
    ["0.000", "$0"],
    ["0.0042", "$0.0042"],
    ["0.00421234", "$0.00421"],
    ["0.000421234", "$0.000421"],
    ["0.0000966", "$0.000097"],
    ["0.00042", "$0.00042"],
    ["0.000000000004", "<$0.000001"],
    ["0.12345", "$0.1235"],
    ["0.5", "$0.5000"],
    ["1.5", "$1.50"],
    ["1234.567", "$1,234.57"],
    ["999.999", "$1,000.00"],
    ["-0.25", "-$0.2500"],
    ["not a number", "$not a number"],
  ])("%s reads %s", (amount, text) => expect(formatCost(amount)).toBe(text));

  test("the exact amount keeps every digit, beyond what a float holds", () => {
    expect(formatCostExact("12345678901234567890.123456789")).toBe("$12,345,678,901,234,567,890.123456789");
  });

  test("sums are exact", () => {
    expect(sumDecimals(["0.1", "0.2"])).toBe("0.3");
    expect(sumDecimals(["0.000000001", "1", "nonsense"])).toBe("1.000000001");
    expect(sumDecimals([])).toBe("0");
  });

  test("comparison ignores how many zeros were written", () => {
    expect(compareDecimals("1.50", "1.5")).toBe(0);
    expect(compareDecimals("0.0042", "0.042")).toBe(-1);
    expect(compareDecimals("10", "9.99")).toBe(1);
  });
});

describe("times and ids", () => {
  test("relative times count in whole units", () => {
    const now = Date.parse("2026-11-22T10:00:00Z");
    expect(formatRelative("2026-11-22T09:59:30Z", now)).toBe("now");
    expect(formatRelative("2026-11-22T09:54:59Z", now)).toBe("5m ago");
    expect(formatRelative("2026-11-19T09:00:00Z", now)).toBe("3d ago");
  });

  test("microseconds survive", () => {
    const start = preciseMs("2026-11-22T10:00:00.123456Z");
    expect(start - Date.parse("2026-11-22T10:00:00.123Z")).toBeCloseTo(0.456, 3);
    expect(preciseMs("2026-11-22T10:00:00Z")).toBe(Date.parse("2026-11-22T10:00:00Z"));
  });

  test("a short id is its beginning", () => {
    expect(shortId("4bf92f3577b34da6a3ce929d0e0e4736")).toBe("4bf92f35");
    expect(shortId("abc")).toBe("abc");
  });
});
