// The Dashboard against the real desk on the demo market.
import { command, expectAccessible, openDesk, place, symbol } from "../support/desk";
import { expect, reload, test } from "../support/page";
import { Running, ServerReady, startServer } from "../support/servers";

let server: Running<ServerReady>;

test.beforeAll(async () => {
  server = await startServer();
});

test.afterAll(async () => {
  await server.stop();
});

// The test supplies the equity curve: a server that has just started has stored none.
test.beforeEach(async ({ page }) => {
  const time_ms = Date.now() - 3_600_000;
  await page.route("**/api/v1/equity?*", (route) => {
    // A week is asked for in quarters of an hour, and has been worse than the day.
    const low = route.request().url().includes("every_ms=900000") ? "98000" : "99000";
    return route.fulfill({ json: [{ time_ms, equity: low }, { time_ms: time_ms + 60_000, equity: "101000" }] });
  });
  await page.route(/api\/v1\/(fills|history)\?/, (route) => route.fulfill({ json: [] }));
});

test("figures, curve, holdings and fills follow the account", async ({ page }) => {
  await openDesk(page, `${server.ready.url}dashboard`);
  await expect(page.getByTestId("equity")).toHaveAttribute("data-value", /^100000/);
  await expect(page.getByTestId("holdings-empty")).toBeVisible();
  await expect(page.getByTestId("win-rate")).toHaveText("–");
  await expect(page.getByTestId("feed-health")).toHaveText(/All \d+ feeds are live/, { timeout: 20_000 });

  await place(page, "buy", "0.1");
  await expect(page.locator(`[data-testid="holding"][data-symbol="${symbol}"]`)).toBeVisible({ timeout: 10_000 });
  await expect(page.getByTestId("recent-fill").first()).toHaveAttribute("title", /It took .* from the live book/);
  await expect(page.getByTestId("n-positions")).toHaveText("1");
  await expect(page.getByTestId("fees")).toHaveAttribute("data-value", /[1-9]/);
  // The fee is lost at once: the total is negative until the market moves.
  await expect(page.getByTestId("total-pnl")).toHaveText(/^[+−]/);
  await expect(page.getByTestId("exposure")).toHaveAttribute("data-value", /^[1-9]\d{3}/);
  await expect
    .poll(async () => Number(await page.getByTestId("equity-curve").getAttribute("data-samples")), { timeout: 10_000 })
    .toBeGreaterThan(3);
  await expect(page.getByRole("img", { name: /Total value since .*, between 99\s000\.00 and 101\s000\.00/ })).toBeVisible();

  await page.getByTestId("equity-range").filter({ hasText: "1 w" }).click();
  await expect(page.getByRole("img", { name: /between 98\s000\.00 and 101\s000\.00/ })).toBeVisible();

  await place(page, "sell", "0.1");
  await expect(page.getByTestId("win-rate")).toHaveText(/^\d+\s% of 1$/, { timeout: 10_000 });
  // The statistics of trades are known at once, those of days say what they need.
  await expect(page.getByTestId("figure-n_trades")).toHaveText("1", { timeout: 15_000 });
  await expect(page.getByTestId("figure-sharpe")).toHaveText(/^–.*day/);
  await page.getByText("How these are computed").click();
  await expect(page.locator(".definitions__list")).toContainText("Σ wins ÷ |Σ losses|. By round trip, after fees, in money.");
  await expectAccessible(page);
});

test("the pages of the desk are reached from the navigation, on a phone too", async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await openDesk(page, `${server.ready.url}dashboard`);
  for (const [name, path] of [["Positions", "positions"], ["History", "history"], ["Grid", "grid"], ["Risk", "risk"]]) {
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name }).click();
    await expect(page.getByTestId(path)).toBeVisible();
    await expect(page.getByTestId("desk-account")).toContainText("Paper account");
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow, `${name} does not scroll sideways`).toBeLessThanOrEqual(0);
  }
});

test("another default account is shown, and one of several is chosen", async ({ page }) => {
  const other = await startServer({ config: '[desk]\naccount = "main"\n[[feeds]]\nvenue = "demo"\nsymbols = ["BTC-SIM"]\n' });
  try {
    await page.goto(`${other.ready.url}positions`);
    const account = page.getByTestId("desk-account");
    await expect(account).toHaveText("Paper account main · journal on disk", { timeout: 20_000 });
    await expect(page.getByTestId("account-choice")).toBeHidden();
    await command(page, { open_account: { account: "savings", kind: "cash", currency: "USD", start: { USD: "500" } } });
    await reload(page);
    await page.getByTestId("account-choice").selectOption("savings");
    await expect(account).toHaveText("Paper account savings · journal on disk", { timeout: 20_000 });
  } finally {
    await other.stop();
  }
});
