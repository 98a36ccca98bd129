// Failures that the page reports and recovers from by itself: stalled feed, lost server, hidden tab.
import { expect, number, openLive, test } from "../support/page";
import { binanceConfig, setFault, startServer, startSim } from "../support/servers";

test("a stalled feed turns yellow, then red with words, and comes back by itself", async ({ page }) => {
  test.setTimeout(90_000);
  const sim = await startSim(["--venue", "binance", "--demo", "--seed", "7", "--speed", "1"]);
  const symbol = "BTCSIM";
  const quick = "stale_after_ms = 1500\ndata_deadline_ms = 5000";
  const server = await startServer({ config: binanceConfig(sim.ready, [symbol], quick) });
  try {
    await openLive(page, server.ready.url, `binance:${symbol}`);
    const status = page.getByTestId("stream-status");
    await expect(status).toHaveAttribute("data-state", "live", { timeout: 10_000 });

    // Silent from now on, and no new connection can be opened either.
    await setFault(sim.ready, { kind: "stall" });
    await expect(status).toHaveAttribute("data-state", "stale", { timeout: 6_000 });
    await setFault(sim.ready, { kind: "refuse" });
    await setFault(sim.ready, { kind: "rest_error" });
    await expect(status).toHaveAttribute("data-state", "failed", { timeout: 15_000 });
    await expect(status).toHaveText(/no data|cannot connect|closed/i);
    await expect(page.getByTestId("book")).not.toHaveAttribute("data-state", "live");

    await setFault(sim.ready, { kind: "none" });
    await expect(status).toHaveAttribute("data-state", "live", { timeout: 40_000 });
    await expect(page.getByTestId("book")).toHaveAttribute("data-state", "live", { timeout: 10_000 });
  } finally {
    await server.stop();
    await sim.stop();
  }
});

test("the server is killed and started again: the page recovers without a reload and says so", async ({ page }) => {
  test.setTimeout(90_000);
  const server = await startServer();
  const port = Number(new URL(server.ready.url).port);
  await openLive(page, server.ready.url);
  // Otherwise its request would fail with the server, and the browser would report that.
  await expect(page.getByTestId("settings").getByTestId("region-paces")).toBeAttached();
  await page.evaluate(() => {
    (window as unknown as { notReloaded: boolean }).notReloaded = true;
  });

  await server.stop("SIGKILL");
  await expect(page.getByTestId("connection")).not.toHaveAttribute("data-state", "connected", { timeout: 15_000 });
  await expect(page.getByTestId("banner")).toHaveText(/reconnect|disconnect|lost/i);
  const shownBefore = await number(page.getByTestId("price"));
  expect(shownBefore).toMatch(/\d/);

  const again = await startServer({ port });
  try {
    await expect(page.getByTestId("connection")).toHaveAttribute("data-state", "connected", { timeout: 40_000 });
    await expect(page.getByTestId("banner")).toHaveText(/restarted|replayed/i);
    await expect.poll(() => number(page.getByTestId("price")), { timeout: 10_000 }).not.toBe(shownBefore);
    expect(await page.evaluate(() => (window as unknown as { notReloaded?: boolean }).notReloaded)).toBe(true);
  } finally {
    await again.stop();
  }
});

test("a page of those who change the program loads itself again with a new server", async ({ page }) => {
  const env = { TRUETAPE_DEV_RELOAD: "1" };
  const server = await startServer({ env });
  await openLive(page, server.ready.url);
  await expect(page.getByTestId("settings").getByTestId("region-paces")).toBeAttached();
  await page.evaluate(() => {
    (window as unknown as { notReloaded: boolean }).notReloaded = true;
  });
  await server.stop();
  const again = await startServer({ env, port: Number(new URL(server.ready.url).port) });
  try {
    await page.waitForFunction(() => (window as unknown as { notReloaded?: boolean }).notReloaded === undefined);
    await expect(page.getByTestId("price")).toHaveText(/\d/);
  } finally {
    await again.stop();
  }
});

test("a tab that was hidden shows fresh data within 2 s of its return", { tag: "@alone" }, async ({ page }) => {
  const server = await startServer();
  try {
    // A hidden tab gets no animation frames: hold them back and report the page as hidden.
    await page.addInitScript(() => {
      const real = window.requestAnimationFrame.bind(window);
      const held: FrameRequestCallback[] = [];
      const state = { isHidden: false };
      window.requestAnimationFrame = (callback) => (state.isHidden ? held.push(callback) : real(callback));
      Object.defineProperty(document, "hidden", { get: () => state.isHidden });
      Object.defineProperty(document, "visibilityState", { get: () => (state.isHidden ? "hidden" : "visible") });
      (window as unknown as { hide: (isHidden: boolean) => void }).hide = (isHidden) => {
        state.isHidden = isHidden;
        document.dispatchEvent(new Event("visibilitychange"));
        if (!isHidden) held.splice(0).forEach((callback) => real(callback));
      };
    });
    await openLive(page, server.ready.url);
    await page.evaluate(() => (window as unknown as { hide: (isHidden: boolean) => void }).hide(true));
    await page.waitForTimeout(4_000);
    const whileHidden = await number(page.getByTestId("price"));
    await page.waitForTimeout(1_000);
    expect(await number(page.getByTestId("price")), "a hidden tab paints nothing").toBe(whileHidden);

    await page.evaluate(() => (window as unknown as { hide: (isHidden: boolean) => void }).hide(false));
    await expect.poll(() => number(page.getByTestId("price")), { timeout: 2_000 }).not.toBe(whileHidden);
    await expect(page.getByTestId("stream-status")).toHaveAttribute("data-state", "live");
    await expect(page.getByTestId("connection")).toHaveAttribute("data-state", "connected");
  } finally {
    await server.stop();
  }
});

test("a region that is refused says so, since when, and can be asked again", { tag: "@alone" }, async ({ page }) => {
  // More topics than a connection may have: those requested last, the panels of the instrument, are refused.
  const server = await startServer({ config: '[stream]\nmax_topics = 5\n\n[[feeds]]\nvenue = "demo"\nsymbols = ["BTC-SIM"]\n' });
  try {
    await page.goto(server.ready.url);
    const book = page.locator('[data-fragment="book"]');
    await expect(book).toHaveAttribute("data-state", "failed", { timeout: 10_000 });
    await expect(book.getByTestId("fragment-note")).toHaveText(/^Update failed: .* \(for \d+ s\)$/, { timeout: 10_000 });
    const sent: string[] = [];
    await page.exposeFunction("noteSent", () => sent.push("sent"));
    await page.evaluate(() => {
      const real = WebSocket.prototype.send;
      WebSocket.prototype.send = function (data) {
        void (window as unknown as { noteSent: () => void }).noteSent();
        return real.call(this, data);
      };
    });
    await book.getByTestId("fragment-retry").click();
    await expect.poll(() => sent.length, { timeout: 1_000 }).toBeGreaterThan(0);
    // The page as a whole continues: the other instruments still have their prices.
    await expect(page.getByTestId("watch-last").first()).toHaveText(/\d/);
  } finally {
    await server.stop();
  }
});

test("what is wrong is said over no control, on small screens too", async ({ page }) => {
  const sim = await startSim(["--venue", "binance", "--demo", "--seed", "7", "--speed", "1"]);
  const server = await startServer({ config: binanceConfig(sim.ready, ["BTCSIM"], "stale_after_ms = 1000\ndata_deadline_ms = 2000") });
  try {
    await openLive(page, server.ready.url, "binance:BTCSIM");
    await setFault(sim.ready, { kind: "rest_error" });
    await setFault(sim.ready, { kind: "refuse" });
    await setFault(sim.ready, { kind: "close" });
    await expect(page.getByTestId("alert-line")).toBeVisible({ timeout: 20_000 });
    await expect(page.getByTestId("stream-cause")).toBeVisible({ timeout: 20_000 });
    for (const [width, height] of [[1440, 900], [768, 1024], [360, 740]]) {
      await page.setViewportSize({ width, height });
      const covered = await page.evaluate(() => {
        const controls = [...document.querySelectorAll(".chart-controls button, .panel-tabs button, .book-panel select, .rail a")];
        const isCovered = (control: Element) => {
          const box = control.getBoundingClientRect();
          const middle = box.x + box.width / 2;
          // The rail of a phone scrolls: what is beyond its edge is not covered.
          if (box.width === 0 || middle > window.innerWidth) return false;
          const seen = document.elementFromPoint(middle, box.y + box.height / 2);
          return !control.contains(seen);
        };
        return controls.filter(isCovered).map((control) => control.textContent);
      });
      expect(covered, `at ${width} px`).toEqual([]);
    }
  } finally {
    await server.stop();
    await sim.stop();
  }
});
