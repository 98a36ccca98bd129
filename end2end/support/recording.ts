// Reads recordings and computes, independently of the product, what the page must show after them.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

/** Returns the folder of recordings, or undefined if there is none. */
export function capturesFolder(): string | undefined {
  const folder = process.env.TRUETAPE_CAPTURES;
  return folder && existsSync(folder) ? folder : undefined;
}

export function tapePath(folder: string, name: string): string {
  return join(folder, name);
}

export interface Bar {
  time: number;
  open: string;
  high: string;
  low: string;
  close: string;
  /** Volume in units of the eighth decimal. */
  volume: bigint;
  /** The part bought by aggressors, in the same units. */
  bought: bigint;
}

/** Parses "61837.63000000" into units of the eighth decimal. */
export function units(text: string): bigint {
  const [whole, fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(8, "0").slice(0, 8));
}

/** Formats units of the eighth decimal with `decimals` decimal places; throws if digits would be lost. */
export function shown(value: bigint, decimals: number): string {
  const step = 10n ** BigInt(8 - decimals);
  if (value % step !== 0n) throw new Error(`${value} has more than ${decimals} decimals`);
  const digits = (value / step).toString().padStart(decimals + 1, "0");
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** Returns candles of `intervalMs` from all `trade` frames of the recordings, oldest first. */
export function barsOfTrades(files: string[], symbol: string, intervalMs: number): Bar[] {
  const bars: Bar[] = [];
  for (const file of files) {
    for (const line of gunzipSync(readFileSync(file)).toString("utf8").split("\n")) {
      if (!line.includes("@trade")) continue;
      const entry = JSON.parse(line) as { t: string; data: string };
      if (entry.t !== "recv") continue;
      const trade = (JSON.parse(entry.data) as { data: { e: string; s: string; T: number; p: string; q: string; m: boolean } }).data;
      if (trade.e !== "trade" || trade.s !== symbol) continue;
      const time = Math.floor(trade.T / intervalMs) * intervalMs;
      const last = bars.at(-1);
      const bought = trade.m ? 0n : units(trade.q);
      if (!last || last.time !== time) {
        bars.push({ time, open: trade.p, high: trade.p, low: trade.p, close: trade.p, volume: units(trade.q), bought });
        continue;
      }
      if (units(trade.p) > units(last.high)) last.high = trade.p;
      if (units(trade.p) < units(last.low)) last.low = trade.p;
      last.close = trade.p;
      last.volume += units(trade.q);
      last.bought += bought;
    }
  }
  return bars;
}

/** Returns FNV-1a, 64 bits, of "t,o,h,l,c,v;" for each candle, like the chart's `data-bars-hash`. */
export function barsHash(bars: Bar[], priceDecimals: number, sizeDecimals: number): string {
  const price = (text: string) => shown(units(text), priceDecimals);
  const text = bars
    .map((bar) => `${bar.time},${price(bar.open)},${price(bar.high)},${price(bar.low)},${price(bar.close)},${shown(bar.volume, sizeDecimals)};`)
    .join("");
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return hash.toString(16).padStart(16, "0");
}
