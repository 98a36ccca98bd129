// The page "Signals and alerts", toasts, the dialog of critical alerts, and alert lines on the chart.
import { createServer } from "node:http";
import { AddressInfo } from "node:net";

import { Page } from "@playwright/test";

import { command, expectAccessible, symbol } from "../support/desk";
import { expect, openLive, test } from "../support/page";
import { Running, ServerReady, startServer } from "../support/servers";

let server: Running<ServerReady>;

test.beforeEach(async () => {
  server = await startServer();
});
test.afterEach(() => server.stop());

async function openAlerts(page: Page): Promise<void> {
  await page.goto(`${server.ready.url}alerts?symbol=${symbol}`);
  await expect(page.getByTestId("no-rules").or(page.getByTestId("rule").first())).toBeVisible({ timeout: 20_000 });
}

/** Saves a rule on the demo market that holds at once, so that it fires with the next trade. */
async function fire(page: Page, rule_id: string, change: Record<string, unknown> = {}): Promise<void> {
  const rule = {
    rule_id,
    name: `Rule ${rule_id}`,
    instrument: symbol,
    conditions: [{ kind: "price_above", level: "1" }],
    frequency: { kind: "once" },
    has_sound: true,
    ...change,
  };
  await command(page, { save_alert: { rule } });
}

test("a form says what is wrong, and a second condition joins", async ({ page }) => {
  await openAlerts(page);
  await page.getByTestId("new-alert").click();
  const form = page.getByTestId("rule-form");
  await form.getByTestId("rule-save").click();
  await expect(form.getByTestId("rule-error")).toContainText("Level is empty");
  await form.getByTestId("field-level").fill("high");
  await form.getByTestId("rule-save").click();
  await expect(form.getByTestId("rule-error")).toContainText('"high" is not a number');
  await form.getByTestId("field-level").fill("1");
  await form.getByTestId("rule-message").fill("{valu}");
  await expect(form.getByText("unknown placeholder {valu}")).toBeVisible();
  await form.getByTestId("rule-message").fill("");
  await form.getByTestId("rule-check").click();
  await form.getByTestId("condition-add").click();
  await expect(form.getByTestId("condition")).toHaveCount(2);
  await form.getByTestId("condition").nth(1).getByTestId("condition-kind").selectOption("spread_above");
  // It has no history to be tried on.
  await expect(form.getByTestId("rule-check")).toBeDisabled();
  await form.getByTestId("rule-save").click();
  await expect(page.getByTestId("rule")).toHaveCount(1, { timeout: 10_000 });
  await expectAccessible(page);
});

test("an alert is a toast, counts on the rail, and is acknowledged in all tabs", async ({ page, context }) => {
  await openLive(page, server.ready.url, symbol);
  const other = await context.newPage();
  await openLive(other, server.ready.url, symbol);
  await page.bringToFront();
  await fire(page, "toast");
  const toast = page.getByTestId("toast");
  await expect(toast).toHaveCount(1, { timeout: 15_000 });
  await expect(page.getByTestId("open-alerts")).toContainText("1");
  // It stays while the pointer is on it, longer than its five seconds.
  await toast.hover();
  await page.waitForTimeout(6_500);
  await expect(toast).toHaveCount(1);
  await other.bringToFront();
  await expect(other.getByTestId("open-alerts")).toContainText("1");
  await other.goto(`${server.ready.url}alerts`);
  await other.getByTestId("acknowledge").click();
  await expect(other.getByTestId("alert")).toHaveAttribute("data-acknowledged", "true");
  await page.bringToFront();
  await expect(toast).toHaveCount(0);
  await expect(page.getByTestId("open-alerts")).toBeHidden();
});

test("a toast leaves after five seconds, and three are shown at most", async ({ page }) => {
  await openLive(page, server.ready.url, symbol);
  await page.mouse.move(5, 5);
  for (const id of ["a", "b", "c", "d", "e"]) {
    await fire(page, id, { conditions: [{ kind: "price_above", level: String(id.charCodeAt(0)) }] });
  }
  await expect(page.getByTestId("toasts-more")).toContainText("+", { timeout: 15_000 });
  expect(await page.getByTestId("toast").count()).toBeLessThanOrEqual(3);
  await expect(page.getByTestId("toast")).toHaveCount(0, { timeout: 15_000 });
  await expect(page.getByTestId("open-alerts")).toContainText("5");
});

test("a critical alert interrupts until it is acknowledged", async ({ page }) => {
  await openLive(page, server.ready.url, symbol);
  await fire(page, "critical", { severity: "critical" });
  const dialog = page.getByTestId("critical");
  await expect(dialog).toBeVisible({ timeout: 15_000 });
  await expect(dialog.getByTestId("critical-acknowledge")).toBeFocused();
  await page.keyboard.press("Tab");
  expect(await dialog.evaluate((dialog) => dialog.contains(document.activeElement) || document.activeElement === document.body)).toBe(true);
  await expectAccessible(page, "[data-testid=critical]");
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(page.getByTestId("open-alerts")).toBeHidden();
  const alerts = (await (await page.request.get(`${server.ready.url}api/v1/alerts`)).json()) as { alerts: { acknowledged_time: unknown }[] };
  expect(alerts.alerts[0].acknowledged_time).not.toBeNull();
});

test("a price alert is a line that is moved, and Alt+A adds one", async ({ page }) => {
  await openLive(page, server.ready.url, symbol);
  const chart = page.getByTestId("chart");
  const box = (await chart.boundingBox())!;
  await page.mouse.move(box.x + box.width / 3, box.y + box.height / 4);
  await expect(page.getByTestId("alert-add")).toBeVisible();
  await page.keyboard.press("Alt+a");
  await expect(page.getByTestId("alert-said")).toContainText("Alert saved");
  const line = page.locator('[data-testid="chart-line"][data-tone="alert"]');
  await expect(line).toHaveCount(1);
  const before = await line.getByTestId("chart-line-price").textContent();
  await line.getByTestId("chart-line-grip").focus();
  await page.keyboard.press("PageUp");
  await page.keyboard.press("Enter");
  await expect(line).toHaveAttribute("data-moved", "false");
  await expect(line.getByTestId("chart-line-price")).not.toHaveText(before ?? "");
  await expect
    .poll(async () => {
      const rules = (await (await page.request.get(`${server.ready.url}api/v1/rules`)).json()) as Record<string, { rule?: { version: number } }>;
      return Object.entries(rules).filter(([key]) => key.startsWith("alert/")).map(([, row]) => row.rule?.version);
    })
    .toEqual([2]);
  await line.getByTestId("chart-line-cancel").click();
  await expect(line).toHaveCount(0);
});

test("a channel's test tells what the other server said", async ({ page }) => {
  let status = 500;
  const sink = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { "content-type": "text/plain" });
    response.end(status === 500 ? "the sink is ill" : "thanks");
  });
  await new Promise<void>((resolve) => sink.listen(0, "127.0.0.1", resolve));
  const { port } = sink.address() as AddressInfo;
  await openAlerts(page);
  await page.getByTestId("alert-tab-channels").click();
  await page.getByTestId("new-channel").click();
  const form = page.getByTestId("channel-form");
  await form.getByTestId("channel-name").fill("Sink");
  await form.getByTestId("channel-url").fill(`http://127.0.0.1:${port}/hook`);
  await form.getByTestId("channel-secret").fill("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  await form.getByTestId("channel-private").check();
  await form.getByTestId("channel-save").click();
  const channel = page.getByTestId("channel");
  await expect(channel.getByTestId("channel-standing")).toContainText("not verified yet");
  await channel.getByTestId("channel-test").click();
  await expect(channel.getByTestId("channel-test-words")).toContainText("Not delivered: 500", { timeout: 15_000 });
  status = 200;
  await channel.getByTestId("channel-test").click();
  await expect(channel.getByTestId("channel-test-words")).toContainText("Delivered: 200", { timeout: 15_000 });
  await expect(channel.getByTestId("channel-standing")).toContainText("verified");
  // The key never comes back: the form says that there is one.
  await channel.getByTestId("channel-edit").click();
  await expect(form.getByTestId("channel-secret")).toHaveValue("");
  await expect(form.getByTestId("channel-secret")).toHaveAttribute("placeholder", /^set/);
  await form.getByTestId("channel-save").click();
  await expect(form).toBeHidden();
  await expectAccessible(page);
  sink.close();
});

test("a signal rule is made from each template, and quiet hours are set", async ({ page }) => {
  await openAlerts(page);
  await page.getByTestId("alert-tab-signals").click();
  await page.getByTestId("new-signal").click();
  const form = page.getByTestId("signal-form");
  const kinds = await form.getByTestId("place").locator("option").evaluateAll((options) => options.map((option) => (option as HTMLOptionElement).value));
  await form.getByRole("button", { name: "Close" }).click();
  for (const [at, kind] of kinds.entries()) {
    await page.getByTestId("new-signal").click();
    await form.getByTestId("place").selectOption(kind);
    await form.getByTestId("signal-name").fill(`Case ${at} ${kind}`);
    await form.getByTestId("signal-save").click();
    await expect(form, kind).toBeHidden({ timeout: 10_000 });
    await expect(page.getByTestId("signal-rule").filter({ hasText: `Case ${at} ${kind}` }), kind).toHaveCount(1);
  }
  await expectAccessible(page);
  await page.getByTestId("alert-tab-channels").click();
  await page.getByTestId("quiet-from").fill("23:15");
  await page.getByTestId("quiet-zone").fill("UTC");
  await page.getByTestId("quiet-save").click();
  await expect(page.getByTestId("quiet-words")).toContainText("From 23:15");
  await page.getByTestId("mute").click();
  await expect(page.getByTestId("quiet-words")).toContainText("All alerts are muted");
  await page.getByTestId("unmute").click();
  await expect(page.getByTestId("quiet-words")).not.toContainText("muted");
});

test("the palette adds an alert at a typed price, an indicator, and opens a new rule's form", async ({ page }) => {
  await openLive(page, server.ready.url, symbol);
  const field = page.getByTestId("palette-field");
  const open = async (text: string) => {
    await page.keyboard.press("ControlOrMeta+k");
    await expect(field).toBeFocused();
    await field.fill(text);
  };
  await open("alert 1,234.5");
  await expect(page.getByTestId("palette-option")).toHaveText(/^Alert when BTC-SIM\/USD crosses 1\s234\.50/);
  await expectAccessible(page, "[data-testid=palette]");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("palette-note")).toContainText("Alert saved");
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("palette")).toBeHidden();
  const rules = (await (await page.request.get(`${server.ready.url}api/v1/rules`)).json()) as Record<string, { rule?: { conditions?: unknown } }>;
  const saved = Object.entries(rules).filter(([key]) => key.startsWith("alert/")).map(([, row]) => row.rule?.conditions);
  expect(saved).toEqual([[{ kind: "price_crosses", direction: "either", level: "1234.5", hysteresis: "0" }]]);
  await open("relative strength");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("palette-note")).toContainText("RSI 14 is on the chart");
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("indicator-legend")).toContainText("RSI");
  await open("new signal");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("signal-form")).toBeVisible();
  // A reload does not open the form again.
  expect(new URL(page.url()).searchParams.has("new")).toBe(false);
});
