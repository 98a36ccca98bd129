// Logging in as people do: the set-up at the first start, the login, one's own account, users, and the end of a session.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Page } from "@playwright/test";

import { PASSWORD, logIn, user as run } from "../support/access";
import { expect, test } from "../support/page";
import { expectAccessible as axe } from "../support/desk";
import { Running, ServerReady, startServer } from "../support/servers";
import { oneTimeCode } from "../support/totp";

const CONFIG = '[access]\nlogin = "always"\n';

let folder: string;
let server: Running<ServerReady>;

test.beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "truetape-access-"));
  server = await startServer({ folder, config: CONFIG });
});

test.afterEach(async ({ errors }) => {
  // The browser notes every refusal: the page of the login (401), a weak password (400), the last admin (409).
  errors.splice(0, errors.length, ...errors.filter((error) => !/status of (400|401|409)/.test(error)));
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const user = (args: string[], input = ""): string => run(folder, args, input);

/** Adds an admin and maybe another user, and waits until the running server knows. */
async function withUsers(page: Page, trader?: string): Promise<void> {
  user(["add", "ada"], `${PASSWORD}\n`);
  if (trader) user(["add", trader, "--role", "trader"], `${PASSWORD}\n`);
  const login = async () => ((await (await page.request.get(`${server.ready.url}api/v1/session`)).json()) as { login: string }).login;
  await expect.poll(login).toBe("needed");
  // The second one comes with the same look at the tables, or the next.
  await page.waitForTimeout(trader ? 600 : 0);
}

test("the first start asks for the printed code, and then everybody logs in", async ({ page }) => {
  await page.goto(`${server.ready.url}markets`);
  await expect(page.getByRole("heading", { name: "Set up Truetape" })).toBeVisible();
  await axe(page);
  const code = /\b[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}\b/.exec(server.log())![0];
  await page.locator("input[name=code]").fill("AAAA-AAAA-AAAA");
  await page.locator("input[name=user]").fill("ada");
  await page.locator("input[name=password]").fill(PASSWORD);
  await page.getByRole("button", { name: "Create the first user" }).click();
  await expect(page.getByTestId("login-problem")).toContainText("set-up code is wrong");
  await page.locator("input[name=code]").fill(code);
  await page.locator("input[name=password]").fill(PASSWORD);
  await page.getByRole("button", { name: "Create the first user" }).click();
  await expect(page).toHaveURL(/\/markets$/);
  await expect(page.getByRole("heading", { name: "Markets" })).toBeVisible();
  // Another browser sees the login.
  const other = await page.context().browser()!.newContext();
  const stranger = await other.newPage();
  await stranger.goto(server.ready.url);
  await expect(stranger.getByRole("heading", { name: "Log in" })).toBeVisible();
  await axe(stranger);
  await logIn(stranger, "ada", "something else");
  await expect(stranger.getByTestId("login-problem")).toHaveText("Name, password or code is wrong.");
  await logIn(stranger, "ada");
  await expect(stranger.locator("[data-connection=connected], [data-testid=connection]").first()).toBeVisible();
  await other.close();
});

test("one's own account: a token, another password, and logging out", async ({ page }) => {
  await withUsers(page, "tom");
  await page.goto(`${server.ready.url}account`);
  await logIn(page, "tom");
  await expect(page.getByTestId("account-who")).toHaveText("tom, trader: looks on and trades", { timeout: 20_000 });
  await expect(page.getByTestId("session")).toHaveCount(1);
  await axe(page);

  await page.getByTestId("token-label").fill("backup");
  await page.getByTestId("token-make").click();
  const made = page.getByTestId("made-token").locator("code");
  await expect(made).toHaveText(/^truetape_/);
  const token = (await made.textContent())!;
  const status = await page.request.get(`${server.ready.url}api/v1/status`, { headers: { authorization: `Bearer ${token}`, cookie: "" } });
  expect(status.ok()).toBe(true);
  await page.getByTestId("token-revoke").click();
  await expect(page.getByTestId("token")).toHaveCount(0);

  await page.getByTestId("password-old").fill(PASSWORD);
  await page.getByTestId("password-new").fill("password");
  await page.getByTestId("password-save").click();
  await expect(page.getByTestId("account-note")).toContainText("at least 10 characters");
  await page.getByTestId("password-new").fill("four other unrelated words");
  // The page loads again with its new session.
  const loaded = page.waitForEvent("load");
  await page.getByTestId("password-save").click();
  await loaded;
  await expect(page.getByTestId("account-who")).toContainText("tom", { timeout: 20_000 });

  await page.getByTestId("logout").click();
  await expect(page.getByRole("heading", { name: "Log in" })).toBeVisible();
  await logIn(page, "tom", "four other unrelated words");
  await expect(page.getByTestId("account-who")).toContainText("tom", { timeout: 20_000 });
});

test("what concerns only those who run the server is for admins", async ({ page, browser }) => {
  // A file that cannot be read is a notice, and somebody has to do something about it.
  await server.stop();
  writeFileSync(join(folder, "followed.json"), "{");
  server = await startServer({ folder, config: CONFIG });
  await withUsers(page);
  user(["add", "vera", "--role", "viewer"], `${PASSWORD}\n`);
  await page.goto(`${server.ready.url}alerts`);
  await logIn(page, "ada");
  const webhook = { url: "https://hooks.example/T0PSECRET", secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" };
  const channel = { channel_id: "ops", name: "Ops", is_paused: true, kind: { webhook } };
  const saved = await page.request.post(`${server.ready.url}api/v1/alerts`, { data: { save_channel: { channel } } });
  expect(saved.status(), await saved.text()).toBe(200);
  await expect(page.getByTestId("server-notice")).toContainText("cannot be read", { timeout: 20_000 });
  await page.getByTestId("alert-tab-channels").click();
  await expect(page.getByTestId("channel-target")).toHaveText("https://hooks.example/…");
  await page.getByTestId("channel-edit").click();
  await expect(page.getByTestId("channel-form").getByTestId("channel-url")).toHaveValue(webhook.url);

  const context = await browser.newContext();
  const viewer = await context.newPage();
  await viewer.goto(`${server.ready.url}alerts`);
  await logIn(viewer, "vera");
  await viewer.getByTestId("alert-tab-channels").click();
  await expect(viewer.getByTestId("channel-target")).toHaveText("https://hooks.example/…", { timeout: 20_000 });
  for (const button of ["channel-test", "channel-pause", "channel-edit", "channel-delete", "new-channel"]) {
    await expect(viewer.getByTestId(button)).toBeHidden();
  }
  await expect(viewer.getByTestId("health")).toHaveAttribute("data-health", /good|degraded/, { timeout: 20_000 });
  await expect(viewer.getByTestId("server-notice")).toBeHidden();
  expect(await viewer.content()).not.toContain("T0PSECRET");
  await context.close();
});

test("an admin adds, changes and removes users, and reads what was done", async ({ page }) => {
  await withUsers(page);
  await page.goto(`${server.ready.url}account`);
  await logIn(page, "ada");
  await page.getByTestId("user-name").fill("vera");
  await page.getByTestId("user-password").fill(PASSWORD);
  await page.getByTestId("user-add").click();
  await expect(page.getByTestId("account-note")).toHaveText("Added vera, viewer");
  const vera = page.getByTestId("user").filter({ hasText: "vera" });
  await vera.getByRole("combobox").selectOption("trader");
  await expect(page.getByTestId("account-note")).toContainText("vera is trader now");
  await vera.getByTestId("user-remove").click();
  await vera.getByTestId("user-remove").click();
  await expect(vera).toHaveCount(0);
  // The only admin stays.
  const ada = page.getByTestId("user").filter({ hasText: "ada" });
  await ada.getByTestId("user-remove").click();
  await ada.getByTestId("user-remove").click();
  await expect(page.getByTestId("account-note")).toContainText("ada is the only admin");
  await expect(page.getByTestId("audit-line").first()).toContainText("remove user");
  await axe(page);
});

test("a session that is ended elsewhere says so, and a click leads to the login", async ({ page }) => {
  await withUsers(page, "tom");
  await page.goto(server.ready.url);
  await logIn(page, "tom");
  await expect(page.getByRole("navigation", { name: "Pages" })).toBeVisible();
  await expect(page.locator("html[data-started]")).toHaveCount(1);
  await page.waitForTimeout(500);
  user(["passwd", "tom"], "four other unrelated words\n");
  await expect(page.getByTestId("banner")).toContainText("You are logged out");
  await page.getByTestId("log-in-again").click();
  await expect(page.getByRole("heading", { name: "Log in" })).toBeVisible();
});

test("one-time codes: turned on with an app, needed by the next login, and turned off with a recovery code", async ({ page }) => {
  await withUsers(page, "tom");
  await page.goto(`${server.ready.url}account`);
  await expect(page.locator("input[name=one_time_code]"), "nobody has codes yet").toHaveCount(0);
  await logIn(page, "tom");
  await expect(page.getByTestId("codes-state")).toContainText("Off", { timeout: 20_000 });
  await page.getByTestId("codes-password").fill(PASSWORD);
  await page.getByTestId("codes-begin").click();
  const secret = (await page.getByTestId("codes-secret").textContent())!;
  expect(secret).toMatch(/^[A-Z2-7]{32}$/);
  await expect(page.getByRole("img", { name: "QR code of the secret" })).toBeVisible();
  const recovery = await page.getByTestId("codes-recovery").locator("li").allTextContents();
  expect(recovery).toHaveLength(8);
  await axe(page);
  await page.getByTestId("codes-code").fill("000000");
  await page.getByTestId("codes-confirm").click();
  await expect(page.getByTestId("account-note")).toContainText("six digits of the app");
  await page.getByTestId("codes-code").fill(oneTimeCode(secret));
  // The page loads again with its new session.
  const loaded = page.waitForEvent("load");
  await page.getByTestId("codes-confirm").click();
  await loaded;
  await expect(page.getByTestId("codes-state")).toContainText("8 recovery codes left", { timeout: 20_000 });

  await page.getByTestId("logout").click();
  await logIn(page, "tom");
  await expect(page.getByTestId("login-problem")).toHaveText("Name, password or code is wrong.");
  await axe(page);
  await logIn(page, "tom", PASSWORD, oneTimeCode(secret, 1));
  await expect(page.getByTestId("account-who")).toContainText("tom", { timeout: 20_000 });

  await page.getByTestId("codes-password").fill(PASSWORD);
  await page.getByTestId("codes-code").fill(recovery[0]!);
  const again = page.waitForEvent("load");
  await page.getByTestId("codes-remove").click();
  await again;
  await expect(page.getByTestId("codes-state")).toContainText("Off", { timeout: 20_000 });
});
