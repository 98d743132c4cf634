import { screen, waitFor, within } from "@testing-library/react";
import { delay, HttpResponse, http } from "msw";
import { describe, expect, test } from "vitest";
import { aCreatedApiKey, anApiKey } from "@/testing/factories";
import { failure, ok } from "@/testing/http";
import { renderRoute } from "@/testing/render";
import { server } from "@/testing/server";

const path = "/acme/shop/settings/api-keys";
const keysUrl = "*/api/v1/projects/:id/api-keys";

describe("the API keys page", () => {
  test("shows its outline while the keys load", async () => {
    server.use(
      http.get(keysUrl, async () => {
        await delay("infinite");
      }),
    );
    renderRoute(path);
    expect(await screen.findByRole("status", { name: "Loading the keys" })).toBeVisible();
  });

  test("says what to do when there is no key", async () => {
    renderRoute(path);
    expect(await screen.findByRole("heading", { name: "No keys yet" })).toBeVisible();
    expect(screen.getByRole("button", { name: "Create key" })).toBeEnabled();
  });

  test("says what failed, and the request's id", async () => {
    server.use(http.get(keysUrl, () => failure(500, "internal", "The database is away.")));
    renderRoute(path);
    expect(await screen.findByRole("heading", { name: "The keys could not be loaded" })).toBeVisible();
    expect(screen.getByText("req_failed")).toBeVisible();
    expect(screen.getByRole("button", { name: "Try again" })).toBeEnabled();
  });

  test("tells a role without permission that it may not look, and offers no retry", async () => {
    server.use(http.get(keysUrl, () => failure(403, "forbidden", "No.")));
    renderRoute(path);
    expect(await screen.findByRole("heading", { name: "You may not see this" })).toBeVisible();
    expect(screen.queryByRole("button", { name: "Try again" })).not.toBeInTheDocument();
  });

  test("lists keys by preview, never in full", async () => {
    server.use(http.get(keysUrl, () => ok([anApiKey({ expires_at: "2020-01-01T00:00:00Z" })])));
    renderRoute(path);
    const row = (await screen.findByRole("button", { name: "Revoke Production collector" })).closest("tr");
    expect(row).toHaveTextContent("bk_proj_01KPRO...Zx9Q");
    expect(row).toHaveTextContent("Never");
    expect(row).toHaveTextContent("expired");
  });

  test("creates a key with the chosen scopes and shows it once", async () => {
    const sent: unknown[] = [];
    server.use(
      http.post(keysUrl, async ({ request }) => {
        sent.push(await request.json());
        return ok(aCreatedApiKey({ name: "Collector" }), { status: 201 });
      }),
    );
    const { user } = renderRoute(path);
    await user.click(await screen.findByRole("button", { name: "Create key" }));
    const dialog = await screen.findByRole("dialog", { name: "Create API key" });
    await user.type(within(dialog).getByLabelText("Name"), "Collector");
    await user.click(within(dialog).getByRole("checkbox", { name: /Gateway/ }));
    await user.click(within(dialog).getByRole("checkbox", { name: /Read/ }));
    await user.click(within(dialog).getByRole("button", { name: "Create key" }));

    const shown = await screen.findByRole("dialog", { name: "Collector is ready" });
    expect(sent).toEqual([{ name: "Collector", scopes: ["ingest"] }]);
    expect(shown).toHaveTextContent("bk_proj_01KPROJECT_0123456789abcdefghijklmnopqrstuv");
    await user.keyboard("{Escape}");
    expect(shown).toBeInTheDocument();
    await user.click(within(shown).getByRole("button", { name: "I have copied it" }));
    await waitFor(() => expect(screen.queryByText(/bk_proj_01KPROJECT_0123/)).not.toBeInTheDocument());
  });

  test("asks for a name and at least one scope", async () => {
    const { user } = renderRoute(path);
    await user.click(await screen.findByRole("button", { name: "Create key" }));
    const dialog = await screen.findByRole("dialog");
    for (const scope of [/Ingest/, /Gateway/, /Read/]) {
      await user.click(within(dialog).getByRole("checkbox", { name: scope }));
    }
    await user.click(within(dialog).getByRole("button", { name: "Create key" }));
    expect(await within(dialog).findByText("Enter a name.")).toBeVisible();
    expect(within(dialog).getByText("Choose at least one.")).toBeVisible();
  });

  test("revokes after a confirmation, and says so", async () => {
    let keys = [anApiKey()];
    server.use(
      http.get(keysUrl, () => ok(keys)),
      http.delete("*/api/v1/projects/:id/api-keys/:keyId", ({ params }) => {
        keys = keys.filter(({ id }) => id !== params.keyId);
        return new HttpResponse(null, { status: 204 });
      }),
    );
    const { user } = renderRoute(path);
    await user.click(await screen.findByRole("button", { name: "Revoke Production collector" }));
    await user.click(await screen.findByRole("button", { name: "Revoke key" }));
    expect(await screen.findByText("Production collector revoked")).toBeVisible();
    expect(await screen.findByRole("heading", { name: "No keys yet" })).toBeVisible();
  });

  test("keeps the question open and says why when revoking fails", async () => {
    server.use(
      http.get(keysUrl, () => ok([anApiKey()])),
      http.delete("*/api/v1/projects/:id/api-keys/:keyId", () =>
        failure(500, "internal", "The database is away."),
      ),
    );
    const { user } = renderRoute(path);
    await user.click(await screen.findByRole("button", { name: "Revoke Production collector" }));
    const dialog = await screen.findByRole("alertdialog");
    await user.click(within(dialog).getByRole("button", { name: "Revoke key" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("The database is away.");
  });
});
