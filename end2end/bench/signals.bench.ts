// Measures the list of live signals while far more come than anybody reads: frames a second, lines in the document, and
// the time from the market data's arrival at the server to the frame that shows the signal. SIGNAL_RULES (300) and
// SIGNAL_SECONDS (60) set the load; a page without signals in the same run is the floor.
import { expect, Page, test } from "@playwright/test";

import { command, symbol } from "../support/desk";
import { startServer } from "../support/servers";

const N_RULES = Number(process.env.SIGNAL_RULES ?? "300");
const SECONDS = Number(process.env.SIGNAL_SECONDS ?? "60");

interface Run {
  frames: number[];
  /** Signals that the server found: its log counts them, also those that the stream left out between two lane turns. */
  nFound: number;
  nSignals: number;
  mostLines: number;
  latencies: number[];
}

/** Counts frames, lines and signals, and how old a signal's data is when the frame with its line is painted. */
function watch(page: Page, seconds: number): Promise<Run> {
  return page.evaluate(
    (seconds) =>
      new Promise<Run>((resolve) => {
        const run: Run = { frames: [], nFound: 0, nSignals: 0, mostLines: 0, latencies: [] };
        let firstNumber = 0;
        const received = new Map<number, number>();
        const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws?format=json`);
        socket.onopen = () => {
          socket.send(JSON.stringify({ type: "hello", protocol: 1, lane_ms: 33 }));
          socket.send(JSON.stringify({ type: "subscribe", id: 1, topics: ["signals"] }));
        };
        socket.onmessage = ({ data }) => {
          for (const match of (data as string).matchAll(/"number":(\d+).*?"receive_time":(\d+)/g)) {
            run.nSignals += 1;
            firstNumber ||= Number(match[1]);
            run.nFound = Number(match[1]) - firstNumber + 1;
            received.set(Number(match[1]), Number(match[2]) / 1e6);
          }
        };
        const shown = new Map<string, number>();
        const end = performance.now() + seconds * 1_000;
        let second = performance.now();
        let frames = 0;
        const frame = () => {
          frames += 1;
          const now = performance.now();
          if (now - second >= 1_000) {
            run.frames.push((frames * 1_000) / (now - second));
            [second, frames] = [now, 0];
          }
          // The newest are first: what stands below a known line is known.
          const list = document.getElementsByClassName("signal-table")[0]?.children ?? [];
          run.mostLines = Math.max(run.mostLines, list.length - 1);
          for (let at = 1; at < list.length; at += 1) {
            const { number } = (list[at] as HTMLElement).dataset;
            if (shown.has(number!)) break;
            shown.set(number!, performance.timeOrigin + now);
          }
          if (now < end) return requestAnimationFrame(frame);
          socket.close();
          // Signals from before the measurement do not count.
          const begin = performance.timeOrigin + end - seconds * 1_000;
          for (const [number, time] of shown) {
            const since = received.get(Number(number));
            if (since !== undefined && since > begin) run.latencies.push(time - since);
          }
          resolve(run);
        };
        requestAnimationFrame(frame);
      }),
    seconds,
  );
}

function at(values: number[], share: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? "–" : sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1);
}

function print(name: string, run: Run): void {
  console.log(
    `${name.padEnd(24)} frames a second: median ${at(run.frames, 0.5)}, least ${at(run.frames, 0)}; signals found ${run.nFound}, received ${run.nSignals}; most lines ${run.mostLines}; ` +
      `data to frame: n ${run.latencies.length}, p50 ${at(run.latencies, 0.5)} ms, p99 ${at(run.latencies, 0.99)} ms`,
  );
}

test("the list of signals under load", async ({ page }) => {
  test.setTimeout((2 * SECONDS + 120) * 1_000);
  const server = await startServer();
  try {
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto(`${server.ready.url}alerts?symbol=${symbol}`);
    await page.getByTestId("alert-tab-signals").click();
    await expect(page.getByTestId("no-signals")).toBeVisible({ timeout: 20_000 });
    print("no rules", await watch(page, Math.min(SECONDS, 15)));
    for (let number = 0; number < N_RULES; number += 1) {
      const look_for = { breakout: { n_bars: 1 + (number % 4) } };
      const rule = { rule_id: `load-${number}`, name: `Load ${number}`, instrument: symbol, interval: "1s", timing: "tick", look_for, version: 0 };
      await command(page, { save_signal: { rule } });
    }
    await expect(page.getByTestId("signal").first()).toBeVisible({ timeout: 20_000 });
    print(`${N_RULES} rules on 1 s bars`, await watch(page, SECONDS));
  } finally {
    await server.stop();
  }
});
