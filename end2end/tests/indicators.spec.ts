// Indicators on the chart: found, added, edited, hidden, removed, remembered; their values beside those computed here.
import { Page } from "@playwright/test";

import { expectAccessible, symbol } from "../support/desk";
import { expect, openLive, reload, test } from "../support/page";
import { Running, ServerReady, startServer } from "../support/servers";

let server: Running<ServerReady>;

test.beforeAll(async () => {
  server = await startServer();
});

test.afterAll(async () => {
  await server.stop();
});

const legend = (page: Page, spec: string) => page.locator(`[data-testid="indicator-legend"][data-spec="${spec}"]`);

async function add(page: Page, typed: string): Promise<void> {
  await page.getByTestId("indicator-picker").click();
  await page.getByTestId("indicator-search").fill(typed);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
}

test("an indicator is found by what it shows and its value is that of the bar under the crosshair", async ({ page }) => {
  await openLive(page, server.ready.url, symbol);
  await page.getByTestId("indicator-picker").click();
  await page.getByTestId("indicator-search").fill("no such thing");
  await expect(page.getByTestId("indicator-note")).toHaveText("No indicator matches.");
  await page.getByTestId("indicator-search").fill("simple moving");
  await expect(page.getByTestId("indicator-option").first()).toHaveAttribute("data-name", "sma");
  await expectAccessible(page, "[aria-label=Indicators].option-dialog");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  await expect(legend(page, "sma(20)")).toContainText("SMA 20");
  await expect(legend(page, "sma(20)").locator(".indicator-legend__value")).toHaveText(/^[\d\u202f]+\.\d+$/, { timeout: 15_000 });

  // A closed bar in the middle: its value is the mean of the 20 closes that end with it.
  const box = (await page.getByTestId("chart").boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 3);
  // The crosshair is drawn with the next frame, the legend with the one after it.
  await page.waitForTimeout(300);
  const time = (await page.locator(".candle-chart__time").textContent())!;
  const shown = Number((await legend(page, "sma(20)").locator(".indicator-legend__value").textContent())!.replace(/\u202f/g, ""));
  const bars = await (await page.request.get(`${server.ready.url}api/v1/candles?instrument=${symbol}&interval=1m`)).json();
  const rows: string[][] = bars.bars;
  const at = rows.findIndex((row) => Number(row[0]) === Date.parse(`${time} UTC`));
  expect(at).toBeGreaterThan(20);
  const mean = rows.slice(at - 19, at + 1).reduce((sum, row) => sum + Number(row[4]), 0) / 20;
  expect(Math.abs(shown - mean)).toBeLessThan(0.0051);
});

test("parameters are edited in place and a pair that makes no sense is refused in words", async ({ page }) => {
  await openLive(page, server.ready.url, symbol);
  await add(page, "macd");
  await legend(page, "macd(12,26,9)").getByTestId("indicator-settings").click();
  await page.getByTestId("indicator-fast").fill("30");
  await expect(page.getByTestId("indicator-error")).toContainText("fast");
  await expect(legend(page, "macd(12,26,9)")).toBeVisible();
  await page.getByTestId("indicator-fast").fill("8");
  await expect(page.getByTestId("indicator-error")).toBeHidden();
  await expect(legend(page, "macd(8,26,9)").locator(".indicator-legend__value")).toHaveCount(3, { timeout: 15_000 });
  await expectAccessible(page, ".indicator-editor");
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("indicator-editor")).toBeHidden();
});

test("indicators have panes of their own, read each other, and are remembered with the chart", async ({ page }) => {
  await openLive(page, server.ready.url, symbol);
  await add(page, "rsi");
  await add(page, "sma");
  await legend(page, "sma(20)").getByTestId("indicator-settings").click();
  await page.getByTestId("indicator-source").selectOption("rsi(14)");
  const smoothed = legend(page, "sma(20,source=rsi(14))");
  await expect(smoothed).toContainText("SMA 20 of RSI 14");
  await page.getByTestId("indicator-up").click();
  await page.keyboard.press("Escape");
  const specs = () => page.getByTestId("indicator-legend").evaluateAll((all) => all.map((one) => one.getAttribute("data-spec")).sort());
  await expect.poll(specs).toEqual(["rsi(14)", "sma(20,source=rsi(14))"]);

  await legend(page, "rsi(14)").hover();
  await legend(page, "rsi(14)").getByTestId("indicator-hide").click();
  await expect(legend(page, "rsi(14)")).toHaveAttribute("data-hidden", "true");
  await reload(page);
  await expect.poll(specs).toEqual(["rsi(14)", "sma(20,source=rsi(14))"]);
  await expect(legend(page, "rsi(14)")).toHaveAttribute("data-hidden", "true");
  await smoothed.hover();
  await smoothed.getByTestId("indicator-remove").click();
  await expect.poll(specs).toEqual(["rsi(14)"]);
});

test("another interval and another instrument get values of their own", async ({ page }) => {
  await openLive(page, server.ready.url, symbol);
  await add(page, "simple moving");
  const value = legend(page, "sma(20)").locator(".indicator-legend__value");
  for (const [interval, instrument] of [["1m", symbol], ["1h", symbol], ["1h", "demo:ETH-SIM"]]) {
    if (instrument !== symbol) {
      await page.keyboard.press("/");
      await page.getByTestId("symbol-search").fill("eth");
      await page.keyboard.press("Enter");
    }
    await page.getByTestId(`interval-${interval}`).click();
    // The mean of the newest 20 closes, of which the last one moves: a thousandth is far less than the three differ.
    const error = async () => {
      const bars = await (await page.request.get(`${server.ready.url}api/v1/candles?instrument=${instrument}&interval=${interval}`)).json();
      const closes: number[] = bars.bars.map((row: string[]) => Number(row[4])).slice(-20);
      const mean = closes.reduce((sum, close) => sum + close, 0) / closes.length;
      const shown = Number(((await value.textContent()) ?? "").replace(/\u202f/g, ""));
      return Math.abs(shown / mean - 1);
    };
    await expect.poll(error, { timeout: 15_000, message: `${instrument} ${interval}` }).toBeLessThan(0.001);
  }
});
