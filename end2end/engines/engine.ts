// One interface to three browsers: Chromium and Firefox by puppeteer-core (the DevTools protocol and WebDriver BiDi), WebKit
// by selenium-webdriver. Each is the system's own program; not here: what the tests look for.
import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";

import { launch } from "puppeteer-core";
import { Browser as Name, Builder, Capabilities } from "selenium-webdriver";

/** A browser with one page. */
export interface Engine {
  /** Name and version as the browser gives them. */
  version: string;
  open(url: string): Promise<void>;
  /** Evaluates an expression in the page. */
  evaluate<T>(expression: string): Promise<T>;
  /** Clicks the middle of the first element with a test id, as a mouse does. */
  click(id: string): Promise<void>;
  /** Puts text in place of what a field holds, key by key. */
  fill(id: string, text: string): Promise<void>;
  screenshot(file: string): Promise<void>;
  close(): Promise<void>;
}

/** The name of an engine's program, and the Debian package that has it. */
const PROGRAMS: Record<string, { names: string[]; debian: string }> = {
  chromium: { names: ["chromium", "chromium-browser", "google-chrome"], debian: "chromium" },
  firefox: { names: ["firefox-esr", "firefox"], debian: "firefox-esr" },
  webkit: { names: ["WebKitWebDriver"], debian: "webkit2gtk-driver" },
};

/** Starts an engine; returns a sentence instead if a program is missing. */
export async function start(engine: string): Promise<Engine | string> {
  const { names, debian } = PROGRAMS[engine]!;
  const program = names.map(onPath).find((path) => path !== undefined);
  if (program === undefined) return `${engine}: there is no ${names[0]} (Debian package ${debian})`;
  if (engine === "webkit") return webkit(program);
  return puppeteer(engine as "chromium" | "firefox", program);
}

function onPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function selector(id: string): string {
  return `[data-testid="${id}"]`;
}

async function puppeteer(browser: "chromium" | "firefox", program: string): Promise<Engine> {
  const args = browser === "chromium" ? ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] : [];
  const running = await launch({
    browser: browser === "chromium" ? "chrome" : "firefox",
    executablePath: program,
    headless: true,
    args,
    defaultViewport: { width: 1440, height: 900 },
  });
  const page = await running.newPage();
  return {
    version: await running.version(),
    open: async (url) => void (await page.goto(url)),
    evaluate: async (expression) => (await page.evaluate(expression)) as never,
    click: async (id) => page.locator(selector(id)).click(),
    fill: async (id, text) => {
      await page.locator(selector(id)).click({ count: 3 });
      await page.keyboard.press("Backspace");
      await page.keyboard.type(text);
    },
    screenshot: async (file) => void (await page.screenshot({ path: file as `${string}.png` })),
    close: () => running.close(),
  };
}

/** WebKitGTK needs a display: a virtual one, unless there is one already. */
async function webkit(program: string): Promise<Engine | string> {
  const xvfb = onPath("Xvfb");
  if (xvfb === undefined) return "webkit: there is no Xvfb (Debian package xvfb)";
  const display = spawn(xvfb, ["-displayfd", "3", "-screen", "0", "1500x1100x24"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const number = await new Promise<string>((resolve, reject) => {
    display.once("error", reject);
    display.stdio[3]!.once("data", (bytes: Buffer) => resolve(bytes.toString().trim()));
  });
  const port = await freePort();
  const env: NodeJS.ProcessEnv = { ...process.env, DISPLAY: `:${number}`, LIBGL_ALWAYS_SOFTWARE: "1" };
  delete env.WAYLAND_DISPLAY;
  // Its sandbox wants a user other than root; the pages are our own.
  if (process.getuid?.() === 0) env.WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS = "1";
  const driver = spawn(program, [`--port=${port}`], { stdio: "ignore", env });
  const stop = (): void => {
    driver.kill();
    display.kill();
  };
  try {
    await answering(port);
    const browser = miniBrowser();
    const capabilities = new Capabilities().set("browserName", "MiniBrowser");
    if (browser !== undefined) {
      capabilities.set("webkitgtk:browserOptions", { binary: browser, args: ["--automation"] });
    }
    const session = await new Builder()
      .usingServer(`http://127.0.0.1:${port}`)
      .forBrowser(Name.SAFARI)
      .withCapabilities(capabilities)
      .build();
    await session.manage().window().setRect({ width: 1440, height: 960, x: 0, y: 0 });
    const element = (id: string) => session.findElement({ css: selector(id) });
    const found = await session.getCapabilities();
    return {
      version: `WebKitGTK ${found.get("browserVersion")}`,
      open: (url) => session.get(url),
      evaluate: (expression) => session.executeScript(`return (${expression});`),
      click: async (id) => {
        const one = await element(id);
        await session.executeScript("arguments[0].scrollIntoView({ block: 'center' });", one);
        await one.click();
      },
      fill: async (id, text) => {
        const one = await element(id);
        await one.clear();
        await one.sendKeys(text);
      },
      screenshot: async (file) => writeFileSync(file, await session.takeScreenshot(), "base64"),
      close: async () => {
        await session.quit().catch(() => undefined);
        stop();
      },
    };
  } catch (error) {
    stop();
    throw error;
  }
}

/** The browser that comes with the library; it is in no folder of PATH. */
function miniBrowser(): string | undefined {
  const machine = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  const places = ["4.1", "4.0"].map((version) => `/usr/lib/${machine}/webkit2gtk-${version}/MiniBrowser`);
  return places.find((path) => existsSync(path));
}

async function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function answering(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/status`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("WebKitWebDriver does not answer");
}
