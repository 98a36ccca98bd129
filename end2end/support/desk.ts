// The trading desk as a program uses it: commands over the stream in the JSON form.
import AxeBuilder from "@axe-core/playwright";
import { Page } from "@playwright/test";

import { expect } from "./page";

export const symbol = "demo:BTC-SIM";

let nOrders = 0;

export interface Order {
  order_id: string;
  state: string;
  price: string | null;
  quantity: string;
  filled: string;
}

/** Gives the desk a command on a connection of its own; returns its result, or throws the refusal's words. */
export async function command<T>(page: Page, body: Record<string, unknown>): Promise<T> {
  const answer = await page.evaluate(
    (body) =>
      new Promise<{ result?: unknown; refused?: string }>((resolve) => {
        const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws?format=json`);
        socket.onopen = () => {
          socket.send(JSON.stringify({ type: "hello", protocol: 1, lane_ms: 100 }));
          socket.send(JSON.stringify({ type: "command", id: 1, command: body }));
        };
        socket.onmessage = ({ data }) => {
          const message = JSON.parse(data as string);
          if (message.id !== 1) return;
          socket.close();
          resolve(message.type === "ack" ? { result: message.result } : { refused: message.message });
        };
      }),
    body,
  );
  if (answer.refused !== undefined) throw new Error(answer.refused);
  return answer.result as T;
}

/** Places an order; without a price it is a market order. */
export function place(page: Page, side: "buy" | "sell", quantity: string, price?: string): Promise<Order> {
  nOrders += 1;
  const client_order_id = `test-${process.pid}-${nOrders}`;
  const type = price === undefined ? "market" : "limit";
  return command<Order>(page, { place_order: { client_order_id, instrument: symbol, side, type, quantity, price } });
}

/** Returns a price of whole units below the market by `share` (0.1: ten per cent). */
export async function priceBelow(page: Page, url: string, share: number): Promise<string> {
  let best = 0;
  await expect
    .poll(async () => {
      const answer = await page.request.get(`${url}api/v1/book?instrument=${symbol}`);
      const book = answer.ok() ? ((await answer.json()) as { bids: [string, string][] }) : { bids: [] };
      return (best = Number(book.bids[0]?.[0] ?? 0));
    })
    .toBeGreaterThan(0);
  return String(Math.round(best * (1 - share)));
}

/** Opens a page of the desk and waits until its account is known. */
export async function openDesk(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await expect(page.getByTestId("desk-account")).toHaveText("Paper account paper · journal on disk", { timeout: 20_000 });
}

/** Expects that axe finds nothing serious on the page or `within` a part of it, in the dark and in the light. */
export async function expectAccessible(page: Page, within = "body"): Promise<void> {
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    const found = (await new AxeBuilder({ page }).include(within).analyze()).violations;
    const serious = found.filter((one) => one.impact === "serious" || one.impact === "critical");
    expect(serious.map((one) => `${colorScheme} ${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`)).toEqual([]);
  }
}
