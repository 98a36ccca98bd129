// Recordings without the server: in direct mode the page records by itself, and a file plays in the page that opened
// it.
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import AxeBuilder from "@axe-core/playwright";
import { Page } from "@playwright/test";

import { arrived, choose } from "../support/direct";
import { expect, number, openLive, test } from "../support/page";
import { Running, ServerReady, SimReady, binanceConfig, startServer, startSim } from "../support/servers";

const SYMBOL = "BTCSIM";
let sim: Running<SimReady>;
let server: Running<ServerReady>;

test.beforeAll(async () => {
  sim = await startSim(["--venue", "binance", "--demo", "--seed", "7", "--speed", "1", "--no-limits"]);
  server = await startServer({ config: binanceConfig(sim.ready, [SYMBOL]) });
});

test.afterAll(async () => {
  await server.stop();
  await sim.stop();
});

/** Returns a file's fingerprint as computed by the program. */
function decoded(path: string, venue = "binance"): string {
  const line = execFileSync(process.env.TRUETAPE_BIN!, ["decode", "--venue", venue, "--hash", "--summary-only", path]);
  const hash = (JSON.parse(line.toString()) as { events_sha256: string }).events_sha256;
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  return hash;
}

/** Opens the page with the venue's data coming directly. */
async function openDirect(page: Page): Promise<void> {
  await openLive(page, server.ready.url, `binance:${SYMBOL}`);
  await choose(page, "binance", "direct");
  await arrived(page, "direct");
}

/** Clicks and saves the browser's download under its own name. */
async function download(page: Page, folder: string, testId: string): Promise<string> {
  const downloading = page.waitForEvent("download");
  await page.getByTestId(testId).click();
  const file = await downloading;
  const path = join(folder, file.suggestedFilename());
  await file.saveAs(path);
  return path;
}

/** Opens a file from the disk, as a reader does. */
async function openFile(page: Page, path: string): Promise<void> {
  // The server renders the button before the page's code can handle clicks; the feeds appear with the code.
  await expect(page.getByTestId("record-feed")).toBeVisible({ timeout: 15_000 });
  const choosing = page.waitForEvent("filechooser");
  await page.getByTestId("open-file").click();
  await (await choosing).setFiles(path);
}

/** Plays the loaded recording to its end and returns its fingerprint. */
async function playedToEnd(page: Page): Promise<string> {
  const bar = page.getByTestId("replay-bar");
  await page.getByTestId("replay-speed").selectOption("100");
  // A replay that has ended would restart.
  if ((await bar.getAttribute("data-state")) === "paused") await page.getByTestId("replay-toggle").click();
  await expect(bar).toHaveAttribute("data-state", "ended", { timeout: 30_000 });
  await expect(bar).toHaveAttribute("data-events-sha256", /./);
  return (await bar.getAttribute("data-events-sha256"))!;
}

let last = "";

test("the last half minute is saved as a download, opened, played, paused, sought, and says what decode says", async ({ page }, info) => {
  test.setTimeout(120_000);
  await openDirect(page);
  await page.waitForTimeout(12_000);
  await page.getByRole("link", { name: "Recordings" }).click();
  await expect(page.getByTestId("record-feed")).toHaveAttribute("data-place", "page");
  await expect(page.getByTestId("record-words")).toContainText("this page records it");
  last = await download(page, info.project.outputDir, "save-last");
  expect(last).toMatch(/binance-\d{8}T\d{9}Z-last30s\.jsonl\.zst$/);
  await expect(page.getByTestId("recorder-saved")).toContainText("last30s");
  expect([...readFileSync(last).subarray(0, 4)], "a zstd file").toEqual([0x28, 0xb5, 0x2f, 0xfd]);
  const hash = decoded(last);

  await openFile(page, last);
  await expect(page).toHaveURL(/symbol=replay-binance:BTCSIM/, { timeout: 15_000 });
  const bar = page.getByTestId("replay-bar");
  await expect(bar).toHaveAttribute("data-place", "page");
  await expect(page.getByTestId("replay-label")).toBeVisible();
  await expect(page.locator(".frame")).toHaveAttribute("data-replay", "true");
  await expect(page.getByTestId("price")).toHaveText(/\d/, { timeout: 10_000 });
  await expect(page.getByTestId("book")).toHaveAttribute("data-state", "live");
  await expect(page.getByTestId("tape-row").nth(3)).toBeVisible({ timeout: 10_000 });
  await expect(page.getByTestId("status-replay")).toContainText(/replay \d\d:\d\d:\d\d/);
  await expect(page.getByTestId("symbol-picker")).toContainText("BTC");
  const served = await (await fetch(`${server.ready.url}api/v1/replay`)).json();
  expect(served, "the server plays nothing").toEqual({ replay: null });
  await page.screenshot({ path: "test-results/recordings-direct.png" });

  // Pause stops the replay. Seek goes to the requested position, where the same time has the same price.
  await page.getByTestId("replay-toggle").click();
  await expect(bar).toHaveAttribute("data-state", /paused|ended/);
  const seek = page.getByTestId("replay-seek");
  const start = Number(await bar.getAttribute("data-start-ms"));
  const position = async () => Number(await bar.getAttribute("data-position-ms")) - start;
  await seek.fill("2000");
  await expect.poll(position).toBe(2_000);
  await expect(bar).toHaveAttribute("data-state", "paused");
  await page.waitForTimeout(500);
  const there = await number(page.getByTestId("price"));
  await page.waitForTimeout(1_000);
  expect(await number(page.getByTestId("price")), "nothing moves while it is paused").toBe(there);
  await seek.fill("6000");
  await expect.poll(position).toBe(6_000);
  await seek.fill("2000");
  await expect.poll(position).toBe(2_000);
  await expect.poll(() => number(page.getByTestId("price")), { message: "the same moment, the same price" }).toBe(there);
  await page.getByTestId("replay-speed").selectOption("4");
  await page.getByTestId("replay-toggle").click();
  const before = await position();
  await page.waitForTimeout(1_000);
  expect((await position()) - before, "four times as fast").toBeGreaterThan(2_500);

  expect(await playedToEnd(page), "over pauses and jumps, what decode says").toBe(hash);
  await page.getByTestId("replay-toggle").click();
  expect(await playedToEnd(page), "and once more").toBe(hash);

  // Beside it the venue's live data continues, unmarked.
  await page.goto(`${server.ready.url}?symbol=binance:${SYMBOL}`);
  await expect(page.getByTestId("replay-label")).toBeHidden();
  await expect(bar, "a page that is loaded again plays nothing").toBeHidden();
});

test("a recording is made by the page alone, goes on over a change of way, and plays", async ({ page }, info) => {
  test.setTimeout(120_000);
  await openDirect(page);
  await page.getByRole("link", { name: "Recordings" }).click();
  const feed = page.getByTestId("record-feed");
  await expect(feed).toHaveAttribute("data-place", "page");
  await feed.getByTestId("record-start").click();
  await expect(feed).toHaveAttribute("data-state", "recording");
  await expect(feed.getByTestId("record-words")).toContainText(/Recording \d/);
  // Recording continues while the reader looks at other pages and chooses another source.
  await choose(page, "binance", "server");
  await page.waitForTimeout(4_000);
  await expect(feed).toHaveAttribute("data-state", "recording");
  const path = await download(page, info.project.outputDir, "record-stop");
  expect(path).toMatch(/binance-\d{8}T\d{9}Z\.jsonl\.zst$/);
  await expect(feed).toHaveAttribute("data-state", "idle");
  await expect.poll(() => page.workers().length, { message: "its worker is not needed any more" }).toBe(0);
  const hash = decoded(path);

  await openFile(page, path);
  await expect(page).toHaveURL(/symbol=replay-binance:BTCSIM/, { timeout: 15_000 });
  expect(await playedToEnd(page)).toBe(hash);
  await page.getByTestId("replay-stop").click();
  await expect(page.getByTestId("replay-bar")).toBeHidden();
  await expect.poll(() => page.workers().length).toBe(0);
});

test("plain lines and gzip play like zstd", async ({ page }, info) => {
  const lines = [{ t: "header", ts: 999, venue: "binance", symbols: ["AAABBB"] } as object];
  for (let id = 1; id <= 300; id += 1) {
    const data = { e: "trade", E: id, s: "AAABBB", t: id, p: `100.${id}`, q: "1", T: id, m: true, M: true };
    lines.push({ t: "recv", ts: 1_000 + id / 10, data: JSON.stringify({ stream: "aaabbb@trade", data }) });
  }
  const plain = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  const paths = [join(info.project.outputDir, "plain.jsonl"), join(info.project.outputDir, "packed.jsonl.gz")];
  writeFileSync(paths[0]!, plain);
  writeFileSync(paths[1]!, gzipSync(plain));
  const hash = decoded(paths[0]!);
  for (const path of paths) {
    await page.goto(`${server.ready.url}recordings`);
    await openFile(page, path);
    await expect(page.getByTestId("replay-bar")).toHaveAttribute("data-place", "page", { timeout: 15_000 });
    expect(await playedToEnd(page), path).toBe(hash);
  }
});

test("a file of the server's list plays here where the venue comes directly, with the server's own fingerprint", async ({ page }) => {
  test.setTimeout(90_000);
  await openDirect(page);
  const rest = (path: string, body: unknown) =>
    fetch(`${server.ready.url}api/v1/${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const saved = (await (await rest("recordings/save-last", { venue: "binance" })).json()) as { name: string };
  await page.getByRole("link", { name: "Recordings" }).click();
  const row = page.locator(`[data-testid="recording"][data-name="${saved.name}"]`);
  await expect(row.getByTestId("recording-play")).toHaveText("Play here");
  await row.getByTestId("recording-play").click();
  await expect(page.getByTestId("replay-bar")).toHaveAttribute("data-place", "page", { timeout: 15_000 });
  await expect(page.getByTestId("book")).toHaveAttribute("data-state", "live", { timeout: 10_000 });
  const here = await playedToEnd(page);
  await page.getByTestId("replay-stop").click();

  await rest("replay", { load: { files: [saved.name], speed: 100 } });
  const of = async () => ((await (await fetch(`${server.ready.url}api/v1/replay`)).json()) as { replay: { events_sha256?: string } }).replay;
  await expect.poll(async () => (await of()).events_sha256, { timeout: 15_000 }).toBe(here);
  await rest("replay", "stop");
  await fetch(`${server.ready.url}api/v1/recordings/${saved.name}`, { method: "DELETE" });
});

test("recordings of every venue play in the page with the fingerprint of decode", async ({ page }, info) => {
  test.setTimeout(180_000);
  const captures = process.env.TRUETAPE_CAPTURES;
  test.skip(!captures, "TRUETAPE_CAPTURES names no folder of recordings");
  for (const venue of ["binance", "coinbase", "kraken"]) {
    const recordings = readdirSync(join(captures!, venue)).filter((name) => name.endsWith(".tape.jsonl.gz"));
    for (const name of recordings) {
      // The recordings do not name their venue: the file name does.
      const path = join(info.project.outputDir, `${venue}-${name}`);
      copyFileSync(join(captures!, venue, name), path);
      const hash = decoded(path, venue);
      await page.goto(`${server.ready.url}recordings`);
      const begun = Date.now();
      await openFile(page, path);
      const bar = page.getByTestId("replay-bar");
      await expect(bar).toHaveAttribute("data-place", "page", { timeout: 60_000 });
      const opened = Date.now();
      const length = Number(await page.getByTestId("replay-seek").getAttribute("max"));
      await page.getByTestId("replay-seek").fill(String(Math.floor(length / 100) * 100));
      await expect(bar).toHaveAttribute("data-state", /playing|ended/, { timeout: 60_000 });
      expect(await playedToEnd(page), name).toBe(hash);
      console.log(`${name}: ${length / 1_000} s, open after ${opened - begun} ms, at its end after ${Date.now() - opened} ms more`);
    }
  }
});

test("what is no recording is named with a remedy, and a file that was cut off plays as far as it goes", async ({ page }, info) => {
  test.setTimeout(60_000);
  await page.goto(`${server.ready.url}recordings`);
  const bad = join(info.project.outputDir, "holiday.jsonl");
  writeFileSync(bad, "no recording\n");
  await openFile(page, bad);
  await expect(page.getByTestId("recorder-failure")).toContainText("holiday.jsonl is no recording that can be played");
  await expect(page.getByTestId("recorder-failure")).toContainText("choose a .jsonl");
  await expect(page.getByTestId("opening")).toHaveText("");
  await expect.poll(() => page.workers().length).toBe(0);

  const bytes = readFileSync(last);
  const cut = join(info.project.outputDir, "binance-cut.jsonl.zst");
  writeFileSync(cut, bytes.subarray(0, bytes.length - 60));
  await openFile(page, cut);
  await expect(page.getByTestId("replay-bar")).toHaveAttribute("data-place", "page", { timeout: 15_000 });
  expect(await playedToEnd(page)).toMatch(/^[0-9a-f]{64}$/);
});

test("the page can be read and scrolls nowhere sideways while it records", async ({ page }) => {
  test.setTimeout(90_000);
  await openDirect(page);
  for (const width of [1440, 360]) {
    for (const theme of ["dark", "light"] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme: theme });
      await page.goto(`${server.ready.url}recordings`);
      await expect(page.getByTestId("record-feed")).toHaveAttribute("data-place", "page", { timeout: 15_000 });
      await page.screenshot({ path: `test-results/recordings-direct-${width}-${theme}.png` });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, `${width} px`).toBeLessThanOrEqual(0);
      const found = await new AxeBuilder({ page }).analyze();
      expect(found.violations.map((violation) => violation.id)).toEqual([]);
    }
  }
});
