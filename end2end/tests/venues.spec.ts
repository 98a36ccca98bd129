// The Venues page: each venue's capabilities, and starting and stopping feeds while the server runs.
import AxeBuilder from "@axe-core/playwright";
import { Page } from "@playwright/test";

import { expect, test } from "../support/page";
import { Running, ServerReady, SimReady, startServer, startSim } from "../support/servers";

let server: Running<ServerReady>;
let sim: Running<SimReady>;

test.beforeAll(async () => {
  sim = await startSim(["--venue", "binance", "--demo"]);
  // No feed is configured: a first start, with the venue's addresses on the simulator.
  const config = ["[venues.binance]", `ws_url = "${sim.ready.ws_url}"`, `rest_url = "${sim.ready.rest_url}"`, ""].join("\n");
  server = await startServer({ config });
});

test.afterAll(async () => {
  await server.stop();
  await sim.stop();
});

const panel = (page: Page, venue: string) => page.locator(`[data-testid="venue-panel"][data-venue="${venue}"]`);

async function open(page: Page): Promise<void> {
  await page.goto(`${server.ready.url}venues`);
  await expect(panel(page, "demo")).toHaveAttribute("data-running", "true", { timeout: 15_000 });
}

test("a first start runs the simulated market and offers the real ones", async ({ page }) => {
  await open(page);
  await expect(page.getByTestId("venues-offer")).toBeVisible();
  await expect(panel(page, "binance")).toHaveAttribute("data-running", "false");
  await expect(panel(page, "binance").getByTestId("venue-quick")).toContainText("BTCUSDT");
});

test("a feed starts, shows its symbols, loses one, and stops without a trace", async ({ page }) => {
  await open(page);
  const binance = panel(page, "binance");
  await binance.getByTestId("venue-symbols").fill("ADASIM, XRPSIM");
  // Enter starts what was typed, although the suggested symbols come first.
  await binance.getByTestId("venue-symbols").press("Enter");
  await expect(binance).toHaveAttribute("data-running", "true");
  await expect(binance.getByTestId("followed")).toHaveCount(2);
  await expect(binance.getByTestId("venue-words")).toHaveText("LIVE (WebSocket)", { timeout: 15_000 });
  await expect(binance.getByTestId("venue-symbols")).toHaveValue("");
  await expect(page.getByTestId("venues-offer")).toBeHidden();
  await expect(page.getByTestId("feeds")).toContainText("2/2 connections active");

  await binance.locator('[data-symbol="binance:XRPSIM"]').getByTestId("symbol-stop").click();
  await expect(binance.getByTestId("followed")).toHaveCount(1);
  await expect(binance.getByTestId("venue-words")).toHaveText("LIVE (WebSocket)", { timeout: 15_000 });

  await binance.getByTestId("venue-stop").click();
  await binance.getByTestId("venue-stop-no").click();
  await binance.getByTestId("venue-stop").click();
  await binance.getByTestId("venue-stop-yes").click();
  await expect(binance).toHaveAttribute("data-running", "false");
  await expect(binance.getByTestId("followed")).toHaveCount(0);
  await expect(page.getByTestId("feeds")).toContainText("1/1 connections active");
});

test("one click starts a real venue, and the Live page finds its symbols", async ({ page }) => {
  await open(page);
  const demo = panel(page, "demo");
  const before = await demo.getByTestId("followed").count();
  await demo.getByTestId("symbol-stop").first().click();
  await expect(demo.getByTestId("followed")).toHaveCount(before - 1);
  const binance = panel(page, "binance");
  await binance.getByTestId("venue-symbols").fill("ADASIM");
  await binance.getByTestId("venue-start").click();
  await expect(binance.getByTestId("venue-words")).toHaveText("LIVE (WebSocket)", { timeout: 15_000 });
  await binance.getByRole("button", { name: "ADASIM", exact: true }).click();
  await expect(page).toHaveURL(/symbol=binance:ADASIM/);
  await expect(page.getByTestId("price")).toHaveText(/\d/, { timeout: 15_000 });
  await page.goto(`${server.ready.url}venues`);
  await panel(page, "binance").getByTestId("venue-stop").click();
  await panel(page, "binance").getByTestId("venue-stop-yes").click();
  await expect(panel(page, "binance")).toHaveAttribute("data-running", "false");
});

test("a refusal says why and what helps, and keeps what was typed", async ({ page }) => {
  await open(page);
  const demo = panel(page, "demo");
  await demo.getByTestId("venue-symbols").fill("BTC-SIM");
  const followed = demo.locator('[data-symbol="demo:BTC-SIM"]');
  if ((await followed.count()) === 0) {
    await demo.getByTestId("venue-start").click();
    await expect(followed).toHaveCount(1);
    await demo.getByTestId("venue-symbols").fill("BTC-SIM");
  }
  await demo.getByTestId("venue-start").click();
  await expect(demo.getByTestId("venue-answer")).toContainText("runs already");
  await expect(demo.getByTestId("venue-symbols")).toHaveValue("BTC-SIM");
  const finnhub = panel(page, "finnhub");
  await finnhub.getByTestId("venue-quick").click();
  await expect(finnhub.getByTestId("venue-answer")).toContainText("token");
});

for (const width of [360, 768, 1440]) {
  test(`nothing scrolls sideways at ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 780 });
    await open(page);
    const surplus = await page.evaluate(() => {
      const list = document.querySelector(".venues__list")!;
      return Math.max(document.documentElement.scrollWidth - window.innerWidth, list.scrollWidth - list.clientWidth);
    });
    expect(surplus).toBeLessThanOrEqual(0);
  });
}

for (const scheme of ["dark", "light"] as const) {
  test(`axe finds no serious violation (${scheme})`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await open(page);
    const result = await new AxeBuilder({ page }).analyze();
    const serious = result.violations.filter((found) => found.impact === "serious" || found.impact === "critical");
    expect(serious.map((found) => `${found.id}: ${found.nodes.map((node) => node.target.join(" ")).join(", ")}`)).toEqual([]);
  });
}
