// The tape: what a pause keeps, the unit of sizes, the time zone, and the sound of large trades.
import AxeBuilder from "@axe-core/playwright";

import { expect, openLive, reload, test } from "../support/page";
import { Running, ServerReady, startServer } from "../support/servers";

test.use({ timezoneId: "Asia/Tokyo", viewport: { width: 1440, height: 900 } });

let server: Running<ServerReady>;

test.beforeAll(async () => {
  server = await startServer({ config: '[[feeds]]\nvenue = "demo"\nsymbols = ["BTC-SIM", "ETH-SIM"]\n' });
});

test.afterAll(async () => {
  await server.stop();
});

test("a pause keeps every trade it held, however many come meanwhile", async ({ page }) => {
  await openLive(page, server.ready.url, "demo:BTC-SIM");
  const table = page.getByTestId("tape-table");
  const row = page.getByTestId("tape-row");
  const running = await row.count();
  const pause = page.getByTestId("tape-pause");
  let n_held = 0;
  // The page shows how many trades it keeps only while it is paused.
  await expect(async () => {
    await page.waitForTimeout(5_000);
    await pause.click();
    await expect(page.getByTestId("tape")).toHaveAttribute("data-held", "true");
    n_held = Number(await table.getAttribute("aria-rowcount")) - 1;
    if (n_held <= 100) await pause.click();
    expect(n_held, "more than one snapshot of the stream has").toBeGreaterThan(100);
  }).toPass({ timeout: 60_000 });
  expect(await row.count(), "only those in view exist").toBeLessThan(running + 17);
  const first = await row.first().textContent();
  await table.evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await expect(table).toHaveJSProperty("scrollTop", await table.evaluate((element) => element.scrollHeight - element.clientHeight));
  const oldest = await row.last().textContent();
  await expect(page.getByTestId("tape-held")).toHaveText(/paused, [1-9]\d\d new/, { timeout: 40_000 });
  expect(Number(await table.getAttribute("aria-rowcount")) - 1).toBe(n_held);
  expect(await row.last().textContent()).toBe(oldest);
  await table.evaluate((element) => element.scrollTo(0, 0));
  await expect(row.first()).toHaveText(first!);
  await pause.click();
  await expect.poll(() => row.first().textContent()).not.toBe(first);
  expect(await row.count()).toBeLessThanOrEqual(running);
});

test("sizes are shown in base or quote currency, in book and tape, and the choice is remembered", async ({ page }) => {
  await openLive(page, server.ready.url, "demo:BTC-SIM");
  const headings = page.getByTestId("size-unit");
  await expect(headings).toHaveText(["Size BTC-SIM", "Size BTC-SIM"]);
  const size = page.getByTestId("book-bid-0-size");
  await expect(size).toHaveText(/^0\.\d{5}$/);
  await headings.last().click();
  await expect(headings).toHaveText(["Size USD", "Size USD"]);
  await reload(page);
  await expect(headings).toHaveText(["Size USD", "Size USD"]);
  // One look at a time at which both are known: price times size, with three digits.
  const shown = () =>
    page.evaluate(() => {
      const part = (id: string) => document.querySelector(`[data-testid="book-bid-0-${id}"]`)!;
      const value = (id: string) => Number(part(id).getAttribute("data-value"));
      const text = part("size").textContent!.replace(/[\s\u202f]/g, "");
      return { text, exact: value("price") * value("size") };
    });
  await expect.poll(async () => (await shown()).exact).toBeGreaterThan(0);
  const { text, exact } = await shown();
  const read = Number(text.replace(/[KM]$/, "")) * (text.endsWith("K") ? 1e3 : text.endsWith("M") ? 1e6 : 1);
  expect(Math.abs(read - exact) / exact).toBeLessThan(0.006);
  await expect(page.locator(".tape__size").first()).toHaveText(/^[\d\s\u202f.]+[KM]?$/);
});

test("the tape's times are in the chosen zone, like the chart's", async ({ page }) => {
  await openLive(page, server.ready.url, "demo:BTC-SIM");
  // The newest trade is of this hour, or of the one that has just ended.
  const isInZone = (offset: number) => async () => {
    const hour = Number((await page.locator(".tape__time").first().textContent())!.slice(0, 2));
    return [0, 60_000].some((age) => (new Date(Date.now() - age).getUTCHours() + offset) % 24 === hour);
  };
  await expect(page.getByTestId("tape-table")).toContainText("Time, UTC");
  await expect.poll(isInZone(0)).toBe(true);
  await page.getByTestId("settings-open").click();
  await page.getByTestId("setting-zone-local").check();
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("tape-table")).toContainText("Time, local");
  await expect.poll(isInZone(9)).toBe(true);
});

test("large trades sound from an amount on, and are silent at first", async ({ page }) => {
  await page.addInitScript(() => {
    const counted = window as unknown as { n_tones: number };
    counted.n_tones = 0;
    const create = AudioContext.prototype.createOscillator;
    AudioContext.prototype.createOscillator = function () {
      counted.n_tones += 1;
      return create.call(this);
    };
  });
  const tones = () => page.evaluate(() => (window as unknown as { n_tones: number }).n_tones);
  await openLive(page, server.ready.url, "demo:BTC-SIM");
  const button = page.getByTestId("sound-open");
  await expect(button).toHaveAttribute("aria-pressed", "false");
  await page.waitForTimeout(1_500);
  expect(await tones()).toBe(0);
  await button.click();
  await page.getByTestId("sound-least").fill("1");
  expect(await tones()).toBe(0);
  await page.getByTestId("sound-on").check();
  await expect.poll(tones, { timeout: 10_000 }).toBeGreaterThan(2);
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter((found) => found.impact === "serious" || found.impact === "critical");
  expect(serious.map((found) => found.id)).toEqual([]);
  // An amount that no trade reaches.
  await page.getByTestId("sound-least").fill("900000000");
  await page.waitForTimeout(500);
  const before = await tones();
  await page.waitForTimeout(1_500);
  expect(await tones()).toBe(before);
  // The amount is this instrument's own.
  await page.keyboard.press("Escape");
  await page.locator('[data-testid="watch-row"][data-symbol="demo:ETH-SIM"]').locator(".watch__choose").click();
  await expect(button).toHaveAttribute("aria-pressed", "false");
});
