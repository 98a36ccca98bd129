// Starts the real binary and the simulator on loopback, on ports chosen by the system, and stops them again.
// Not here: anything about the page.
import { ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A running program and its parsed ready line. */
export interface Running<Ready> {
  ready: Ready;
  process: ChildProcess;
  /** The last lines of its log, for failure messages. */
  log: () => string;
  stop: (signal?: NodeJS.Signals) => Promise<void>;
}

export interface ServerReady {
  ready: true;
  url: string;
}

export interface SimReady {
  ready: true;
  ws_url: string;
  rest_url: string;
  control_url: string;
}

function needed(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run these tests with \`cargo xtask test\``);
  return value;
}

async function start<Ready>(binary: string, args: string[], env: NodeJS.ProcessEnv): Promise<Running<Ready>> {
  const child = spawn(binary, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const lines: string[] = [];
  createInterface({ input: child.stderr! }).on("line", (line) => {
    lines.push(line);
    if (lines.length > 200) lines.shift();
  });
  const log = () => lines.slice(-40).join("\n");
  const ready = await new Promise<Ready>((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error(`${binary} was not ready within 30 s\n${log()}`)), 30_000);
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`${binary} ended with ${code} before it was ready\n${log()}`)));
    createInterface({ input: child.stdout! }).once("line", (line) => {
      clearTimeout(deadline);
      resolve(JSON.parse(line) as Ready);
    });
  });
  child.removeAllListeners("exit");
  const stop = async (signal: NodeJS.Signals = "SIGTERM") => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill(signal);
    const hard = setTimeout(() => child.kill("SIGKILL"), 12_000);
    await ended;
    clearTimeout(hard);
  };
  return { ready, process: child, log, stop };
}

export interface ServerOptions {
  /** The text of `truetape.toml`. */
  config?: string;
  /** A fixed port, to restart where an earlier server was. */
  port?: number;
  /** Additional environment variables. */
  env?: NodeJS.ProcessEnv;
  /** Its data folder, which stays when it stops; without one it gets its own, which goes. */
  folder?: string;
}

/** Starts `truetape serve`; without a configuration it runs the demo venue. */
export async function startServer(options: ServerOptions = {}): Promise<Running<ServerReady>> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "truetape-e2e-"));
  const args = ["serve", "--listen", `127.0.0.1:${options.port ?? 0}`, "--data-dir", folder];
  if (options.config !== undefined) {
    const file = join(folder, "truetape.toml");
    writeFileSync(file, options.config);
    args.push("--config", file);
  }
  const running = await start<ServerReady>(needed("TRUETAPE_BIN"), args, options.env ?? {});
  const stop = async (signal?: NodeJS.Signals) => {
    await running.stop(signal);
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
  };
  return { ...running, stop };
}

/** Starts `venue-sim` with the given arguments. */
export function startSim(args: string[]): Promise<Running<SimReady>> {
  return start<SimReady>(needed("VENUE_SIM_BIN"), ["--listen", "127.0.0.1:0", ...args], {});
}

/** Returns a configuration that follows `symbols` of the simulated Binance. */
export function binanceConfig(sim: SimReady, symbols: string[], extra = ""): string {
  return venueConfig("binance", sim, symbols, extra);
}

/** Returns a configuration that follows `symbols` of a simulated venue. */
export function venueConfig(venue: string, sim: SimReady, symbols: string[], extra = ""): string {
  return [
    "[[feeds]]",
    `venue = "${venue}"`,
    `symbols = [${symbols.map((symbol) => JSON.stringify(symbol)).join(", ")}]`,
    `[venues.${venue}]`,
    `ws_url = "${sim.ws_url}"`,
    `rest_url = "${sim.rest_url}"`,
    extra,
    "",
  ].join("\n");
}

/** Sets or clears a fault of the simulator. */
export async function setFault(sim: SimReady, fault: Record<string, unknown>): Promise<void> {
  const answer = await fetch(`${sim.control_url}/fault`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(fault),
  });
  if (!answer.ok) throw new Error(`fault refused: ${answer.status} ${await answer.text()}`);
}

/** Waits until the simulator has played its recording to the end. */
export async function tapeFinished(sim: SimReady, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const state = (await (await fetch(`${sim.control_url}/state`)).json()) as { finished: boolean };
    if (state.finished) return;
    if (Date.now() > deadline) throw new Error("the recording did not finish in time");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
