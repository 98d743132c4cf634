import { expect, test } from "@playwright/test";
import { freshAccount, nameWorkspace, signUp } from "../pages/onboarding";

test("signing out ends the session in every tab", async ({ page, context }) => {
  await signUp(page, freshAccount());
  const { projectPath } = await nameWorkspace(page, { organization: "Umbrella", project: "Lab" });
  const second = await context.newPage();
  await second.goto(`${projectPath}/traces`);
  await expect(second.getByRole("link", { name: "API keys" })).toBeVisible();

  await page.getByRole("button", { name: /account and theme/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.waitForURL("**/signin**");
  await second.waitForURL("**/signin**");
});

test("tabs opened at the same time share one session", async ({ page, context }) => {
  await signUp(page, freshAccount());
  const { projectPath } = await nameWorkspace(page, { organization: "Hooli", project: "Nucleus" });
  const tabs = await Promise.all([1, 2, 3, 4].map(() => context.newPage()));
  await Promise.all(tabs.map((tab) => tab.goto(`${projectPath}/settings/api-keys`)));
  for (const tab of tabs)
    await expect(tab.getByRole("cell", { name: "First key", exact: true })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { name: "Send your first trace" })).toBeVisible();
});

test("someone signed out comes back to the page they wanted after sign-in", async ({ page }) => {
  const account = freshAccount();
  await signUp(page, account);
  const { projectPath } = await nameWorkspace(page, { organization: "Soylent", project: "Green" });
  await page.getByRole("button", { name: /account and theme/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.waitForURL("**/signin**");

  await page.goto(`${projectPath}/traces?range=7d`);
  await page.waitForURL("**/signin**");
  await page.getByLabel("E-mail").fill(account.email);
  await page.getByLabel("Password", { exact: true }).fill(account.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`**${projectPath}/traces?range=7d`);
});

test("pages left before they have loaded do not end the session", async ({ page }) => {
  await signUp(page, freshAccount());
  const { projectPath } = await nameWorkspace(page, { organization: "Wayne", project: "Cave" });
  for (const pauseMs of [5, 20, 40, 80, 120, 160]) {
    await page.goto(`${projectPath}/settings/api-keys?pause=${pauseMs}`, { waitUntil: "commit" });
    await page.waitForTimeout(pauseMs);
  }
  await page.goto(`${projectPath}/settings/api-keys`);
  await expect(page.getByRole("cell", { name: "First key", exact: true })).toBeVisible();
});
