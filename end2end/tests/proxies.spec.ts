// The page below a path of a reverse proxy, two levels deep, behind each of the four that the documents describe.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { PASSWORD, logIn, user } from "../support/access";
import { arrived, choose } from "../support/direct";
import { expect, number, openLive, test } from "../support/page";
import { KINDS, freePort, programOf, startProxy } from "../support/proxies";
import { startServer } from "../support/servers";

test.use({ serviceWorkers: "allow" });

for (const kind of KINDS) {
  test(`the Live page behind ${kind.name}, its prefix ${kind.isKept ? "kept" : "stripped"}`, async ({ page, errors }) => {
    test.setTimeout(120_000);
    test.skip(programOf(kind) === undefined, `${kind.name} needs Debian's package ${kind.package}`);
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), "truetape-proxy-"));
    user(folder, ["add", "ada"], `${PASSWORD}\n`);
    const server = await startServer({ folder, config: `[server]\nallowed_hosts = ["127.0.0.1:${port}"]\ntrusted_proxies = ["127.0.0.1"]\n` });
    const proxy = await startProxy(kind, port, server.ready.url);
    const outside: string[] = [];
    page.on("request", (request) => {
      if (request.url().startsWith("http") && !request.url().startsWith(proxy.url)) outside.push(request.url());
    });
    const sockets: string[] = [];
    page.on("websocket", (socket) => sockets.push(socket.url()));
    try {
      // People log in through the proxy, and come back to the page that they asked for.
      await page.goto(`${proxy.url}markets`);
      await logIn(page, "ada");
      await expect(page).toHaveURL(`${proxy.url}markets`);
      await openLive(page, proxy.url);
      expect(sockets[0]).toBe(`${proxy.url.replace("http", "ws")}ws`);
      const price = await number(page.getByTestId("price"));
      await expect.poll(() => number(page.getByTestId("price")), { timeout: 10_000 }).not.toBe(price);
      await expect(page.getByTestId("chart")).toHaveAttribute("data-bars", /^50\d$/, { timeout: 15_000 });
      await expect(page.getByTestId("book")).toHaveAttribute("data-state", "live", { timeout: 15_000 });

      // Links and history stay below the path, and load nothing again.
      await page.evaluate(() => {
        (window as unknown as { notReloaded: boolean }).notReloaded = true;
      });
      await page.locator('.rail a[title="Markets"]').click();
      await expect(page).toHaveURL(`${proxy.url}markets`);
      await expect(page.locator('.rail a[title="Markets"]')).toHaveAttribute("aria-current", "page");
      await page.locator('.rail a[title="History"]').click();
      await expect(page).toHaveURL(`${proxy.url}history`);
      await page.goBack();
      await expect(page).toHaveURL(`${proxy.url}markets`);
      await page.goBack();
      await expect(page.getByTestId("price")).toHaveText(/\d/);
      expect(await page.evaluate(() => (window as unknown as { notReloaded?: boolean }).notReloaded)).toBe(true);

      // A page opened by its address, and one that does not exist.
      await page.goto(`${proxy.url}risk`);
      await expect(page.locator("main h1")).toHaveText("Risk", { timeout: 15_000 });
      const lost = await page.request.get(`${proxy.url}nothing`, { headers: { accept: "text/html" } });
      expect(lost.status()).toBe(404);

      // The worker of direct mode, its program and its requests.
      await openLive(page, proxy.url);
      await choose(page, "demo", "direct");
      await arrived(page, "direct");
      await choose(page, "demo", "server");
      await arrived(page, "server");

      // The service worker has this path and nothing else.
      const scope = await page.evaluate(async () => (await navigator.serviceWorker.ready).scope);
      expect(scope).toBe(proxy.url);
      const manifest = (await (await page.request.get(`${proxy.url}manifest.webmanifest`)).json()) as { start_url: string; icons: { src: string }[] };
      expect(new URL(manifest.start_url, proxy.url).href).toBe(proxy.url);
      for (const { src } of manifest.icons) expect((await page.request.get(new URL(src, proxy.url).href)).status(), src).toBe(200);
      expect(outside, "everything is below the path").toEqual([]);
    } finally {
      await proxy.stop();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
      // The page of the login comes with 401, which the browser notes.
      errors.splice(0, errors.length, ...errors.filter((error) => !error.includes("401 (Unauthorized)")));
    }
  });
}
