// The reverse proxies of docs/proxies, with the configuration printed there: the test's addresses take the place of the
// example's. All other combinations are in server/tests/proxies.
import { ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

export interface Kind {
  name: string;
  program: string;
  /** Debian's package. */
  package: string;
  snippet: string;
  isKept: boolean;
  /** Returns the whole configuration, in clear text, for the file of the documents. */
  adapt: (text: string, port: number, folder: string) => string;
  args: (file: string, folder: string) => string[];
}

const without = (text: string, mark: RegExp): string => text.split("\n").filter((line) => !mark.test(line)).join("\n");

export const KINDS: Kind[] = [
  {
    name: "nginx",
    program: "nginx",
    package: "nginx-light",
    snippet: "nginx.conf",
    isKept: false,
    adapt: (text, port, folder) => {
      const site = without(text.replace("listen 443 ssl;", `listen 127.0.0.1:${port};`), /ssl_certificate/);
      const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join("\n");
      return `daemon off;\nmaster_process off;\npid ${folder}/pid;\nerror_log ${folder}/error.log;\nevents {}\nhttp {\naccess_log off;\n${temporary}\n${site}}\n`;
    },
    args: (file, folder) => ["-c", file, "-p", folder, "-e", join(folder, "error.log")],
  },
  {
    name: "Caddy",
    program: "caddy",
    package: "caddy",
    snippet: "Caddyfile",
    isKept: true,
    adapt: (text, port, folder) => {
      const site = text.replace("https://trading.example.org {", `http://127.0.0.1:${port} {`).replace("\thandle_path ", "\thandle ");
      return `{\n\tadmin off\n\tauto_https off\n\tstorage file_system ${folder}/storage\n}\n${without(site, /^\ttls /)}`;
    },
    args: (file) => ["run", "--adapter", "caddyfile", "--config", file],
  },
  {
    name: "HAProxy",
    program: "haproxy",
    package: "haproxy",
    snippet: "haproxy.cfg",
    isKept: false,
    adapt: (text, port) => text.replace("bind :443 ssl crt /etc/ssl/trading.example.org.pem", `bind 127.0.0.1:${port}`),
    args: (file) => ["-db", "-f", file],
  },
  {
    name: "Apache",
    program: "apache2",
    package: "apache2",
    snippet: "apache.conf",
    isKept: true,
    adapt: (text, port, folder) => {
      const site = text.replace("<VirtualHost *:443>", `<VirtualHost 127.0.0.1:${port}>`).replace(":3000/ upgrade", ":3000/desk/live/ upgrade");
      const modules = ["mpm_event", "authz_core", "headers", "proxy", "proxy_http"].map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`);
      return [
        `ServerRoot ${folder}`,
        "ServerName 127.0.0.1",
        `Listen 127.0.0.1:${port}`,
        `PidFile ${folder}/pid`,
        `ErrorLog ${folder}/error.log`,
        `DefaultRuntimeDir ${folder}`,
        "User #33",
        "Group #33",
        ...modules,
        without(site, /SSL/),
      ].join("\n");
    },
    args: (file) => ["-DFOREGROUND", "-f", file],
  },
];

/** Returns a proxy's program; nothing if it is not installed. */
export function programOf(kind: Kind): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  return folders.map((folder) => join(folder, kind.program)).find((file) => existsSync(file));
}

/** Returns a port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Starts a proxy on `port` in front of a server; the page is at `/desk/live/`. */
export async function startProxy(kind: Kind, port: number, serverUrl: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "truetape-proxy-"));
  const snippet = readFileSync(join(import.meta.dirname, "../../docs/proxies", kind.snippet), "utf8");
  const text = kind.adapt(snippet, port, folder).replaceAll("127.0.0.1:3000", new URL(serverUrl).host);
  const file = join(folder, "proxy.conf");
  writeFileSync(file, text);
  const child = spawn(programOf(kind)!, kind.args(file, folder), { cwd: folder, env: { ...process.env, HOME: folder }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (data) => (output += data));
  child.stderr.on("data", (data) => (output += data));
  const stop = async () => {
    if (child.exitCode === null) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await listening(child, port);
  } catch (error) {
    await stop();
    throw new Error(`${kind.name} does not listen: ${error}\n${output}\n${text}`);
  }
  return { url: `http://127.0.0.1:${port}/desk/live/`, stop };
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.unref();
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("too late");
}
