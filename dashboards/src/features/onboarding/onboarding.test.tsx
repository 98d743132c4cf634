import { screen, waitFor } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, test } from "vitest";
import { aCreatedApiKey, anOrganization, aProject, aTrace } from "@/testing/factories";
import { failure, ok } from "@/testing/http";
import { renderRoute } from "@/testing/render";
import { server } from "@/testing/server";
import { forgetFreshKey, keepFreshKey } from "./fresh-key";

const key = aCreatedApiKey().key;

beforeEach(() => forgetFreshKey());

describe("onboarding", () => {
  function withoutWorkspace() {
    server.use(
      http.get("*/api/v1/organizations", () => ok([])),
      http.get("*/api/v1/projects", () => ok([])),
      http.post("*/api/v1/organizations", () => ok(anOrganization(), { status: 201 })),
      http.post("*/api/v1/projects", () => ok(aProject(), { status: 201 })),
      http.post("*/api/v1/projects/:id/api-keys", () => ok(aCreatedApiKey(), { status: 201 })),
    );
  }

  test("names lead to the page with the key and the examples", async () => {
    withoutWorkspace();
    const { router, user } = renderRoute("/onboarding");
    await user.type(await screen.findByLabelText("Organization"), "Acme");
    await user.type(screen.getByLabelText("Project"), "Shop");
    await user.click(screen.getByRole("button", { name: "Continue" }));
    await waitFor(() => expect(router.state.location.pathname).toBe("/acme/shop/getting-started"));
    expect(await screen.findByText(key)).toBeVisible();
    expect(screen.getByRole("tabpanel", { name: "Python" })).toHaveTextContent(key);
  });

  test("a try after a failure goes on where it stopped and makes no second organization", async () => {
    withoutWorkspace();
    let organizationsMade = 0;
    server.use(
      http.post("*/api/v1/organizations", () => {
        organizationsMade += 1;
        return ok(anOrganization(), { status: 201 });
      }),
      http.post("*/api/v1/projects", () => failure(503, "unavailable", "The database is away."), {
        once: true,
      }),
    );
    const { router, user } = renderRoute("/onboarding");
    await user.type(await screen.findByLabelText("Organization"), "Acme");
    await user.type(screen.getByLabelText("Project"), "Shop");
    await user.click(screen.getByRole("button", { name: "Continue" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("The database is away.");
    await user.click(screen.getByRole("button", { name: "Continue" }));
    await waitFor(() => expect(router.state.location.pathname).toBe("/acme/shop/getting-started"));
    expect(organizationsMade).toBe(1);
  });

  test("someone with an organization is asked for a project only", async () => {
    renderRoute("/onboarding?organization=01KORG");
    expect(await screen.findByRole("heading", { name: "New project in Acme" })).toBeVisible();
    expect(screen.queryByLabelText("Organization")).not.toBeInTheDocument();
  });
});

describe("getting started", () => {
  test("waits, and turns into the first trace when it arrives", async () => {
    let arrived = false;
    server.use(http.get("*/api/v1/analytics/traces", () => ok(arrived ? [aTrace()] : [])));
    const { user, router } = renderRoute("/acme/shop/getting-started");
    expect(await screen.findByText("Waiting for the first trace")).toBeVisible();
    arrived = true;
    const link = await screen.findByRole("link", { name: "Open the trace" }, { timeout: 3_000 });
    await user.click(link);
    await waitFor(() =>
      expect(router.state.location.pathname).toBe("/acme/shop/traces/4bf92f3577b34da6a3ce929d0e0e4736"),
    );
  });

  test("keeps waiting, and says why, while the server is away", async () => {
    server.use(http.get("*/api/v1/analytics/traces", () => HttpResponse.error()));
    renderRoute("/acme/shop/getting-started");
    expect(await screen.findByText(/Still trying/)).toBeVisible();
  });

  test("sends a sample with the project's key", async () => {
    keepFreshKey("01KPROJECT", key);
    const sent: { key: string | null; spans: number }[] = [];
    server.use(
      http.post("*/v1/traces", async ({ request }) => {
        const body = (await request.json()) as { resourceSpans: { scopeSpans: { spans: unknown[] }[] }[] };
        const spans = body.resourceSpans[0]?.scopeSpans[0]?.spans.length ?? 0;
        sent.push({ key: request.headers.get("x-api-key"), spans });
        return HttpResponse.json({});
      }),
    );
    const { user } = renderRoute("/acme/shop/getting-started");
    await user.click(await screen.findByRole("button", { name: "Send a sample trace" }));
    expect(await screen.findByText("Sent and stored.")).toBeVisible();
    expect(sent).toEqual([{ key, spans: 4 }]);
  });

  test("says why a sample was refused", async () => {
    keepFreshKey("01KPROJECT", key);
    server.use(
      http.post("*/v1/traces", () =>
        HttpResponse.json({ code: 16, message: "unknown key" }, { status: 401 }),
      ),
    );
    const { user } = renderRoute("/acme/shop/getting-started");
    await user.click(await screen.findByRole("button", { name: "Send a sample trace" }));
    expect(await screen.findByText(/Not sent: unknown key/)).toBeVisible();
  });

  test("without a key at hand offers to make one, which fills the examples", async () => {
    server.use(http.post("*/api/v1/projects/:id/api-keys", () => ok(aCreatedApiKey(), { status: 201 })));
    const { user } = renderRoute("/acme/shop/getting-started");
    expect(await screen.findByRole("button", { name: "Send a sample trace" })).toBeDisabled();
    await user.click(screen.getByRole("button", { name: "Create a key" }));
    await waitFor(() => expect(screen.getByRole("tabpanel", { name: "Python" })).toHaveTextContent(key));
    expect(screen.getByRole("button", { name: "Send a sample trace" })).toBeEnabled();
  });
});
