// Users, added beside or before a server as people do it, and their login.
import { spawnSync } from "node:child_process";

import { Page } from "@playwright/test";

import { expect } from "./page";

/** Strong enough for every user here. */
export const PASSWORD = "correct horse battery staple";

/** Runs `truetape user` on a data folder; returns what it prints. */
export function user(folder: string, args: string[], input = ""): string {
  const run = spawnSync(process.env.TRUETAPE_BIN!, ["user", "--data-dir", folder, ...args], { input, encoding: "utf8" });
  expect(run.status, run.stderr).toBe(0);
  return run.stdout.trim();
}

/** Fills in the form of the login page; the code, if there is one, into the field for it. */
export async function logIn(page: Page, name: string, password = PASSWORD, code?: string): Promise<void> {
  await page.locator("input[name=user]").fill(name);
  await page.locator("input[name=password]").fill(password);
  if (code !== undefined) await page.locator("input[name=one_time_code]").fill(code);
  await page.getByRole("button", { name: "Log in" }).click();
}
