import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, type Page, test } from "@playwright/test";
import { callThroughGateway, seedTraces } from "../fixtures/seed";
import { freshAccount, nameWorkspace, signUp } from "../pages/onboarding";

/** Pictures of every page at two widths in both themes, for looking at: SCREENSHOT_DIR says where they go. */
const folder = process.env.SCREENSHOT_DIR;
const sizes = [
  { name: "wide", width: 1440, height: 900 },
  { name: "narrow", width: 390, height: 844 },
] as const;
const themes = ["light", "dark"] as const;

test("every page at two widths and in both themes", async ({ page, request }) => {
  test.setTimeout(300_000);
  await mkdir(String(folder), { recursive: true });
  await shoot(page, "signin", "/signin");
  await shoot(page, "signup", "/signup");
  await signUp(page, freshAccount());
  await shoot(page, "onboarding", "/onboarding");
  await page.goto("/onboarding");
  const { key, projectPath } = await nameWorkspace(page, {
    organization: "Northwind",
    project: "Support bot",
  });
  await shootHere(page, "getting-started-waiting");
  await shoot(page, "traces-empty", `${projectPath}/traces`);
  const agentTraceId = await seedTraces(request, key);
  await page.goto(`${projectPath}/getting-started`);
  await page.getByText("Traces are arriving").waitFor();
  await shootHere(page, "getting-started");
  await shoot(page, "traces", `${projectPath}/traces`);
  await shoot(page, "traces-filtered", `${projectPath}/traces?filter=status:error`);
  await shoot(page, "trace", `${projectPath}/traces/${agentTraceId}`);
  const callTraceId = await callThroughGateway(request, key);
  await expect(async () => {
    await page.goto(`${projectPath}/traces/${callTraceId}`);
    await page.getByRole("region", { name: "Gateway attempts" }).waitFor({ timeout: 2_000 });
  }).toPass();
  await shootHere(page, "trace-attempts", ["wide"]);
  await shootAttempts(page);
  await shoot(page, "api-keys", `${projectPath}/settings/api-keys`);
  await shoot(page, "not-found", "/nowhere/to/be/found");
  await shootOpened(page, projectPath);
});

async function shoot(page: Page, name: string, path: string): Promise<void> {
  await page.goto(path);
  await shootHere(page, name);
}

/** Pictures of the page as it is, without loading it again: what is shown once stays. */
async function shootHere(page: Page, name: string, widths = ["wide", "narrow"]): Promise<void> {
  for (const theme of themes) {
    await page.evaluate((choice) => {
      localStorage.setItem("brokle.theme", choice);
      document.documentElement.dataset.theme = choice;
    }, theme);
    for (const { name: size, width, height } of sizes.filter((size) => widths.includes(size.name))) {
      await page.setViewportSize({ width, height });
      await page.waitForLoadState("networkidle").catch(() => undefined);
      await page.evaluate(() => document.fonts.ready);
      await page.screenshot({
        path: join(String(folder), `${name}-${size}-${theme}.png`),
        animations: "disabled",
      });
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
}

/** A narrow page shows either the tree or what is chosen in it: the attempts, as one story. */
async function shootAttempts(page: Page): Promise<void> {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole("treeitem").first().click();
  await page.getByRole("region", { name: "Gateway attempts" }).waitFor();
  await page.mouse.move(0, 0);
  await shootHere(page, "trace-attempts", ["narrow"]);
}

/** Pictures of what opens over a page. */
async function shootOpened(page: Page, projectPath: string): Promise<void> {
  const picture = (name: string) =>
    page.screenshot({ path: join(String(folder), `${name}.png`), animations: "disabled" });
  await page.goto(`${projectPath}/traces`);
  await page.getByRole("button", { name: /^Time range/ }).click();
  await picture("open-time-range");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /switch project/ }).click();
  await picture("open-project-switcher");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /account and theme/ }).click();
  await picture("open-user-menu");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").waitFor();
  await picture("open-palette");
  await page.goto(`${projectPath}/settings/api-keys`);
  await page.getByRole("button", { name: "Create key" }).click();
  await picture("open-create-key");
  await page.getByLabel("Name").fill("Collector");
  await page.getByRole("dialog").getByRole("button", { name: "Create key" }).click();
  await page.getByRole("button", { name: "I have copied it" }).waitFor();
  await picture("open-key-once");
  await page.getByRole("button", { name: "I have copied it" }).click();
  await page.getByRole("button", { name: "Collapse the sidebar" }).click();
  await page.getByRole("button", { name: "Revoke Collector" }).click();
  await picture("open-revoke-collapsed");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole("button", { name: "Open the menu" }).click();
  await picture("open-menu-narrow");
}
