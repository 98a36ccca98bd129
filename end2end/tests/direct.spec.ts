// Direct mode: the page opens the venue's own socket, switches while running, and reports when the venue falls silent.
import { arrived, choose, simState } from "../support/direct";
import { expect, number, openLive, reload, test } from "../support/page";
import { Running, ServerReady, SimReady, binanceConfig, setFault, startServer, startSim } from "../support/servers";

// Each test has its own servers.
test.describe.configure({ mode: "parallel" });

const SYMBOL = "BTCSIM";
let sim: Running<SimReady>;
let server: Running<ServerReady>;

test.beforeEach(async () => {
  sim = await startSim(["--venue", "binance", "--demo", "--seed", "7", "--speed", "1", "--no-limits"]);
  const quick = "stale_after_ms = 1500\ndata_deadline_ms = 5000";
  server = await startServer({ config: binanceConfig(sim.ready, [SYMBOL, "ETHSIM"], quick) });
});

test.afterEach(async () => {
  await server.stop();
  await sim.stop();
});

test("a reader switches to direct and back while running, and the page remembers it", async ({ page }) => {
  test.setTimeout(90_000);
  const loaded: string[] = [];
  page.on("request", (request) => loaded.push(new URL(request.url()).pathname));
  page.context().on("request", (request) => loaded.push(new URL(request.url()).pathname));
  await openLive(page, server.ready.url, `binance:${SYMBOL}`);
  const chart = page.getByTestId("chart");
  await expect(chart).toHaveAttribute("data-bars", /^50\d$/, { timeout: 15_000 });
  await expect(page.getByTestId("book")).toHaveAttribute("data-state", "live", { timeout: 15_000 });
  expect(loaded.filter((path) => path.includes("worker")), "the worker's program is not part of the first load").toEqual([]);
  const before = await simState(sim.ready);

  const switched = Date.now();
  await choose(page, "binance", "direct");
  await arrived(page, "direct");
  console.log(`direct data on the page after ${Date.now() - switched} ms`);
  expect((await simState(sim.ready)).n_clients).toBe(before.n_clients + 1);
  const price = await number(page.getByTestId("price"));
  await expect.poll(() => number(page.getByTestId("price")), { timeout: 10_000 }).not.toBe(price);
  await expect(page.getByTestId("book")).toHaveAttribute("data-state", "live");
  await expect(page.getByTestId("venue").first()).toHaveText(/direct/);

  // The choice survives a reload without delaying the first data.
  await reload(page);
  await expect(page.getByTestId("price")).toHaveText(/\d/, { timeout: 5_000 });
  await arrived(page, "direct");
  await expect(chart).toHaveAttribute("data-bars", /^50\d$/, { timeout: 15_000 });

  await choose(page, "binance", "server");
  await arrived(page, "server");
  await expect.poll(async () => (await simState(sim.ready)).n_clients, { timeout: 10_000 }).toBe(before.n_clients);
  await expect(chart).toHaveAttribute("data-bars", /^50\d$/);
});

test("nothing disappears while going there and back", async ({ page }) => {
  test.setTimeout(90_000);
  await openLive(page, server.ready.url, `binance:${SYMBOL}`);
  await expect(page.getByTestId("chart")).toHaveAttribute("data-bars", "500", { timeout: 15_000 });
  await expect(page.getByTestId("tape-row").nth(10)).toBeVisible({ timeout: 20_000 });
  await expect(page.getByTestId("book")).toHaveAttribute("data-state", "live", { timeout: 15_000 });
  await expect(page.getByTestId("day-high")).toHaveText(/\d/);
  await page.evaluate(() => {
    const seen = { blanks: new Set<string>() };
    (window as unknown as { seen: typeof seen }).seen = seen;
    const look = () => {
      const element = (id: string) => document.querySelector(`[data-testid="${id}"]`);
      for (const id of ["price", "best-bid", "day-high", "book-bid-0-price", "book-ask-0-price"]) {
        if (!/\d/.test(element(id)?.textContent ?? "")) seen.blanks.add(id);
      }
      if (Number(element("chart")?.getAttribute("data-bars")) < 500) seen.blanks.add("chart");
      if (document.querySelectorAll('[data-testid="tape-row"]').length < 10) seen.blanks.add("tape");
      if (element("book")?.getAttribute("data-state") !== "live") seen.blanks.add("book state");
      requestAnimationFrame(look);
    };
    look();
  });
  for (const way of ["direct", "server", "direct", "server"] as const) {
    await choose(page, "binance", way);
    await arrived(page, way);
    await page.waitForTimeout(1_500);
  }
  const blanks = await page.evaluate(() => [...(window as unknown as { seen: { blanks: Set<string> } }).seen.blanks]);
  expect(blanks).toEqual([]);
});

test("a venue that falls silent is noticed in direct mode, with the server gone as well", async ({ page }) => {
  test.setTimeout(120_000);
  await openLive(page, server.ready.url, `binance:${SYMBOL}`);
  await choose(page, "binance", "direct");
  await arrived(page, "direct");
  const status = page.getByTestId("stream-status");
  await setFault(sim.ready, { kind: "stall" });
  await expect(status).toHaveAttribute("data-state", "stale", { timeout: 8_000 });
  await setFault(sim.ready, { kind: "refuse" });
  await setFault(sim.ready, { kind: "rest_error" });
  await expect(status).toHaveAttribute("data-state", "failed", { timeout: 20_000 });
  await expect(page.getByTestId("stream-mode")).toHaveText(/direct/);
  await setFault(sim.ready, { kind: "none" });
  await expect(status).toHaveAttribute("data-state", "live", { timeout: 60_000 });
  await expect(page.getByTestId("book")).toHaveAttribute("data-state", "live", { timeout: 20_000 });

  // Without the server the venue's data continues.
  await server.stop("SIGKILL");
  await expect(page.getByTestId("connection")).not.toHaveAttribute("data-state", "connected", { timeout: 15_000 });
  await page.waitForTimeout(7_000);
  await expect(status).toHaveAttribute("data-state", "live");
  await expect(page.getByTestId("banner")).toHaveText(/Values from the server are old; data from Binance comes directly and continues\./);
  const price = await number(page.getByTestId("price"));
  await expect.poll(() => number(page.getByTestId("price")), { timeout: 10_000 }).not.toBe(price);
});

test("both paths side by side find a feed that acknowledges and sends nothing", async ({ page }) => {
  test.setTimeout(90_000);
  // A server that is slow to notice it by itself.
  await server.stop();
  server = await startServer({ config: binanceConfig(sim.ready, [SYMBOL], "data_deadline_ms = 60000") });
  await openLive(page, server.ready.url, `binance:${SYMBOL}`);
  await page.getByTestId("settings-open").click();
  await page.getByTestId("cross-check-switch").check();
  const verdict = page.getByTestId("cross-check-verdict");
  await expect(verdict).toHaveAttribute("data-state", "agrees", { timeout: 20_000 });
  await expect.poll(async () => Number(await verdict.getAttribute("data-matched")), { timeout: 15_000 }).toBeGreaterThan(20);
  await expect(verdict).toHaveAttribute("data-state", "agrees");

  // Only the trades of all connected clients stop; pings and acknowledgements continue; then direct starts over.
  await page.getByTestId("cross-check-switch").uncheck();
  await expect.poll(async () => (await simState(sim.ready)).n_clients, { timeout: 10_000 }).toBe(1);
  await setFault(sim.ready, { kind: "stall", mode: "pings", existing_only: true, duration_ms: 30_000 });
  await page.getByTestId("cross-check-switch").check();
  await expect(verdict).toHaveAttribute("data-state", "differs", { timeout: 12_000 });
  await expect(verdict).toHaveText(/direct has \d+ trades? missing from the server for \d+ s|the server has (been silent|sent nothing)/);
  await page.screenshot({ path: "test-results/cross-check.png" });
});

test("the page Data quality compares both paths of the instrument that is chosen there, and goes on elsewhere", async ({ page }) => {
  test.setTimeout(60_000);
  await page.goto(`${server.ready.url}quality?symbol=binance:${SYMBOL}`);
  // Before the program runs the page is the server's: its switches do nothing yet.
  await expect(page.locator("html")).toHaveAttribute("data-started", "on", { timeout: 20_000 });
  const panel = page.locator('[data-panel="both-ways"]');
  await panel.getByTestId("cross-check-switch").check();
  const verdict = panel.getByTestId("cross-check-verdict");
  await expect(verdict).toHaveAttribute("data-state", "agrees", { timeout: 20_000 });
  // Another instrument: the comparison starts over with it, on the same page.
  await panel.getByTestId("symbol-picker").click();
  await panel.getByTestId("symbol-search").fill("eth");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/quality\?symbol=binance:ETHSIM/);
  await expect(panel.getByTestId("symbol-picker")).toContainText("ETH");
  await expect(verdict).toHaveAttribute("data-state", "agrees", { timeout: 20_000 });
  // The comparison is shared by the whole page: on the Live page the settings show its current state.
  await page.getByRole("link", { name: "Live", exact: true }).click();
  await page.getByTestId("settings-open").click();
  await expect(page.getByTestId("cross-check-switch")).toBeChecked();
  await page.getByTestId("cross-check-switch").uncheck();
  await expect.poll(async () => (await simState(sim.ready)).n_clients, { timeout: 10_000 }).toBe(1);
});

test("the demo market can be followed directly too, and a worker that dies gives way to the server", async ({ page, errors }) => {
  test.setTimeout(60_000);
  const demo = await startServer();
  try {
    await openLive(page, demo.ready.url);
    await choose(page, "demo", "direct");
    await arrived(page, "direct");
    await choose(page, "demo", "server");
    await arrived(page, "server");

    await page.route("**/assets/*/worker.wasm", (route) => route.abort());
    await choose(page, "demo", "direct");
    await page.getByTestId("settings-open").click();
    await expect(page.getByTestId("data-path-demo-note")).toHaveText(/server/, { timeout: 15_000 });
    const price = await number(page.getByTestId("price"));
    await expect.poll(() => number(page.getByTestId("price")), { timeout: 10_000 }).not.toBe(price);
    // The browser's own messages about the blocked file.
    errors.splice(0);
  } finally {
    await demo.stop();
  }
});

test("a hundred switches leave no socket and no worker behind, and memory flat", async ({ page }) => {
  test.setTimeout(600_000);
  const n = Number(process.env.SWITCHES ?? "100");
  await openLive(page, server.ready.url, `binance:${SYMBOL}`);
  await page.getByTestId("settings-open").click();
  const client = await page.context().newCDPSession(page);
  await client.send("Performance.enable");
  const direct = page.getByTestId("data-path-binance-direct");
  const back = page.getByTestId("data-path-binance-server");
  const cycle = async () => {
    const { n_connects } = await simState(sim.ready);
    await direct.check();
    // It has opened its socket; it may or may not have data yet.
    await expect.poll(async () => (await simState(sim.ready)).n_connects, { timeout: 20_000, intervals: [50] }).toBeGreaterThan(n_connects);
    await page.waitForTimeout(Math.random() * 400);
    await back.check();
    await expect.poll(async () => (await simState(sim.ready)).n_clients, { timeout: 20_000, intervals: [50] }).toBe(1);
  };
  const heap = async () => {
    await client.send("HeapProfiler.collectGarbage");
    const { metrics } = await client.send("Performance.getMetrics");
    const script = metrics.find((entry) => entry.name === "JSHeapUsedSize")!.value;
    const wasm = await page.evaluate(async () => {
      const path = performance.getEntriesByType("resource").find(({ name }) => name.endsWith("/truetape.js"))!.name;
      const glue = (await import(path)) as { default: () => Promise<{ memory: WebAssembly.Memory }> };
      return (await glue.default()).memory.buffer.byteLength;
    });
    return { script, wasm };
  };
  for (let round = 0; round < 5; round += 1) await cycle();
  const early = await heap();
  for (let round = 5; round < n; round += 1) await cycle();
  const late = await heap();
  expect(page.workers()).toHaveLength(0);
  const state = await simState(sim.ready);
  expect(state.n_clients, "the server's own connection alone").toBe(1);
  console.log(`${n} switches, ${state.n_connects} connections in all, 1 open; heap ${(early.script / 1e6).toFixed(2)} to ${(late.script / 1e6).toFixed(2)} MB, WASM ${(early.wasm / 1e6).toFixed(2)} to ${(late.wasm / 1e6).toFixed(2)} MB`);
  expect(late.script).toBeLessThan(early.script * 1.25 + 500_000);
  expect(late.wasm).toBeLessThan(early.wasm * 1.25 + 500_000);
  await expect(page.getByTestId("stream-status")).toHaveAttribute("data-state", "live", { timeout: 10_000 });
});
