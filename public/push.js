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
    icon: "/icon-192.png",
    requireInteraction: alert.severity === "critical",
    data: { address: alert.instrument ? `/?symbol=${encodeURIComponent(alert.instrument)}` : "/alerts" },
  };
  event.waitUntil(registration.showNotification(alert.title ?? "Truetape", options));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { address } = event.notification.data;
  const open = async () => {
    const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
    const page = pages.find((page) => page.url === new URL(address, location.origin).href) ?? pages[0];
    await (page ? page.focus() : clients.openWindow(address));
  };
  event.waitUntil(open());
});
