// Recordings: a simulated venue is recorded, listed, downloaded, played with pause, seek and speed, and deleted.
import { readFileSync } from "node:fs";

import AxeBuilder from "@axe-core/playwright";

import { expect, number, openLive, reload, test } from "../support/page";
import { binanceConfig, Running, ServerReady, SimReady, startServer, startSim } from "../support/servers";

let sim: Running<SimReady>;
let server: Running<ServerReady>;

test.beforeAll(async () => {
  sim = await startSim(["--venue", "binance", "--demo", "--seed", "7", "--speed", "1"]);
  server = await startServer({ config: binanceConfig(sim.ready, ["BTCSIM"]) });
});

test.afterAll(async () => {
  await server.stop();
  await sim.stop();
});

test("nothing is recorded yet, and the page says what to do", async ({ page }) => {
  await page.goto(`${server.ready.url}recordings`);
  await expect(page.getByTestId("recordings-empty")).toContainText("Nothing recorded yet");
  await expect(page.getByTestId("record-feed")).toHaveAttribute("data-state", "idle");
  await expect(page.getByTestId("replay-bar")).toBeHidden();
  await expect(page.getByTestId("status-replay")).toHaveText("replay –");
});

test("a feed is recorded, downloaded, played, sought and deleted", async ({ page }) => {
  await openLive(page, server.ready.url, "binance:BTCSIM");
  await page.goto(`${server.ready.url}recordings`);
  const feed = page.getByTestId("record-feed");
  await feed.getByTestId("record-start").click();
  await expect(feed).toHaveAttribute("data-state", "recording");
  await expect(page.getByTestId("recording-state")).toHaveText("recording");
  await expect(page.getByTestId("recording-delete")).toBeDisabled();
  await page.waitForTimeout(6_000);
  await feed.getByTestId("record-stop").click();
  await expect(feed).toHaveAttribute("data-state", "idle");
  await expect(feed.getByTestId("record-words")).toContainText("Recorded");
  await expect(page.getByTestId("recording-state")).toHaveText("complete");

  const downloading = page.waitForEvent("download");
  await page.getByTestId("recording-download").click();
  const bytes = readFileSync(await (await downloading).path());
  expect([...bytes.subarray(0, 4)], "a zstd file").toEqual([0x28, 0xb5, 0x2f, 0xfd]);

  await page.getByTestId("recording-play").click();
  await expect(page).toHaveURL(/symbol=replay-binance:BTCSIM/);
  await expect(page.getByTestId("replay-label")).toBeVisible();
  await expect(page.locator(".frame")).toHaveAttribute("data-replay", "true");
  await expect(page.getByTestId("price")).toHaveText(/\d/, { timeout: 10_000 });
  await expect(page.getByTestId("book")).toHaveAttribute("data-state", "live");
  await expect(page.getByTestId("status-replay")).toContainText(/replay \d\d:\d\d:\d\d/);

  // Pause stops the replay. Speed and seek: it goes to the requested position.
  const bar = page.getByTestId("replay-bar");
  await page.getByTestId("replay-toggle").click();
  await expect(bar).toHaveAttribute("data-state", /paused|ended/);
  const seek = page.getByTestId("replay-seek");
  const start = Number(await bar.getAttribute("data-start-ms"));
  await seek.fill("2000");
  await expect.poll(async () => Number(await bar.getAttribute("data-position-ms")) - start).toBe(2_000);
  await expect(bar).toHaveAttribute("data-state", "paused");
  const there = await number(page.getByTestId("price"));
  await page.waitForTimeout(1_000);
  expect(await number(page.getByTestId("price")), "nothing moves while it is paused").toBe(there);
  await expect(page.getByTestId("stream-status")).not.toHaveAttribute("data-state", "failed");
  await seek.fill("4000");
  await seek.fill("2000");
  await expect.poll(async () => Number(await bar.getAttribute("data-position-ms")) - start).toBe(2_000);
  await expect.poll(() => number(page.getByTestId("price")), { message: "the same moment, the same price" }).toBe(there);
  await page.getByTestId("replay-speed").selectOption("100");
  await page.getByTestId("replay-toggle").click();
  await expect(bar).toHaveAttribute("data-state", "ended", { timeout: 10_000 });

  // The live feed beside it is not marked.
  await page.goto(`${server.ready.url}?symbol=binance:BTCSIM`);
  await expect(page.getByTestId("replay-label")).toBeHidden();
  await expect(bar).toBeVisible();
  await page.getByTestId("replay-stop").click();
  await expect(bar).toBeHidden();

  await page.goto(`${server.ready.url}recordings`);
  await page.getByTestId("recording-delete").click();
  await page.getByTestId("recording-delete-no").click();
  await page.getByTestId("recording-delete").click();
  await page.getByTestId("recording-delete-yes").click();
  await expect(page.getByTestId("recordings-empty")).toBeVisible();
});

test("the last half minute can be saved and played", async ({ page }) => {
  await page.goto(`${server.ready.url}recordings`);
  await page.getByTestId("save-last").click();
  await expect(page.getByTestId("recorder-saved")).toContainText("last30s");
  await page.getByTestId("recording-play").click();
  await expect(page.getByTestId("book")).toHaveAttribute("data-state", "live", { timeout: 10_000 });
  await page.getByTestId("replay-stop").click();
  await expect(page.getByTestId("replay-bar")).toBeHidden();
  // Back to what was shown before, or at least not to a book that nobody keeps.
  await expect(page.getByTestId("replay-label")).toBeHidden();
  await expect(page).not.toHaveURL(/replay-/);
});

test("what goes wrong is said, nothing scrolls sideways, and all of it can be read", async ({ page }) => {
  await page.route("**/api/v1/recordings", (route) =>
    route.fulfill({
      json: {
        recordings: [
          {
            name: "binance-20261121T140000123Z.jsonl.zst", size_bytes: 1_234_567, venue: "binance", symbols: ["BTCSIM"],
            kind: "recording", start_ms: 1_763_668_000_000, duration_ms: 61_000, n_lost: 0, state: "cut_off",
          },
        ],
        feeds: [
          {
            venue: "binance", files: [], n_entries: 12_345, n_lost: 0, size_bytes: 1_234_567, is_running: false,
            failure: "no space left on device",
          },
        ],
        total_bytes: 1_234_567, max_total_bytes: 4_294_967_296, max_age_days: 30,
      },
    }),
  );
  for (const width of [1440, 768, 360]) {
    await page.setViewportSize({ width, height: 800 });
    await page.goto(`${server.ready.url}recordings`);
    await expect(page.getByTestId("record-feed")).toHaveAttribute("data-state", "failed");
    await expect(page.getByTestId("record-words")).toContainText("no space left on device");
    await expect(page.getByTestId("recording-state")).toHaveText("no end mark");
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow, `${width} px`).toBeLessThanOrEqual(0);
    const found = await new AxeBuilder({ page }).analyze();
    expect(found.violations.map((violation) => violation.id)).toEqual([]);
  }
});

test("a recording is back-tested, both bounds side by side", async ({ page }) => {
  await page.goto(`${server.ready.url}recordings`);
  const feed = page.getByTestId("record-feed");
  await feed.getByTestId("record-start").click();
  await expect(feed).toHaveAttribute("data-state", "recording");
  const book = await (await page.request.get(`${server.ready.url}api/v1/book?instrument=binance:BTCSIM&depth=1`)).json();
  const middle = Number(book.bids[0][0]);
  await page.waitForTimeout(5_000);
  await feed.getByTestId("record-stop").click();
  await expect(feed).toHaveAttribute("data-state", "idle");
  const row = page.getByTestId("recording").filter({ hasNotText: "last30s" }).first();
  await expect(row.getByTestId("recording-state")).toHaveText("complete");
  await expect(page.getByTestId("backtest")).toBeHidden();

  // The form comes with a plan whose bounds are to be filled in; a plan that the desk refuses is refused in words.
  await row.getByTestId("recording-backtest").click();
  const plan = page.getByTestId("backtest-plan");
  await expect(plan).toHaveValue(/instrument = "binance:BTCSIM"/);
  await page.getByTestId("backtest-strategy").selectOption("ma_cross");
  await expect(plan).toHaveValue(/interval = "1m"/);
  await page.getByTestId("backtest-strategy").selectOption("grid");
  await page.getByTestId("backtest-run").click();
  const outcome = page.getByTestId("backtest-outcome");
  await expect(outcome).toHaveAttribute("data-state", "failed");
  await expect(page.getByTestId("backtest-words")).toContainText("the desk refuses the strategy");

  const filled = (await plan.inputValue())
    .replace('lower = ""', `lower = "${(middle * 0.9995).toFixed(2)}"`)
    .replace('upper = ""', `upper = "${(middle * 1.0005).toFixed(2)}"`)
    .replace(/fees = .*/, 'fees = { maker = "0", taker = "0.0004" }')
    .replace("n_lines = 41", "n_lines = 81");
  await plan.fill(filled);
  await page.getByTestId("backtest-run").click();
  await expect(outcome).toHaveAttribute("data-state", "done", { timeout: 30_000 });
  const totals = page.getByTestId("backtest-totals");
  await expect(totals.locator("thead th")).toContainText(["Amounts in", "conservative", "optimistic"]);
  const fills = await page.getByTestId("backtest-n_fills").locator("td").allTextContents();
  expect(Number(fills[0]), "the grid traded").toBeGreaterThan(0);
  expect(Number(fills[0]), "the bounds are in order").toBeLessThanOrEqual(Number(fills[1]));
  const picture = page.getByTestId("backtest-picture");
  await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  const { violations } = await new AxeBuilder({ page }).include('[data-testid="backtest"]').analyze();
  expect(violations).toEqual([]);

  for (const [name, begin] of [["report.json", '{"conservative"'], ["fills-conservative.csv", "time,fill_id"], ["equity.svg", "<svg"]]) {
    const downloading = page.waitForEvent("download");
    await page.locator(`[data-testid="backtest-file"][href$="/${name}"]`).click();
    const text = readFileSync(await (await downloading).path(), "utf8");
    expect(text.startsWith(begin!), `${name}: ${text.slice(0, 80)}`).toBe(true);
  }
  // The result outlives the page, and the form can be closed.
  await page.getByTestId("backtest-close").click();
  await expect(page.getByTestId("backtest-form")).toHaveCount(0);
  await reload(page);
  await expect(outcome).toHaveAttribute("data-state", "done");
});
