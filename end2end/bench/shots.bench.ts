// Takes the page's portraits: 1440, 768 and 360 px, dark and light. SHOTS_DIR says where they go.
import { test } from "@playwright/test";

import { openLive } from "../support/page";
import { startServer } from "../support/servers";

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
