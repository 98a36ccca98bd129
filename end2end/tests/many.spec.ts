// Hundreds of instruments: only the rows in view exist, all of them can be reached, and screen readers know their number.
import AxeBuilder from "@axe-core/playwright";
import { Locator, Page } from "@playwright/test";

import { expect, number, test } from "../support/page";
import { binanceConfig, Running, ServerReady, SimReady, startServer, startSim, venueConfig } from "../support/servers";

const moving = ["BTC", "ETH", "BNB", "SOL", "XRP", "ADA", "DOGE", "LTC"].map((base) => `${base}SIM`);
const quiet = Array.from({ length: 400 - moving.length }, (_, at) => `Q${String(at).padStart(4, "0")}SIM`);

let sim: Running<SimReady>;
let server: Running<ServerReady>;

test.beforeAll(async () => {
  sim = await startSim(["--venue", "binance", "--demo", "--no-limits", "--quiet-pairs", String(quiet.length)]);
  server = await startServer({ config: binanceConfig(sim.ready, [...moving, ...quiet]) });
});

test.afterAll(async () => {
  await server.stop();
  await sim.stop();
});

/** Returns the number of all nodes, with texts and the framework's own marks. */
function nodes(page: Page): Promise<number> {
  return page.evaluate(() => {
    const walker = document.createTreeWalker(document, NodeFilter.SHOW_ALL);
    let n = 0;
    while (walker.nextNode()) n += 1;
    return n;
  });
}

async function scrollToEnd(table: Locator): Promise<void> {
  await table.evaluate((element) => element.scrollTo(0, element.scrollHeight));
}

for (const [path, testid, rowId] of [
  ["quality", "proof", "proof-row"],
  ["markets", "markets", "pair"],
  ["", "watch", "watch-row"],
] as const) {
  test(`the table of /${path} is whole and small`, async ({ page }) => {
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto(`${server.ready.url}${path}`);
    const table = page.getByTestId(testid);
    const rows = table.getByTestId(rowId);
    await expect(table).toHaveAttribute("aria-rowcount", "401", { timeout: 20_000 });
    await expect(rows.first()).toHaveAttribute("aria-rowindex", "2");
    const counted = { elements: await page.evaluate(() => document.querySelectorAll("*").length), nodes: await nodes(page) };
    console.log(`/${path} with 400 instruments: ${JSON.stringify(counted)}`);
    expect(counted.elements).toBeLessThan(2_500);
    expect(counted.nodes).toBeLessThan(5_000);
    const drawn = await rows.count();
    expect(drawn).toBeLessThan(64);

    await scrollToEnd(table);
    const end = table.locator('[aria-rowindex="401"]');
    await end.scrollIntoViewIfNeeded();
    await expect(end).toBeInViewport();
    await expect(rows.first()).not.toHaveAttribute("aria-rowindex", "2");
    // The keyboard goes on from there, and back to rows that did not exist.
    await end.getByRole("button").first().focus();
    const frame = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
    for (let step = 0; step < 4 * drawn; step += 1) {
      await page.keyboard.press("Shift+Tab");
      await frame();
    }
    const focused = Number(await page.locator("[aria-rowindex]:focus-within").last().getAttribute("aria-rowindex"));
    expect(focused).toBeGreaterThan(100);
    expect(focused).toBeLessThan(395);
  });
}

test("a venue with many symbols shows their count, and finds one by its name", async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(`${server.ready.url}venues`);
  const panel = page.locator('[data-testid="venue-panel"][data-venue="binance"]');
  await expect(panel.getByTestId("symbol-count")).toContainText(/^400 symbols: /, { timeout: 20_000 });
  expect((await panel.boundingBox())!.height, "collapsed").toBeLessThan(200);
  await panel.getByTestId("symbol-count").click();
  const list = panel.getByTestId("symbol-list");
  await expect(list).toHaveAttribute("aria-rowcount", "401");
  expect(await page.evaluate(() => document.querySelectorAll("*").length)).toBeLessThan(3_000);
  await scrollToEnd(list);
  await expect(list.locator('[aria-rowindex="401"]')).toBeInViewport();
  await panel.getByTestId("symbol-filter").fill("btc");
  await expect(list.getByTestId("followed")).toHaveCount(1);
  await list.getByTestId("symbol-stop").click();
  await expect(list.getByTestId("followed")).toHaveCount(0);
  await expect(panel.getByTestId("symbol-count")).toContainText(/^399 symbols: /);
});

for (const path of ["quality", "markets", "venues"] as const) {
  test(`axe finds no serious violation in /${path}`, async ({ page }) => {
    await page.goto(`${server.ready.url}${path}`);
    await expect(page.getByTestId({ quality: "proof", markets: "markets", venues: "symbol-count" }[path])).toBeVisible({ timeout: 20_000 });
    if (path === "venues") await page.getByTestId("symbol-count").click();
    const { violations } = await new AxeBuilder({ page }).analyze();
    const serious = violations.filter((found) => found.impact === "serious" || found.impact === "critical");
    expect(serious.map((found) => `${found.id}: ${found.nodes.map((node) => node.target.join(" ")).join(", ")}`)).toEqual([]);
  });
}

test.describe("more instruments than a connection may follow", () => {
  // Kraken describes all instruments in one message. Binance's descriptions would wait behind hundreds of book snapshots.
  const most = [
    ...moving.map((symbol) => symbol.replace("SIM", "/SIM")),
    ...Array.from({ length: 600 - moving.length }, (_, at) => `Q${String(at).padStart(4, "0")}/SIM`),
  ];
  let manySim: Running<SimReady>;
  let manyServer: Running<ServerReady>;

  test.beforeAll(async () => {
    const nQuiet = String(most.length - moving.length);
    manySim = await startSim(["--venue", "kraken", "--demo", "--no-limits", "--quiet-pairs", nQuiet]);
    manyServer = await startServer({ config: venueConfig("kraken", manySim.ready, most) });
  });

  test.afterAll(async () => {
    await manyServer.stop();
    await manySim.stop();
  });

  test("the checks of the last row come when it is in view, and are unknown before", async ({ page }) => {
    test.setTimeout(60_000);
    await page.setViewportSize({ width: 1440, height: 900 });
    // The server's messages can be held back for a while.
    let held: (() => void)[] | undefined;
    await page.routeWebSocket(/\/ws(\?|$)/, (socket) => {
      const upstream = socket.connectToServer();
      upstream.onMessage((message) => {
        const pass = () => socket.send(message);
        if (held) held.push(pass);
        else pass();
      });
    });
    const release = () => {
      held?.forEach((pass) => pass());
      held = undefined;
    };
    await page.goto(`${manyServer.ready.url}quality`);
    const table = page.getByTestId("proof");
    await expect(table).toHaveAttribute("aria-rowcount", "601", { timeout: 20_000 });
    await expect(table.locator('[aria-rowindex="2"]').getByTestId("book-state")).toHaveText("live", { timeout: 20_000 });

    held = [];
    await scrollToEnd(table);
    const last = table.locator('[aria-rowindex="601"]');
    await expect(last).toHaveAttribute("data-symbol", "kraken:XRP/SIM");
    for (const figure of ["book-state", "updates", "row-gaps"]) await expect(last.getByTestId(figure)).toHaveText("–");
    release();
    await expect(last).toHaveAttribute("data-book", "live", { timeout: 10_000 });
    await expect(last.getByTestId("row-gaps")).toHaveText("0");
    const updates = Number(await number(last.getByTestId("updates")));
    expect(updates).toBeGreaterThan(0);
    await expect.poll(async () => Number(await number(last.getByTestId("updates"))), { timeout: 5_000 }).toBeGreaterThan(updates);
    await expect(page.locator('[data-fragment="quality-books"]')).toHaveAttribute("data-state", "live");

    // An order by a figure takes those of many rows, and the page says of how many.
    const limit = page.getByTestId("rank-limit");
    await expect(limit).toBeHidden();
    await table.getByRole("button", { name: "Updates" }).click();
    await expect(limit).toHaveText("Only the first 350 of 600 instruments are ranked.");
    await page.getByTestId("trouble-only").check();
    await expect(limit).toHaveText("Only the first 350 of 600 instruments are searched for problems.");
  });
});
