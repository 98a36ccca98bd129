// How Playwright runs the browser tests. It starts no server: each spec starts its own through support/servers.ts,
// so that specs share no state and may run side by side.
import { existsSync } from "node:fs";

import { defineConfig } from "@playwright/test";

// PW_CHROMIUM wins (`cargo xtask test` sets it), else a browser of the system, else the one that
// `npx playwright install chromium` fetched.
const system = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const chromium = process.env.PW_CHROMIUM ?? system.find((path) => existsSync(path));

export default defineConfig({
  testDir: "./tests",
  timeout: 60_000,
  // Most tests wait for a market to move or for a deadline, and let others go on meanwhile. A test that measures how
  // quick the page is has the tag `@alone`: it runs when the others are through, with nothing beside it.
  workers: 2,
  projects: [
    { name: "side-by-side", grepInvert: /@alone/ },
    { name: "alone", grep: /@alone/, dependencies: ["side-by-side"], workers: 1 },
  ],
  retries: 0,
  forbidOnly: process.env.CI === "true",
  reporter: "list",
  use: {
    browserName: "chromium",
    viewport: { width: 1280, height: 800 },
    // No film: it costs processor time throughout, and only a failure is ever looked at. The picture at its end stays.
    trace: { mode: "retain-on-failure", screenshots: false },
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: chromium,
      headless: true,
      args: [
        // Chromium has no sandbox for root, which is what containers run as.
        "--no-sandbox",
        "--disable-gpu",
        // Without these it tries to reach the outside at every start.
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-quic",
        "--disable-sync",
        "--no-first-run",
      ],
    },
  },
});
