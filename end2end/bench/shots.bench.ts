// Takes screenshots of the pages in every state of a feed, produced by faults of the simulated venue: the Live page at
// 1440, 768 and 360 px, dark and light, the others at one size each. SHOTS_DIR sets their folder.
import { Browser, expect, Page, test } from "@playwright/test";

import { Running, ServerReady, setFault, startServer, startSim, venueConfig } from "../support/servers";

const folder = process.env.SHOTS_DIR ?? "test-results/shots";
const symbol = "binance:BTCUSD";
const sizes = { 1440: 900, 768: 1024, 360: 740 } as const;
type Width = keyof typeof sizes;
type Scheme = "dark" | "light";

/** A page with its sizes and colour schemes. Each goes through all states, like a reader's page. */
interface Sitter {
  name: string;
  page: Page;
  poses: [Width, Scheme][];
}

async function sitter(browser: Browser, url: string, name: string, path: string, poses: [Width, Scheme][]): Promise<Sitter> {
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  await page.goto(`${url}${path}`);
  return { name, page, poses };
}

async function portrait(sitters: Sitter[], state: string): Promise<void> {
  for (const { name, page, poses } of sitters) {
    for (const [width, colorScheme] of poses) {
      await page.setViewportSize({ width, height: sizes[width] });
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(400);
      await page.screenshot({ path: `${folder}/${name}-${state}-${width}-${colorScheme}.png` });
    }
  }
}

const all: [Width, Scheme][] = ([1440, 768, 360] as const).flatMap((width) => (["dark", "light"] as const).map((scheme): [Width, Scheme] => [width, scheme]));

test("every page in every state", async ({ browser }) => {
  test.setTimeout(900_000);
  // One venue gets into trouble; the other one shows the same pair and stays healthy.
  const sim = await startSim(["--venue", "binance", "--demo", "--seed", "5", "--speed", "1", "--quote", "USD", "--no-limits"]);
  const other = await startSim(["--venue", "kraken", "--demo", "--seed", "5", "--speed", "1", "--quote", "USD", "--no-limits"]);
  await setFault(sim.ready, { kind: "stall" });
  const patient = "data_deadline_ms = 25000\nbackoff_max_ms = 2000";
  const config = venueConfig("binance", sim.ready, ["BTCUSD", "ETHUSD"], patient) + venueConfig("kraken", other.ready, ["BTC/USD"]);
  const server = await startServer({ config });
  try {
    const url = server.ready.url;
    const live = await sitter(browser, url, "live", `?symbol=${symbol}`, all);
    const sitters = [
      live,
      await sitter(browser, url, "quality", `quality?symbol=${symbol}`, [[1440, "dark"]]),
      await sitter(browser, url, "markets", "markets", [[1440, "light"]]),
      await sitter(browser, url, "recordings", "recordings", [[768, "dark"]]),
    ];
    const status = live.page.getByTestId("stream-status");
    const book = live.page.getByTestId("book");
    const becomes = (state: string) => expect(status).toHaveAttribute("data-state", state, { timeout: 40_000 });

    await becomes("initialising");
    await live.page.waitForTimeout(4_000);
    await portrait(sitters, "initialising");

    await setFault(sim.ready, { kind: "none" });
    await becomes("live");
    await expect(book).toHaveAttribute("data-state", "live", { timeout: 40_000 });
    const check = sitters[1].page.locator('[data-panel="both-ways"]');
    await check.getByTestId("cross-check-switch").check();
    await expect(check.getByTestId("cross-check-verdict")).toHaveAttribute("data-state", "agrees", { timeout: 20_000 });
    await live.page.waitForTimeout(5_000);
    await portrait(sitters, "live");
    await check.getByTestId("cross-check-switch").uncheck();

    await setFault(sim.ready, { kind: "rest_slow", delay_ms: 30_000, path: "depth" });
    await setFault(sim.ready, { kind: "drop", stream: "btcusd@depth", count: 1 });
    await expect(book).toHaveAttribute("data-state", /suspect|resyncing/, { timeout: 20_000 });
    await portrait(sitters, "resyncing");
    await setFault(sim.ready, { kind: "none" });
    await expect(book).toHaveAttribute("data-state", "live", { timeout: 60_000 });

    await setFault(sim.ready, { kind: "stall" });
    await becomes("stale");
    await portrait(sitters, "stale");

    await setFault(sim.ready, { kind: "rest_error" });
    await setFault(sim.ready, { kind: "refuse" });
    await becomes("failed");
    await portrait(sitters, "failed");

    await setFault(sim.ready, { kind: "none" });
    await setFault(sim.ready, { kind: "refuse" });
    await setFault(sim.ready, { kind: "close" });
    await expect(live.page.getByTestId("stream-mode")).toHaveText(/REST polling/, { timeout: 40_000 });
    await live.page.waitForTimeout(3_000);
    await portrait(sitters, "polling");

    await setFault(sim.ready, { kind: "none" });
    await becomes("live");
    await portrait(await replaying(browser, url), "replay");

    // An unknown symbol, and then a stopped server.
    await live.page.goto(`${url}?symbol=binance:NOSUCH`);
    await live.page.waitForTimeout(4_000);
    await portrait([live], "unknown");
    await live.page.goto(`${url}?symbol=${symbol}`);
    await becomes("live");
    await live.page.waitForTimeout(2_000);
    await server.stop("SIGKILL");
    await expect(live.page.getByTestId("banner")).toHaveAttribute("data-state", "reconnecting", { timeout: 15_000 });
    await live.page.waitForTimeout(3_000);
    await portrait(sitters, "cut-off");
  } finally {
    await server.stop();
    await sim.stop();
    await other.stop();
  }
});

/** Plays the last half minute and returns the pages that show it. */
async function replaying(browser: Browser, url: string): Promise<Sitter[]> {
  const recordings = await sitter(browser, url, "recordings", "recordings", [[768, "dark"]]);
  await recordings.page.getByTestId("save-last").first().click();
  await recordings.page.getByTestId("recording-play").click();
  const live = await sitter(browser, url, "live", `?symbol=replay-${symbol}`, all);
  await expect(live.page.getByTestId("book")).toHaveAttribute("data-state", "live", { timeout: 45_000 });
  await recordings.page.goto(`${url}recordings`);
  return [
    live,
    recordings,
    await sitter(browser, url, "quality", "quality", [[1440, "dark"]]),
    await sitter(browser, url, "markets", "markets", [[1440, "light"]]),
  ];
}

test("what opens over the page, and a venue without a book", async ({ browser }) => {
  test.setTimeout(180_000);
  const demo = await startServer();
  const sim = await startSim(["--venue", "finnhub", "--demo", "--seed", "3", "--speed", "1"]);
  const bookless = await startServer({ config: venueConfig("finnhub", sim.ready, ["SIM:BTC-SIM"], 'token = "a-made-up-one"') });
  try {
    const own = await sitter(browser, demo.ready.url, "live", "", [[1440, "dark"]]);
    await own.page.waitForTimeout(8_000);
    await portrait([own], "demo");
    await own.page.close();
    await portrait(await opened(browser, demo), "opened");
    const live = await sitter(browser, bookless.ready.url, "live", "?symbol=finnhub:SIM:BTC-SIM", all);
    await live.page.waitForTimeout(6_000);
    await portrait([live], "bookless");
    await portrait([await sitter(browser, bookless.ready.url, "markets", "markets", [[1440, "light"]])], "bookless");
  } finally {
    await demo.stop();
    await bookless.stop();
    await sim.stop();
  }
});

async function opened(browser: Browser, server: Running<ServerReady>): Promise<Sitter[]> {
  const at = (name: string) => sitter(browser, server.ready.url, name, "", [[1440, "dark"], [360, "light"]]);
  const settings = await at("settings");
  await settings.page.getByTestId("settings-open").click();
  const popover = await at("popover");
  await expect(popover.page.getByTestId("price")).toHaveText(/\d/, { timeout: 15_000 });
  await popover.page.getByTestId("stream-status").getByTestId("status-light").click();
  const picker = await at("picker");
  await expect(picker.page.getByTestId("price")).toHaveText(/\d/, { timeout: 15_000 });
  await picker.page.keyboard.press("/");
  return [settings, popover, picker];
}
