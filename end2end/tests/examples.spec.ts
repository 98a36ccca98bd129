// The clients in examples/: each runs as a user would run it, against the real server with its simulated market.
// Not here: the page.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "@playwright/test";

import { PASSWORD, user } from "../support/access";
import { Running, ServerReady, startServer } from "../support/servers";

const FOLDER = join(import.meta.dirname, "..", "..", "examples");

let server: Running<ServerReady>;

test.beforeAll(async () => {
  server = await startServer();
});

test.afterAll(async () => {
  await server.stop();
});

interface Ended {
  code: number | null;
  lines: string[];
  errors: string;
}

/** Runs a program to its end; one that hangs is killed, and its code is then null. */
function run(program: string, args: string[], variables: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...variables };
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], timeout: 40_000, env });
    let output = "";
    let errors = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (errors += data));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, lines: output.trim().split("\n"), errors }));
  });
}

/** Returns the offsets of each topic's items in the order of the output: `topic kind offset: …`. */
function offsetsByTopic(lines: string[]): Map<string, number[]> {
  const offsets = new Map<string, number[]>();
  for (const line of lines) {
    const found = /^(\S+:demo:\S+) (?:snapshot|delta) (\d+): /.exec(line);
    if (found) offsets.set(found[1]!, [...(offsets.get(found[1]!) ?? []), Number(found[2])]);
  }
  return offsets;
}

/** Checks that each topic begins once and continues without a gap, across the reconnect too. */
function expectNoHole(lines: string[]): void {
  for (const [topic, offsets] of offsetsByTopic(lines)) {
    const first = offsets[0]!;
    expect(offsets, topic).toEqual(offsets.map((_, idx) => first + idx));
  }
}

function nodeArguments(): string[] {
  const major = Number(process.versions.node.split(".")[0]);
  return major < 22 ? ["--experimental-websocket", "--no-warnings"] : [];
}

test("the JavaScript client prints quotes and trades, and resumes without a loss", async () => {
  const url = `${server.ready.url.replace("http", "ws")}ws?format=json`;
  const { code, lines, errors } = await run(process.execPath, [...nodeArguments(), join(FOLDER, "stream-client.mjs"), url, "40"]);
  expect(code, errors).toBe(0);
  expect([...offsetsByTopic(lines).keys()].sort()).toEqual([
    "quote:demo:BTC-SIM",
    "quote:demo:ETH-SIM",
    "tape:demo:BTC-SIM",
    "tape:demo:ETH-SIM",
  ]);
  expect(lines.filter((line) => line.startsWith("connected as "))).toHaveLength(2);
  expect(lines.find((line) => line.startsWith("resumed: "))).toMatch(/^resumed: \d+ replayed, 0 lost$/);
  expect(lines.find((line) => line.startsWith("quote:"))).toMatch(/bid \d+\.\d+ ask \d+\.\d+ last \d+\.\d+$/);
  expect(lines.find((line) => line.startsWith("tape:"))).toMatch(/newest (buy|sell) [\d.]+ at [\d.]+$/);
  expect(lines.at(-1)).toBe("done after 40 items");
  expectNoHole(lines);
});

test("the JavaScript client gives up where the server refuses it", async () => {
  const url = `${server.ready.url.replace("http", "ws")}ws?format=json`;
  const source = readFileSync(join(FOLDER, "stream-client.mjs"), "utf8").replaceAll("quote:demo", "nonsense:demo");
  const { code, errors } = await run(process.execPath, [...nodeArguments(), "--input-type=module", "-e", source, "", url, "4"]);
  expect(code).toBe(1);
  expect(errors).toContain("unknown channel");
});

test("the Python client needs no package, and resumes without a loss", async () => {
  test.skip(spawnSync("python3", ["--version"]).status !== 0, "Python is not installed");
  const host = new URL(server.ready.url).host;
  const { code, lines, errors } = await run("python3", [join(FOLDER, "stream_client.py"), host, "20"]);
  expect(code, errors).toBe(0);
  expect(lines.find((line) => line.startsWith("resumed: "))).toMatch(/^resumed: \d+ replayed, 0 lost$/);
  expect(lines.find((line) => line.startsWith("quote:"))).toMatch(/bid \d+\.\d+ ask \d+\.\d+$/);
  expect(lines.at(-1)).toBe("done");
  expectNoHole(lines);
});

/** Waits until the instrument's book is live: the desk fills against nothing else. */
async function bookIsLive(url: string, instrument: string, token: string): Promise<void> {
  const book = `${url}api/v1/book?instrument=${instrument}&depth=1`;
  const headers = { authorization: `Bearer ${token}` };
  await expect.poll(async () => (await (await fetch(book, { headers })).json()).state, { timeout: 30_000 }).toBe("live");
}

/** Adds an admin to a data folder and returns a token of it that may trade. */
function tokenOf(folder: string): string {
  user(folder, ["add", "ada"], `${PASSWORD}\n`);
  return user(folder, ["token", "ada", "--label", "example", "--scope", "trader"]);
}

for (const [language, program, file] of [
  ["JavaScript", process.execPath, "api-client.mjs"],
  ["Python", "python3", "api_client.py"],
] as const) {
  test(`the ${language} client buys by REST and sees its order fill on the stream`, async () => {
    test.skip(spawnSync(program, ["--version"]).status !== 0, `${language} is not installed`);
    const folder = mkdtempSync(join(tmpdir(), "truetape-examples-"));
    const token = tokenOf(folder);
    const own = await startServer({ folder });
    await bookIsLive(own.ready.url, "demo:BTC-SIM", token);
    const variables = { TRUETAPE_URL: own.ready.url, TRUETAPE_TOKEN: token };
    const flags = file.endsWith(".mjs") ? nodeArguments() : ["-B"];
    const { code, lines, errors } = await run(program, [...flags, join(FOLDER, file), "demo:BTC-SIM", "0.01"], variables);
    expect(code, errors).toBe(0);
    expect(lines[0]).toMatch(/^placed order \d+$/);
    expect(lines.at(-1)).toMatch(/^order \d+ is filled: 0\.010* of 0\.01 filled$/);

    const refused = await run(program, [...flags, join(FOLDER, file), "demo:BTC-SIM", "0"], variables);
    expect(refused.code).toBe(1);
    expect(refused.errors).toContain("POST orders: 422 quantity_below_minimum: ");
    const stranger = await run(program, [...flags, join(FOLDER, file)], { ...variables, TRUETAPE_TOKEN: "" });
    expect(stranger.code, "without a token").not.toBe(0);
    await own.stop();
    rmSync(folder, { recursive: true, force: true });
  });
}

test("every REST request of the examples is answered", async () => {
  const text = readFileSync(join(FOLDER, "README.md"), "utf8");
  const urls = [...text.matchAll(/^curl '([^']+)'$/gm)].map((found) => found[1]!);
  expect(urls.length).toBeGreaterThan(4);
  for (const url of urls) {
    const answer = await fetch(url.replace("http://127.0.0.1:3000/", server.ready.url));
    expect(answer.status, url).toBe(200);
    const body = (await answer.json()) as Record<string, unknown>;
    expect(Object.keys(body).length, url).toBeGreaterThan(0);
  }
});
