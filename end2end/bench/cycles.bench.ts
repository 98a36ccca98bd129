// Opens and closes pages against one server, a thousand times by default (CYCLES), and prints what remains: open files,
// threads and memory of the server, its subscribers, and the simulated venue's connections. It also fails if anything
// remains, as that is not a question of speed.
import { readFileSync, readdirSync, readlinkSync } from "node:fs";

import { Browser, chromium, expect, test } from "@playwright/test";

import { choose, simState } from "../support/direct";
import { binanceConfig, startServer, startSim } from "../support/servers";

const CYCLES = Number(process.env.CYCLES ?? "1000");
const WAYS = (process.env.WAYS ?? "server,direct").split(",");

interface Footprint {
  files: number;
  sockets: number;
  threads: number;
  memoryMb: number;
}

/** A process's resources, as reported by the kernel. */
function footprint(pid: number): Footprint {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const figure = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)![1]);
  const files = readdirSync(`/proc/${pid}/fd`);
  return { files: files.length, sockets: sockets(pid), threads: figure("Threads"), memoryMb: figure("VmRSS") / 1024 };
}

function sockets(pid: number): number {
  // Established connections in the process's own table: those to the listening port and those to the venue.
  const rows = readFileSync(`/proc/${pid}/net/tcp`, "utf8").trim().split("\n").slice(1);
  const open = new Set(rows.filter((row) => row.trim().split(/\s+/)[3] === "01").map((row) => row.trim().split(/\s+/)[9]));
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      const inode = /socket:\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`));
      return inode !== null && open.has(inode[1]);
    } catch {
      return false;
    }
  }).length;
}

async function settled(pid: number): Promise<Footprint> {
  // Kept-alive connections of closed pages end within seconds.
  let last = footprint(pid);
  for (let waited = 0; waited < 20; waited += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const now = footprint(pid);
    if (waited > 3 && now.files === last.files && now.sockets === last.sockets) return now;
    last = now;
  }
  return last;
}

const row = (name: string, print: Footprint) =>
  `${name.padEnd(26)} files ${String(print.files).padStart(4)}   sockets ${String(print.sockets).padStart(4)}   threads ${String(print.threads).padStart(3)}   memory ${print.memoryMb.toFixed(1).padStart(7)} MB`;

async function launch(): Promise<Browser> {
  return chromium.launch(test.info().project.use.launchOptions ?? {});
}

for (const way of WAYS) {
  test(`${CYCLES} pages opened and closed, by ${way}`, async () => {
    test.setTimeout(CYCLES * 8_000 + 120_000);
    const sim = await startSim(["--venue", "binance", "--demo", "--seed", "1", "--speed", "1", "--no-limits"]);
    const server = await startServer({ config: binanceConfig(sim.ready, ["BTCSIM", "ETHSIM"]) });
    const browser = await launch();
    const pid = server.process.pid!;
    try {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
      const url = `${server.ready.url}?symbol=${encodeURIComponent("binance:BTCSIM")}`;
      const visit = async (isFirst: boolean) => {
        const page = await context.newPage();
        const { n_connects } = await simState(sim.ready);
        await page.goto(url);
        await expect(page.getByTestId("price")).toHaveText(/\d/, { timeout: 20_000 });
        if (way === "direct") {
          if (isFirst) await choose(page, "binance", "direct");
          await expect.poll(async () => (await simState(sim.ready)).n_connects, { timeout: 20_000, intervals: [50] }).toBeGreaterThan(n_connects);
        }
        await page.close();
      };
      for (let round = 0; round < 10; round += 1) await visit(round === 0);
      const before = await settled(pid);
      const began = Date.now();
      for (let round = 0; round < CYCLES; round += 1) {
        await visit(false);
        if ((round + 1) % 250 === 0) console.log(row(`after ${round + 1}`, footprint(pid)));
      }
      const seconds = (Date.now() - began) / 1_000;
      const after = await settled(pid);
      const venue = await simState(sim.ready);
      console.log(row(`${way}: before`, before));
      console.log(row(`${way}: after ${CYCLES}`, after));
      console.log(`${way}: ${seconds.toFixed(0)} s, ${((1_000 * seconds) / CYCLES).toFixed(0)} ms a cycle; the venue counts ${venue.n_connects} connections in all, ${venue.n_clients} open`);
      expect(after.files).toBeLessThanOrEqual(before.files + 2);
      expect(after.sockets).toBeLessThanOrEqual(before.sockets + 2);
      // A debug server reads the page's files on threads that are started and stopped.
      expect(after.threads).toBeLessThanOrEqual(before.threads + 8);
      expect(venue.n_clients, "the server's own connection alone").toBe(1);
    } finally {
      await browser.close();
      await server.stop();
      await sim.stop();
    }
  });
}
