// The smoke test of every page in three engines: Playwright's runner alone, as it can drive neither a stock Firefox nor
// WebKitGTK. `cargo xtask browsers` runs it.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.ts",
  timeout: 120_000,
  // One browser at a time: WebKitGTK paints in software.
  workers: 1,
  retries: 0,
  forbidOnly: process.env.CI === "true",
  reporter: "list",
  projects: ["chromium", "firefox", "webkit"].map((name) => ({ name })),
});
