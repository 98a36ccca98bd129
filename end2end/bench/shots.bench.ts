// Takes the page's portraits: 1440, 768 and 360 px, dark and light, and in trouble. SHOTS_DIR says where they go.
import { expect, Page, test } from "@playwright/test";

import { openLive } from "../support/page";
import { binanceConfig, setFault, startServer, startSim } from "../support/servers";

const folder = process.env.SHOTS_DIR ?? "test-results/shots";

test("portraits", async ({ browser }) => {
  test.setTimeout(180_000);
  const server = await startServer();
  try {
    for (const colorScheme of ["dark", "light"] as const) {
      for (const [width, height] of [[1440, 900], [768, 1024], [360, 740]]) {
        const page = await (await browser.newContext({ viewport: { width, height }, colorScheme })).newPage();
        await openLive(page, server.ready.url);
        await page.waitForTimeout(3_000);
        await page.screenshot({ path: `${folder}/live-${width}-${colorScheme}.png` });
        await page.close();
      }
    }
  } finally {
    await server.stop();
  }
});

test("portraits in trouble", async ({ browser }) => {
  test.setTimeout(180_000);
  const sim = await startSim(["--venue", "binance", "--demo", "--seed", "7", "--speed", "1"]);
  const quick = "stale_after_ms = 1500\ndata_deadline_ms = 6000";
  const server = await startServer({ config: binanceConfig(sim.ready, ["BTCSIM", "ETHSIM"], quick) });
  try {
    const pages: [string, Page][] = [];
    for (const [width, height, colorScheme] of [[1440, 900, "dark"], [360, 740, "light"]] as const) {
      const page = await (await browser.newContext({ viewport: { width, height }, colorScheme })).newPage();
      await openLive(page, server.ready.url, "binance:BTCSIM");
      pages.push([`${width}-${colorScheme}`, page]);
    }
    const shoot = async (name: string, state: string) => {
      for (const [kind, page] of pages) {
        await expect(page.getByTestId("stream-status")).toHaveAttribute("data-state", state, { timeout: 20_000 });
        await page.waitForTimeout(300);
        await page.screenshot({ path: `${folder}/${name}-${kind}.png` });
      }
    };
    // Snapshots fail, and the changes have a hole: the book cannot be trusted and is not renewed.
    await setFault(sim.ready, { kind: "rest_error" });
    await setFault(sim.ready, { kind: "drop", probability: 0.3 });
    await expect(pages[0][1].getByTestId("book")).not.toHaveAttribute("data-state", "live", { timeout: 20_000 });
    await shoot("resyncing", "live");
    await setFault(sim.ready, { kind: "stall" });
    await shoot("stalled", "stale");
    await setFault(sim.ready, { kind: "refuse" });
    await shoot("failed", "failed");
    const page = pages[0][1];
    await page.goto(`${server.ready.url}?symbol=${encodeURIComponent("binance:NOSUCH")}`);
    await page.waitForTimeout(4_000);
    await page.getByTestId("settings-open").click();
    await page.getByTestId("region-paces").click();
    await page.screenshot({ path: `${folder}/refused.png` });
  } finally {
    await server.stop();
    await sim.stop();
  }
});
