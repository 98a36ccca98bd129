// Takes portraits of the page Data quality in each state a feed can be in: 1440, 768 and 360 px, dark and light; and of the
// popover on the Live page. SHOTS_DIR says where they go.
import { Browser, test } from "@playwright/test";

import { openLive } from "../support/page";
import { binanceConfig, setFault, startServer, startSim } from "../support/servers";

const folder = process.env.SHOTS_DIR ?? "test-results/shots";
const symbols = ["BTCSIM", "ETHSIM"];

async function portraits(browser: Browser, url: string, name: string, ready: string): Promise<void> {
  for (const colorScheme of ["dark", "light"] as const) {
    for (const [width, height] of [[1440, 900], [768, 1024], [360, 740]]) {
      const page = await (await browser.newContext({ viewport: { width, height }, colorScheme })).newPage();
      await page.goto(`${url}quality`);
      await page.locator(ready).first().waitFor({ timeout: 25_000 });
      await page.waitForTimeout(1_200);
      await page.screenshot({ path: `${folder}/quality-${name}-${width}-${colorScheme}.png` });
      await page.close();
    }
  }
}

test("data quality in every state", async ({ browser }) => {
  test.setTimeout(600_000);
  const sim = await startSim(["--venue", "binance", "--demo", "--seed", "5", "--speed", "1"]);
  await setFault(sim.ready, { kind: "stall" });
  const patient = "stale_after_ms = 1500\ndata_deadline_ms = 60000\nbackoff_max_ms = 2000";
  const server = await startServer({ config: binanceConfig(sim.ready, symbols, patient) });
  const url = server.ready.url;
  try {
    await portraits(browser, url, "initialising", '[data-testid="venue-block"][data-state="initialising"]');
    await setFault(sim.ready, { kind: "none" });
    const live = '[data-testid="venue-block"][data-state="live"]';
    await portraits(browser, url, "live", live);

    const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
    await openLive(page, url, `binance:${symbols[0]}`);
    for (const [width, height] of [[1440, 900], [360, 740]]) {
      await page.setViewportSize({ width, height });
      await page.getByTestId("stream-status").getByTestId("status-light").click();
      await page.waitForTimeout(1_500);
      await page.screenshot({ path: `${folder}/popover-${width}.png` });
      await page.keyboard.press("Escape");
    }
    await page.close();

    await setFault(sim.ready, { kind: "rest_slow", delay_ms: 30_000, path: "depth" });
    await setFault(sim.ready, { kind: "drop", stream: "btcsim@depth", count: 1 });
    await portraits(browser, url, "resyncing", '[data-testid="proof-row"][data-book="resyncing"]');
    await setFault(sim.ready, { kind: "none" });
    await setFault(sim.ready, { kind: "rest_429", retry_after_s: 40, path: "depth" });
    await setFault(sim.ready, { kind: "drop", stream: "ethsim@depth", count: 1 });
    await portraits(browser, url, "limited", '[data-testid="venue-block"]');
    await setFault(sim.ready, { kind: "none" });

    await setFault(sim.ready, { kind: "stall" });
    // Quiet or dead is found out after a while, and a dead feed is given up: these portraits show the way there.
    await portraits(browser, url, "stale", '[data-testid="venue-block"]:not([data-state="live"])');
    await setFault(sim.ready, { kind: "none" });
    await setFault(sim.ready, { kind: "refuse" });
    await setFault(sim.ready, { kind: "close" });
    await portraits(browser, url, "polling", '[data-testid="venue-mode"]:has-text("REST polling")');
    await setFault(sim.ready, { kind: "rest_error" });
    await portraits(browser, url, "failed", '[data-testid="venue-block"]');
  } finally {
    await server.stop();
    await sim.stop();
  }
});
