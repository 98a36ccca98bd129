// In place of service-worker.js while server.offline_page is false: removes the service worker and what it has kept.
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => {
  const remove = async () => {
    const prefix = `truetape ${new URL("./", location.href).href} `;
    const kept = (await caches.keys()).filter((name) => name.startsWith(prefix));
    await Promise.all(kept.map((name) => caches.delete(name)));
    await registration.unregister();
  };
  event.waitUntil(remove());
});
