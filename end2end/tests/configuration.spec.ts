// The Configuration page: settings changed together, searched, reset, exported, imported, and refused at their fields.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Locator, Page } from "@playwright/test";

import { expectAccessible } from "../support/desk";
import { expect, test } from "../support/page";
import { Running, ServerReady, startServer } from "../support/servers";

let folder: string;
let server: Running<ServerReady>;

const start = () => startServer({ folder, env: { TRUETAPE__STREAM__MAX_TOPICS: "300" } });

test.beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "truetape-configuration-"));
  server = await start();
});

test.afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function open(page: Page): Promise<void> {
  await page.goto(`${server.ready.url}configuration`);
  await expect(row(page, "stream.ping_ms")).toBeVisible({ timeout: 20_000 });
}

const row = (page: Page, key: string): Locator => page.locator(`[data-testid="setting"][data-key="${key}"]`);
const field = (page: Page, key: string): Locator => page.locator(`[id="setting-${key}"]`);

test("changes are saved together, apply, wait for a restart where they must, and survive it", async ({ page }) => {
  await open(page);
  const bar = page.getByTestId("save-bar");
  await expect(bar).toBeHidden();
  await field(page, "stream.ping_ms").fill("20000");
  await expect(row(page, "stream.ping_ms")).toHaveAttribute("data-state", "edited");
  await field(page, "desk.protection_bps").fill("500");
  await expect(bar).toContainText("2 changes");
  await page.getByTestId("save").click();
  await expect(page.getByTestId("configuration-note")).toHaveText("Saved 2 changes.");
  await expect(bar).toBeHidden();
  await expect(row(page, "stream.ping_ms").getByTestId("setting-facts")).toContainText("default 25000 · changed here");
  await expect(page.getByTestId("pending")).toContainText("1 change waits for a restart");
  await expect(page.getByTestId("pending")).toContainText("200 to 500");
  await expectAccessible(page, ".configuration-page");

  await server.stop();
  server = await start();
  await open(page);
  await expect(field(page, "desk.protection_bps")).toHaveValue("500");
  await expect(page.getByTestId("pending")).toBeHidden();
  await row(page, "desk.protection_bps").getByTestId("setting-reset").click();
  await expect(field(page, "desk.protection_bps")).toHaveValue("200");
  await page.getByTestId("save").click();
  await expect(page.getByTestId("pending")).toContainText("500 to 200");
});

test("a value that cannot be used is said at its field, and a variable's value cannot be changed", async ({ page }) => {
  await open(page);
  await field(page, "stream.ping_ms").fill("often");
  await field(page, "stream.history_len").fill("700");
  await page.getByTestId("save").click();
  await expect(row(page, "stream.ping_ms").getByTestId("setting-fault")).toHaveText("write a whole number from 100 to 600000");
  await expect(page.getByTestId("configuration-note")).toContainText("Nothing was saved");
  await expect(page.getByTestId("save-bar")).toContainText("2 changes");
  await expect(page.getByTestId("first-fault")).toHaveText("Ping interval: write a whole number from 100 to 600000");
  await page.getByTestId("first-fault").click();
  await expect(field(page, "stream.ping_ms")).toBeInViewport();
  await page.getByTestId("discard").click();
  await expect(page.getByTestId("first-fault")).toBeHidden();
  await expect(field(page, "stream.history_len")).toHaveValue("600");

  await expect(field(page, "stream.max_topics")).toBeDisabled();
  const facts = row(page, "stream.max_topics").getByTestId("setting-facts");
  await expect(facts).toContainText("set by TRUETAPE__STREAM__MAX_TOPICS; change it there");
});

test("a search finds settings by words, and says when there is none", async ({ page }) => {
  await open(page);
  await page.getByTestId("setting-search").fill("port");
  await expect(row(page, "server.listen")).toBeVisible();
  await expect(row(page, "stream.ping_ms")).toHaveCount(0);
  await page.getByTestId("setting-search").fill("finnhub token");
  await expect(row(page, "venues.finnhub.token")).toBeVisible();
  await page.getByTestId("setting-search").fill("nothing like it");
  await expect(page.getByTestId("nothing-found")).toHaveText("No setting matches “nothing like it”");
  await page.getByTestId("setting-search").fill("");
  await page.getByTestId("only-changed").check();
  await expect(row(page, "stream.max_topics")).toBeVisible();
  await expect(row(page, "stream.ping_ms")).toHaveCount(0);
});

test("an exported file has no secret, and an imported one is shown before it is applied", async ({ page }) => {
  await open(page);
  await page.getByTestId("setting-search").fill("finnhub token");
  await field(page, "venues.finnhub.token").fill("s3cret");
  await page.getByTestId("save").click();
  await expect(page.getByTestId("configuration-note")).toHaveText("Saved 1 change.");
  await expect(row(page, "venues.finnhub.token").getByTestId("setting-facts")).toContainText("set · changed here");
  await expect(field(page, "venues.finnhub.token")).toHaveValue("");
  const download = page.waitForEvent("download");
  await page.getByTestId("export").click();
  const text = readFileSync((await (await download).path())!, "utf8");
  expect(text).toContain("max_topics = 300");
  expect(text).not.toContain("s3cret");

  const upload = (toml: string) =>
    page.getByTestId("import-field").setInputFiles({ name: "settings.toml", mimeType: "application/toml", buffer: Buffer.from(toml) });
  const panel = page.getByTestId("import-panel");
  await upload("[stream]\nping_ms = 1\n");
  await expect(panel).toContainText("stream.ping_ms = 1: write a whole number from 100 to 600000");
  await expect(page.getByTestId("import-apply")).toBeHidden();
  await upload("[stream]\nping_ms = 30000\nhistory_len = 600\n");
  await expect(panel).toContainText("The file makes 1 change");
  await expect(panel).toContainText("25000 to 30000");
  await page.getByTestId("import-apply").click();
  await expect(panel).toBeHidden();
  await page.getByTestId("setting-search").fill("");
  await expect(field(page, "stream.ping_ms")).toHaveValue("30000");
});

test("leaving with unsaved changes asks", async ({ page }) => {
  await open(page);
  await field(page, "stream.ping_ms").fill("20000");
  const answers = [false, true];
  page.on("dialog", (dialog) => void (answers.shift() ? dialog.accept() : dialog.dismiss()));
  const markets = page.getByRole("link", { name: "Markets", exact: true }).first();
  await markets.click();
  await expect(page).toHaveURL(/\/configuration$/);
  await expect(field(page, "stream.ping_ms")).toHaveValue("20000");
  await markets.click();
  await expect(page).toHaveURL(/\/markets$/);
  expect(answers).toEqual([]);
});

test("followed symbols are kept and forgotten", async ({ page }) => {
  await open(page);
  const first = page.getByTestId("keep").first();
  await expect(first).not.toBeChecked();
  await first.check();
  await expect(page.getByTestId("configuration-note")).toContainText("is followed after a restart, too.");
  await page.getByTestId("keep").first().uncheck();
  await expect(page.getByTestId("configuration-note")).toContainText("is followed until the next restart.");
});

test("at 360 px nothing scrolls sideways", async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await open(page);
  await field(page, "stream.ping_ms").fill("20000");
  await expect(page.getByTestId("save-bar")).toBeInViewport();
  for (const part of ["html", ".frame__main"]) {
    const excess = await page.locator(part).evaluate((element) => element.scrollWidth - element.clientWidth);
    expect(excess, part).toBe(0);
  }
});
