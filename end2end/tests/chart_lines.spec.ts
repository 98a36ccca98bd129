// Orders and the position as lines over the chart: dragged, moved by keys, cancelled.
import { Page } from "@playwright/test";

import { Order, command, expectAccessible, place, priceBelow, symbol } from "../support/desk";
import { expect, openLive, test } from "../support/page";
import { Running, ServerReady, startServer } from "../support/servers";

let server: Running<ServerReady>;

test.beforeAll(async () => {
  server = await startServer();
});

test.afterAll(async () => {
  await server.stop();
});

test.afterEach(async ({ page }) => {
  await command(page, { cancel_all_orders: {} });
});

async function order(page: Page, id: string): Promise<Order> {
  return (await (await page.request.get(`${server.ready.url}api/v1/orders/${id}`)).json()) as Order;
}

/** Opens the chart with a limit order that is in view: 0.05 % below the market. */
async function withOrder(page: Page): Promise<Order> {
  await openLive(page, server.ready.url, symbol);
  const placed = await place(page, "buy", "0.25", await priceBelow(page, server.ready.url, 0.0005));
  await expect(page.getByTestId("chart-line-grip")).toBeVisible({ timeout: 15_000 });
  return placed;
}

test("a limit order is a line, and dragging it amends the order after a question", async ({ page }) => {
  const placed = await withOrder(page);
  const line = page.getByTestId("chart-line");
  await expect(line).toHaveAttribute("data-tone", "buy");
  const grip = page.getByTestId("chart-line-grip");
  await expect(grip).toHaveText("Buy 0.25000 limit");
  await expect(page.getByTestId("chart-line-price")).toHaveText(/^\d/);

  const box = (await grip.boundingBox())!;
  await page.mouse.move(box.x + 10, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + 10, box.y + 20, { steps: 5 });
  await page.mouse.up();
  await expect(line).toHaveAttribute("data-moved", "true");
  // Nothing is sent before the answer to the question.
  expect((await order(page, placed.order_id)).price).toBe(placed.price);
  const asked = (await page.getByTestId("chart-line-amend").textContent())!.replace(/[^\d.]/g, "");
  expect(Number(asked)).toBeLessThan(Number(placed.price));
  await page.getByTestId("chart-line-amend").click();
  await expect.poll(async () => Number((await order(page, placed.order_id)).price)).toBe(Number(asked));
  await expect(line).toHaveAttribute("data-moved", "false");
  await expect(grip).toHaveAttribute("aria-valuenow", new RegExp(`^${asked.replace(/\.?0+$/, "")}`));
  await expectAccessible(page, ".chart-lines");
});

test("a line is moved by keys alone, given back, sent, and its order cancelled", async ({ page }) => {
  const placed = await withOrder(page);
  const grip = page.getByTestId("chart-line-grip");
  await grip.focus();
  await page.keyboard.press("PageDown");
  await page.keyboard.press("ArrowUp");
  const moved = (Number(placed.price) - 0.09).toFixed(2);
  await expect(grip).toHaveAttribute("aria-valuenow", moved);
  await page.keyboard.press("Escape");
  await expect(grip).toHaveAttribute("aria-valuenow", new RegExp(`^${placed.price}(\\.0+)?$`));
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect.poll(async () => Number((await order(page, placed.order_id)).price)).toBe(Number(placed.price) - 0.01);
  await grip.focus();
  await page.keyboard.press("Delete");
  await expect.poll(async () => (await order(page, placed.order_id)).state).toBe("cancelled");
  await expect(page.getByTestId("chart-line")).toHaveCount(0);
});

test("the position has a line with its profit, and lines go with their orders", async ({ page }) => {
  const placed = await withOrder(page);
  await place(page, "buy", "0.1");
  const position = page.locator('[data-testid="chart-line"][data-tone="position"]');
  await expect(position).toHaveText(/Long 0\.10000 · [+−]?[\d.]+ USD/, { timeout: 15_000 });
  await expect(position.getByTestId("chart-line-grip")).toHaveCount(0);

  await command(page, { set_kill_switch: { reason: "a test" } });
  await expect(page.locator('[data-testid="chart-line"][data-tone="buy"]')).toHaveCount(0);
  await command(page, { lift_kill_switch: { reason: "the test goes on" } });
  expect((await order(page, placed.order_id)).state).toBe("cancelled");
});
