// Every condition of an alert: saved from its form, opened again, and made to fire by what it is about.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Page } from "@playwright/test";

import { command, place, symbol } from "../support/desk";
import { expect, test } from "../support/page";
import { binanceConfig, setFault, startServer, startSim } from "../support/servers";

interface Kind {
  name: string;
  scope: "instrument" | "optional" | "none";
}

interface Alert {
  rule_id: string;
}

interface RuleRow {
  rule?: { rule_id: string; name: string };
}

/** Texts to type into a condition's form, by the fields' names; all other fields keep their initial values. */
type Typed = Record<string, string>;

/** The venue that is disturbed; the desk trades on another one. */
const disturbed = "binance:BTCSIM";

/** The fields of each condition so that what the test does, or the market by itself, meets it. */
const typedOf = (price: string): Record<string, Typed> => ({
  price_crosses: { level: price },
  price_above: { level: "1" },
  price_below: { level: "100000000" },
  channel: { event: "outside", low: "1", high: "2" },
  price_move: { by: "0.01", "by-unit": "absolute" },
  spread_above: { bps: "0" },
  indicator_level: { interval: "1s", spec: "rsi(2)", level: "50" },
  indicator_cross: { interval: "1s", fast: "ema(2)", slow: "ema(3)" },
  volume_burst: { interval: "1s", n_bars: "1", factor: "1" },
  signal: {},
  position: { event: "opened" },
  pnl: { figure: "unrealised", direction: "down", level: "-0.001" },
  order: { event: "filled" },
  fill: {},
  connection: { event: "lost" },
  data_gap: {},
  stale: { for_s: "1" },
  recording: { event: "stopped" },
  disk: { event: "free_below", free_bytes: "1000000000000000" },
  repeated_errors: { n: "2", window_s: "60" },
});

test("every condition is saved from its form, and fires", async ({ page }) => {
  test.setTimeout(180_000);
  const folder = mkdtempSync(join(tmpdir(), "truetape-conditions-"));
  const sim = await startSim(["--venue", "binance", "--demo", "--seed", "7", "--speed", "1"]);
  const demo = '[[feeds]]\nvenue = "demo"\nsymbols = ["BTC-SIM"]\n';
  const config = demo + binanceConfig(sim.ready, ["BTCSIM"], "stale_after_ms = 1000\ndata_deadline_ms = 30000");
  const server = await startServer({ config, folder });
  const { url } = server.ready;
  try {
    await page.goto(`${url}alerts?symbol=${symbol}`);
    await expect(page.getByTestId("no-rules")).toBeVisible({ timeout: 20_000 });
    const kinds = (await (await page.request.get(`${url}api/v1/alert_conditions`)).json()) as Kind[];
    const typed = typedOf(await lastPrice(page, url));
    expect(Object.keys(typed).sort()).toEqual(kinds.map((kind) => kind.name).sort());
    for (const kind of kinds) {
      await saveFromForm(page, kind, typed[kind.name]);
    }
    await makeHappen(page, url, folder, sim.ready);
    const rows = (await (await page.request.get(`${url}api/v1/rules`)).json()) as Record<string, RuleRow>;
    const nameOf = new Map(Object.values(rows).map(({ rule }) => [rule?.rule_id, rule?.name]));
    const missing = async () => {
      const { alerts } = (await (await page.request.get(`${url}api/v1/alerts?limit=200`)).json()) as { alerts: Alert[] };
      const fired = new Set(alerts.map((alert) => nameOf.get(alert.rule_id)));
      return kinds.map((kind) => kind.name).filter((name) => !fired.has(`Case ${name}`));
    };
    await expect
      .poll(
        async () => {
          const names = await missing();
          // The market has left the level behind: it is moved to where the price is.
          if (names.includes("price_crosses")) await moveLevel(page, await lastPrice(page, url));
          return names;
        },
        { timeout: 60_000, intervals: [5_000], message: "conditions that did not fire" },
      )
      .toEqual([]);
    // The page lists them.
    for (const kind of kinds) {
      await expect(page.getByTestId("alert").filter({ hasText: `Case ${kind.name}` }).first(), kind.name).toBeVisible();
    }
  } finally {
    await server.stop();
    await sim.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Fills in the form, saves it, and checks that it opens again with what was typed. */
async function saveFromForm(page: Page, kind: Kind, typed: Typed): Promise<void> {
  const name = `Case ${kind.name}`;
  await page.getByTestId("new-alert").click();
  const form = page.getByTestId("rule-form");
  await form.getByTestId("condition-kind").selectOption(kind.name);
  await form.getByTestId("rule-name").fill(name);
  if (kind.name === "stale" || kind.name === "data_gap") {
    await form.getByTestId("rule-instrument").selectOption(disturbed);
  }
  for (const [field, value] of Object.entries(typed)) {
    const control = form.getByTestId(`field-${field}`);
    const isChoice = (await control.evaluate((control) => control.tagName)) === "SELECT";
    await (isChoice ? control.selectOption(value) : control.fill(value));
  }
  await form.getByTestId("rule-save").click();
  await expect(form, kind.name).toBeHidden({ timeout: 10_000 });
  const rule = page.getByTestId("rule").filter({ hasText: name });
  await expect(rule.getByTestId("rule-sentence"), kind.name).not.toBeEmpty();
  await rule.getByTestId("rule-edit").click();
  await expect(form.getByTestId("condition-kind")).toHaveValue(kind.name);
  for (const [field, value] of Object.entries(typed)) {
    await expect(form.getByTestId(`field-${field}`), `${kind.name}: ${field}`).toHaveValue(value);
  }
  await form.getByTestId("rule-close").click();
}

/** Changes the level of the price alert in its form. */
async function moveLevel(page: Page, price: string): Promise<void> {
  const form = page.getByTestId("rule-form");
  await page.getByTestId("rule").filter({ hasText: "Case price_crosses" }).getByTestId("rule-edit").click();
  await form.getByTestId("field-level").fill(price);
  await form.getByTestId("rule-save").click();
  await expect(form).toBeHidden({ timeout: 10_000 });
}

/** Trades, records, breaks the other venue's feed and the folder of recordings; prices move by themselves. */
async function makeHappen(page: Page, url: string, folder: string, sim: Parameters<typeof setFault>[0]): Promise<void> {
  const look_for = { cross: { fast: { indicator: "ema(2)" }, slow: { indicator: "ema(3)" } } };
  const rule = { rule_id: "any", name: "Any", instrument: symbol, interval: "1s", timing: "tick", look_for, version: 0 };
  await command(page, { save_signal: { rule } });
  await place(page, "buy", "0.01");
  const record = (what: string) => page.request.post(`${url}api/v1/recordings/${what}`, { data: { venue: "binance" } });
  expect((await record("start")).status()).toBeLessThan(300);
  expect((await record("stop")).status()).toBeLessThan(300);
  rmSync(join(folder, "recordings"), { recursive: true, force: true });
  writeFileSync(join(folder, "recordings"), "a file where the folder should be");
  for (let turn = 0; turn < 2; turn += 1) {
    expect((await record("save-last")).status()).toBeGreaterThanOrEqual(400);
  }
  const stateOf = async () => {
    const status = (await (await page.request.get(`${url}api/v1/status`)).json()) as { streams: { instrument: string; state: string }[] };
    return status.streams.find((stream) => stream.instrument === disturbed)?.state;
  };
  await setFault(sim, { kind: "drop", stream: "depth", count: 1 });
  await page.waitForTimeout(2_000);
  await expect.poll(stateOf).toBe("live");
  await setFault(sim, { kind: "stall", duration_ms: 5_000 });
  await expect.poll(stateOf, { timeout: 10_000 }).toBe("stale");
  await expect.poll(stateOf, { timeout: 20_000 }).toBe("live");
  // Without these two the feed would go on by polling, which is a connection too.
  await setFault(sim, { kind: "rest_error" });
  await setFault(sim, { kind: "refuse" });
  await setFault(sim, { kind: "close" });
}

/** Returns the newest price of the demo market. */
async function lastPrice(page: Page, url: string): Promise<string> {
  let price = "";
  await expect
    .poll(async () => {
      const answer = await page.request.get(`${url}api/v1/trades?instrument=${symbol}`);
      const { trades } = answer.ok() ? ((await answer.json()) as { trades: { price: string }[] }) : { trades: [] };
      return (price = trades.at(-1)?.price ?? "");
    })
    .not.toBe("");
  return price;
}
