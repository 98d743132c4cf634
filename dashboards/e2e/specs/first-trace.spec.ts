import { expect, test } from "@playwright/test";
import { freshAccount, nameWorkspace, signUp } from "../pages/onboarding";

test("from sign-up to the first trace, seen live", async ({ page }) => {
  const failures: string[] = [];
  page.on("pageerror", (error) => failures.push(error.message));

  await signUp(page, freshAccount());
  const { key, projectPath } = await nameWorkspace(page, { organization: "Acme", project: "Support bot" });

  await test.step("the key is in every example, and the page waits", async () => {
    await expect(page.getByText("Waiting for the first trace")).toBeVisible();
    for (const name of ["Python", "TypeScript", "Go", "curl", "Collector", "OpenAI client"]) {
      await page.getByRole("tab", { name }).click();
      await expect(page.getByRole("tabpanel")).toContainText(key);
    }
  });

  await test.step("the sample trace turns up by itself", async () => {
    await page.getByRole("button", { name: "Send a sample trace" }).click();
    await expect(page.getByText("Traces are arriving")).toBeVisible();
  });

  await test.step("the trace opens, with its tree", async () => {
    await page.getByRole("link", { name: "Open the trace" }).click();
    await page.waitForURL(`**${projectPath}/traces/*`);
    await expect(page.getByText("weather_agent").first()).toBeVisible();
    await expect(page.getByText("get_weather").first()).toBeVisible();
  });

  await test.step("the list has it too", async () => {
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Traces" }).click();
    await expect(page.getByText("weather_agent").first()).toBeVisible();
  });

  await test.step("a reload keeps the session and the page", async () => {
    await page.reload();
    await expect(page.getByText("weather_agent").first()).toBeVisible();
  });

  expect(failures).toEqual([]);
});

test("a trace sent from outside appears while the page waits", async ({ page, request }) => {
  await signUp(page, freshAccount());
  const { key } = await nameWorkspace(page, { organization: "Globex", project: "Search" });
  await expect(page.getByText("Waiting for the first trace")).toBeVisible();

  const nowMs = Date.now();
  const span = {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    name: "hello from outside",
    kind: 1,
    startTimeUnixNano: `${nowMs - 250}000000`,
    endTimeUnixNano: `${nowMs}000000`,
  };
  const sent = await request.post("/v1/traces", {
    headers: { "x-api-key": key },
    data: { resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ spans: [span] }] }] },
  });
  expect(sent.status()).toBe(200);
  await expect(page.getByText(/Newest: hello from outside/)).toBeVisible();
});

test("a key can be made, is shown once, and stops working when revoked", async ({ page, request }) => {
  await signUp(page, freshAccount());
  const { projectPath } = await nameWorkspace(page, { organization: "Initech", project: "Reports" });
  await page.goto(`${projectPath}/settings/api-keys`);
  await page.getByRole("button", { name: "Create key" }).click();
  await page.getByLabel("Name").fill("Collector");
  await page.getByRole("dialog").getByRole("button", { name: "Create key" }).click();
  const key = (await page.getByRole("dialog").locator("code").textContent()) ?? "";
  expect(key).toMatch(/^bk_proj_/);
  await page.getByRole("button", { name: "I have copied it" }).click();
  await expect(page.getByText(key)).toHaveCount(0);

  const probe = () =>
    request.post("/v1/traces", { headers: { "x-api-key": key }, data: { resourceSpans: [] } });
  expect((await probe()).status()).toBe(200);
  await page.getByRole("button", { name: "Revoke Collector" }).click();
  await page.getByRole("button", { name: "Revoke key" }).click();
  await expect(page.getByRole("cell", { name: "Collector", exact: true })).toHaveCount(0);
  await expect.poll(async () => (await probe()).status()).toBe(401);
});
