// Configuration of the browser tests. It starts no server: each spec starts its own through support/servers.ts,
// so that specs share no state and may run side by side.
import { existsSync } from "node:fs";

import { defineConfig } from "@playwright/test";

// PW_CHROMIUM has priority (`cargo xtask test` sets it), then a browser of the system, then the one fetched by `npx
// playwright install chromium`.
const system = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const chromium = process.env.PW_CHROMIUM ?? system.find((path) => existsSync(path));

export default defineConfig({
  testDir: "./tests",
  timeout: 60_000,
  // Most tests wait for a market to move or for a deadline, so others run meanwhile. A test that measures the page's
  // speed has the tag `@alone`: it runs after the others, with nothing beside it.
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
    // Requests through one would pass by `page.route`; the tests of the page without its server allow it.
    serviceWorkers: "block",
    // No video: it costs processor time throughout, and is only viewed after a failure. The final screenshot is kept.
    // Traces, which slow every step down, on request: PW_TRACE=1.
    trace: process.env.PW_TRACE ? { mode: "retain-on-failure", screenshots: false } : "off",
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: chromium,
      headless: true,
      args: [
        // Chromium has no sandbox for root, which containers run as.
        "--no-sandbox",
        "--disable-gpu",
        // Without these it tries to reach the network at every start.
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-quic",
        "--disable-sync",
        "--no-first-run",
      ],
    },
  },
});
