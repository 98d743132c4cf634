import { screen, waitFor } from "@testing-library/react";
import { http } from "msw";
import { describe, expect, test } from "vitest";
import { anOrganization, aProject } from "@/testing/factories";
import { failure, ok } from "@/testing/http";
import { renderRoute } from "@/testing/render";
import { server } from "@/testing/server";

describe("the frame", () => {
  test("someone signed out is sent to sign-in and keeps the address they wanted", async () => {
    server.use(http.post("*/api/v1/auth/refresh", () => failure(401, "session_expired", "Sign in again.")));
    const { router } = renderRoute("/acme/shop/settings/api-keys");
    await waitFor(() => expect(router.state.location.pathname).toBe("/signin"));
    expect(router.state.location.search).toEqual({ redirect: "/acme/shop/settings/api-keys" });
  });

  test("an unknown project is a page that says so", async () => {
    renderRoute("/acme/nothing-here/traces");
    expect(await screen.findByRole("heading", { name: "There is no page at this address" })).toBeVisible();
  });

  test("an unknown address is a page that says so", async () => {
    renderRoute("/no/such/page/at/all");
    expect(await screen.findByRole("heading", { name: "There is no page at this address" })).toBeVisible();
  });

  test("a server that fails is said plainly, and trying again works", async () => {
    server.use(
      http.get("*/api/v1/organizations", () => failure(500, "internal", "The database is away."), {
        once: true,
      }),
    );
    const { user } = renderRoute("/acme/shop/settings/api-keys");
    expect(await screen.findByText("The database is away.")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("heading", { name: "API keys", level: 1 })).toBeVisible();
  });

  test("a time range is written to the URL and stays when the page changes", async () => {
    const { router, user } = renderRoute("/acme/shop/traces");
    await user.click(await screen.findByRole("button", { name: "Time range: Last 24 hours" }));
    await user.click(await screen.findByRole("button", { name: "Last 7 days" }));
    await waitFor(() => expect(router.state.location.search).toMatchObject({ range: "7d" }));
    await user.click(screen.getByRole("link", { name: "API keys" }));
    await waitFor(() => expect(router.state.location.pathname).toBe("/acme/shop/settings/api-keys"));
    expect(router.state.location.search).toMatchObject({ range: "7d" });
  });

  test("the palette opens a trace by its id", async () => {
    const { router, user } = renderRoute("/acme/shop/getting-started");
    await screen.findByRole("link", { name: "Traces" });
    await user.keyboard("{Control>}k{/Control}");
    await user.type(
      await screen.findByPlaceholderText(/paste a trace id/),
      "4bf92f3577b34da6a3ce929d0e0e4736",
    );
    await user.keyboard("{Enter}");
    await waitFor(() =>
      expect(router.state.location.pathname).toBe("/acme/shop/traces/4bf92f3577b34da6a3ce929d0e0e4736"),
    );
  });

  test("the switcher leads to another project", async () => {
    server.use(
      http.get("*/api/v1/organizations", () =>
        ok([anOrganization(), anOrganization({ id: "01KB", name: "Beta", slug: "beta" })]),
      ),
      http.get("*/api/v1/projects", () =>
        ok([aProject(), aProject({ id: "01KP2", name: "Lab", slug: "lab", organization_id: "01KB" })]),
      ),
    );
    const { router, user } = renderRoute("/acme/shop/getting-started");
    await user.click(await screen.findByRole("button", { name: /switch project/ }));
    await user.click(await screen.findByRole("menuitem", { name: "Lab" }));
    await waitFor(() => expect(router.state.location.pathname).toBe("/beta/lab/traces"));
  });

  test("signing out leads to sign-in", async () => {
    const { router, user } = renderRoute("/acme/shop/getting-started");
    await user.click(await screen.findByRole("button", { name: /account and theme/ }));
    server.use(http.post("*/api/v1/auth/refresh", () => failure(401, "session_expired", "Sign in again.")));
    await user.click(await screen.findByRole("menuitem", { name: "Sign out" }));
    await waitFor(() => expect(router.state.location.pathname).toBe("/signin"));
  });
});
