import { defineConfig } from "@playwright/test";

/** Runs against BASE_URL, a running `brokle serve` with this dashboard in it, on Debian's Chromium. */
export default defineConfig({
  testDir: "e2e/specs",
  // The pictures are taken on demand (`make images`), not as a test.
  testIgnore: process.env.SCREENSHOT_DIR ? [] : ["**/screenshots.spec.ts"],
  outputDir: "test-results",
  timeout: 60_000,
  expect: { timeout: 15_000 },
  forbidOnly: true,
  workers: 1,
  reporter: [["list"]],
  use: {
    baseURL: process.env.BASE_URL ?? "http://127.0.0.1:8080",
    viewport: { width: 1440, height: 900 },
    locale: "en-GB",
    timezoneId: "UTC",
    trace: "off",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
