// Recordings: a simulated venue is recorded, listed, downloaded, played with pause, seek and speed, and deleted.
import { readFileSync } from "node:fs";

import AxeBuilder from "@axe-core/playwright";

import { expect, number, test } from "../support/page";
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
  await page.goto(`${server.ready.url}?symbol=binance:BTCSIM`);
  await expect(page.getByTestId("price")).toHaveText(/\d/, { timeout: 15_000 });
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
