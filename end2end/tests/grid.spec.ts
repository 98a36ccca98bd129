// The Grid page against the real desk: the preview agrees with exact figures, and a grid runs from start to stop.
import { expectAccessible, openDesk } from "../support/desk";
import { expect, test } from "../support/page";
import { Running, ServerReady, startServer } from "../support/servers";

let server: Running<ServerReady>;

test.beforeAll(async () => {
  server = await startServer();
});

test.afterAll(async () => {
  await server.stop();
});

test("the preview is exact, and refuses what fees eat", async ({ page }) => {
  await openDesk(page, `${server.ready.url}grid?symbol=demo:BTC-SIM`);
  await expect(page.getByTestId("grid-summary")).toContainText("10 levels", { timeout: 15_000 });
  await page.getByTestId("grid-lower").fill("50000");
  await page.getByTestId("grid-upper").fill("60000");
  await page.getByTestId("grid-lines").fill("3");
  await page.getByTestId("grid-unit").selectOption("base");
  await page.getByTestId("grid-size").fill("0.1");
  // Highest level: 0.1 × 60 000 × 0.999 − 0.1 × 55 000 × 1.001 = 488.5; lowest: 489.5.
  await expect(page.getByTestId("preview-net")).toHaveCount(2);
  const net = await page.getByTestId("preview-net").evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute("data-value"))));
  expect(net).toEqual([488.5, 489.5]);
  await expectAccessible(page);
  await page.getByTestId("grid-lines").fill("201");
  await expect(page.getByTestId("grid-summary")).toContainText("in fees");
  await expect(page.getByTestId("preview-net")).toHaveCount(0);
});

test("a grid starts, pauses, resumes and stops with a choice", async ({ page }) => {
  await openDesk(page, `${server.ready.url}grid?symbol=demo:BTC-SIM`);
  await expect(page.getByTestId("grids-empty")).toBeVisible();
  await expect(page.getByTestId("grid-summary")).toContainText("10 levels", { timeout: 15_000 });
  await page.getByTestId("grid-name").fill("first");
  await page.getByTestId("grid-start").click();
  await page.getByTestId("grid-start-confirm").click();
  const grid = page.locator('[data-testid="running-grid"][data-name="first"]');
  await expect(grid).toHaveAttribute("data-state", "running", { timeout: 10_000 });
  await grid.getByTestId("grid-levels").click();
  await expect(grid.getByTestId("grid-level")).toHaveCount(10);
  await expect(grid.locator('[data-testid="grid-level"][data-state="entry open"]').first()).toBeVisible({ timeout: 10_000 });
  await expect(grid.getByTestId("grid-total")).toHaveText(/^([+−].*|0\.00)$/);
  // The same name again is refused, beside the form.
  await page.getByTestId("grid-start").click();
  await page.getByTestId("grid-start-confirm").click();
  await expect(page.getByLabel("New grid").first().getByTestId("command-note")).toContainText("Refused");
  await expectAccessible(page);

  await grid.getByTestId("grid-pause").click();
  await expect(grid).toHaveAttribute("data-state", "paused");
  await grid.getByTestId("grid-resume").click();
  await expect(grid).toHaveAttribute("data-state", "running");
  await grid.getByTestId("grid-stop").click();
  await grid.getByTestId("stop-flatten").click();
  await grid.getByTestId("stop-flatten-confirm").click();
  await expect(grid).toHaveAttribute("data-state", "stopped", { timeout: 10_000 });
  await openDesk(page, `${server.ready.url}positions`);
  await expect(page.locator('[data-testid="order"][data-state="open"]')).toHaveCount(0);
});
