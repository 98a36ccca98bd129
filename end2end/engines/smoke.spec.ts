// Every page and the main flows in one engine: the pages open and fill, prices move, the chart is painted, another interval
// and another symbol are chosen, an order is placed and cancelled, the page goes on by itself after the server was away. All
// else is tested in Chromium alone (`tests`).
import { expect, test } from "@playwright/test";

import { Running, ServerReady, startServer } from "../support/servers";
import { Engine, start } from "./engine";

let engine: Engine;
let server: Running<ServerReady>;

test.beforeAll(async ({}, info) => {
  const started = await start(info.project.name);
  if (typeof started === "string") {
    console.log(`skipped: ${started}`);
    test.skip(true, started);
    return;
  }
  engine = started;
  console.log(`${info.project.name}: ${engine.version}`);
  server = await startServer();
});

test.afterEach(async ({}, info) => {
  if (info.status !== info.expectedStatus && engine) {
    await engine.screenshot(info.outputPath("page.png")).catch(() => undefined);
  }
});

test.afterAll(async () => {
  await engine?.close();
  await server?.stop();
});

/** Waits until an expression has a value that is true, and returns it. */
async function until<T>(expression: string, seconds = 30): Promise<T> {
  let value: T | undefined;
  await expect
    .poll(async () => Boolean((value = await engine.evaluate<T>(expression))), { timeout: seconds * 1000, message: expression })
    .toBe(true);
  return value as T;
}

function text(id: string): string {
  return `(document.querySelector('[data-testid="${id}"]')?.textContent ?? "")`;
}

async function open(path: string): Promise<void> {
  await engine.open(new URL(path, server.ready.url).href);
  // The page is exchanged for the server's once its program runs, and lists its exceptions from then on.
  await until(`document.readyState === "complete"`);
  await engine.evaluate(`(window.faults ??= [], window.addEventListener("error", (e) => window.faults.push(String(e.message))),
    window.addEventListener("unhandledrejection", (e) => window.faults.push(String(e.reason))), true)`);
}

async function noFaults(): Promise<void> {
  expect(await engine.evaluate<string[]>("window.faults ?? []")).toEqual([]);
}

test("the Live page shows moving prices, a book in order and a painted chart", async () => {
  await open("/?symbol=demo:BTC-SIM");
  const first = await until<string>(`/\\d/.test(${text("price")}) && ${text("price")}`);
  await until(`${text("price")} !== ${JSON.stringify(first)}`);
  await until(`document.querySelector('[data-testid="stream-status"]')?.dataset.state === "live"`);
  const best = await until<{ bid: number; ask: number }>(`(() => {
    const price = (side) => Number(document.querySelector('[data-testid="book-' + side + '-0-price"]')
      ?.textContent?.replace(/[^\\d.]/g, ""));
    const found = { bid: price("bid"), ask: price("ask") };
    return found.bid > 0 && found.ask > 0 && found;
  })()`);
  expect(best.bid).toBeLessThan(best.ask);
  await until(`/^50[01]$/.test(document.querySelector('[data-testid="chart"]')?.dataset.bars ?? "")`);
  await until(`[...document.querySelectorAll('[data-testid="chart"] canvas')].some((canvas) => canvas.width > 0 &&
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0))`);
  await until(`document.querySelectorAll('[data-testid="tape-row"]').length > 0`);
  await noFaults();
});

test("every page of the navigation opens, by its address and by its link", async () => {
  await open("/");
  const paths = await until<string[]>(`(() => {
    const links = [...document.querySelectorAll("nav a[href]")].map((link) => new URL(link.href).pathname);
    return links.length > 8 && [...new Set(links)];
  })()`);
  expect(paths).toContain("/history");
  for (const path of paths) {
    await open(path);
    // The server's page has no code yet; the program's own has, and a main region with content.
    await until(`performance.getEntriesByType("resource").some((entry) => /later[^/]*\\.wasm/.test(entry.name))`);
    await until(`(document.querySelector("main")?.textContent ?? "").trim().length > 20`);
    expect(await engine.evaluate<boolean>(`document.documentElement.scrollWidth <= window.innerWidth + 1`), path).toBe(true);
    await noFaults();
  }
  await open("/");
  await until(`performance.getEntriesByType("resource").some((entry) => /later[^/]*\\.wasm/.test(entry.name))`);
  for (const path of paths.slice(1)) {
    await engine.evaluate(`([...document.querySelectorAll("nav a[href]")].find((link) =>
      new URL(link.href).pathname === ${JSON.stringify(path)}).click(), true)`);
    await until(`location.pathname === ${JSON.stringify(path)}`);
    await until(`(document.querySelector("main")?.textContent ?? "").trim().length > 20`);
  }
  await noFaults();
});

test("another interval and another symbol are shown once chosen", async () => {
  await open("/?symbol=demo:BTC-SIM");
  await until(`/^50[01]$/.test(document.querySelector('[data-testid="chart"]')?.dataset.bars ?? "")`);
  await engine.click("interval-5m");
  await until(`document.querySelector('[data-testid="interval-5m"]').getAttribute("aria-pressed") === "true"`);
  await until(`/^50[01]$/.test(document.querySelector('[data-testid="chart"]')?.dataset.bars ?? "")`);
  const other = "demo:ADA-SIM";
  const choose = `document.querySelector('[data-testid="watch-row"][data-symbol="${other}"] .watch__choose')`;
  await until(`${choose} !== null`);
  await engine.evaluate(`(${choose}.click(), true)`);
  await until(`document.querySelector('[data-testid="symbol-picker"]')?.dataset.symbol === "${other}"`);
  await until(`/^0\\.\\d/.test(${text("price")})`);
  await noFaults();
});

test("an order goes from the ticket to the book of orders and is cancelled", async () => {
  await open("/?symbol=demo:BTC-SIM");
  await until(`/\\d.* USD$/.test(${text("ticket-free")})`);
  await until(`/\\d/.test(${text("book-bid-5")})`);
  await engine.click("book-bid-5");
  const filled = await until<string>(`document.querySelector('[data-testid="ticket-price"]').value`);
  const price = String(Math.round(Number(filled) * 0.9));
  await engine.fill("ticket-price", price);
  await engine.fill("ticket-size", "0.01");
  await until(`/USD/.test(${text("ticket-amount")})`);
  await engine.click("ticket-buy");
  await until(`/paper\\?$/.test(${text("ticket-answer")})`);
  await engine.click("ticket-buy");
  await until(`/order \\d+/.test(${text("ticket-answer")})`);
  const order = `[...document.querySelectorAll('.orders-panel [data-testid="order"]')].map((one) => one.dataset.state).join()`;
  await until(`${order} === "open"`);
  const orders = (await (await fetch(`${server.ready.url}api/v1/orders`)).json()) as { price: string }[];
  expect(Number(orders[0]!.price)).toBe(Number(price));
  await fetch(`${server.ready.url}api/v1/orders`, { method: "DELETE" });
  await until(`${order} === "cancelled"`);
  await noFaults();
});

test("the page says that the server is away, and goes on by itself when it is back", async () => {
  await open("/");
  await until(`document.querySelector('[data-testid="stream-status"]')?.dataset.state === "live"`);
  const port = Number(new URL(server.ready.url).port);
  await server.stop();
  await until(`document.querySelector('[data-testid="stream-status"]')?.dataset.state !== "live"`, 60);
  server = await startServer({ port });
  await until(`document.querySelector('[data-testid="stream-status"]')?.dataset.state === "live"`, 60);
  const price = await engine.evaluate<string>(text("price"));
  await until(`${text("price")} !== ${JSON.stringify(price)}`);
});
