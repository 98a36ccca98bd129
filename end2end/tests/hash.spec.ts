// One code base in two places: codec, books, candles and indicators give the same result for every recording natively and in the
// browser, and so do the fills and the equity of a desk that trades it.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";

import { Page } from "@playwright/test";

import { expect, test } from "../support/page";
import { Running, ServerReady, startServer } from "../support/servers";
import { capturesFolder } from "../support/recording";

interface RecordingHash {
  feed(lines: string): void;
  finish(): string;
}
type HashName = "RecordingHash" | "FillHash";
type Program = { default: (how: { module_or_path: string }) => Promise<unknown> } & Record<HashName, new (venue: string) => RecordingHash>;
type Holder = typeof window & { program: Program; recording: RecordingHash };

let server: Running<ServerReady>;

/** Recordings whose books a desk trades: those of several venues, small enough for a debug build. */
const TRADED = /btcusdt_20240808|v2_btcusd_sample|advanced_btcusd/;

test.beforeAll(async () => {
  server = await startServer();
});

test.afterAll(async () => {
  await server.stop();
});

/** Returns all recordings: each folder is named after its venue. */
function recordings(folder: string): { venue: string; path: string }[] {
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.flatMap((entry) => {
    const names = readdirSync(join(folder, entry.name)).filter((name) => /\.tape\.jsonl(\.gz)?$/.test(name));
    return names.sort().map((name) => ({ venue: entry.name, path: join(folder, entry.name, name) }));
  });
}

function nativeHash(venue: string, path: string, ...what: string[]): string {
  const program = join(dirname(process.env.TRUETAPE_BIN!), "tape-hash");
  expect(existsSync(program), `${program} is built together with the server`).toBe(true);
  try {
    return execFileSync(program, [venue, path, ...what], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  } catch (error) {
    // An unknown venue: the browser must report the same.
    return `refused: ${(error as { stderr: string }).stderr.split("\n")[0].replace(/^Error: /, "")}`;
  }
}

/** Yields chunks of whole lines, a few megabytes each: the size of one message to the browser. */
function* parts(text: string): Generator<string> {
  for (let from = 0; from < text.length; ) {
    const wanted = from + 4_000_000;
    const end = wanted >= text.length ? text.length : text.indexOf("\n", wanted) + 1 || text.length;
    yield text.slice(from, end);
    from = end;
  }
}

/** Loads the worker's program into the page, without starting it. */
async function loadWorker(page: Page): Promise<void> {
  await page.goto(server.ready.url);
  await page.evaluate(async () => {
    const folder = `${location.origin}/assets/${document.documentElement.dataset.worker}`;
    const program = (await import(`${folder}/worker.js`)) as Program;
    await program.default({ module_or_path: `${folder}/worker.wasm` });
    (window as Holder).program = program;
  });
}

async function browserHash(page: Page, name: HashName, venue: string, text: string): Promise<string> {
  const refusal = await page.evaluate(
    ([name, venue]) => {
      const holder = window as Holder;
      try {
        holder.recording = new holder.program[name as HashName](venue);
        return "";
      } catch (error) {
        return `refused: ${(error as Error).message}`;
      }
    },
    [name, venue],
  );
  if (refusal !== "") return refusal;
  for (const part of parts(text)) await page.evaluate((part) => (window as Holder).recording.feed(part), part);
  return page.evaluate(() => (window as Holder).recording.finish());
}

function unpacked(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
}

test("a desk that trades a recording gets the same fills and equity natively and in the browser", async ({ page }) => {
  test.setTimeout(600_000);
  const folder = capturesFolder();
  test.skip(!folder, "TRUETAPE_CAPTURES names no folder: the recordings are not here");
  await loadWorker(page);
  let nFilled = 0;
  for (const { venue, path } of recordings(folder!).filter(({ path }) => TRADED.test(path))) {
    const text = unpacked(path);
    const [native, browser] = [nativeHash(venue, path, "desk"), await browserHash(page, "FillHash", venue, text)];
    expect(browser, path).toBe(native);
    console.log(`${venue.padEnd(10)} ${native}  ${path.slice(folder!.length + 1)}`);
    nFilled += / [1-9]\d* fills /.test(native) ? 1 : 0;
  }
  expect(nFilled, "a grid fills in at least one of them").toBeGreaterThan(0);
});

test("every recording gives the same events, books and candles natively and in the browser", async ({ page }) => {
  test.setTimeout(600_000);
  const folder = capturesFolder();
  test.skip(!folder, "TRUETAPE_CAPTURES names no folder: the recordings are not here");
  await loadWorker(page);
  const inBrowser = (venue: string, text: string) => browserHash(page, "RecordingHash", venue, text);

  let nCompared = 0;
  let planted: { venue: string; text: string; hash: string } | undefined;
  for (const { venue, path } of recordings(folder!)) {
    const text = unpacked(path);
    const [native, browser] = [nativeHash(venue, path), await inBrowser(venue, text)];
    expect(browser, path).toBe(native);
    console.log(`${venue.padEnd(10)} ${native}  ${path.slice(folder!.length + 1)}`);
    if (native.startsWith("refused")) continue;
    nCompared += 1;
    const digit = text.search(/\\"[pbc]\\":\\"[0-9.]*[1-9][0-9.]*\\"/);
    if (planted === undefined && digit >= 0) planted = { venue, text, hash: native };
  }
  expect(nCompared, "at least one venue's recordings are compared").toBeGreaterThan(0);

  // A planted fault: a single digit of a price must change the hash.
  expect(planted).toBeDefined();
  const changed = planted!.text.replace(/(\\"[pbc]\\":\\"[0-9.]*)([1-9])/, (_, before: string, digit: string) => before + ((Number(digit) % 9) + 1));
  expect(changed).not.toBe(planted!.text);
  expect(await inBrowser(planted!.venue, changed)).not.toBe(planted!.hash);
});
