// The Trade history page. Its lists are given by the test where the page's own work is tested: filter, order, pages, and
// refusals; the last test reads those of the real desk.
import { Page } from "@playwright/test";

import { expectAccessible, openDesk, place, symbol } from "../support/desk";
import { expect, test } from "../support/page";
import { Running, ServerReady, startServer } from "../support/servers";

let server: Running<ServerReady>;

test.beforeAll(async () => {
  server = await startServer();
});

test.afterAll(async () => {
  await server.stop();
});

const fill = (number: number) => ({
  fill_id: `${number}-1`,
  order_id: String(number),
  account: "paper",
  instrument: symbol,
  side: "buy",
  price: "60000.50",
  quantity: "0.00100",
  fee: "0.0600005",
  fee_currency: "USD",
  liquidity: "taker",
  time_ms: 1_790_000_000_000 + number,
});

const trip = {
  account: "paper",
  instrument: symbol,
  side: "sell",
  currency: "USD",
  quantity: "0.001",
  entry_value: "60",
  exit_value: "59",
  entry_price: "60000",
  exit_price: "59000",
  entry_time_ms: 1_790_000_000_000,
  exit_time_ms: 1_790_000_061_000,
  duration_ms: 61_000,
  realised_pnl: "1",
  fees: { USD: "0.119" },
  fees_in_quote: "0.119",
  net_pnl: "0.881",
  n_fills: 2,
  mae: "-0.4",
  mfe: "1.2",
};

/** Answers both lists; returns the queries asked. */
async function giveLists(page: Page): Promise<URL[]> {
  const asked: URL[] = [];
  await page.route("**/api/v1/history?*", (route) => {
    asked.push(new URL(route.request().url()));
    return route.fulfill({ json: [trip] });
  });
  await page.route("**/api/v1/fills?*", (route) => {
    const url = new URL(route.request().url());
    asked.push(url);
    const isFirst = !url.searchParams.has("cursor");
    return route.fulfill({ json: [fill(isFirst ? 2 : 1)], headers: isFirst ? { "next-cursor": "2|x" } : {} });
  });
  await page.route("**/api/v1/fills/2-1?account=*", (route) =>
    route.fulfill({
      json: {
        ...fill(2),
        evidence: {
          offset: 77,
          event_time_ms: null,
          receive_time_ms: 1_790_000_000_001,
          cause: { level: { last_update_id: 5, price: "60000.50", displayed: "1.2", taken_before: "0" } },
        },
      },
    }),
  );
  return asked;
}

test("lists are filtered, sorted and paged, and a fill tells why", async ({ page }) => {
  const asked = await giveLists(page);
  await openDesk(page, `${server.ready.url}history`);
  await expect(page.getByTestId("trip-net")).toHaveText("+0.88");
  await expect(page.getByTestId("fill")).toHaveAttribute("data-id", "2-1");
  await page.getByTestId("why").click();
  await expect(page.getByTestId("why-words")).toContainText("It took 0.00100 at 60\u202f000.50 from the live book, which showed 1.2 there");
  await expectAccessible(page);

  await page.getByTestId("history-fills-next").click();
  await expect(page.getByTestId("fill")).toHaveAttribute("data-id", "1-1");
  expect(asked.at(-1)!.searchParams.get("cursor")).toBe("2|x");
  await page.getByRole("button", { name: "Net profit" }).click();
  await expect.poll(() => asked.at(-1)!.search).toContain("sort=net_pnl");
  await page.getByTestId("history-side").selectOption("sell");
  await expect.poll(() => asked.filter((url) => url.searchParams.get("side") === "sell").length).toBeGreaterThanOrEqual(2);
  await page.getByTestId("history-instrument").fill(symbol);
  await page.getByTestId("history-instrument").press("Enter");
  await expect.poll(() => asked.at(-1)!.searchParams.get("instrument")).toBe(symbol);
  await expect(page.getByTestId("history-fills-csv")).toHaveAttribute("href", /side=sell&limit=1000&format=csv$/);
  // Another filter begins on its first page.
  expect(asked.filter((url) => url.pathname.endsWith("fills")).at(-1)!.searchParams.has("cursor")).toBe(false);

  // Nothing is asked without the reader.
  const n_asked = asked.length;
  await page.waitForTimeout(1_500);
  expect(asked.length).toBe(n_asked);
  await page.getByTestId("history-refresh").click();
  await expect.poll(() => asked.length).toBe(n_asked + 2);
});

test("a refusal is told in its place, and Refresh mends it", async ({ page, errors }) => {
  let isRefused = true;
  await page.route("**/api/v1/history?*", (route) => route.fulfill({ json: [] }));
  await page.route("**/api/v1/fills?*", (route) =>
    isRefused
      ? route.fulfill({ status: 422, json: { code: "unknown_account", message: "unknown account paper; known are main" } })
      : route.fulfill({ json: [] }),
  );
  await page.goto(`${server.ready.url}history`);
  await expect(page.getByTestId("history-fills-note")).toContainText("unknown account paper");
  await expect(page.getByTestId("history-trips-note")).toContainText("No closed round trips");
  // The browser reports the status by itself.
  expect(errors.splice(0)).toEqual([expect.stringContaining("422")]);
  isRefused = false;
  await page.getByTestId("history-refresh").click();
  await expect(page.getByTestId("history-fills-note")).toContainText("No fills");
});

test("the desk's own lists", async ({ page }) => {
  await openDesk(page, `${server.ready.url}history`);
  await place(page, "buy", "0.01");
  await place(page, "sell", "0.01");
  await page.getByTestId("history-refresh").click();
  await expect(page.getByTestId("trip")).toHaveCount(1);
  await expect(page.getByTestId("trip-net")).toHaveText(/^[+−]/);
  await page.getByTestId("why").first().click();
  await expect(page.getByTestId("why-words").first()).toContainText("from the live book");
});
