// A recording is traded as a market, with a paper account of its own: played by the server, and in the page.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Page } from "@playwright/test";

import { symbol } from "../support/desk";
import { expect, openLive, test } from "../support/page";
import { Running, ServerReady, startServer } from "../support/servers";

const SYMBOL = "AAABBB";
const FILE = "binance-made.jsonl";
/** The same without the venue's list of instruments. */
const WITHOUT_STEPS = "binance-bare.jsonl";
let server: Running<ServerReady>;
let folder: string;

test.use({ viewport: { width: 1440, height: 900 } });

/** Six seconds of a market with steps, a quote currency that has a rate, and a book that changes ten times a second. */
function recording(): string {
  const at = (tenths: number) => 1_700_000_000 + tenths / 10;
  const http = (path: string, data: unknown) =>
    JSON.stringify({ t: "http", ts: at(0), url: `https://x.test/api/v3/${path}`, data: JSON.stringify(data) });
  const filters = [
    { filterType: "PRICE_FILTER", minPrice: "0.01", maxPrice: "1000", tickSize: "0.01" },
    { filterType: "LOT_SIZE", minQty: "0.01", maxQty: "9000", stepSize: "0.01" },
  ];
  const lines = [
    JSON.stringify({ t: "header", ts: at(0), venue: "binance", symbols: [SYMBOL] }),
    http(`exchangeInfo?symbols=${SYMBOL}`, { symbols: [{ symbol: SYMBOL, status: "TRADING", baseAsset: "AAA", quoteAsset: "USD", filters }] }),
    http(`depth?symbol=${SYMBOL}&limit=5000`, { lastUpdateId: 100, bids: [["100.00", "9"]], asks: [["100.50", "9"]] }),
  ];
  for (let n = 1; n <= 60; n += 1) {
    const time = Math.round(at(n) * 1_000);
    const change = { e: "depthUpdate", E: time, s: SYMBOL, U: 100 + n, u: 100 + n, b: [["99.00", `${n}`]], a: [] };
    const trade = { e: "trade", E: time, s: SYMBOL, t: n, p: "100.25", q: "1", T: time, m: true, M: true };
    for (const [stream, data] of [["aaabbb@depth@100ms", change], ["aaabbb@trade", trade]] as const) {
      lines.push(JSON.stringify({ t: "recv", ts: at(n), data: JSON.stringify({ stream, data }) }));
    }
  }
  return lines.join("\n");
}

test.beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "truetape-replay-account-"));
  mkdirSync(join(folder, "recordings"));
  writeFileSync(join(folder, "recordings", FILE), recording());
  const bare = recording().split("\n").filter((line) => !line.includes("exchangeInfo"));
  writeFileSync(join(folder, "recordings", WITHOUT_STEPS), bare.join("\n"));
  server = await startServer({ folder });
});

test.afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

async function rest(method: string, path: string, body?: unknown): Promise<{ status: number; body: any }> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${server.ready.url}api/v1/${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
}

/** Buys at the market in the replay that is shown, jumps back, and looks at both accounts. */
async function tradesAndJumps(page: Page): Promise<void> {
  const bar = page.getByTestId("replay-bar");
  await expect(bar).toBeVisible();
  if ((await bar.getAttribute("data-state")) === "playing") await page.getByTestId("replay-toggle").click();
  await expect(bar).toHaveAttribute("data-state", /paused|ended/);
  await page.getByTestId("replay-seek").fill("4000");
  const start = Number(await bar.getAttribute("data-start-ms"));
  await expect.poll(async () => Number(await bar.getAttribute("data-position-ms")) - start).toBe(4_000);
  await expect(page.getByTestId("book")).toHaveAttribute("data-state", "live", { timeout: 15_000 });
  await expect(page.getByTestId("absence")).toBeHidden();

  await expect(page.getByTestId("ticket-account")).toHaveText("replay", { timeout: 20_000 });
  await expect(page.getByTestId("replay-note")).toContainText("it ends with the replay, and a jump begins it again");
  await expect(page.getByTestId("ticket-free")).toHaveText(/^100\D000\.00 USD/, { timeout: 20_000 });
  await page.getByTestId("ticket-type").selectOption("market");
  await page.getByTestId("ticket-size").fill("0.01");
  await expect(page.getByTestId("fill")).toHaveText(/^0\.01/, { timeout: 15_000 });
  await page.getByTestId("ticket-buy").click();
  await page.getByTestId("ticket-buy").click();
  await expect(page.getByTestId("ticket")).toHaveAttribute("data-stage", "accepted", { timeout: 15_000 });
  await expect(page.getByTestId("ticket-answer")).toContainText("Filled: bought 0.01 AAA at 100.50");
  await expect(page.getByTestId("live-positions-count")).toHaveText("1");
  await expect(page.getByTestId("order").first()).toHaveAttribute("data-id", "1");

  await page.getByTestId("replay-seek").fill("2000");
  await expect.poll(async () => Number(await bar.getAttribute("data-position-ms")) - start).toBe(2_000);
  await expect(page.getByTestId("live-positions-count")).toHaveText("0");
  await expect(page.getByTestId("order")).toHaveCount(0);
  await expect(page.getByTestId("ticket-free")).toHaveText(/^100\D000\.00 USD/);

  // The live account has nothing of it, and is shown with a live instrument.
  for (const list of ["orders", "fills", "positions"]) expect((await rest("GET", list)).body, list).toEqual([]);
}

test("a replay of the server is traded with the account of the replay", async ({ page }) => {
  test.setTimeout(120_000);
  await rest("POST", "replay", { load: { files: [FILE], is_paused: true } });
  await page.goto(`${server.ready.url}?symbol=replay-binance:${SYMBOL}`);
  await tradesAndJumps(page);
  await expect(page.getByTestId("replay-bar")).toHaveAttribute("data-place", "server");
  expect((await rest("GET", "accounts")).body.map((row: { account: string }) => row.account)).toEqual(["paper", "replay"]);
  // The other pages of the desk show it too, until the instrument in view is a live one.
  await page.getByRole("link", { name: "Positions" }).click();
  await expect(page.getByTestId("replay-account")).toBeVisible();
  await expect(page.getByTestId("desk-account")).toContainText("Paper account replay");
  await page.goto(`${server.ready.url}?symbol=${symbol}`);
  await expect(page.getByTestId("ticket-account")).toHaveText("paper", { timeout: 20_000 });
  await expect(page.getByTestId("replay-note")).toHaveCount(0);
  await rest("POST", "replay", "stop");
  expect((await rest("GET", "orders?account=replay")).body.code).toBe("no_replay");
});

test("a recording that plays in the page is traded there, without the server", async ({ page }) => {
  test.setTimeout(120_000);
  await openLive(page, server.ready.url, symbol);
  await page.getByRole("link", { name: "Recordings" }).click();
  await expect(page.getByTestId("record-feed")).toBeVisible({ timeout: 15_000 });
  const choosing = page.waitForEvent("filechooser");
  await page.getByTestId("open-file").click();
  await (await choosing).setFiles(join(folder, "recordings", FILE));
  await expect(page).toHaveURL(/symbol=replay-binance:AAABBB/, { timeout: 15_000 });
  await expect(page.getByTestId("replay-bar")).toHaveAttribute("data-place", "page");
  await tradesAndJumps(page);
  expect((await rest("GET", "orders?account=replay")).body.code, "the server has no such account").toBe("no_replay");
  await page.getByTestId("replay-stop").click();
  await expect(page.getByTestId("replay-bar")).toBeHidden();
  await expect(page.getByTestId("ticket-account")).toHaveText("paper", { timeout: 20_000 });
});

test("a recording without the steps of its instrument says that it cannot be traded", async ({ page }) => {
  await rest("POST", "replay", { load: { files: [WITHOUT_STEPS], is_paused: true } });
  await page.goto(`${server.ready.url}?symbol=replay-binance:${SYMBOL}`);
  await expect(page.getByTestId("ticket-absent")).toContainText("does not tell the steps", { timeout: 20_000 });
  await expect(page.getByTestId("ticket")).toBeHidden();
  await page.getByTestId("replay-seek").fill("4000");
  await expect(page.getByTestId("tape-row").first()).toBeVisible({ timeout: 15_000 });
  await expect(page.getByTestId("ticket-absent")).toContainText("does not tell the steps");
  await rest("POST", "replay", "stop");
});
