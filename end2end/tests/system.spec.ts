// The System page and the health light, against a simulated venue that is taken away.
import AxeBuilder from "@axe-core/playwright";

import { expect, test } from "../support/page";
import { binanceConfig, Running, ServerReady, SimReady, startServer, startSim } from "../support/servers";

let sim: Running<SimReady>;
let server: Running<ServerReady>;

test.beforeAll(async () => {
  sim = await startSim(["--venue", "binance", "--demo", "--seed", "11", "--speed", "1"]);
  server = await startServer({ config: binanceConfig(sim.ready, ["BTCSIM"], "stale_after_ms = 1500\ndata_deadline_ms = 8000") });
});

test.afterAll(async () => {
  await server.stop();
  await sim.stop();
});

test("each part shows its figures, and the light says what does not work", async ({ page }) => {
  await page.goto(server.ready.url);
  const light = page.getByTestId("health");
  await expect(light).toHaveAttribute("data-health", "good", { timeout: 15_000 });
  await light.click();
  await expect(page).toHaveURL(/\/system$/);
  await expect(page.getByTestId("system-health")).toContainText("Good", { timeout: 15_000 });
  for (const part of ["Stream", "Feeds", "Store", "Paper desk", "Alerts", "Process"]) {
    await expect(page.getByRole("heading", { name: part, exact: true })).toBeVisible();
  }
  // The second value comes twenty seconds after the start: a line, not a point.
  const figure = (name: string) => page.locator(`[data-testid="system-figure"][data-name="${name}"]`);
  await expect(figure("clients").locator("dd").first()).toHaveText("1", { timeout: 30_000 });
  await expect(figure("feed_events").locator("path").last()).toHaveAttribute("d", /L359 /, { timeout: 30_000 });
  await expect(figure("resident_bytes").locator("dd").first()).toHaveText(/\d MB$/);
  const found = await new AxeBuilder({ page }).include(".system-page").analyze();
  expect(found.violations).toEqual([]);

  await sim.stop();
  await expect(light).toHaveAttribute("data-health", "bad", { timeout: 30_000 });
  await expect(page.getByTestId("health-cause")).toContainText("no feed delivers data");
  await expect(page.getByTestId("system-health")).toContainText("binance: ", { timeout: 15_000 });
});
