import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { expect, type Page, test } from "@playwright/test";
import { freshAccount, nameWorkspace, signUp } from "../pages/onboarding";

const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** What axe objects to on the page as it is, as one line per fault. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(axePath, "utf8"));
  return await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof import("axe-core") };
    const { violations } = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] });
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)}`));
  });
}

async function check(page: Page, landmark: string): Promise<void> {
  await page.getByRole("heading", { name: landmark }).first().waitFor();
  for (const theme of ["light", "dark"]) {
    await page.evaluate((choice) => {
      localStorage.setItem("brokle.theme", choice);
      document.documentElement.dataset.theme = choice;
    }, theme);
    expect(await faults(page), `${landmark}, ${theme}`).toEqual([]);
  }
}

test("no page has an accessibility fault that a machine can find", async ({ page }) => {
  // Without transitions a colour is at its end when axe measures it.
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.goto("/signin");
  await check(page, "Sign in");
  await page.goto("/signup");
  await check(page, "Create your account");
  await page.goto("/signup");
  await signUp(page, freshAccount());
  await check(page, "Name your workspace");
  const { projectPath } = await nameWorkspace(page, { organization: "Acme", project: "Support bot" });
  await check(page, "Send your first trace");
  await page.goto(`${projectPath}/settings/api-keys`);
  await check(page, "API keys");
  await page.getByRole("button", { name: "Create key" }).click();
  await check(page, "Create API key");
});
