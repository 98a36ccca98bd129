// Measures a press of Buy with one-click on: to the desk's answer in the page, to the first frame that shows it, and to
// the first frame that shows the order in the list. The order is durable by then. ORDERS (100) sets how many.
import { expect, Page, test } from "@playwright/test";

import { priceBelow, symbol } from "../support/desk";
import { openLive } from "../support/page";
import { startServer } from "../support/servers";

const N_ORDERS = Number(process.env.ORDERS ?? "100");

/** Milliseconds since the press. */
interface Times {
  answer: number;
  answerShown: number;
  orderShown: number;
}

function row(name: string, values: number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1).padStart(7);
  return `${name.padEnd(34)} n ${String(sorted.length).padStart(4)}   p50 ${at(0.5)}   p99 ${at(0.99)} ms`;
}

/** Presses Buy and waits for the order, all in the page, so that the test's own messages do not count. */
function press(page: Page): Promise<Times> {
  return page.evaluate(
    () =>
      new Promise<Times>((resolve) => {
        const ticket = document.querySelector('[data-testid="ticket"]')!;
        const answer = document.querySelector('[data-testid="ticket-answer"]')!;
        const orders = () => [...document.querySelectorAll<HTMLElement>('.orders-panel [data-testid="order"][data-state="open"]')];
        const before = new Set(orders().map((order) => order.dataset.id));
        const times: Partial<Times> = {};
        const begin = performance.now();
        /** Called once the frame that has the change is painted. */
        const painted = (then: () => void) =>
          requestAnimationFrame(() => {
            const channel = new MessageChannel();
            channel.port1.onmessage = then;
            channel.port2.postMessage(0);
          });
        const shown = (name: "answerShown" | "orderShown") =>
          painted(() => {
            times[name] = performance.now() - begin;
            if (times.answerShown !== undefined && times.orderShown !== undefined) resolve(times as Times);
          });
        let isListed = false;
        const look = () => {
          const isAccepted = ticket.getAttribute("data-stage") === "accepted" && /order \d+ is open/.test(answer.textContent ?? "");
          if (times.answer === undefined && isAccepted) {
            times.answer = performance.now() - begin;
            shown("answerShown");
          }
          if (!isListed && orders().some((order) => !before.has(order.dataset.id))) {
            isListed = true;
            shown("orderShown");
          }
          if (times.answer !== undefined && isListed) observer.disconnect();
        };
        const observer = new MutationObserver(look);
        observer.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
        document.querySelector<HTMLElement>('[data-testid="ticket-buy"]')!.click();
      }),
  );
}

test("from the press to the answer and to the pixel", async ({ page }) => {
  const server = await startServer();
  try {
    await page.setViewportSize({ width: 1440, height: 900 });
    await openLive(page, server.ready.url, symbol);
    await expect(page.getByTestId("ticket-free")).toHaveText(/\d.* USD$/, { timeout: 20_000 });
    await page.getByTestId("ticket-price").fill(await priceBelow(page, server.ready.url, 0.02));
    await page.getByTestId("ticket-size").fill("0.01");
    await page.getByTestId("one-click").check();
    const all: Times[] = [];
    for (let number = 0; number < N_ORDERS; number += 1) {
      all.push(await press(page));
      await fetch(`${server.ready.url}api/v1/orders`, { method: "DELETE" });
      await expect(page.getByTestId("live-orders-count")).toHaveText("0");
      // The answer of the last order is gone before the next press.
      await expect(page.getByTestId("ticket-answer")).toContainText("cancelled");
      await page.waitForTimeout(100 + 7 * (number % 15));
    }
    console.log(row("press -> answer in the page", all.map((times) => times.answer)));
    console.log(row("press -> frame with the answer", all.map((times) => times.answerShown)));
    console.log(row("press -> frame with the order", all.map((times) => times.orderShown)));
  } finally {
    await server.stop();
  }
});
