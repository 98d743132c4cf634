import { describe, expect, test } from "vitest";
import { ApiError, describeError, errorFromNetwork, errorFromResponse, fieldErrors } from "./errors";

function anError(values: Partial<ConstructorParameters<typeof ApiError>[0]> = {}) {
  return new ApiError({ status: 400, code: "invalid_request", message: "Not good.", ...values });
}

describe("errorFromResponse", () => {
  test("reads the failure envelope", () => {
    const body = {
      success: false,
      error: { code: "gone", message: "It is gone.", request_id: "r1", details: { a: 1 } },
    };
    const error = errorFromResponse(new Response(null, { status: 404 }), body);
    expect(error).toMatchObject({
      status: 404,
      code: "gone",
      message: "It is gone.",
      requestId: "r1",
      details: { a: 1 },
    });
  });

  test("makes do with a page that some proxy wrote", () => {
    const response = new Response("<html>", { status: 502, headers: { "x-request-id": "r2" } });
    expect(errorFromResponse(response, "<html>")).toMatchObject({
      status: 502,
      code: "http_502",
      requestId: "r2",
    });
  });
});

describe("fieldErrors", () => {
  test.each([
    ["one field, named", { field: "email" }, { email: "Not good." }],
    [
      "several fields by name",
      { fields: { email: "Taken.", name: ["Too long.", "x"] } },
      { email: "Taken.", name: "Too long." },
    ],
    ["no details", undefined, {}],
    ["details about something else", { limit: 5 }, {}],
  ])("%s", (_name, details, expected) => {
    expect(fieldErrors(anError({ details }))).toEqual(expected);
  });

  test("an error that is not the API's names no field", () => {
    expect(fieldErrors(new Error("x"))).toEqual({});
  });
});

describe("describeError", () => {
  test.each([
    [401, "forbidden", true],
    [403, "forbidden", false],
    [404, "missing", false],
    [429, "failed", true],
    [500, "failed", true],
    [0, "offline", true],
  ] as const)("status %i is %s", (status, kind, retryable) => {
    expect(describeError(anError({ status }))).toMatchObject({ kind, retryable });
  });

  test("a time-out says that nothing was lost", () => {
    const error = errorFromNetwork(new DOMException("late", "TimeoutError"));
    expect(error.code).toBe("timeout");
    expect(describeError(error).text).toContain("Nothing was lost");
  });
});
