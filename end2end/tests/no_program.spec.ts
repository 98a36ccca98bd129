// A page whose program cannot run says so and what to do, instead of waiting for ever.
import { expect, test } from "@playwright/test";

import { Running, ServerReady, startServer } from "../support/servers";

let server: Running<ServerReady>;

test.beforeAll(async () => {
  server = await startServer();
});

test.afterAll(async () => {
  await server.stop();
});

test("a program that cannot be loaded is a sentence and what to do", async ({ page }) => {
  await page.route("**/*.wasm", (route) => route.abort());
  await page.goto(server.ready.url);
  const words = () => page.evaluate(() => getComputedStyle(document.body, "::after").content);
  await expect.poll(words).toContain("Truetape could not start. Reload the page");
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("the page says what it needs", async ({ page }) => {
    await page.goto(server.ready.url);
    const words = await page.locator("body").evaluate((body) => getComputedStyle(body, "::after").content);
    expect(words).toContain("Truetape needs JavaScript and WebAssembly. Allow them");
  });
});
