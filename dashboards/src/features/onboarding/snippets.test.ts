import { describe, expect, test } from "vitest";
import { browserRandomHex, sampleTrace } from "./sample-trace";
import { snippetsFor } from "./snippets";

describe("the examples", () => {
  test.each(snippetsFor("https://brokle.acme.dev", "bk_proj_K_s"))(
    "$label holds the endpoint and the key",
    ({ code }) => {
      expect(code).toContain("https://brokle.acme.dev");
      expect(code).toContain("bk_proj_K_s");
    },
  );
});

describe("the sample trace", () => {
  const request = sampleTrace(Date.parse("2026-11-22T10:00:00Z"), browserRandomHex);
  const spans = request.resourceSpans[0]?.scopeSpans[0]?.spans ?? [];

  test("is one tree with well-formed ids", () => {
    const [root, ...children] = spans;
    expect(root?.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(4);
    for (const child of children) expect(child.parentSpanId).toBe(root?.spanId);
  });

  test("lies within its root and ends now", () => {
    const nanoseconds = spans.map(
      (span) => [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano)] as const,
    );
    const [rootStart, rootEnd] = nanoseconds[0] ?? [0n, 0n];
    expect(rootEnd).toBe(BigInt(Date.parse("2026-11-22T10:00:00Z")) * 1_000_000n);
    for (const [start, end] of nanoseconds) {
      expect(start >= rootStart && end <= rootEnd && start < end).toBe(true);
    }
  });
});
