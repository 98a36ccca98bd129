// The order ticket of the Live page against the real desk on the demo market: estimate, question, answer, refusal,
// brackets, one-click, keyboard, restart.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Page } from "@playwright/test";

import { command, expectAccessible, Order, priceBelow, symbol } from "../support/desk";
import { expect, number, openLive, reload, test } from "../support/page";
import { Running, ServerReady, startServer } from "../support/servers";

let server: Running<ServerReady>;

test.use({ viewport: { width: 1440, height: 900 } });

test.beforeAll(async () => {
  server = await startServer();
});

test.afterAll(async () => {
  await server.stop();
});

test.afterEach(async () => {
  await fetch(`${server.ready.url}api/v1/orders`, { method: "DELETE" });
});

/** Opens the Live page with the ticket in view, once the account is known. */
async function openTicket(page: Page, url = server.ready.url): Promise<void> {
  await openLive(page, url, symbol);
  await expect(page.getByTestId("ticket-free")).toHaveText(/\d.* USD$/, { timeout: 20_000 });
}

function answer(page: Page) {
  return page.getByTestId("ticket-answer");
}

function order(page: Page, id: string) {
  return page.locator(`.orders-panel [data-testid="order"][data-id="${id}"]`);
}

/** Returns the number of the order that the ticket's answer names. */
async function accepted(page: Page): Promise<string> {
  await expect(page.getByTestId("ticket")).toHaveAttribute("data-stage", "accepted", { timeout: 10_000 });
  await expect(answer(page)).toContainText(/order \d+/);
  return /order (\d+)/.exec((await answer(page).textContent())!)![1];
}

test("a price of the book fills the ticket, which says what the order gets, asks, and sends it", async ({ page }) => {
  // Axe goes over the page four times.
  test.slow();
  await openTicket(page);
  await expect(page.getByTestId("ticket-note")).toHaveText("Enter a price, or click one in the book.");
  const row = page.getByTestId("book-bid-5");
  await row.click();
  await expect(page.getByTestId("ticket-price")).toHaveValue(/^\d+\.\d+$/);
  await page.getByTestId("ticket-size").fill("0.01");
  await expect(page.getByTestId("ticket-amount")).toHaveText(/^≈ .* USD/);
  // Far below: it rests there while it is cancelled.
  const price = await priceBelow(page, server.ready.url, 0.02);
  await page.getByTestId("ticket-price").fill(price);
  await expect(page.getByTestId("rest")).toHaveText(/^0\.01000/, { timeout: 10_000 });
  await expect(page.getByTestId("fill")).toHaveText("nothing");
  await expectAccessible(page);

  await page.getByTestId("ticket-buy").click();
  await expect(answer(page)).toHaveText(new RegExp(`^Buy 0\\.01000 \\S+ at .* limit, about .* USD, paper\\?$`));
  expect(await number(answer(page))).toContain(`${price}.`);
  await expect(page.getByTestId("ticket-buy")).toHaveText(/Confirm buy/);
  await expect(page.getByTestId("ticket-sell")).toHaveText(/Back/);
  await expectAccessible(page, ".ticket-panel");
  // The other side goes back, and so does Escape: nothing was sent.
  await page.getByTestId("ticket-sell").click();
  await expect(page.getByTestId("ticket")).toHaveAttribute("data-stage", "editing");
  await page.getByTestId("ticket-buy").click();
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("ticket")).toHaveAttribute("data-stage", "editing");
  await expect(page.getByTestId("live-orders-count")).toHaveText("0");

  await page.getByTestId("ticket-buy").click();
  await page.getByTestId("ticket-buy").click();
  const id = await accepted(page);
  await expect(answer(page)).toHaveText(`Accepted: order ${id} is open.`);
  await expect(order(page, id)).toHaveAttribute("data-state", "open");
  await expect(page.getByTestId("live-orders-count")).toHaveText("1");
  await order(page, id).getByTestId("cancel").click();
  await expect(order(page, id)).toHaveAttribute("data-state", "cancelled");
  await expect(answer(page)).toHaveText(/^Order \d+ was cancelled: .* \(cancelled_by_trader\)\.$/);
});

test("a click in the tape fills the price in, and a stop gets it as its trigger", async ({ page }) => {
  await openTicket(page);
  await page.getByTestId("tape-row").nth(3).click();
  await expect(page.getByTestId("ticket-price")).toHaveValue(/^\d+\.\d+$/);
  await page.getByTestId("ticket-type").selectOption("stop_limit");
  await page.getByTestId("book-ask-2").click();
  await expect(page.getByTestId("ticket-stop")).toHaveValue(/^\d+\.\d+$/);
});

test("a market order fills at the price it was estimated, and the position appears", async ({ page }) => {
  await openTicket(page);
  await page.getByTestId("ticket-type").selectOption("market");
  await expect(page.getByTestId("ticket-price")).toBeHidden();
  await page.getByTestId("ticket-size").fill("0.02");
  await expect(page.getByTestId("fill")).toHaveText(/^0\.02000 at /, { timeout: 10_000 });
  await expect(page.getByTestId("fee")).toHaveText(/[1-9].* USD$/);
  await page.getByTestId("ticket-buy").click();
  await expect(answer(page)).toHaveText(/^Buy 0\.02000 \S+ at the market, about .* USD, paper\?$/);
  await page.getByTestId("ticket-buy").click();
  await expect(answer(page)).toHaveText(/^Filled: bought 0\.02000 \S+ at .*\.$/, { timeout: 10_000 });
  await expect(page.getByTestId("ticket-position")).toHaveText(/^long 0\.02000 at /);
  await expect(page.getByTestId("live-positions-count")).toHaveText("1");
  await page.getByTestId("live-positions").click();
  await expect(page.locator(`[data-testid="position"][data-symbol="${symbol}"]`)).toBeVisible();
  await expectAccessible(page, ".orders-panel");
  await command(page, { close_position: { instrument: symbol } });
});

test("sizes are amounts of money or shares at risk, rounded down to lots", async ({ page }) => {
  await openTicket(page);
  await page.getByTestId("ticket-price").fill(await priceBelow(page, server.ready.url, 0.02));
  const price = Number(await page.getByTestId("ticket-price").inputValue());
  await page.getByTestId("ticket-size-in").selectOption("value");
  await page.getByTestId("ticket-size").fill("1000");
  const lots = Math.floor((1000 / price) * 1e5) / 1e5;
  await expect(page.getByTestId("ticket-amount")).toHaveText(new RegExp(`^= ${lots.toFixed(5).replace(".", "\\.")} `));
  await page.getByTestId("ticket-size-in").selectOption("risk");
  await page.getByTestId("ticket-size").fill("0.1");
  await expect(page.getByTestId("ticket-note")).toContainText("Set a stop-loss");
  await page.getByTestId("ticket-bracket").check();
  await page.getByTestId("ticket-stop-loss").fill(String(price - 1000));
  await expect(page.getByTestId("ticket-amount")).toHaveText(/^= 0\.\d{5} /);
});

test("a refusal names code and limit, before the press and after it", async ({ page }) => {
  await openTicket(page);
  await command(page, { set_risk_limits: { limits: { max_order_value: "100" } } });
  try {
    await page.getByTestId("ticket-price").fill(await priceBelow(page, server.ready.url, 0.02));
    await page.getByTestId("ticket-size").fill("0.01");
    await expect(page.getByTestId("ticket-note")).toHaveText(/^Would be refused: .*100.* \(max_order_value\)$/, { timeout: 10_000 });
    await page.getByTestId("ticket-buy").click();
    await page.getByTestId("ticket-buy").click();
    await expect(answer(page)).toHaveText(/^Refused: .*100.* \(max_order_value\)$/, { timeout: 10_000 });
    await expectAccessible(page, ".ticket-panel");
    // Input that is no order is rejected by the ticket, beside the field.
    await page.getByTestId("ticket-size").fill("much");
    await expect(page.getByTestId("ticket-size")).toHaveAttribute("aria-invalid", "true");
    await page.getByTestId("ticket-buy").click();
    await expect(answer(page)).toHaveText(/"much" is not a quantity/);
  } finally {
    await command(page, { set_risk_limits: { limits: {} } });
  }
});

test("one-click sends with one press, says that it is on, and ends with the visit", async ({ page }) => {
  await openTicket(page);
  await page.getByTestId("ticket-price").fill(await priceBelow(page, server.ready.url, 0.02));
  await page.getByTestId("ticket-size").fill("0.01");
  await page.getByTestId("one-click").check();
  await expect(answer(page)).toHaveText("One-click is on: a press sends at once.");
  await page.getByTestId("ticket-buy").click();
  const first = await accepted(page);
  // Another page and back is the same visit.
  await page.getByRole("link", { name: "Markets" }).click();
  await page.getByRole("link", { name: "Live", exact: true }).click();
  await expect(page.getByTestId("one-click")).toBeChecked();
  await expect(order(page, first)).toHaveAttribute("data-state", "open");
  await openTicket(page);
  await expect(page.getByTestId("one-click")).not.toBeChecked();
});

test("a bracket is placed and cancelled with its entry", async ({ page }) => {
  await openTicket(page);
  const price = Number(await priceBelow(page, server.ready.url, 0.02));
  await page.getByTestId("ticket-price").fill(String(price));
  await page.getByTestId("ticket-size").fill("0.01");
  await page.getByTestId("ticket-bracket").check();
  await page.getByTestId("ticket-stop-loss").fill(String(price - 500));
  await page.getByTestId("ticket-take-profit").fill(String(price + 500));
  await page.getByTestId("ticket-buy").click();
  await expect(answer(page)).toContainText(/stop-loss .*, take-profit .*, about/);
  await page.getByTestId("ticket-buy").click();
  const id = Number(await accepted(page));
  await expect(order(page, String(id + 1))).toHaveAttribute("data-state", "held");
  await expect(order(page, String(id + 2))).toHaveAttribute("data-state", "held");
  await order(page, String(id)).getByTestId("cancel").click();
  for (const one of [id, id + 1, id + 2]) await expect(order(page, String(one))).toHaveAttribute("data-state", "cancelled");
  await expect(page.getByTestId("live-orders-count")).toHaveText("0");
});

test("a partial fill is shown, with what is still open", async ({ page }) => {
  test.slow();
  await openTicket(page);
  // The market may leave the price between the click and the press: then what was placed is cancelled and tried again.
  await expect(async () => {
    await fetch(`${server.ready.url}api/v1/orders`, { method: "DELETE" });
    await page.getByTestId("ticket-ask").click();
    const size = Number(await page.getByTestId("book-ask-0-size").getAttribute("data-value"));
    await page.getByTestId("ticket-size").fill((size + 1).toFixed(5));
    await page.getByTestId("ticket-buy").click();
    await page.getByTestId("ticket-buy").click();
    await expect(answer(page)).toHaveText(/^Partly filled: bought 0\.\d{5} \S+ at .* of 1\.\d{5}; the rest is open as order \d+\.$/, { timeout: 2_000 });
  }).toPass({ timeout: 60_000 });
  const id = /order (\d+)/.exec((await answer(page).textContent())!)![1];
  // It goes on filling: by the time of the cancel all of it may have.
  await fetch(`${server.ready.url}api/v1/orders`, { method: "DELETE" });
  await expect(order(page, id)).toHaveAttribute("data-state", /^(cancelled|filled)$/, { timeout: 10_000 });
  await expect(answer(page)).toHaveText(/^(Partly filled: .*; the rest was cancelled: .* \(cancelled_by_trader\)|Filled: .*)\.$/);
  await command(page, { close_position: { instrument: symbol } });
});

test("by keyboard alone: from opening the page to a cancelled order", async ({ page }) => {
  await openTicket(page);
  const price = await priceBelow(page, server.ready.url, 0.02);
  const tabTo = async (testid: string) => {
    for (let n = 0; n < 60; n += 1) {
      if (await page.getByTestId(testid).first().evaluate((element) => element === document.activeElement)) return;
      await page.keyboard.press("Tab");
    }
    throw new Error(`${testid} cannot be reached with Tab`);
  };
  await page.keyboard.press("Shift+T");
  await expect(page.getByTestId("ticket")).toBeHidden();
  await page.keyboard.press("Shift+T");
  await expect(page.getByTestId("ticket-type")).toBeFocused();
  await tabTo("ticket-price");
  await page.keyboard.type(price);
  await tabTo("ticket-size");
  await page.keyboard.type("0.01");
  // Enter in a field sends nothing: it goes to the button.
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("ticket-buy")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("ticket")).toHaveAttribute("data-stage", "asking");
  await page.keyboard.press("Enter");
  const id = await accepted(page);
  await expect(order(page, id)).toHaveAttribute("data-state", "open");
  for (let n = 0; n < 80; n += 1) {
    const isThere = await order(page, id).getByTestId("cancel").evaluate((element) => element === document.activeElement);
    if (isThere) break;
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await expect(order(page, id)).toHaveAttribute("data-state", "cancelled");
});

test("the ticket is a column, hidden and remembered, or a tab", async ({ page }) => {
  await openTicket(page);
  await page.getByTestId("ticket-switch").click();
  await expect(page.getByTestId("ticket")).toBeHidden();
  await reload(page);
  await expect(page.getByTestId("price")).toHaveText(/\d/, { timeout: 15_000 });
  await expect(page.getByTestId("ticket-switch")).toHaveAttribute("aria-pressed", "false");
  await page.getByTestId("ticket-switch").click();
  await page.setViewportSize({ width: 1280, height: 800 });
  await expect(page.getByTestId("ticket")).toBeVisible();
  for (const width of [768, 360]) {
    await page.setViewportSize({ width, height: 740 });
    await page.getByTestId("tab-trade").click();
    await page.getByTestId("ticket-size").fill(String(width));
    await page.getByTestId("tab-book").click();
    await expect(page.getByTestId("ticket")).toBeHidden();
    await page.getByTestId("book-bid-1").click();
    await page.getByTestId("tab-trade").click();
    // A price picked while the ticket was away is in it, and what was typed before.
    await expect(page.getByTestId("ticket-price")).toHaveValue(/^\d+\.\d+$/);
    await expect(page.getByTestId("ticket-size")).toHaveValue(String(width));
    await page.getByTestId("tab-orders").click();
    await expect(page.locator(".orders-panel")).toBeVisible();
    const wide = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>("main *")].filter((element) => element.getBoundingClientRect().right > window.innerWidth + 0.5 && element.getBoundingClientRect().width > 0).map((element) => element.className),
    );
    expect(wide).toEqual([]);
  }
});

test("an order survives a restart of the server, and the page shows it again", async ({ page }) => {
  const folder = mkdtempSync(join(tmpdir(), "truetape-ticket-"));
  const first = await startServer({ folder });
  const port = Number(new URL(first.ready.url).port);
  try {
    await openTicket(page, first.ready.url);
    await page.getByTestId("ticket-price").fill(await priceBelow(page, first.ready.url, 0.02));
    await page.getByTestId("ticket-size").fill("0.01");
    await page.getByTestId("ticket-buy").click();
    await page.getByTestId("ticket-buy").click();
    const id = await accepted(page);
    // Sent to a server that ends without an answer: nothing is lost or doubled.
    first.process.kill("SIGSTOP");
    await page.getByTestId("ticket-buy").click();
    await page.getByTestId("ticket-buy").click();
    await expect(page.getByTestId("ticket")).toHaveAttribute("data-stage", "sending");
    await first.stop("SIGKILL");
    await expect(page.getByTestId("banner")).toBeVisible({ timeout: 20_000 });
    const again = await startServer({ port, folder });
    try {
      await expect(order(page, id)).toHaveAttribute("data-state", "open", { timeout: 30_000 });
      await expect(page.getByTestId("banner")).toBeHidden({ timeout: 20_000 });
      const second = await accepted(page);
      expect(second).not.toBe(id);
      await expect(page.getByTestId("live-orders-count")).toHaveText("2");
      const open = await (await page.request.get(`${again.ready.url}api/v1/orders?state=open`)).json();
      expect((open as Order[]).length).toBe(2);
      await command(page, { cancel_all_orders: {} });
    } finally {
      await again.stop();
    }
  } finally {
    await first.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a server without a desk says so in one sentence", async ({ page }) => {
  const plain = await startServer({ config: "[[feeds]]\nvenue = \"demo\"\n[desk]\nenabled = false\n" });
  try {
    await openLive(page, plain.ready.url);
    await expect(page.getByTestId("ticket-absent")).toHaveText(/this server has no trading desk/, { timeout: 20_000 });
    await expect(page.getByTestId("ticket")).toBeHidden();
    await expect(page.getByTestId("live-absent")).toHaveText(/this server has no trading desk/);
  } finally {
    await plain.stop();
  }
});
