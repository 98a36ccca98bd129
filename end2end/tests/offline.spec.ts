// The page without its server: it starts from what the browser has kept, says of when that is, takes no orders, and is live
// again by itself; and what happens when the server has another version.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Page, test } from "@playwright/test";

import { command, place, priceBelow, symbol } from "../support/desk";
import { expect, number, openLive } from "../support/page";
import { startServer } from "../support/servers";

// Without the check for errors in the console: the browser reports every request that finds no server.
test.use({ serviceWorkers: "allow", viewport: { width: 1440, height: 900 } });

/** Waits until the browser has kept the page's files, and returns their addresses below the page's folder. */
async function keptFiles(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    const [name] = (await caches.keys()).filter((name) => name.startsWith(`truetape ${registration.scope} `));
    const requests = await (await caches.open(name)).keys();
    return requests.map((request) => request.url.slice(registration.scope.length)).sort();
  });
}

/** The controls of the Live page that give the desk a command, while there are an open order and a position. */
const ORDER_CONTROLS = [
  "ticket-buy",
  "ticket-sell",
  "amend",
  "cancel",
  "cancel-all",
  "close",
  "reverse",
  "chart-line-grip",
  "chart-line-cancel",
];

/** Expects that controls are disabled and say why. */
async function expectOff(page: Page, names: string[]): Promise<void> {
  for (const name of names) {
    const control = page.getByTestId(name).first();
    await expect(control, name).toHaveAttribute("aria-disabled", "true", { timeout: 15_000 });
    await expect(control, name).toHaveAttribute("title", "No connection to the server: orders are off");
  }
}

/** Returns a region of the page. */
function region(page: Page, name: string) {
  return page.locator(`[data-fragment="${name}"]`);
}

test("the server is killed and the page reloaded: old values with their age, no orders; then live without a touch", async ({ page }) => {
  test.setTimeout(180_000);
  const folder = mkdtempSync(join(tmpdir(), "truetape-offline-"));
  const server = await startServer({ folder });
  const port = Number(new URL(server.ready.url).port);
  await openLive(page, server.ready.url, symbol);
  const files = await keptFiles(page);
  expect(files.filter((file) => file !== "").every((file) => /^assets\/[0-9a-f]{16}\/[\w.-]+$/.test(file)), files.join("\n")).toBe(true);
  expect(files.map((file) => file.split("/").at(-1))).toEqual(expect.arrayContaining(["", "truetape.css", "later.css", "truetape.js", "truetape.wasm", "later.wasm"]));
  await expect(page.getByTestId("ticket-buy")).toHaveAttribute("aria-disabled", "false");
  const chart = page.getByTestId("chart");
  await expect(chart).toHaveAttribute("data-bars", /^50\d$/, { timeout: 15_000 });
  await expect(page.getByTestId("book")).toHaveAttribute("data-state", "live");
  await expect(page.getByTestId("tape-row").first()).toBeVisible();
  await place(page, "buy", "0.01");
  await place(page, "buy", "0.01", await priceBelow(page, server.ready.url, 0.02));
  await expect(page.getByTestId("live-orders-count")).toHaveText("1", { timeout: 10_000 });
  await expect(page.getByTestId("live-positions-count")).toHaveText("1", { timeout: 10_000 });
  // Another one so near that its line is in view.
  await place(page, "buy", "0.01", await priceBelow(page, server.ready.url, 0.0005));
  const grip = page.locator('[data-testid="chart-line-grip"]:visible').first();
  await expect(grip).toBeVisible({ timeout: 15_000 });

  await server.stop("SIGKILL");
  await expect(page.getByTestId("connection")).not.toHaveAttribute("data-state", "connected", { timeout: 15_000 });
  await expectOff(page, ORDER_CONTROLS);
  const last = await number(page.getByTestId("price"));
  await page.reload();

  await expect(page.getByTestId("price")).toHaveText(/\d/, { timeout: 15_000 });
  expect(await number(page.getByTestId("price"))).toBe(last);
  const headline = page.locator('[data-fragment="headline"]');
  await expect(headline).toHaveAttribute("data-state", "stale");
  await expect(headline.getByTestId("fragment-note")).toHaveText(/\d/);
  await expect(page.getByTestId("banner")).toHaveText(/lost|network/i);
  // All of what was in view, each part with the time that it is of.
  await expect(chart).toHaveAttribute("data-bars", "500", { timeout: 15_000 });
  await expect(chart).toHaveAttribute("data-stale", "true");
  await expect(page.getByTestId("book-ask-0-price")).toHaveText(/\d/);
  await expect(page.getByTestId("book-bid-4-price")).toHaveText(/\d/);
  await expect(page.getByTestId("tape-row").first()).toBeVisible();
  for (const name of ["chart", "book", "tape"]) {
    await expect(region(page, name), name).toHaveAttribute("data-state", "stale");
    const note = region(page, name).getByTestId("fragment-note");
    await expect(note, name).toHaveText(/^as of \d\d:\d\d:\d\d, \d+\s(s|min) ago$/);
    await expect(note, name).toBeVisible();
  }
  // No control sends anything, by pointer or by key; each says why.
  await expectOff(page, ORDER_CONTROLS);
  const buy = page.getByTestId("ticket-buy");
  await buy.click({ force: true });
  await expect(page.getByTestId("ticket")).toHaveAttribute("data-stage", "editing");
  await expect(page.getByTestId("ticket-answer")).toHaveText("No connection to the server: orders are off.");
  await grip.focus();
  await page.keyboard.press("ArrowUp");
  await expect(page.locator('[data-testid="chart-line"][data-moved="true"]')).toHaveCount(0);
  await page.getByTestId("live-positions").click();
  await page.getByTestId("close").click({ force: true });
  await expect(page.getByTestId("close-confirm")).toBeHidden();
  // Other pages start as well, from the same file.
  await page.goto(`${server.ready.url}positions`);
  await expect(page.locator("main")).toContainText("Positions", { timeout: 15_000 });
  await expectOff(page, ["amend", "cancel", "cancel-all", "close", "reverse"]);
  await page.goto(`${server.ready.url}grid`);
  await expectOff(page, ["grid-start"]);
  await page.goto(`${server.ready.url}risk`);
  await expectOff(page, ["kill-set"]);
  await page.goto(`${server.ready.url}?symbol=${symbol}`);
  await expect(page.getByTestId("price")).toHaveText(/\d/, { timeout: 15_000 });
  await page.evaluate(() => {
    (window as unknown as { notReloaded: boolean }).notReloaded = true;
  });

  const again = await startServer({ port, folder });
  try {
    await expect(page.getByTestId("connection")).toHaveAttribute("data-state", "connected", { timeout: 40_000 });
    await expect(headline).toHaveAttribute("data-state", "live", { timeout: 15_000 });
    await expect.poll(() => number(page.getByTestId("price")), { timeout: 15_000 }).not.toBe(last);
    for (const name of ["chart", "book", "tape"]) {
      await expect(region(page, name), name).toHaveAttribute("data-state", "live", { timeout: 15_000 });
      await expect(region(page, name).getByTestId("fragment-note"), name).toBeHidden();
    }
    await expect(chart).toHaveAttribute("data-stale", "false");
    for (const name of ORDER_CONTROLS) {
      await expect(page.getByTestId(name).first(), name).toHaveAttribute("aria-disabled", "false");
    }
    await command(page, { cancel_all_orders: {} });
    await expect(page.getByTestId("live-orders-count")).toHaveText("0", { timeout: 10_000 });
    expect(await page.evaluate(() => (window as unknown as { notReloaded?: boolean }).notReloaded)).toBe(true);
    await expect(page.getByTestId("new-version")).toBeHidden();
  } finally {
    await again.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("another version is offered, not forced; a reload has it, and its files replace the old ones", async ({ page }) => {
  test.setTimeout(120_000);
  test.skip(!process.env.TRUETAPE_SITE_DIR, "a release server contains its site");
  const site = mkdtempSync(join(tmpdir(), "truetape-site-"));
  const server = await startServer();
  const port = Number(new URL(server.ready.url).port);
  await openLive(page, server.ready.url);
  await keptFiles(page);
  await server.stop();

  // The same files under another build's name.
  cpSync(process.env.TRUETAPE_SITE_DIR!, site, { recursive: true });
  const list = JSON.parse(readFileSync(join(site, "site.json"), "utf8")) as { id: string };
  const [own, other] = [list.id, "0123456789abcdef"];
  for (const file of ["site.json", "service-worker.js"]) {
    writeFileSync(join(site, file), readFileSync(join(site, file), "utf8").replaceAll(own, other));
  }
  const build = () => page.evaluate(() => document.documentElement.dataset.build);
  const newer = await startServer({ port, env: { TRUETAPE_SITE_DIR: site } });
  try {
    const offer = page.getByTestId("new-version");
    await expect(offer).toBeVisible({ timeout: 40_000 });
    await page.waitForTimeout(1_000);
    expect(await build(), "never forced").toBe(own);
    await page.getByTestId("new-version-reload").click();
    await expect.poll(build, { timeout: 15_000 }).toBe(other);
    await expect(page.getByTestId("price")).toHaveText(/\d/, { timeout: 15_000 });
    await page.waitForTimeout(1_000);
    await expect(offer).toBeHidden();
    // The old files stay while a page has their service worker, and go with the last one.
    const names = () => page.evaluate(() => caches.keys());
    await expect.poll(names, { timeout: 15_000 }).toEqual(expect.arrayContaining([expect.stringContaining(own), expect.stringContaining(other)]));
    await page.goto("about:blank");
    await expect.poll(async () => {
      await page.goto(newer.ready.url);
      const kept = await names();
      await page.goto("about:blank");
      return kept.map((name) => name.split(" ").at(-1));
    }, { timeout: 20_000 }).toEqual([other]);
  } finally {
    await newer.stop();
    rmSync(site, { recursive: true });
  }
});

test("the kill switch removes the service worker and what it has kept", async ({ page }) => {
  test.setTimeout(90_000);
  const server = await startServer();
  const port = Number(new URL(server.ready.url).port);
  await openLive(page, server.ready.url);
  await keptFiles(page);
  await server.stop();
  const off = await startServer({ port, config: "[server]\noffline_page = false\n" });
  try {
    await openLive(page, off.ready.url);
    // The browser asks for the script after each navigation.
    const left = () =>
      page.evaluate(async () => [(await navigator.serviceWorker.getRegistrations()).length, (await caches.keys()).length]);
    await expect.poll(left, { timeout: 30_000 }).toEqual([0, 0]);
  } finally {
    await off.stop();
  }
});

test("little data is received once a second, with ten levels, and its amount is shown", async ({ page }) => {
  test.setTimeout(120_000);
  const server = await startServer();
  try {
    // Room for more than ten levels.
    await page.setViewportSize({ width: 1440, height: 1600 });
    await openLive(page, server.ready.url);
    const levels = page.locator('.book__side--asks [role="row"]');
    await expect.poll(() => levels.count()).toBeGreaterThan(10);
    const received = async (ms: number): Promise<number> => {
      let n = 0;
      const client = await page.context().newCDPSession(page);
      await client.send("Network.enable");
      client.on("Network.webSocketFrameReceived", ({ response }) => (n += response.payloadData.length));
      await page.waitForTimeout(ms);
      await client.detach();
      return n;
    };
    const full = await received(5_000);
    await page.getByTestId("settings-open").click();
    await page.getByTestId("setting-bandwidth-low").check();
    await page.keyboard.press("Escape");
    await expect(page.getByTestId("traffic")).toHaveText(/\d.*B\/min/);
    await expect(page.locator("html")).toHaveAttribute("data-flashing", "off");
    await expect.poll(() => levels.count()).toBe(10);
    await page.waitForTimeout(1_500);
    const low = await received(5_000);
    console.log(`5 s of data: ${full} characters at full, ${low} at low`);
    expect(low).toBeLessThan(full / 2);
  } finally {
    await server.stop();
  }
});
