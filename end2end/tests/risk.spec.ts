// The Risk page against the real desk: limits are set and refuse, the kill switch is set and lifted.
import { expectAccessible, openDesk, place, priceBelow } from "../support/desk";
import { expect, test } from "../support/page";
import { Running, ServerReady, startServer } from "../support/servers";

let server: Running<ServerReady>;

test.beforeAll(async () => {
  server = await startServer();
});

test.afterAll(async () => {
  await server.stop();
});

test("a limit is set, shown with its use, and refuses", async ({ page }) => {
  const url = server.ready.url;
  await openDesk(page, `${url}risk`);
  await page.getByTestId("edit-limits").click();
  await page.getByTestId("limit-order-value").fill("much");
  await page.getByTestId("save-limits").click();
  await expect(page.getByTestId("limits-form").getByText("is not an amount above zero")).toBeVisible();
  await expectAccessible(page);
  await page.getByTestId("limit-order-value").fill("1000");
  await page.getByTestId("limit-gross").fill("2000");
  await page.getByTestId("limit-drawdown").fill("12.5");
  await page.getByTestId("save-limits").click();
  const gross = page.locator('[data-testid="limit"][data-code="max_gross_exposure"]');
  await expect(gross.getByTestId("limit-limit")).toHaveText("2000 USD");

  await expect(place(page, "buy", "0.1", await priceBelow(page, url, 0.02))).rejects.toThrow(/max_order_value/);
  await place(page, "buy", "0.01");
  await expect(gross.getByTestId("limit-value")).toHaveText(/^[1-9]\d{2}/, { timeout: 10_000 });
  await expect(page.getByTestId("risk-gross")).toHaveAttribute("data-value", /^[1-9]/);
  await expectAccessible(page);
});

test("the kill switch cancels, refuses, says so on every page, and is lifted with a reason", async ({ page }) => {
  const url = server.ready.url;
  await openDesk(page, `${url}risk`);
  const price = await priceBelow(page, url, 0.02);
  await place(page, "buy", "0.01", price);
  await page.getByTestId("kill-reason").fill("a drill");
  await page.getByTestId("kill-flatten").check();
  await page.getByTestId("kill-set").click();
  await expect(page.getByText("Cancel all open orders of all accounts and close all positions at the market?")).toBeVisible();
  await page.getByTestId("kill-set-confirm").click();
  await expect(page.getByTestId("kill-switch")).toHaveAttribute("data-on", "true", { timeout: 10_000 });
  await expect(page.getByTestId("kill-banner")).toContainText("a drill");
  await expect(place(page, "buy", "0.01", price)).rejects.toThrow(/kill/);
  await openDesk(page, `${url}positions`);
  await expect(page.getByTestId("kill-banner")).toContainText("a drill");
  await expect(page.getByTestId("positions-empty")).toBeVisible({ timeout: 10_000 });

  await openDesk(page, `${url}risk`);
  // Without a reason the desk refuses, and the page says so.
  await page.getByTestId("kill-lift").click();
  await page.getByTestId("kill-lift-confirm").click();
  await expect(page.getByTestId("kill-switch").getByTestId("command-note")).toContainText("Refused");
  await page.getByTestId("kill-reason").fill("the drill is over");
  await page.getByTestId("kill-lift").click();
  await page.getByTestId("kill-lift-confirm").click();
  await expect(page.getByTestId("kill-switch")).toHaveAttribute("data-on", "false", { timeout: 10_000 });
  await expect(page.getByTestId("kill-banner")).toBeHidden();
  await place(page, "buy", "0.01", price);
});
