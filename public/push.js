// The service worker of Web Push: shows each pushed alert, and opens the page on a click. It answers no requests of the
// page.
addEventListener("push", (event) => {
  let alert = {};
  try {
    alert = event.data.json();
  } catch {
    // A push without a readable message has to be shown as well, or the browser takes the permission away.
  }
  const options = {
    body: alert.text ?? "",
    tag: alert.rule_id || alert.id,
    icon: new URL("icon-192.png", location.href).href,
    requireInteraction: alert.severity === "critical",
    data: { address: alert.instrument ? `./?symbol=${encodeURIComponent(alert.instrument)}` : "alerts" },
  };
  event.waitUntil(registration.showNotification(alert.title ?? "Truetape", options));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  // Beside this script, wherever a proxy serves it.
  const address = new URL(event.notification.data.address, location.href).href;
  const open = async () => {
    const windows = await clients.matchAll({ type: "window", includeUncontrolled: true });
    const pages = windows.filter((page) => page.url.startsWith(new URL("./", location.href).href));
    const page = pages.find((page) => page.url === address) ?? pages[0];
    await (page ? page.focus() : clients.openWindow(address));
  };
  event.waitUntil(open());
});
