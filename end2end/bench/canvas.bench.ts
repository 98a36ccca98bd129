// Draws the chart of 500 candles through the page's own backend and through plotters-canvas, alternating in one
// browser, and prints the times. Apart from the times it only checks that both draw the same picture.
//
// One draw has two figures:
// - "calls": the clock stops when the calls have returned. The browser only records most of them and paints at the end
//   of a frame, or when something reads the pixels.
// - "to the pixel": it stops when one pixel of every canvas drawn on has been read, for which the browser must
//   have painted. "next to nothing" is the cost of that alone: one pixel drawn, one pixel read.
//
// REPEATS (1000) sets the number of draws. SHOTS_DIR sets the folder of the pictures.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { AddressInfo } from "node:net";

import { expect, Page, test } from "@playwright/test";

const REPEATS = Number(process.env.REPEATS ?? "1000");
const SHOTS = process.env.SHOTS_DIR ?? "test-results/shots";
const [WIDTH, HEIGHT] = [1440, 600];

const WAYS = ["ours", "theirs", "blank"] as const;
type Way = (typeof WAYS)[number];
const NAMES: Record<Way, string> = { ours: "own backend", theirs: "plotters-canvas", blank: "next to nothing" };

interface Scene {
  name: string;
  what: "full" | "tick";
  hasStudies: boolean;
}
const SCENES: Scene[] = [
  { name: "full draw", what: "full", hasStudies: false },
  { name: "one tick", what: "tick", hasStudies: false },
  { name: "full draw, delta and profile", what: "full", hasStudies: true },
];

/** Milliseconds of each draw, by backend. */
interface Times {
  calls: Record<Way, number[]>;
  toThePixel: Record<Way, number[]>;
}

interface Picture {
  url: string;
  /** Pixels that differ from the upper left corner. */
  nDrawn: number;
}

interface Likeness {
  ours: Picture;
  theirs: Picture;
  nDiffering: number;
  /** Largest difference in one channel, of 255. */
  largest: number;
  summary: string;
}

interface Bench {
  full(): void;
  tick(): boolean;
  summary(): string;
}

// Globals defined by the script below.
declare global {
  interface Window {
    benchOf(way: string, hasStudies: boolean): Bench;
    canvasesOf(way: string): HTMLCanvasElement[];
  }
}

const HTML = `<!doctype html><meta charset="utf-8"><title>canvas</title>
<style>body { margin: 0 } div { position: relative; width: ${WIDTH}px; height: ${HEIGHT}px } canvas { position: absolute; inset: 0 }</style>
${WAYS.map((way) => `<div id="${way}">${`<canvas width="${WIDTH}" height="${HEIGHT}"></canvas>`.repeat(4)}</div>`).join("\n")}
<script type="module">
  import start, { Bench } from "./canvas.js";
  await start({ module_or_path: "/canvas.wasm" });
  window.canvasesOf = (way) => [...document.querySelectorAll("#" + way + " canvas")];
  window.benchOf = (way, hasStudies) => new Bench(way, window.canvasesOf(way), hasStudies);
</script>`;

/** Serves page and program. Isolated from other sites, the page's clock has steps of 5 µs, otherwise of 100 µs. */
async function serve(folder: string): Promise<{ url: string; stop: () => void }> {
  const server = createServer((request, response) => {
    const isolated = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
    const reply = (type: string, body: string | Buffer) => response.writeHead(200, { "Content-Type": type, ...isolated }).end(body);
    if (request.url === "/") reply("text/html", HTML);
    else if (request.url === "/canvas.js") reply("text/javascript", readFileSync(`${folder}/canvas.js`));
    else if (request.url === "/canvas.wasm") reply("application/wasm", readFileSync(`${folder}/canvas.wasm`));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, stop: () => server.close() };
}

async function open(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.waitForFunction(() => "benchOf" in window, undefined, { timeout: 30_000 });
  expect(await page.evaluate(() => [window.crossOriginIsolated, window.devicePixelRatio])).toEqual([true, 1]);
}

async function measure(page: Page, scene: Scene): Promise<Times> {
  return page.evaluate(
    async ({ scene: { what, hasStudies }, ways, repeats }) => {
      const stacks = ways.map((way) => {
        const bench = window.benchOf(way, hasStudies);
        const contexts = window.canvasesOf(way).map((canvas) => canvas.getContext("2d")!);
        return { way, bench, drawn: what === "full" ? contexts : [contexts[2]!] };
      });
      const none = (): Record<Way, number[]> => ({ ours: [], theirs: [], blank: [] });
      const times = { calls: none(), toThePixel: none() };
      stacks.forEach(({ bench }) => bench.full());
      const warmUp = 50;
      for (let round = 0; round < repeats + warmUp; round += 1) {
        // The browser gets its turn, but rarely: its own work would be measured too.
        if (round % 20 === 0) await new Promise((resolve) => requestAnimationFrame(resolve));
        for (let turn = 0; turn < stacks.length; turn += 1) {
          // A different one begins each time: the first may pay an extra cost.
          const { way, bench, drawn } = stacks[(turn + round) % stacks.length]!;
          let isAsMeant = true;
          const began = performance.now();
          if (what === "full") bench.full();
          else isAsMeant = bench.tick();
          const returned = performance.now();
          for (const context of drawn) context.getImageData(0, 0, 1, 1);
          const painted = performance.now();
          if (!isAsMeant) throw new Error(`round ${round}: more than the layer of the last price was due`);
          if (round < warmUp) continue;
          times.calls[way].push(returned - began);
          times.toThePixel[way].push(painted - began);
        }
      }
      return times;
    },
    { scene, ways: [...WAYS], repeats: REPEATS },
  );
}

/** Compares both pictures, all layers combined, pixel by pixel. */
async function compare(page: Page, { what, hasStudies }: Scene): Promise<Likeness> {
  return page.evaluate(
    ({ what, hasStudies }) => {
      let summary = "";
      const pictures = ["ours", "theirs"].map((way) => {
        const bench = window.benchOf(way, hasStudies);
        bench.full();
        if (what === "tick") for (let tick = 0; tick < 100; tick += 1) bench.tick();
        summary = bench.summary();
        const canvases = window.canvasesOf(way);
        const whole = document.createElement("canvas");
        [whole.width, whole.height] = [canvases[0]!.width, canvases[0]!.height];
        const context = whole.getContext("2d")!;
        for (const canvas of canvases) context.drawImage(canvas, 0, 0);
        const pixels = context.getImageData(0, 0, whole.width, whole.height).data;
        const corner = [...pixels.slice(0, 4)];
        let nDrawn = 0;
        for (let at = 0; at < pixels.length; at += 4) if (corner.some((value, channel) => pixels[at + channel] !== value)) nDrawn += 1;
        return { pixels, url: whole.toDataURL(), nDrawn };
      });
      const [ours, theirs] = [pictures[0]!, pictures[1]!];
      let [nDiffering, largest] = [0, 0];
      for (let at = 0; at < ours.pixels.length; at += 4) {
        const apart = Math.max(...[0, 1, 2, 3].map((channel) => Math.abs(ours.pixels[at + channel]! - theirs.pixels[at + channel]!)));
        if (apart > 0) nDiffering += 1;
        largest = Math.max(largest, apart);
      }
      const picture = ({ url, nDrawn }: { url: string; nDrawn: number }) => ({ url, nDrawn });
      return { ours: picture(ours), theirs: picture(theirs), nDiffering, largest, summary };
    },
    { what, hasStudies },
  );
}

function percentile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return 1_000 * sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

function table(rows: { scene: Scene; times: Times }[]): string {
  const lines = [`${"".padEnd(48)}calls, µs: median      p99   (own = 1)   to the pixel, µs: median      p99   (own = 1)`];
  for (const { scene, times } of rows) {
    for (const way of WAYS) {
      const [calls, pixel] = [times.calls, times.toThePixel].map((all) => {
        const [median, p99] = [0.5, 0.99].map((share) => percentile(all[way], share)) as [number, number];
        const ratios = [0.5, 0.99].map((share) => percentile(all[way], share) / percentile(all.ours, share));
        return { median, p99, ratios: ratios.map((ratio) => ratio.toFixed(2)).join(" / ") };
      }) as [{ median: number; p99: number; ratios: string }, { median: number; p99: number; ratios: string }];
      const figures = ({ median, p99, ratios }: typeof calls, width: number) =>
        `${median.toFixed(0).padStart(width)}${p99.toFixed(0).padStart(9)}${(way === "theirs" ? ratios : "").padStart(14)}`;
      lines.push(`${scene.name.padEnd(30)}${NAMES[way].padEnd(18)}${figures(calls, 17)}${figures(pixel, 24)}`);
    }
  }
  return lines.join("\n");
}

test("the chart through two backends", async ({ browser }) => {
  const built = execFileSync("cargo", ["xtask", "canvas-bench"], { cwd: "..", encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  const server = await serve(built.trim().split("\n").at(-1)!);
  const context = await browser.newContext({ viewport: { width: WIDTH, height: HEIGHT * WAYS.length }, deviceScaleFactor: 1 });
  try {
    const page = await context.newPage();
    page.on("pageerror", (error) => console.log(`in the page: ${error.message}`));
    mkdirSync(SHOTS, { recursive: true });
    for (const [idx, scene] of SCENES.entries()) {
      await open(page, server.url);
      const { ours, theirs, nDiffering, largest, summary } = await compare(page, scene);
      for (const [way, { url }] of Object.entries({ ours, theirs })) {
        writeFileSync(`${SHOTS}/canvas-${idx}-${scene.what}-${way}.png`, Buffer.from(url.split(",")[1]!, "base64"));
      }
      console.log(`${scene.name}: ${summary}`);
      console.log(`  pixels drawn: own ${ours.nDrawn}, plotters-canvas ${theirs.nDrawn}; ${nDiffering} differ, by ${largest} of 255 at most`);
      expect(summary).toContain("500 bars shown");
      expect(ours.nDrawn).toBeGreaterThan(10_000);
      // Eight-bit opacity differs slightly from exact opacity; a misplaced shape or letter would differ much more.
      expect(largest).toBeLessThanOrEqual(2);
    }
    console.log(`\n${browser.version()}, ${WIDTH} x ${HEIGHT}, ${REPEATS} times each`);
    const rows: { scene: Scene; times: Times }[] = [];
    for (const scene of SCENES) {
      await open(page, server.url);
      rows.push({ scene, times: await measure(page, scene) });
    }
    console.log(table(rows));
  } finally {
    await context.close();
    server.stop();
  }
});
