// The Data quality page and the popover behind the lights, against the simulated venue and its faults.
import AxeBuilder from "@axe-core/playwright";

import { expect, number, openLive, test } from "../support/page";
import { binanceConfig, Running, ServerReady, setFault, SimReady, startServer, startSim } from "../support/servers";

const symbol = "BTCSIM";
const id = `binance:${symbol}`;

let sim: Running<SimReady>;
let server: Running<ServerReady>;

test.beforeAll(async () => {
  sim = await startSim(["--venue", "binance", "--demo", "--seed", "11", "--speed", "1"]);
  const quick = "stale_after_ms = 1500\ndata_deadline_ms = 8000";
  server = await startServer({ config: binanceConfig(sim.ready, [symbol], quick) });
});

test.afterAll(async () => {
  await server.stop();
  await sim.stop();
});

test("counters rise, the book is proved, latency and clocks are told", async ({ page }) => {
  await page.goto(`${server.ready.url}quality`);
  const block = page.getByTestId("venue-block");
  await expect(block).toHaveAttribute("data-state", "live", { timeout: 15_000 });
  const frames = block.getByTestId("frames");
  await expect(frames).toHaveAttribute("data-value", /\d/, { timeout: 10_000 });
  const first = Number(await frames.getAttribute("data-value"));
  await expect.poll(async () => Number(await frames.getAttribute("data-value")), { timeout: 5_000 }).toBeGreaterThan(first);

  const row = page.locator(`[data-testid="proof-row"][data-symbol="${id}"]`);
  await expect(row).toHaveAttribute("data-book", "live");
  await expect(row.getByTestId("book-state")).toHaveText("live");
  const updates = Number(await number(row.getByTestId("updates")));
  await expect.poll(async () => Number(await number(row.getByTestId("updates"))), { timeout: 5_000 }).toBeGreaterThan(updates);

  // The server pings five seconds after connecting: from then on the exchange's clock and its error are known.
  await expect(block.getByTestId("clocks")).toContainText(/clocks agree|ahead by|behind by/, { timeout: 15_000 });
  await expect(block.getByTestId("clock-effect")).toContainText(/may be wrong by up to ±/, { timeout: 15_000 });
  for (const stage of ["venue", "network", "paint"]) {
    await expect(block.getByTestId(`stage-${stage}`)).toContainText(/ms/, { timeout: 10_000 });
  }
});

test("a frame that cannot be read is counted and leaves a plain sample", async ({ page }) => {
  await page.goto(`${server.ready.url}quality`);
  const block = page.getByTestId("venue-block");
  await expect(block).toHaveAttribute("data-state", "live", { timeout: 15_000 });
  await setFault(sim.ready, { kind: "corrupt", mode: "json", stream: "@depth", count: 1 });
  await expect(block.getByTestId("malformed")).toHaveAttribute("data-value", /^[1-9]/, { timeout: 10_000 });
  await expect(block.getByTestId("samples")).toBeVisible();
  await block.getByTestId("samples").click();
  const text = (await block.getByTestId("sample").first().locator("code").textContent()) ?? "";
  expect(text).toMatch(/^\{"stream":"btcsim@depth/);
  expect([...text].length).toBeLessThanOrEqual(120);
  // The change in the broken frame is missing: a gap, shown in the alert line and kept in the list.
  await expect(page.getByTestId("alert-line")).toContainText(/binance.*gap/, { timeout: 10_000 });
  await expect(page.getByTestId("alert-line")).toBeHidden({ timeout: 20_000 });
  await expect(page.getByTestId("trouble").first()).toContainText("gap");
  const row = page.locator(`[data-testid="proof-row"][data-symbol="${id}"]`);
  await expect(row.getByTestId("row-gaps")).toHaveText(/^[1-9]/);
  await expect(row).toHaveAttribute("data-book", "live", { timeout: 10_000 });
  await page.getByTestId("trouble-only").check();
  await expect(row).toBeVisible();
});

test("a stalled feed shows transport and data apart, raises the alert line and comes back", async ({ page }) => {
  test.setTimeout(90_000);
  await page.goto(`${server.ready.url}quality`);
  const block = page.getByTestId("venue-block");
  await expect(block).toHaveAttribute("data-state", "live", { timeout: 20_000 });
  try {
    await setFault(sim.ready, { kind: "stall" });
    await expect(block).toHaveAttribute("data-data", "old", { timeout: 6_000 });
    await expect(block).toHaveAttribute("data-transport", "silent", { timeout: 8_000 });
    await setFault(sim.ready, { kind: "refuse" });
    await setFault(sim.ready, { kind: "rest_error" });
    await expect(block).toHaveAttribute("data-state", "failed", { timeout: 20_000 });
    await expect(block.getByTestId("venue-cause")).toHaveText(/no data|cannot connect|closed/i);
    await expect(page.getByTestId("alert-line")).toContainText("binance");
    await expect(page.getByTestId("alert-line")).toContainText(/since \d\d:\d\d:\d\d/);
    await expect(page.locator(`[data-testid="proof-row"][data-symbol="${id}"]`)).not.toHaveAttribute("data-book", "live");
  } finally {
    await setFault(sim.ready, { kind: "none" });
  }
  await expect(block).toHaveAttribute("data-state", "live", { timeout: 40_000 });
  await expect(page.getByTestId("alert-line")).toBeHidden({ timeout: 20_000 });
  await expect(page.getByTestId("trouble").first()).toHaveAttribute("data-lasting", "false");
});

test("the popover behind a light opens by keyboard, says it all, and closes on Esc", async ({ page }) => {
  await openLive(page, server.ready.url, id);
  const status = page.getByTestId("stream-status");
  await expect(status).toHaveAttribute("data-state", "live", { timeout: 20_000 });
  const light = status.getByTestId("status-light");
  await light.focus();
  await page.keyboard.press("Enter");
  const popover = page.getByTestId("status-popover");
  await expect(popover).toBeVisible();
  await expect(popover.getByTestId("status-word")).toHaveText("live");
  await expect(popover).toContainText(/Last message/);
  await expect(popover).toContainText(/live, changed/, { timeout: 5_000 });
  await page.keyboard.press("Escape");
  await expect(popover).toBeHidden();
  await expect(light).toBeFocused();

  // The same behind the lights of the watchlist and of the status bar.
  await page.locator(`[data-testid="watch-row"][data-symbol="${id}"]`).getByTestId("status-light").click();
  await expect(popover).toBeVisible();
  await page.keyboard.press("Escape");
  await page.getByTestId("venue").getByTestId("status-light").click();
  await expect(popover).toContainText("REST breaker");
  await popover.getByTestId("to-quality").click();
  await expect(page).toHaveURL(/quality/);
  await expect(page.getByTestId("venue-block")).toBeVisible();
});

for (const width of [360, 768, 1440]) {
  test(`nothing scrolls sideways at ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 780 });
    await page.goto(`${server.ready.url}quality`);
    await expect(page.getByTestId("proof-row").first()).toBeVisible({ timeout: 15_000 });
    const surplus = await page.evaluate(() => {
      const main = document.querySelector("main")!;
      return Math.max(document.documentElement.scrollWidth - window.innerWidth, main.scrollWidth - main.clientWidth);
    });
    expect(surplus).toBeLessThanOrEqual(0);
  });
}

for (const scheme of ["dark", "light"] as const) {
  test(`axe finds no serious violation (${scheme})`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await page.goto(`${server.ready.url}quality`);
    await expect(page.getByTestId("proof-row").first()).toBeVisible({ timeout: 15_000 });
    const result = await new AxeBuilder({ page }).analyze();
    const serious = result.violations.filter((found) => found.impact === "serious" || found.impact === "critical");
    const described = serious.map((found) => `${found.id}: ${found.nodes.map((node) => node.target.join(" ")).join(", ")}`);
    expect(described).toEqual([]);
  });
}
