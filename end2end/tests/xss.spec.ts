// Text of others on the page: 60 hostile texts go in through the API, and every page that shows them shows them as text.
// Nothing runs, no element and no handler comes from them, and the content policy has nothing to report.
// Not here: pages that the server writes (server/tests/server/markup.rs reads the same texts).
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Page } from "@playwright/test";

import { user } from "../support/access";
import { openDesk, priceBelow, symbol } from "../support/desk";
import { expect, openLive, test } from "../support/page";
import { Running, ServerReady, startServer } from "../support/servers";

const payloads = JSON.parse(readFileSync(join(import.meta.dirname, "../support/payloads.json"), "utf8")) as string[];

let folder: string;
let server: Running<ServerReady>;

test.beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "truetape-xss-"));
  server = await startServer({ folder });
});

test.afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Notes whatever runs, and what the content policy refuses. */
function watch(page: Page): Promise<void> {
  return page.addInitScript(() => {
    const ran: string[] = [];
    Object.assign(window, { ran });
    for (const name of ["alert", "confirm", "prompt"]) Object.assign(window, { [name]: () => void ran.push(name) });
    document.addEventListener("securitypolicyviolation", (event) => {
      ran.push(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
}

test.beforeEach(({ page }) => watch(page));

test.afterEach(({ errors }) => {
  // The browser notes the instruments that do not exist.
  errors.splice(0, errors.length, ...errors.filter((error) => !/status of (400|404|422)/.test(error)));
});

/** Nothing has run, and nothing in the document could come from a text. */
async function expectHarmless(page: Page, where: string): Promise<void> {
  const found = await page.evaluate(() => {
    const isForeign = (element: Element): boolean =>
      element.matches("iframe, object, embed, base, marquee, math, meta[http-equiv], img[src=x], foreignObject") ||
      (element.matches("script") && /alert\(|evil/.test(element.outerHTML)) ||
      [...element.attributes].some(({ name, value }) => {
        const isTarget = /^(href|src|xlink:href|action|formaction|data)$/.test(name);
        return name.startsWith("on") || (isTarget && /^\s*(javascript:|data:text|\/\/evil)/i.test(value));
      });
    const foreign = [...document.querySelectorAll("*")].filter(isForeign).map((element) => element.outerHTML.slice(0, 200));
    return [...(window as unknown as { ran: string[] }).ran, ...foreign];
  });
  expect(found, where).toEqual([]);
}

/** Sends a command of alerts as a program does. */
async function alerts(page: Page, command: Record<string, unknown>): Promise<void> {
  const answer = await page.request.post(`${server.ready.url}api/v1/alerts`, { data: command });
  expect(answer.status(), await answer.text()).toBe(200);
}

test("names, messages and channels of alerts are text", async ({ page }) => {
  test.slow();
  await openLive(page, server.ready.url, symbol);
  for (const [n, payload] of payloads.entries()) {
    const key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const kind = { webhook: { url: "https://hook.example/", secret: key } };
    await alerts(page, { save_channel: { channel: { channel_id: `c${n}`, name: payload, is_paused: true, kind } } });
    // Two rules that look for the same would be one too many.
    const conditions = [{ kind: "price_above", level: String(n + 1) }];
    const rule = { rule_id: `r${n}`, name: payload, instrument: symbol, conditions, frequency: { kind: "once" } };
    // Braces are placeholders.
    const message = /[{}]/.test(payload) ? undefined : payload;
    await alerts(page, { save_alert: { rule: { ...rule, message } } });
    const look_for = { cross: { fast: { indicator: "ema(2)" }, slow: { indicator: "ema(3)" } } };
    const signal = { rule_id: `s${n}`, name: payload, instrument: symbol, interval: "1s", timing: "tick", look_for, version: 0 };
    await alerts(page, { save_signal: { rule: signal } });
  }
  // Toasts come here, and lines with names on the chart.
  await expect(page.getByTestId("toast").first()).toBeVisible({ timeout: 20_000 });
  await expectHarmless(page, "Live");
  await page.goto(`${server.ready.url}alerts`);
  await expect(page.getByTestId("rule").first()).toBeVisible({ timeout: 20_000 });
  await expect(page.getByTestId("alert").first()).toBeVisible({ timeout: 20_000 });
  await expectHarmless(page, "Signals and alerts");
  await expect(page.getByText(payloads[0]!, { exact: true }).first(), "shown as it was written").toBeVisible();
  await page.getByTestId("rule").first().getByTestId("rule-edit").click();
  await expect(page.getByTestId("rule-form")).toBeVisible();
  await expectHarmless(page, "the form of a rule");
});

test("identities of orders are text", async ({ page }) => {
  const url = server.ready.url;
  await openDesk(page, `${url}positions`);
  const price = await priceBelow(page, url, 0.02);
  let nPlaced = 0;
  for (const payload of payloads) {
    // Identities have no blanks; between attributes a slash does as well.
    const client_order_id = payload.replaceAll(" ", "/");
    const order = { client_order_id, instrument: symbol, side: "buy", type: "limit", quantity: "0.001", price };
    const answer = await page.request.post(`${url}api/v1/orders`, { data: order });
    if (answer.ok()) nPlaced += 1;
  }
  expect(nPlaced).toBeGreaterThan(0);
  await expect(page.getByTestId("order").first()).toBeVisible({ timeout: 10_000 });
  await expectHarmless(page, "Positions");
  await page.goto(`${url}history`);
  await expectHarmless(page, "History");
});

// A third of the texts; all of them with XSS_ALL=1.
test("an address is text, on every page", async ({ page }) => {
  test.slow();
  const chosen = payloads.filter((_, n) => process.env.XSS_ALL !== undefined || n % 3 === 0);
  for (const [n, payload] of chosen.entries()) {
    const path = ["", "markets", "dashboard", "positions", "history", "grid", "risk", "alerts", "quality", "system"][n % 10];
    await page.goto(`${server.ready.url}${path}?symbol=${encodeURIComponent(payload)}#${encodeURIComponent(payload)}`);
    await expect(page.locator("html[data-started]")).toHaveCount(1);
    await expectHarmless(page, `${path} ${payload}`);
  }
});

/** A venue whose symbols, states and refusals are hostile. */
function hostileVenue(): Promise<{ port: number; stop: () => void }> {
  let nAnswers = 0;
  const next = (): string => payloads[nAnswers++ % payloads.length]!;
  const symbols = payloads.map((payload, n) => ({ symbol: `EVIL${n}${payload}`, status: payload, baseAsset: `EVIL${payload}`, quoteAsset: payload }));
  const venue = createServer((request, response) => {
    const isList = request.url!.startsWith("/api/v3/exchangeInfo") && request.url!.includes("permissions=SPOT");
    response.writeHead(isList ? 200 : 400, { "content-type": "application/json" });
    response.end(JSON.stringify(isList ? { timezone: "UTC", symbols } : { code: -1000, msg: next() }));
  });
  venue.on("upgrade", (_request, socket) => {
    const body = next();
    socket.end(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  });
  return new Promise((resolve) => {
    venue.listen(0, "127.0.0.1", () => resolve({ port: (venue.address() as AddressInfo).port, stop: () => venue.close() }));
  });
}

test("a venue's symbols, states and refusals are text", async ({ page }) => {
  const venue = await hostileVenue();
  const addresses = `ws_url = "ws://127.0.0.1:${venue.port}"\nrest_url = "http://127.0.0.1:${venue.port}"\n`;
  const other = await startServer({ config: `[venues.binance]\n${addresses}` });
  try {
    const url = other.ready.url;
    const search = async () => (await page.request.get(`${url}api/v1/instruments?q=EVIL&venue=binance`)).text();
    await expect.poll(search, { timeout: 20_000 }).toContain("EVIL");
    // Followed or refused, with the venue's own words.
    await page.request.post(`${url}api/v1/feeds`, { data: { venue: "binance", symbols: ["BTCUSDT", `EVIL0${payloads[0]!}`] } });
    await page.request.post(`${url}api/v1/feeds`, { data: { venue: "binance", symbols: ["BTCUSDT"] } });
    await page.goto(`${url}venues`);
    const panel = page.locator('[data-testid="venue-panel"][data-venue="binance"]');
    await expect(panel).toBeVisible({ timeout: 15_000 });
    await panel.getByTestId("venue-symbols").fill("EVIL");
    await page.waitForTimeout(1_000);
    await expectHarmless(page, "Venues");
    for (const path of ["", "markets", "quality", "system", "alerts"]) {
      await page.goto(`${url}${path}`);
      await expect(page.locator("html[data-started]")).toHaveCount(1);
      await page.waitForTimeout(500);
      await expectHarmless(page, path);
    }
  } finally {
    await other.stop();
    venue.stop();
  }
});

test("a table for spreadsheets is a download, in which identities are plain", async ({ page }) => {
  const url = server.ready.url;
  await openDesk(page, `${url}positions`);
  const price = await priceBelow(page, url, 0.02);
  const order = { client_order_id: `csv${payloads[0]!}`, instrument: symbol, side: "buy", type: "limit", quantity: "0.001", price };
  expect((await page.request.post(`${url}api/v1/orders`, { data: order })).ok()).toBe(true);
  const answer = await page.request.get(`${url}api/v1/orders?format=csv&limit=1000`);
  expect(answer.headers()).toMatchObject({ "content-disposition": "attachment", "x-content-type-options": "nosniff" });
  expect(answer.headers()["content-type"]).toMatch(/^text\/csv/);
  expect(await answer.text()).toContain(order.client_order_id);
  const download = page.waitForEvent("download");
  await page.evaluate((path) => {
    location.href = path;
  }, "api/v1/orders?format=csv");
  await download;
  await expectHarmless(page, "a table was opened");
});

test("names of accounts, strategies and recordings have no room for markup", async ({ page }) => {
  const url = server.ready.url;
  for (const payload of payloads) {
    const account = { account: payload, kind: "cash", currency: "USD", start: { USD: "1" } };
    const strategy = { strategy_id: payload, kind: "grid", instrument: symbol, settings: {} };
    for (const [path, data] of [["accounts", account], ["strategies", strategy]] as const) {
      const answer = await page.request.post(`${url}api/v1/${path}`, { data });
      expect(answer.status(), `${path} ${payload}`).toBe(422);
      expect(await answer.text(), "refused for its name").toContain("1 to 32 of a to z");
      expect(answer.headers(), payload).toMatchObject({ "content-type": "application/json", "x-content-type-options": "nosniff" });
    }
  }
  // Files that nobody recorded: a name with markup, which is no recording, and a plain one with markup inside.
  const recordings = join(folder, "recordings");
  mkdirSync(recordings, { recursive: true });
  for (const [n, payload] of payloads.entries()) {
    const header = { t: "header", ts: 1, venue: payload, symbols: [payload], started: payload, version: payload, kind: payload, part: 1 };
    const text = [header, { t: payload, ts: 2, data: payload }].map((line) => `${JSON.stringify(line)}\n`).join("");
    writeFileSync(join(recordings, `evil-${n}.jsonl`), text);
    writeFileSync(join(recordings, `${payload.replaceAll("/", "-")}.jsonl`), text);
  }
  await page.goto(`${url}recordings`);
  await expect(page.getByTestId("recording")).toHaveCount(payloads.length, { timeout: 20_000 });
  await expectHarmless(page, "Recordings");
  const play = page.getByTestId("recording").first().getByTestId("recording-play");
  if (await play.isEnabled()) await play.click();
  await page.waitForTimeout(1_000);
  await expectHarmless(page, "a recording is played");
  // The same from the reader's disk.
  for (const payload of payloads.filter((_, n) => n % 6 === 0)) {
    const name = `${payload.replaceAll("/", "-")}.jsonl`;
    await page.getByTestId("open-file-field").setInputFiles({ name, mimeType: "text/plain", buffer: Buffer.from(payload) });
    await page.waitForTimeout(200);
    await expectHarmless(page, `a file called ${name}`);
  }
});

test("a file of settings is text before it is applied", async ({ page }) => {
  test.slow();
  await page.goto(`${server.ready.url}configuration`);
  await expect(page.getByTestId("setting").first()).toBeVisible({ timeout: 20_000 });
  for (const payload of payloads) {
    const quoted = JSON.stringify(payload);
    // A key, a section and a value that nobody knows; then what is no file of settings at all.
    for (const toml of [`[stream]\n${quoted} = 1\nping_ms = ${quoted}\n[venues.${quoted}]\nrest_url = ${quoted}\n`, payload]) {
      const checked = page.waitForResponse((response) => response.url().endsWith("/api/v1/configuration/check"));
      await page.getByTestId("import-field").setInputFiles({ name: "settings.toml", mimeType: "application/toml", buffer: Buffer.from(toml) });
      await checked;
      await expectHarmless(page, `imported: ${toml}`);
    }
  }
});

// Written by another version, by another program of this host, or by hand.
test("what the browser has stored is text", async ({ page }) => {
  test.slow();
  const url = server.ready.url;
  const list = await (await page.request.get(`${url}api/v1/instruments`)).text();
  const venues = await (await page.request.get(`${url}api/v1/venues`)).text();
  await page.goto(url);
  for (const payload of payloads.filter((_, n) => n % 3 === 0)) {
    const inside = JSON.stringify(payload).slice(1, -1);
    const stored = {
      "truetape.settings": ["theme", "updown", "flash", "preset", payload].map((name) => `${name}=${payload}`).join(";"),
      "truetape.direct": `demo=${payload};${payload}=direct`,
      "truetape.markets": payload,
      "truetape.account": payload,
      "truetape.alert_volume": payload,
      "truetape.push": payload,
      "truetape.kept": `1 ${payload}\n${payload} {}`,
      "truetape.kept.instruments": list.replaceAll("-SIM", inside),
      "truetape.kept.venues": venues.replaceAll("demo", inside),
    };
    await page.evaluate((entries) => {
      for (const [key, text] of Object.entries(entries)) localStorage.setItem(key, text);
    }, stored);
    for (const path of ["", "markets", "dashboard"]) {
      await page.goto(`${url}${path}`);
      await expect(page.locator("html[data-started]")).toHaveCount(1);
      await expectHarmless(page, `stored: ${path} ${payload}`);
    }
  }
});

// The last one: from here on everybody has to log in.
test("labels of tokens and names of browsers are text", async ({ browser }) => {
  test.slow();
  user(folder, ["add", "ada"], "correct horse battery staple\n");
  const url = server.ready.url;
  // Each login has another browser's name; a header takes printable ASCII alone.
  const agents = payloads.slice(0, 20);
  for (const userAgent of agents) {
    const context = await browser.newContext({ userAgent });
    const data = { user: "ada", password: "correct horse battery staple" };
    await expect.poll(async () => (await context.request.post(`${url}api/v1/session`, { data })).status()).toBe(200);
    await context.close();
  }
  const context = await browser.newContext();
  const page = await context.newPage();
  await watch(page);
  const data = { user: "ada", password: "correct horse battery staple" };
  expect((await context.request.post(`${url}api/v1/session`, { data })).ok()).toBe(true);
  for (const label of payloads) {
    const made = await context.request.post(`${url}api/v1/tokens`, { data: { label, scope: "viewer", days: 1 } });
    expect(made.status(), label).toBe(201);
  }
  await page.goto(`${url}account`);
  await expect(page.getByTestId("token")).toHaveCount(payloads.length, { timeout: 20_000 });
  await expect(page.getByTestId("session")).toHaveCount(agents.length + 1);
  const shown = await page.getByTestId("token").locator("[role=rowheader]").allTextContents();
  expect(new Set(shown)).toEqual(new Set(payloads));
  await expectHarmless(page, "Account");
  await context.close();
});
