// Measures the page on live simulated data: memory over time, CPU, long tasks, and latency to the pixel.
// It prints figures without judging them: a shared machine is noisy. MEASURE_MINUTES (10) sets the duration.
import { readFileSync } from "node:fs";

import { chromium, expect, Page, test } from "@playwright/test";

import { openLive } from "../support/page";
import { binanceConfig, startServer, startSim } from "../support/servers";
import { recordChanges, replayChanges } from "./floor";

interface Paint {
  venue_time_ms: number;
  receive_time_us: number;
  publish_time_us: number;
  browser_receive_ms: number;
  paint_ms: number;
}

const MINUTES = Number(process.env.MEASURE_MINUTES ?? "10");

/** Length of each of the three parts that compare the page with its floor. */
const FLOOR_SECONDS = 30;

function percentile(values: number[], share: number): string {
  if (values.length === 0) return "–";
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1);
}

/** Seconds of processor time that a process has used; Linux only, with its usual clock of 100 ticks. */
function usedSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return Number.NaN;
  }
}

/** Returns the share of `seconds` that the main thread of `page` is busy, in per cent. */
async function busy(page: Page, seconds: number): Promise<number> {
  const client = await page.context().newCDPSession(page);
  await client.send("Performance.enable");
  const taken = async () => {
    const { metrics } = await client.send("Performance.getMetrics");
    return metrics.find((entry) => entry.name === "TaskDuration")?.value ?? Number.NaN;
  };
  const [before, started] = [await taken(), Date.now()];
  await page.waitForTimeout(seconds * 1_000);
  const share = (100 * ((await taken()) - before)) / ((Date.now() - started) / 1_000);
  await client.detach();
  return share;
}

function row(name: string, values: number[]): string {
  return `${name.padEnd(34)} n ${String(values.length).padStart(6)}   p50 ${percentile(values, 0.5).padStart(7)}   p95 ${percentile(values, 0.95).padStart(7)}   p99 ${percentile(values, 0.99).padStart(7)} ms`;
}

test("page on live data", async () => {
  test.setTimeout((MINUTES + 3) * 60_000);
  const sim = await startSim(["--venue", "binance", "--demo", "--seed", "1", "--speed", "1"]);
  const server = await startServer({ config: binanceConfig(sim.ready, ["BTCSIM", "ETHSIM", "SOLSIM"]) });
  const launch = test.info().project.use.launchOptions ?? {};
  const browser = await chromium.launch({ ...launch, args: [...(launch.args ?? []), "--enable-precise-memory-info"] });
  try {
    const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
    await page.addInitScript(() => {
      const seen = { long: [] as number[] };
      (window as unknown as { seen: typeof seen }).seen = seen;
      new PerformanceObserver((list) => list.getEntries().forEach((entry) => seen.long.push(entry.duration))).observe({
        type: "longtask",
        buffered: true,
      });
    });
    const opened = Date.now();
    await page.goto(`${server.ready.url}?measure=1&symbol=${encodeURIComponent("binance:BTCSIM")}`);
    await expect(page.getByTestId("price")).toHaveText(/\d/, { timeout: 15_000 });
    console.log(`first data on loopback, cold browser: ${Date.now() - opened} ms`);
    const again = Date.now();
    await openLive(page, `${server.ready.url}?measure=1`, undefined);
    console.log(`first data on loopback, warm browser: ${Date.now() - again} ms`);
    const transfer = await page.evaluate(() =>
      performance
        .getEntriesByType("resource")
        .filter((entry) => /\/assets\//.test(entry.name))
        .map((entry) => {
          const resource = entry as PerformanceResourceTiming;
          return `${new URL(resource.name).pathname} ${resource.encodedBodySize} B (decoded ${resource.decodedBodySize} B)`;
        }),
    );
    console.log(`first load:\n  ${transfer.join("\n  ")}`);

    const client = await page.context().newCDPSession(page);
    await client.send("Performance.enable");
    const browserClient = await browser.newBrowserCDPSession();
    const cpu = async () => {
      const { processInfo } = await browserClient.send("SystemInfo.getProcessInfo");
      return processInfo.reduce((sum, process) => sum + process.cpuTime, 0);
    };
    const metric = async (name: string) => {
      const { metrics } = await client.send("Performance.getMetrics");
      return metrics.find((entry) => entry.name === name)?.value ?? Number.NaN;
    };
    const sample = async (minute: number) => {
      await client.send("HeapProfiler.collectGarbage");
      const heap = await metric("JSHeapUsedSize");
      const wasm = await page.evaluate(async () => {
        const path = performance.getEntriesByType("resource").find(({ name }) => name.endsWith("/truetape.js"))!.name;
        const glue = (await import(path)) as { default: () => Promise<{ memory: WebAssembly.Memory }> };
        return (await glue.default()).memory.buffer.byteLength;
      });
      const nodes = await metric("Nodes");
      console.log(`minute ${minute}: JavaScript heap ${(heap / 1e6).toFixed(2)} MB, WASM memory ${(wasm / 1e6).toFixed(2)} MB, DOM nodes ${nodes}`);
      return { heap, wasm };
    };

    // Long tasks while loading are counted separately from later ones.
    await page.waitForTimeout(5_000);
    const loading = await page.evaluate(() => (window as unknown as { seen: { long: number[] } }).seen.long.splice(0));
    console.log(`long tasks while loading: ${loading.length} (${loading.map((ms) => ms.toFixed(0)).join(", ")} ms)`);
    // Frames of the page, and how often the browser had to compute styles and layout.
    const frames = () =>
      page.evaluate(() => (window as unknown as { __truetape_latency?: { frames?: number } }).__truetape_latency?.frames ?? 0);
    const counts = async () => [await frames(), await metric("RecalcStyleCount"), await metric("LayoutCount")];
    const startCounts = await counts();
    const [startCpu, startTask, startedAt] = [await cpu(), await metric("TaskDuration"), Date.now()];
    const serverStarted = usedSeconds(server.process.pid!);

    let early: { heap: number; wasm: number } | undefined;
    for (let minute = 1; minute <= MINUTES; minute += 1) {
      await page.waitForTimeout(60_000);
      if (minute === 2 || minute === MINUTES || minute % 4 === 0) {
        const now = await sample(minute);
        if (minute <= 2) early = now;
        if (minute === MINUTES && early) {
          const growth = (100 * (now.heap + now.wasm - early.heap - early.wasm)) / (early.heap + early.wasm);
          console.log(`heap and WASM together, minute 2 to ${MINUTES}: ${growth >= 0 ? "+" : ""}${growth.toFixed(2)} %`);
        }
      }
    }
    const seconds = (Date.now() - startedAt) / 1_000;
    const [painted, styles, layouts] = (await counts()).map((count, idx) => ((count - startCounts[idx]) / seconds).toFixed(1));
    console.log(`frames painted: ${painted} a second; style recalculations ${styles}, layouts ${layouts} a second`);
    const after = await page.evaluate(() => (window as unknown as { seen: { long: number[] } }).seen.long);
    console.log(`CPU of all browser processes: ${((100 * ((await cpu()) - startCpu)) / seconds).toFixed(1)} % of one core`);
    const serverShare = (100 * (usedSeconds(server.process.pid!) - serverStarted)) / seconds;
    console.log(`CPU of the server: ${serverShare.toFixed(1)} % of one core`);
    console.log(`main thread busy: ${((100 * ((await metric("TaskDuration")) - startTask)) / seconds).toFixed(1)} %`);
    console.log(`long tasks over 50 ms after load: ${after.length} (${after.map((ms) => ms.toFixed(0)).join(", ")} ms)`);

    const ring = await page.evaluate(() => (window as unknown as { __truetape_latency?: Paint[] }).__truetape_latency ?? []);
    const whole = ring.filter((paint) => paint.venue_time_ms > 0);
    console.log("latency, one clock (all on one machine):");
    console.log(row("simulator's schedule to server", whole.map((paint) => paint.receive_time_us / 1e3 - paint.venue_time_ms)));
    console.log(row("server receive to publish (lane)", whole.map((paint) => (paint.publish_time_us - paint.receive_time_us) / 1e3)));
    console.log(row("publish to browser", whole.map((paint) => paint.browser_receive_ms - paint.publish_time_us / 1e3)));
    console.log(row("browser to paint", whole.map((paint) => paint.paint_ms - paint.browser_receive_ms)));
    console.log(row("simulator's schedule to paint", whole.map((paint) => paint.paint_ms - paint.venue_time_ms)));
    expect(whole.length).toBeGreaterThan(100);

    const whole_page = await busy(page, FLOOR_SECONDS);
    const recording = await recordChanges(page, FLOOR_SECONDS + 5);
    await page.context().close();
    const copy = await replayChanges(browser, recording);
    const n_changes = recording.batches.reduce((sum, batch) => sum + batch.changes.length, 0);
    expect(n_changes).toBeGreaterThan(100);
    console.log(
      `main thread busy for ${FLOOR_SECONDS} s: page ${whole_page.toFixed(1)} %, its document's changes alone ` +
        `(${(n_changes / (FLOOR_SECONDS + 5)).toFixed(0)} a second, made by plain JavaScript) ${(await busy(copy, FLOOR_SECONDS)).toFixed(1)} %`,
    );
  } finally {
    await browser.close();
    await server.stop();
    await sim.stop();
  }
});
