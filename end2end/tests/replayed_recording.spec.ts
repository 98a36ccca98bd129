// Recorded frames through the real system: after a recording the page shows the independently computed values.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, number, openLive, test } from "../support/page";
import { binanceConfig, startServer, startSim, tapeFinished } from "../support/servers";
import { Bar, barsHash, barsOfTrades, capturesFolder, shown, tapePath, units } from "../support/recording";

test("after the BTCUSDT recording the page shows its book and its candles", async ({ page }) => {
  test.setTimeout(240_000);
  // Ten rows a side fit.
  await page.setViewportSize({ width: 1440, height: 1100 });
  const folder = capturesFolder();
  test.skip(!folder, "TRUETAPE_CAPTURES names no folder: the recordings are not here");
  const files = ["20240808", "20240809"].map((day) =>
    tapePath(folder!, `binance/btcusdt_${day}_spot_depth100ms_bookticker_trade.tape.jsonl.gz`),
  );
  const sim = await startSim(["--venue", "binance", ...files.flatMap((file) => ["--tape", file]), "--speed", "40", "--stop"]);
  // The recording ends and the simulator falls silent: keep the feed up while the page is read.
  const patience = "stale_after_ms = 120000\ndata_deadline_ms = 120000";
  const server = await startServer({ config: binanceConfig(sim.ready, ["BTCUSDT"], patience) });
  try {
    await openLive(page, server.ready.url, "binance:BTCUSDT");
    await expect(page.getByTestId("book")).toHaveAttribute("data-state", "live", { timeout: 20_000 });
    await tapeFinished(sim.ready, 150_000);

    // The simulated venue's exchangeInfo, through our own list of instruments.
    const list = (await (await fetch(`${server.ready.url}api/v1/instruments`)).json()) as {
      instruments: { id: string; price_decimals: number; size_decimals: number }[];
    };
    const instrument = list.instruments.find((entry) => entry.id === "binance:BTCUSDT")!;
    const [tickDecimals, lotDecimals] = [instrument.price_decimals, instrument.size_decimals];
    expect(tickDecimals).toBe(2);

    const expected = JSON.parse(readFileSync(join(folder!, "expected/binance_btcusdt_after_both_parts.json"), "utf8")).BTCUSDT.final as {
      bids: [string, string][];
      asks: [string, string][];
    };
    const text = (level: [string, string]) => [shown(units(level[0]), tickDecimals), shown(units(level[1]), lotDecimals)];
    for (const [side, levels] of [["bid", expected.bids], ["ask", expected.asks]] as const) {
      for (let row = 0; row < 10; row += 1) {
        const [price, size] = text(levels[row]);
        await expect.poll(() => number(page.getByTestId(`book-${side}-${row}-price`)), { timeout: 15_000 }).toBe(price);
        await expect.poll(() => number(page.getByTestId(`book-${side}-${row}-size`))).toBe(size);
      }
    }
    expect(await number(page.getByTestId("best-bid"))).toBe(text(expected.bids[0])[0]);
    expect(await number(page.getByTestId("best-ask"))).toBe(text(expected.asks[0])[0]);

    const chart = page.getByTestId("chart");
    const bars = barsOfTrades(files, "BTCUSDT", 60_000);
    expect(bars.length).toBeGreaterThan(10);
    await expect(chart).toHaveAttribute("data-bars", String(bars.length));
    await expect(chart).toHaveAttribute("data-bars-hash", barsHash(bars, tickDecimals, lotDecimals));

    await page.getByTestId("study-delta").click();
    await page.getByTestId("study-profile").click();
    const delta = (of: Bar[]) => {
      const sum = of.reduce((total, bar) => total + 2n * bar.bought - bar.volume, 0n);
      return (sum < 0n ? "−" : "+") + shown(sum < 0n ? -sum : sum, lotDecimals);
    };
    const plain = (text: string | null) => (text ?? "").replaceAll("\u202f", "").replaceAll("\u00a0", " ");
    await expect
      .poll(async () => plain(await chart.getAttribute("aria-label")), { timeout: 15_000 })
      .toContain(`cumulative volume delta ${delta(bars)} since 8 Aug 2024 `);
    expect(plain(await page.getByTestId("chart-legend").textContent())).toContain(`Δ ${delta(bars.slice(-1))}`);
    // The price with the most volume is one of the recording's.
    // Spoken a little later than the other study.
    await expect.poll(async () => plain(await chart.getAttribute("aria-label")), { timeout: 15_000 }).toContain("most volume at ");
    const control = Number(/most volume at ([\d.]+)/.exec(plain(await chart.getAttribute("aria-label")))?.[1]);
    expect(control).toBeGreaterThan(Math.min(...bars.map((bar) => Number(bar.low))) - 100);
    expect(control).toBeLessThan(Math.max(...bars.map((bar) => Number(bar.high))) + 100);

    // A planted fault: the comparison must notice a single changed digit.
    const wrong = bars.map((bar, row) => (row === 3 ? { ...bar, close: shown(units(bar.close) + 1_000_000n, 8) } : bar));
    expect(barsHash(wrong, tickDecimals, lotDecimals)).not.toBe(barsHash(bars, tickDecimals, lotDecimals));
  } finally {
    await server.stop();
    await sim.stop();
  }
});
