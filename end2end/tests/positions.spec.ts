// The Positions page against the real desk on the demo market: orders are seen, amended and cancelled, positions closed.
import { command, expectAccessible, openDesk, Order, place, priceBelow, symbol } from "../support/desk";
import { expect, number, test } from "../support/page";
import { Running, ServerReady, startServer } from "../support/servers";

let server: Running<ServerReady>;

test.beforeAll(async () => {
  server = await startServer();
});

test.afterAll(async () => {
  await server.stop();
});

test("an empty account says what comes here", async ({ page }) => {
  await openDesk(page, `${server.ready.url}positions`);
  await expect(page.getByTestId("positions-empty")).toBeVisible();
  await expect(page.getByTestId("orders-empty")).toBeVisible();
  await expectAccessible(page);
});

test("an order is amended in place, refused beside its field, and cancelled", async ({ page }) => {
  const url = server.ready.url;
  await openDesk(page, `${url}positions`);
  const price = await priceBelow(page, url, 0.02);
  const order = await place(page, "buy", "0.01", price);
  const row = page.locator(`[data-testid="order"][data-id="${order.order_id}"]`);
  await expect(row).toHaveAttribute("data-state", "open", { timeout: 10_000 });
  expect(Number(await number(row.getByTestId("order-price")))).toBe(Number(price));
  // Far below the levels that the desk sees: its place in the queue is not known, and nothing is claimed.
  await expect(row.getByTestId("order-note")).toBeHidden();

  await row.getByTestId("amend").click();
  await row.getByTestId("amend-quantity").fill("0.02");
  await row.getByTestId("amend-price").fill(String(Number(price) - 10));
  await row.getByTestId("amend-quantity").press("Enter");
  await expect(row.getByTestId("amend-form")).toBeHidden();
  await expect.poll(() => number(row.getByTestId("order-quantity"))).toBe("0.02000");
  expect(Number(await number(row.getByTestId("order-price")))).toBe(Number(price) - 10);

  // A refusal is told beside the field, with its code; the order stays as it was.
  await row.getByTestId("amend").click();
  await row.getByTestId("amend-price").fill("1.001");
  await row.getByTestId("amend-send").click();
  await expect(row.getByTestId("command-note")).toContainText(/Refused: .*\([a-z_]+\)/);
  await expectAccessible(page);

  await row.getByTestId("cancel").click();
  await expect(row).toHaveAttribute("data-state", "cancelled");
  await expect(row.getByTestId("cancel")).toBeHidden();
});

test("a position shows its profit, and is reversed and closed after a question", async ({ page }) => {
  await openDesk(page, `${server.ready.url}positions`);
  await place(page, "buy", "0.01");
  const row = page.locator(`[data-testid="position"][data-symbol="${symbol}"]`);
  await expect(row.getByTestId("position-size")).toHaveAttribute("data-side", "long", { timeout: 10_000 });
  await expect(row.getByTestId("position-pnl")).toHaveAttribute("data-value", /^-?\d/);
  await expect(row.getByTestId("position-pnl")).toHaveText(/^([+−].*|0\.00)$/);

  await row.getByTestId("reverse").click();
  await expect(row.getByText("Reverse 0.01000 BTC-SIM at the market?")).toBeVisible();
  // Escape asks nothing of the desk.
  await page.keyboard.press("Escape");
  await expect(row.getByTestId("reverse")).toBeFocused();
  await row.getByTestId("reverse").click();
  await row.getByTestId("reverse-confirm").click();
  await expect(row.getByTestId("position-size")).toHaveAttribute("data-side", "short", { timeout: 10_000 });

  await row.getByTestId("close").click();
  await expectAccessible(page);
  await row.getByTestId("close-confirm").click();
  await expect(row).toBeHidden({ timeout: 10_000 });
  await expect(page.getByTestId("positions-empty")).toBeVisible();
});

test("stop and target of a position are set, moved and removed in place", async ({ page }) => {
  const url = server.ready.url;
  await openDesk(page, `${url}positions`);
  await place(page, "buy", "0.01");
  const row = page.locator(`[data-testid="position"][data-symbol="${symbol}"]`);
  await expect(row.getByTestId("edit-stop")).toHaveText("set", { timeout: 10_000 });
  await row.getByTestId("edit-stop").click();
  const stop = await priceBelow(page, url, 0.03);
  await row.getByTestId("exit-stop").fill(stop);
  await expect(row.getByTestId("exit-stop-effect")).toHaveText(/^Sells 0\.01000 at the market once a trade is at or below /);
  await row.getByTestId("exit-stop").press("Enter");
  await expect.poll(() => number(row.getByTestId("edit-stop")), { timeout: 10_000 }).toBe(`${stop}.00`);
  const target = String(Number(await priceBelow(page, url, 0)) + 3000);
  await row.getByTestId("exit-target").fill(target);
  await row.getByTestId("exit-target-set").click();
  await expect.poll(() => number(row.getByTestId("edit-target")), { timeout: 10_000 }).toBe(`${target}.00`);
  await expectAccessible(page);

  // Moved: the same order, and fitted to a position that has grown.
  await place(page, "buy", "0.01");
  await expect.poll(() => number(row.getByTestId("position-size")), { timeout: 10_000 }).toContain("0.02000");
  await row.getByTestId("exit-stop").fill(String(Number(stop) - 100));
  await row.getByTestId("exit-stop").press("Enter");
  await expect.poll(() => number(row.getByTestId("edit-stop")), { timeout: 10_000 }).toBe(`${Number(stop) - 100}.00`);
  const stops = page.locator('[data-testid="order"][data-state="open"]').filter({ hasText: "stop, reduce-only" });
  await expect(stops).toHaveCount(1);
  await expect.poll(() => number(stops.getByTestId("order-quantity"))).toBe("0.02000");

  // A refusal is told beside the field.
  await row.getByTestId("exit-stop").fill("1.001");
  await row.getByTestId("exit-stop-set").click();
  await expect(row.getByTestId("command-note").first()).toContainText(/Refused: .*\(price_off_tick\)/);

  // An empty field removes it.
  await row.getByTestId("exit-stop").fill("");
  await expect(row.getByTestId("exit-stop-effect")).toHaveText(/^Cancels order \d+\.$/);
  await row.getByTestId("exit-stop").press("Enter");
  await expect(row.getByTestId("edit-stop")).toHaveText("set", { timeout: 10_000 });

  // The target goes with the position.
  await row.getByTestId("close").click();
  await row.getByTestId("close-confirm").click();
  await expect(row).toBeHidden({ timeout: 10_000 });
  await expect(page.locator('[data-testid="order"][data-state="open"]')).toHaveCount(0);
});

test("all open orders are cancelled at once", async ({ page }) => {
  const url = server.ready.url;
  await openDesk(page, `${url}positions`);
  const orders: Order[] = [];
  for (const share of [0.02, 0.025, 0.03]) orders.push(await place(page, "buy", "0.01", await priceBelow(page, url, share)));
  await page.getByTestId("cancel-all").click();
  await expect(page.getByText("Cancel 3 open orders?")).toBeVisible();
  await page.getByTestId("cancel-all-confirm").click();
  for (const order of orders) {
    await expect(page.locator(`[data-testid="order"][data-id="${order.order_id}"]`)).toHaveAttribute("data-state", "cancelled");
  }
  await command(page, { cancel_all_orders: {} });
});
