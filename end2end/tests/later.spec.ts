// Code fetched after the first view, with its styles: the other pages and everything behind buttons.
import { Page } from "@playwright/test";

import { expect, openLive, test } from "../support/page";
import { Running, ServerReady, startServer } from "../support/servers";

let server: Running<ServerReady>;

/** The file that contains all of this code. */
const LATER = /\/assets\/[0-9a-f]{16}\/later\.wasm$/;
/** The file of its styles. */
const LATER_STYLES = /\/assets\/[0-9a-f]{16}\/later\.css$/;
/** Returns how many of the document's style sheets are those. */
const sheets = (page: Page) => page.evaluate(() => [...document.styleSheets].filter((sheet) => sheet.href?.endsWith("/later.css")).length);

test.beforeAll(async () => {
  server = await startServer();
});

test.afterAll(async () => {
  await server.stop();
});

test("the rest is fetched by itself after the first data, once, and then pages change at once", async ({ page, errors }) => {
  const fetched: string[] = [];
  page.on("request", (request) => fetched.push(new URL(request.url()).pathname));
  const arrives = page.waitForResponse((response) => LATER.test(new URL(response.url()).pathname));
  await openLive(page, server.ready.url);
  await (await arrives).finished();
  await expect(page.getByTestId("settings").getByTestId("region-paces")).toBeAttached();

  await page.context().setOffline(true);
  for (const title of ["Markets", "Venues", "Quality", "Recordings"]) {
    await page.getByRole("link", { name: title, exact: true }).click();
    await expect(page.locator("main .lazy-view")).toHaveCount(0);
    await expect(page.locator("main")).not.toBeEmpty();
    await expect(page.getByRole("link", { name: title, exact: true })).toHaveAttribute("aria-current", "page");
  }
  await page.context().setOffline(false);
  await page.goBack();
  await expect(page).toHaveURL(/\/quality$/);
  for (const file of [LATER, LATER_STYLES]) expect(fetched.filter((path) => file.test(path))).toHaveLength(1);
  expect(await sheets(page)).toBe(1);
  // The browser's own messages about the requests that failed meanwhile.
  errors.splice(0);
});

for (const [what, file] of [["code", LATER], ["styles", LATER_STYLES]] as const) {
  test(`${what} that cannot be fetched: the page says so, and all is there after another try`, async ({ page, errors }) => {
    let isBroken = true;
    await page.route(file, (route) => (isBroken ? route.abort() : route.continue()));
    const hasFailed = page.waitForEvent("requestfailed", (request) => file.test(request.url()));
    await openLive(page, server.ready.url);
    // The automatic fetch is tried first, so that it is not a second attempt below.
    await hasFailed;
    await page.getByRole("link", { name: "Markets", exact: true }).click();
    const failed = page.getByRole("main").getByTestId("later-failed");
    await expect(failed).toBeVisible();
    await expect(failed).toContainText("could not be loaded");

    isBroken = false;
    await failed.getByTestId("later-retry").click();
    await expect(page.locator('[data-fragment="markets"]')).toBeVisible();
    await expect(failed).toHaveCount(0);
    expect(await sheets(page)).toBe(1);
    errors.splice(0);
  });
}

test("a page opened by its address stays as the server wrote it until its code is there", async ({ page }) => {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route(LATER, async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(`${server.ready.url}markets`);
  await expect(page.locator('[data-fragment="markets"]')).toBeVisible();
  await page.waitForTimeout(300);
  await expect(page.locator(".lazy-view:visible")).toHaveCount(0);
  await expect(page.locator('[data-fragment="markets"]')).toBeVisible();
  expect(await sheets(page)).toBe(1);
  release();
  await expect(page.getByTestId("pair").first()).toBeVisible();
  expect(await sheets(page)).toBe(1);
});
