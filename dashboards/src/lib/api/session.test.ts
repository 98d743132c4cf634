import { http } from "msw";
import { describe, expect, test } from "vitest";
import { aSession } from "@/testing/factories";
import { failure, ok } from "@/testing/http";
import { server } from "@/testing/server";
import { api, dataOf } from "./client";
import { ApiError } from "./errors";
import { adoptSession, currentSession, maySignInSilently, onSessionEnd, renewSession } from "./session";

function countRenewals() {
  const count = { renewals: 0 };
  server.use(
    http.post("*/api/v1/auth/refresh", () => {
      count.renewals += 1;
      return ok(aSession({ access_token: `renewed-${count.renewals}` }));
    }),
  );
  return count;
}

describe("the session", () => {
  test("is renewed once for all who ask at the same time", async () => {
    const count = countRenewals();
    const sessions = await Promise.all([currentSession(), currentSession(), renewSession()]);
    expect(count.renewals).toBe(1);
    expect(sessions.map((session) => session?.token)).toEqual(["renewed-1", "renewed-1", "renewed-1"]);
  });

  test("is renewed before its token expires", async () => {
    countRenewals();
    adoptSession(aSession({ access_token: "dying", expires_in: 0 }));
    expect((await currentSession())?.token).toBe("renewed-1");
  });

  test("ends when the server refuses to renew it, and says so once", async () => {
    adoptSession(aSession());
    server.use(http.post("*/api/v1/auth/refresh", () => failure(401, "session_expired", "Over.")));
    let ends = 0;
    const stop = onSessionEnd(() => {
      ends += 1;
    });
    expect(await renewSession()).toBeUndefined();
    expect(await renewSession()).toBeUndefined();
    stop();
    expect(ends).toBe(1);
    expect(maySignInSilently()).toBe(false);
  });

  test("does not end when the server is merely failing", async () => {
    adoptSession(aSession());
    server.use(http.post("*/api/v1/auth/refresh", () => failure(503, "unavailable", "Away.")));
    await expect(renewSession()).rejects.toBeInstanceOf(ApiError);
    expect((await currentSession())?.token).toBe("token-1");
  });
});

describe("a request with a refused token", () => {
  test("is sent once more with a renewed one", async () => {
    const count = countRenewals();
    adoptSession(aSession({ access_token: "revoked" }));
    const tokens: (string | null)[] = [];
    server.use(
      http.post("*/api/v1/organizations", async ({ request }) => {
        const token = request.headers.get("authorization");
        tokens.push(token);
        const body = await request.json();
        return token === "Bearer renewed-1" ? ok(body, { status: 201 }) : failure(401, "unauthorized", "No.");
      }),
    );
    const created = await dataOf(api.POST("/api/v1/organizations", { body: { name: "Acme" } }));
    expect(created).toEqual({ name: "Acme" });
    expect(tokens).toEqual(["Bearer revoked", "Bearer renewed-1"]);
    expect(count.renewals).toBe(1);
  });

  test("fails when the renewed one is refused too", async () => {
    countRenewals();
    server.use(http.get("*/api/v1/organizations", () => failure(401, "unauthorized", "No.")));
    await expect(dataOf(api.GET("/api/v1/organizations"))).rejects.toMatchObject({ status: 401 });
  });
});
