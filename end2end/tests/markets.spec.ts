// The Markets page: each pair over all venues, the best prices on top, and the venues left out.
import AxeBuilder from "@axe-core/playwright";
import { Page } from "@playwright/test";

import { expect, number, reload, test } from "../support/page";
import { binanceConfig, Running, ServerReady, setFault, SimReady, startServer, startSim, venueConfig } from "../support/servers";

let server: Running<ServerReady>;
let sim: Running<SimReady>;
let other: Running<SimReady>;

test.beforeAll(async () => {
  sim = await startSim(["--venue", "binance", "--demo"]);
  other = await startSim(["--venue", "kraken", "--demo"]);
  const demo = ["[[feeds]]", 'venue = "demo"', 'symbols = ["ADA-SIM", "BTC-SIM"]', ""].join("\n");
  const kraken = venueConfig("kraken", other.ready, ["ADA/SIM"]);
  server = await startServer({ config: binanceConfig(sim.ready, ["ADASIM", "XRPSIM"], "data_deadline_ms = 3000\n") + kraken + demo });
});

test.afterAll(async () => {
  await server.stop();
  await sim.stop();
  await other.stop();
});

const pairs = (page: Page) => page.locator("[data-pair]");

test("a pair on several venues has the best on top and a row for each; a pair on one venue is one row", async ({ page }) => {
  await page.goto(`${server.ready.url}markets`);
  const best = page.locator('[data-pair="ADA/SIM"]');
  await expect(best.getByTestId("best-counted")).toHaveText("2 of 2 venues", { timeout: 15_000 });
  await expect(best.getByTestId("best-bid")).toHaveText(/\d/);
  await expect(best.getByTestId("best-bid-venue")).toHaveText(/^(binance|kraken)$/);
  await expect(best.getByTestId("best-bps")).toHaveText(/bps/);
  const index = Number(await best.getAttribute("aria-rowindex"));
  for (const [place, id] of ["binance:ADASIM", "kraken:ADA/SIM"].entries()) {
    const row = page.locator(`[data-symbol="${id}"]`);
    await expect(row).toHaveAttribute("aria-rowindex", String(index + 1 + place));
    await expect(row.getByTestId("venue-bid")).toHaveText(/\d/);
  }

  const single = page.locator('[data-pair="XRP/SIM"]');
  await expect(single).toHaveAttribute("data-symbol", "binance:XRPSIM");
  // One evaluation, so that both are from the same time.
  const prices = () =>
    single.evaluate((row) => ["venue-bid", "venue-ask"].map((id) => Number(row.querySelector(`[data-testid="${id}"]`)!.getAttribute("data-value"))));
  await expect.poll(async () => (await prices())[0], { timeout: 15_000 }).toBeGreaterThan(0);
  const [bid, ask] = await prices();
  expect(bid).toBeLessThan(ask);
  await expect(single.getByTestId("venue-bps")).toHaveText(/bps/);
  // Its tick is far below a basis point: it moves all the time, which a price of 0.5276 need not do within seconds.
  const moving = page.locator('[data-pair="BTC-SIM/USD"]');
  await expect(moving).toContainText("simulated");
  const first = await number(moving.getByTestId("venue-bid"));
  await expect.poll(() => number(moving.getByTestId("venue-bid")), { timeout: 15_000 }).not.toBe(first);
});

test("a venue that falls silent is greyed, named, and out of the best", async ({ page }) => {
  await page.goto(`${server.ready.url}markets`);
  const best = page.locator('[data-pair="ADA/SIM"]');
  await expect(best.getByTestId("best-counted")).toHaveText("2 of 2 venues", { timeout: 15_000 });
  await setFault(sim.ready, { kind: "stall" });
  const reason = /failed|stale|suspect|initialising|no book/;
  await expect(best.getByTestId("best-left-out")).toContainText(new RegExp(`binance (${reason.source})`), { timeout: 20_000 });
  await expect(best.getByTestId("best-bid-venue")).toHaveText("kraken");
  await expect(page.locator('[data-symbol="binance:ADASIM"]')).toHaveAttribute("data-left-out", reason);
  const single = page.locator('[data-pair="XRP/SIM"]');
  await expect(single).toHaveAttribute("data-left-out", reason);
  await expect(single.getByTestId("venue-state")).toHaveText(reason);
  await setFault(sim.ready, { kind: "none" });
  await expect(best.getByTestId("best-counted")).toHaveText("2 of 2 venues", { timeout: 30_000 });
});

test("filter, order and choice of pairs", async ({ page }) => {
  await page.goto(`${server.ready.url}markets`);
  await expect(pairs(page)).not.toHaveCount(0, { timeout: 15_000 });
  const all = await pairs(page).count();
  expect(all).toBe(4);
  await page.getByTestId("markets-filter").fill("demo btc");
  await expect(pairs(page)).toHaveCount(1);
  await page.getByTestId("markets-filter").fill("nothing");
  await expect(page.getByTestId("markets-note")).toContainText("No pair matches the filter");
  await page.getByTestId("markets-filter").fill("");
  await expect(pairs(page)).toHaveCount(all);
  await page.getByTestId("markets-shared").click();
  await expect(pairs(page)).toHaveCount(1);
  await page.getByTestId("markets-shared").click();
  await page.getByTestId("markets-order").selectOption("name");
  await expect(pairs(page).first()).toHaveAttribute("data-pair", "ADA-SIM/USD");
  await page.getByTestId("pairs-open").click();
  await page.getByTestId("pair-check").first().uncheck();
  await expect(pairs(page)).toHaveCount(all - 1);
  // The browser remembers it.
  await reload(page);
  await expect(pairs(page)).toHaveCount(all - 1, { timeout: 15_000 });
});

test("a click shows the instrument on the Live page", async ({ page }) => {
  await page.goto(`${server.ready.url}markets`);
  await page.locator('[data-symbol="binance:XRPSIM"]').getByRole("button").click({ timeout: 15_000 });
  await expect(page).toHaveURL(/symbol=binance:XRPSIM/);
  await expect(page.getByTestId("symbol-picker")).toContainText("XRP");
});

test("ticking numbers move no neighbour", async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(`${server.ready.url}markets`);
  await expect(page.getByTestId("venue-bid").first()).toHaveText(/\d/, { timeout: 15_000 });
  await page.waitForTimeout(1_500);
  const shift = await page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        let total = 0;
        new PerformanceObserver((list) => {
          type Source = { node: Node | null; previousRect: DOMRect; currentRect: DOMRect };
          for (const entry of list.getEntries() as (PerformanceEntry & { value: number; sources: Source[] })[]) {
            // A text aligned in its own cell moves with its own digits; a shifted neighbour changes its own place.
            const isNeighbour = ({ node, previousRect, currentRect }: Source) => {
              const element = node instanceof Element ? node : node?.parentElement;
              const isMoved = Math.hypot(previousRect.x - currentRect.x, previousRect.y - currentRect.y) > 0.5;
              return isMoved && element !== null && !element?.closest(".flash-price");
            };
            if (entry.sources.some(isNeighbour)) total += entry.value;
          }
        }).observe({ type: "layout-shift" });
        setTimeout(() => resolve(total), 3_000);
      }),
  );
  expect(shift).toBeLessThan(0.001);
});

for (const width of [360, 768, 1440]) {
  test(`nothing scrolls sideways at ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 780 });
    await page.goto(`${server.ready.url}markets`);
    await expect(page.getByTestId("venue-bid").first()).toHaveText(/\d/, { timeout: 15_000 });
    const surplus = await page.evaluate(() => {
      const list = document.querySelector(".market-table")!;
      return Math.max(document.documentElement.scrollWidth - window.innerWidth, list.scrollWidth - list.clientWidth);
    });
    expect(surplus).toBeLessThanOrEqual(0);
  });
}

for (const scheme of ["dark", "light"] as const) {
  test(`axe finds no serious violation (${scheme})`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await page.goto(`${server.ready.url}markets`);
    await expect(page.getByTestId("venue-bid").first()).toHaveText(/\d/, { timeout: 15_000 });
    const result = await new AxeBuilder({ page }).analyze();
    const serious = result.violations.filter((found) => found.impact === "serious" || found.impact === "critical");
    expect(serious.map((found) => `${found.id}: ${found.nodes.map((node) => node.target.join(" ")).join(", ")}`)).toEqual([]);
  });
}
