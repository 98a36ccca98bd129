// Keeps the page's files, so that the page starts without its server, and opens the page from the server whenever it
// answers. It never keeps answers of the API, and takes no page over that is open: files of two builds never meet.
// The build writes its own name and files into the next two lines.
const BUILD = "unbuilt";
const FILES = [];

// Another Truetape below another path of the same host has a cache of its own.
const SCOPE = new URL("./", location.href).href;
const PREFIX = `truetape ${SCOPE} `;
const CACHE = PREFIX + BUILD;
// A server that is that slow is treated as away: the page connects by itself as soon as it can.
const PATIENCE_MS = 5_000;

addEventListener("install", (event) => {
  const keep = async () => {
    const page = await fetch("./", { cache: "no-store" });
    const text = await page.clone().text();
    // A server that was updated since this script was fetched, or a log-in in front of the page.
    if (!page.ok || page.redirected || !text.includes(`data-build="${BUILD}"`)) throw new Error(`no page of build ${BUILD}`);
    const cache = await caches.open(CACHE);
    await cache.addAll(FILES);
    await cache.put("./", page);
  };
  event.waitUntil(keep());
});

// Runs when no page of an earlier build is left.
addEventListener("activate", (event) => {
  const clear = async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
  };
  event.waitUntil(clear());
});

addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  if (method !== "GET" || !url.startsWith(SCOPE)) return;
  const path = url.slice(SCOPE.length).replace(/[?#].*/, "");
  // Pages are one word: the rest of the host may belong to others.
  if (mode === "navigate" && /^[a-z]*$/.test(path)) event.respondWith(page(event.request));
  else if (path.startsWith("assets/")) event.respondWith(file(event.request));
});

async function page(request) {
  const answer = fetch(request).catch(() => undefined);
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  const first = await Promise.race([answer, late]);
  // Answers of proxies in place of a server that is away.
  if (first !== undefined && ![502, 503, 504].includes(first.status)) return first;
  const kept = await (await caches.open(CACHE)).match("./");
  return kept ?? (await answer) ?? Response.error();
}

async function file(request) {
  return (await (await caches.open(CACHE)).match(request)) ?? fetch(request);
}
