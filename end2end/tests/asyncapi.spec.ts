// The AsyncAPI document against AsyncAPI's own parser: the one that the real server sends. No browser.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { DiagnosticSeverity, Parser } from "@asyncapi/parser";
import { expect, test } from "@playwright/test";

import { Running, ServerReady, startServer } from "../support/servers";

let server: Running<ServerReady>;

test.beforeAll(async () => {
  server = await startServer();
});

test.afterAll(async () => {
  await server.stop();
});

test("the parser finds no fault in the document that the server sends", async () => {
  const answer = await fetch(`${server.ready.url}api/v1/asyncapi.json`);
  expect(answer.headers.get("content-type")).toBe("application/json");
  const text = await answer.text();
  const { document, diagnostics } = await new Parser().parse(text);
  const faults = diagnostics.filter(({ severity }) => severity <= DiagnosticSeverity.Warning);
  expect(faults.map(({ code, path, message }) => `${code} at ${path.join(".")}: ${message}`)).toEqual([]);
  expect(document!.version()).toBe("3.0.0");
  expect(document!.channels().get("stream")!.messages().length).toBeGreaterThan(15);
  expect(document!.channels().get("quote")!.address()).toBe("quote:{instrument}");
  const subscribe = document!.operations().get("receive_subscribe")!;
  expect(subscribe.isReceive()).toBe(true);
  expect(subscribe.reply()!.messages().map((message) => message.id()).sort()).toEqual(["refused", "subscribed"]);
});

test("the file in the repository is the document that the server sends", async () => {
  const file = readFileSync(join(import.meta.dirname, "..", "..", "docs", "api", "asyncapi.json"), "utf8");
  expect(await (await fetch(`${server.ready.url}api/v1/asyncapi.json`)).text()).toBe(file);
});

test("the page of the documents runs nothing and reaches nothing", async ({ page }) => {
  const failures: string[] = [];
  page.on("console", (message) => message.type() === "error" && failures.push(message.text()));
  const requested: string[] = [];
  page.on("request", (request) => requested.push(request.url()));
  await page.goto(`${server.ready.url}api/v1/docs`);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Truetape API");
  await page.getByRole("link", { name: "Order book" }).click();
  await expect(page.locator("#get_book")).toBeInViewport();
  await page.locator("#get_book").getByRole("link", { name: "Book", exact: true }).click();
  await expect(page.locator("#schema-Book")).toBeInViewport();
  await page.locator("#schema-Book summary").click();
  await expect(page.locator("#schema-Book pre")).toContainText("last_update_id");
  expect(requested.filter((url) => !url.startsWith(server.ready.url))).toEqual([]);
  expect(failures.filter((text) => !text.includes("favicon"))).toEqual([]);
});
