// Direct mode from the reader's side: the switch in the settings, and the simulator's view of it.
import { Page, expect } from "@playwright/test";

import { SimReady } from "./servers";

export type Way = "server" | "direct";

/** Chooses a venue's source in the settings, as a reader does. */
export async function choose(page: Page, venue: string, way: Way): Promise<void> {
  await page.getByTestId("settings-open").click();
  await page.getByTestId(`data-path-${venue}-${way}`).check();
  await page.keyboard.press("Escape");
}

/** Waits until the venue's displayed data comes from that source. */
export async function arrived(page: Page, way: Way): Promise<void> {
  const mode = page.getByTestId("stream-mode");
  if (way === "direct") await expect(mode).toHaveText(/direct/, { timeout: 20_000 });
  else await expect(mode).toBeHidden({ timeout: 20_000 });
  await expect(page.getByTestId("stream-status")).toHaveAttribute("data-state", "live", { timeout: 20_000 });
}

interface SimState {
  n_clients: number;
  n_connects: number;
  streams: Record<string, unknown>;
}

export async function simState(sim: SimReady): Promise<SimState> {
  return (await (await fetch(`${sim.control_url}/state`)).json()) as SimState;
}
