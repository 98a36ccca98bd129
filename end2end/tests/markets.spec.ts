// The Markets page: each pair over all venues, the best prices on top, and the venues left out.
import AxeBuilder from "@axe-core/playwright";

import { expect, number, test } from "../support/page";
import { binanceConfig, Running, ServerReady, setFault, SimReady, startServer, startSim } from "../support/servers";

let server: Running<ServerReady>;
let sim: Running<SimReady>;

test.beforeAll(async () => {
  sim = await startSim(["--venue", "binance", "--demo"]);
  const demo = ["[[feeds]]", 'venue = "demo"', 'symbols = ["ADA-SIM", "BTC-SIM"]', ""].join("\n");
  server = await startServer({ config: binanceConfig(sim.ready, ["ADASIM", "XRPSIM"], "data_deadline_ms = 3000\n" + demo) });
});

test.afterAll(async () => {
  await server.stop();
  await sim.stop();
});

test("each pair has its venues and a best that is one of them", async ({ page }) => {
  await page.goto(`${server.ready.url}markets`);
  const pair = page.locator('[data-testid="pair"]').filter({ has: page.locator('[data-symbol="binance:ADASIM"]') });
  await expect(pair.getByTestId("best-bid")).toHaveText(/\d/, { timeout: 15_000 });
  await expect(pair.getByTestId("best-bid-venue")).toHaveText("binance");
  await expect(pair.getByTestId("best-counted")).toHaveText(/1 of 1 venue/);
  // One evaluation, so that all cells are from the same time.
  for (let round = 0; round < 5; round += 1) {
    const cells = await pair.evaluate((section) => {
      const value = (id: string) => section.querySelector(`[data-testid="${id}"]`)?.getAttribute("data-value");
      return { best: [value("best-bid"), value("best-ask")], own: [value("venue-bid"), value("venue-ask")] };
    });
    expect(Number(cells.best[0])).toBeLessThan(Number(cells.best[1]));
    expect(cells.best.every((price) => price !== "")).toBe(true);
    await page.waitForTimeout(150);
  }
  const moving = page.locator('[data-testid="pair"]').filter({ has: page.locator('[data-symbol="demo:BTC-SIM"]') });
  await expect(moving.getByTestId("best-counted")).toHaveText("1 of 1 venue, simulated");
  const first = await number(moving.getByTestId("best-bid"));
  await expect.poll(() => number(moving.getByTestId("best-bid")), { timeout: 15_000 }).not.toBe(first);
});

test("a venue that falls silent is greyed, named, and out of the best", async ({ page }) => {
  await page.goto(`${server.ready.url}markets`);
  const pair = page.locator('[data-testid="pair"]').filter({ has: page.locator('[data-symbol="binance:ADASIM"]') });
  await expect(pair.getByTestId("best-bid")).toHaveText(/\d/, { timeout: 15_000 });
  await setFault(sim.ready, { kind: "stall" });
  await expect(pair.getByTestId("best-left-out")).toContainText(/binance (failed|stale|suspect|initialising|no book)/, { timeout: 20_000 });
  await expect(pair.getByTestId("best-bid")).toHaveText("–");
  await expect(pair.getByTestId("venue-row").first()).toHaveAttribute("data-left-out", /failed|stale|suspect|initialising|no book/);
  await setFault(sim.ready, { kind: "none" });
  await expect(pair.getByTestId("best-bid")).toHaveText(/\d/, { timeout: 30_000 });
});

test("filter, order and choice of pairs", async ({ page }) => {
  await page.goto(`${server.ready.url}markets`);
  await expect(page.getByTestId("pair")).not.toHaveCount(0, { timeout: 15_000 });
  const all = await page.getByTestId("pair").count();
  await page.getByTestId("markets-filter").fill("demo btc");
  await expect(page.getByTestId("pair")).toHaveCount(1);
  await page.getByTestId("markets-filter").fill("");
  await expect(page.getByTestId("pair")).toHaveCount(all);
  await page.getByTestId("markets-shared").click();
  await expect(page.getByTestId("markets-note")).toBeVisible();
  await page.getByTestId("markets-shared").click();
  await page.getByTestId("pairs-open").click();
  await page.getByTestId("pair-check").first().uncheck();
  await expect(page.getByTestId("pair")).toHaveCount(all - 1);
  // The browser remembers it.
  await page.reload();
  await expect(page.getByTestId("pair")).toHaveCount(all - 1, { timeout: 15_000 });
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
  await expect(page.getByTestId("best-bid").first()).toHaveText(/\d/, { timeout: 15_000 });
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
    await expect(page.getByTestId("best-bid").first()).toHaveText(/\d/, { timeout: 15_000 });
    const surplus = await page.evaluate(() => {
      const list = document.querySelector(".markets__list")!;
      return Math.max(document.documentElement.scrollWidth - window.innerWidth, list.scrollWidth - list.clientWidth);
    });
    expect(surplus).toBeLessThanOrEqual(0);
  });
}

for (const scheme of ["dark", "light"] as const) {
  test(`axe finds no serious violation (${scheme})`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await page.goto(`${server.ready.url}markets`);
    await expect(page.getByTestId("best-bid").first()).toHaveText(/\d/, { timeout: 15_000 });
    const result = await new AxeBuilder({ page }).analyze();
    const serious = result.violations.filter((found) => found.impact === "serious" || found.impact === "critical");
    expect(serious.map((found) => `${found.id}: ${found.nodes.map((node) => node.target.join(" ")).join(", ")}`)).toEqual([]);
  });
}
