// A trader's first minute: find an instrument, arrange the panels, and learn what is not followed.
import { expect, openLive, reload, test } from "../support/page";
import { Running, ServerReady, startServer } from "../support/servers";

let server: Running<ServerReady>;

test.beforeEach(async () => {
  server = await startServer({ config: '[[feeds]]\nvenue = "demo"\nsymbols = ["BTC-SIM", "ETH-SIM", "ADA-SIM"]\n' });
});

test.afterEach(async () => {
  await server.stop();
});

test("typing a name finds an instrument that nobody follows, and Enter opens it", async ({ page }) => {
  await openLive(page, server.ready.url, "demo:BTC-SIM");
  await expect(page.getByTestId("chart")).toHaveAttribute("data-bars", "500", { timeout: 10_000 });
  const began = Date.now();
  await page.keyboard.type("sol", { delay: 40 });
  const offered = page.locator('[data-testid="symbol-option"][data-symbol="demo:SOL-SIM"]');
  await expect(offered).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/symbol=demo:SOL-SIM/);
  await expect(page.getByTestId("symbol-picker")).toHaveAttribute("data-symbol", "demo:SOL-SIM");
  await expect(page.getByTestId("chart")).toHaveAttribute("data-bars", /[1-9]/);
  await expect(page.getByTestId("price")).toHaveText(/\d/);
  console.log(`a chart of an instrument that was not followed: 4 keys, ${Date.now() - began} ms`);
  await expect(page.getByTestId("stream-status")).toHaveAttribute("data-state", "live");
  await expect(page.locator('[data-testid="watch-row"][data-symbol="demo:SOL-SIM"]')).toBeVisible();
  await expect(page.getByTestId("absence")).toBeHidden();
});

test("two clicks open an instrument that nobody follows", async ({ page }) => {
  await openLive(page, server.ready.url, "demo:BTC-SIM");
  const began = Date.now();
  await page.getByTestId("symbol-picker").click();
  await page.locator('[data-testid="symbol-option"][data-symbol="demo:SOL-SIM"]').click();
  await expect(page.getByTestId("symbol-picker")).toHaveAttribute("data-symbol", "demo:SOL-SIM");
  await expect(page.getByTestId("chart")).toHaveAttribute("data-bars", /[1-9]/);
  await expect(page.getByTestId("price")).toHaveText(/\d/);
  console.log(`a chart of an instrument that was not followed: 2 clicks, ${Date.now() - began} ms`);
});

test("a typed digit chooses the interval, which a reload keeps", async ({ page }) => {
  await openLive(page, server.ready.url, "demo:BTC-SIM");
  await page.keyboard.type("30");
  await expect(page.getByTestId("interval-field")).toHaveValue("30");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("chart")).toHaveAttribute("data-interval", "30m");
  await reload(page);
  await expect(page.getByTestId("chart")).toHaveAttribute("data-interval", "30m");
});

test("what is not followed has one sentence and one button", async ({ page }) => {
  await page.goto(`${server.ready.url}?symbol=demo:NOPE-SIM`);
  const absence = page.getByTestId("absence");
  await expect(absence).toContainText("NOPE-SIM is not followed on");
  await expect(page.getByTestId("fragment-note").filter({ visible: true })).toHaveCount(0);
  await page.getByTestId("absence-deed").click();
  await expect(absence).toContainText(/does not list NOPE-SIM/);

  await page.goto(`${server.ready.url}?symbol=demo:SOL-SIM`);
  await expect(absence).toContainText("SOL-SIM is not followed on");
  await page.getByTestId("absence-deed").click();
  await expect(absence).toBeHidden();
  await expect(page.getByTestId("stream-status")).toHaveAttribute("data-state", "live");

  await page.goto(`${server.ready.url}?symbol=foo`);
  await expect(absence).toContainText("“foo” is not an instrument");
  await page.getByTestId("absence-deed").click();
  await expect(absence).toBeHidden();
  await expect(page.getByTestId("price")).toHaveText(/\d/);
});

test("a stopped instrument is grey, says so at once and starts again", async ({ page, request }) => {
  await openLive(page, server.ready.url, "demo:ADA-SIM");
  const book = page.locator('[data-fragment="book"]');
  await expect(page.getByTestId("book-proof")).toBeVisible();
  const answer = await request.delete(`${server.ready.url}api/v1/feeds/demo?symbols=ADA-SIM`);
  expect(answer.status()).toBe(200);
  await expect(page.getByTestId("absence")).toContainText("was stopped", { timeout: 3_000 });
  await expect(page.getByTestId("stream-word")).toHaveText("not followed");
  await expect(book).toHaveAttribute("data-state", "stale");
  await expect(page.getByTestId("book"), "not proven any more").not.toHaveAttribute("data-state", "live");
  await page.getByTestId("absence-deed").click();
  await expect(page.getByTestId("absence")).toBeHidden();
  await expect(book).toHaveAttribute("data-state", "live");
});

test("the book is grouped as far as it goes, and fills its height", async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: 1400 });
  await openLive(page, server.ready.url, "demo:BTC-SIM");
  const rows = page.locator('[data-testid^="book-bid-"][data-testid$="-price"]');
  await expect.poll(() => rows.count()).toBeGreaterThan(18);
  // Of all rows in view: the first group may hold less than the best level once did.
  const total = () =>
    page.locator('[data-testid^="book-bid-"] .book__total').evaluateAll((cells) => Math.max(...cells.map((cell) => Number(cell.textContent!.replace(/[^\d.]/g, "")))));
  await expect.poll(total).toBeGreaterThan(0);
  // All of the simulated book is about twice what single levels show, at times a little less: both are read once more then.
  await expect(async () => {
    await page.getByTestId("book-group").selectOption("1");
    await expect.poll(total).toBeGreaterThan(0);
    const single = await total();
    await page.getByTestId("book-group").selectOption("1000");
    await expect(page.getByTestId("book-bid-0-price")).toHaveAttribute("data-value", /0\.00$/);
    const grouped = { message: "groups of 1,000 ticks hold more than single levels", timeout: 5_000 };
    await expect.poll(total, grouped).toBeGreaterThan(2 * single);
  }).toPass({ timeout: 30_000 });
});

test("dividers move with mouse and keys, and stay", async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await openLive(page, server.ready.url, "demo:BTC-SIM");
  const side = page.locator(".book-panel");
  const width = async () => Math.round((await side.boundingBox())!.width);
  const before = await width();
  const divider = page.getByTestId("splitter-side");
  const place = (await divider.boundingBox())!;
  await page.mouse.move(place.x + 3, place.y + 200);
  await page.mouse.down();
  await page.mouse.move(place.x - 97, place.y + 200, { steps: 4 });
  await page.mouse.up();
  expect(Math.abs((await width()) - before - 100)).toBeLessThan(3);
  await divider.focus();
  await page.keyboard.press("ArrowRight");
  expect(Math.abs((await width()) - before - 84)).toBeLessThan(3);
  await reload(page);
  await expect.poll(async () => Math.abs((await width()) - before - 84)).toBeLessThan(3);
  await divider.dblclick();
  expect(await width()).toBe(before);
});

test("the watchlist is sorted by its headings, favourites first", async ({ page }) => {
  await openLive(page, server.ready.url, "demo:BTC-SIM");
  const names = () => page.getByTestId("watch-row").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-symbol")));
  await expect.poll(names).toEqual(["demo:ADA-SIM", "demo:BTC-SIM", "demo:ETH-SIM"]);
  await page.getByRole("columnheader", { name: "Last" }).getByRole("button").click();
  await expect.poll(names).toEqual(["demo:BTC-SIM", "demo:ETH-SIM", "demo:ADA-SIM"]);
  await page.locator('[data-symbol="demo:ADA-SIM"]').getByTestId("watch-star").click();
  await expect.poll(names).toEqual(["demo:ADA-SIM", "demo:BTC-SIM", "demo:ETH-SIM"]);
  await reload(page);
  await expect(page.locator('[data-symbol="demo:ADA-SIM"]').getByTestId("watch-star")).toHaveAttribute("aria-pressed", "true");
});
