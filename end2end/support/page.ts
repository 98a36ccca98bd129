// Helpers for every spec: open a page, collect its errors, read its numbers.
import { expect, Locator, Page, test as base } from "@playwright/test";

/** A page whose console errors and exceptions fail the test at its end. */
export const test = base.extend<{ errors: string[] }>({
  errors: [
    async ({ page }, use) => {
      const errors: string[] = [];
      // A test may end, and its server with it, while the page still fetches code: the page's word about that is no news.
      let isServerGone = false;
      page.on("requestfailed", (request) => {
        if (/ERR_CONNECTION_(REFUSED|RESET)/.test(request.failure()?.errorText ?? "")) isServerGone = true;
      });
      page.on("pageerror", (error) => errors.push(`exception: ${error}`));
      page.on("console", (message) => {
        // The browser itself reports a lost socket; tests that cut it check the banner instead.
        const expected = /WebSocket connection to|ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET/.test(message.text());
        if (message.type() === "error" && !expected) errors.push(`console: ${message.text()}`);
      });
      await use(errors);
      const isOfTheEnd = (error: string): boolean => isServerGone && error.startsWith("console: TypeError: Failed to fetch");
      expect(errors.filter((error) => !isOfTheEnd(error)), "no console errors and no exceptions").toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** Returns the text without grouping blanks. */
export async function number(locator: Locator): Promise<string> {
  return ((await locator.textContent()) ?? "").replace(/[\s\u00a0\u202f]/g, "");
}

/** Opens the page on one instrument and waits for its price and for all of its code. */
export async function openLive(page: Page, url: string, symbol?: string): Promise<void> {
  await page.goto(symbol ? `${url}?symbol=${encodeURIComponent(symbol)}` : url);
  await expect(page.getByTestId("price")).toHaveText(/\d/, { timeout: 15_000 });
  await laterCode(page);
}

/** Reloads once the page has all of its code, and waits for it again. */
export async function reload(page: Page): Promise<void> {
  await laterCode(page);
  await page.reload();
  await laterCode(page);
}

/**
 * Waits until the lazily loaded code has been fetched, or could not be: a reload, or a server that stops, before that cuts
 * the request off, which is an error in the console.
 */
async function laterCode(page: Page): Promise<void> {
  await page.waitForFunction(() =>
    performance.getEntriesByType("resource").some((entry) => /\/assets\/[^/]*\/later\.wasm/.test(entry.name)),
  );
}

/** Returns a fingerprint of the chart's canvases: how many pixels are painted, and which. */
export function paintedPixels(page: Page): Promise<{ painted: number; hash: number }> {
  return page.getByTestId("chart").evaluate((chart) => {
    let painted = 0;
    let hash = 0;
    for (const canvas of chart.querySelectorAll("canvas")) {
      if (canvas.width === 0 || canvas.height === 0) continue;
      const pixels = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height).data;
      for (let i = 0; i < pixels.length; i += 4) {
        if (pixels[i + 3] === 0) continue;
        painted += 1;
        hash = (hash * 31 + pixels[i] + pixels[i + 1] * 3 + pixels[i + 2] * 7 + i) | 0;
      }
    }
    return { painted, hash };
  });
}
