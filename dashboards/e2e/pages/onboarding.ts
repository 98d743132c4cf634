import type { Page } from "@playwright/test";

export type Account = { name: string; email: string; password: string };

/** An account nobody has used yet, so that a test can run against the same server again and again. */
export function freshAccount(): Account {
  const stamp = `${Date.now()}-${Math.floor(Math.random() * 1e6)}`;
  return { name: "Ada Lindqvist", email: `ada-${stamp}@example.com`, password: "correct-horse-battery" };
}

export async function signUp(page: Page, account: Account): Promise<void> {
  await page.goto("/signup");
  await page.getByLabel("Name").fill(account.name);
  await page.getByLabel("E-mail").fill(account.email);
  await page.getByLabel("Password", { exact: true }).fill(account.password);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.waitForURL("**/onboarding");
}

/** Names organization and project; returns the project's address and its first key. */
export async function nameWorkspace(page: Page, names: { organization: string; project: string }) {
  await page.getByLabel("Organization").fill(names.organization);
  await page.getByLabel("Project").fill(names.project);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.waitForURL("**/getting-started");
  const key = (await page.getByText(/^bk_proj_\w{26}_\w+$/).textContent()) ?? "";
  const projectPath = new URL(page.url()).pathname.replace("/getting-started", "");
  return { key, projectPath };
}
