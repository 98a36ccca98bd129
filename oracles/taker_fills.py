"""Fills market orders on a recorded Binance book with hftbacktest, for the test of crates/backtest.

Reads the recording with a parser of its own: the snapshot, and each depth update that follows it, at the time at which
it was received. Every order comes right after a depth update, so that no trade is newer than the book. hftbacktest's
own market orders look 100 ticks deep; an immediate-or-cancel limit order 2 % beyond the best price is the same order
without that bound.

    python oracles/taker_fills.py CAPTURES FILE.json
"""

import gzip
import itertools
import json
import os
import random
import sys
from importlib.metadata import version

import numpy
from hftbacktest import BUY_EVENT, DEPTH_EVENT, DEPTH_SNAPSHOT_EVENT, EXCH_EVENT, LOCAL_EVENT, SELL_EVENT
from hftbacktest import BacktestAsset, HashMapMarketDepthBacktest
from hftbacktest.order import IOC, LIMIT
from hftbacktest.types import event_dtype

RECORDING = "binance/btcusdt_20240808_spot_depth100ms_bookticker_trade.tape.jsonl.gz"
TICK, LOT = 0.01, 0.00001
# An order follows every so many depth updates.
EVERY = 17


def nanos(seconds):
    """The recording's stamp as whole nanoseconds, from its decimal text: a float would lose some."""
    whole, _, fraction = seconds.partition(".")
    return int(whole) * 1_000_000_000 + int(fraction.ljust(9, "0")[:9])


def depth_updates(path):
    """Yields (time, kind, bids, asks) of the snapshot and of each update after it, in order of their receipt."""
    last, waiting = None, []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line, parse_float=str)
            if entry["t"] == "http" and "/depth?" in entry["url"]:
                body = json.loads(entry["data"])
                last = body["lastUpdateId"]
                time = nanos(entry["ts"])
                yield time, DEPTH_SNAPSHOT_EVENT, body["bids"], body["asks"]
                for update in waiting:
                    if update["u"] > last:
                        yield time, DEPTH_EVENT, update["b"], update["a"]
            elif entry["t"] == "recv":
                message = json.loads(entry["data"])
                if message["stream"].endswith("@depth@100ms"):
                    if last is None:
                        waiting.append(message["data"])
                    elif message["data"]["u"] > last:
                        yield nanos(entry["ts"]), DEPTH_EVENT, message["data"]["b"], message["data"]["a"]


def orders_after(times):
    """Yields (time, side, lots): sizes from a thousandth of a bitcoin to ten, evenly by magnitude."""
    source = random.Random(13)
    for number, time in enumerate(times[EVERY::EVERY]):
        lots = round(100 * 10 ** source.uniform(0, 4))
        yield time + 1_000, "buy" if number % 2 == 0 else "sell", lots


def fills(backtest, ids, side, lots):
    """Returns the fills of an order, best price first, each as [price in ticks, lots].

    The simulator reports the last fill of an order, and its book does not remember what was taken: so the order is
    placed again and again at the same moment, each time without the part that is known.
    """
    depth = backtest.depth(0)
    limit = depth.best_ask * 1.02 if side == "buy" else depth.best_bid * 0.98
    submit = backtest.submit_buy_order if side == "buy" else backtest.submit_sell_order
    found = []
    while lots > 0:
        number = next(ids)
        submit(0, number, limit, lots * LOT, IOC, LIMIT, True)
        order = backtest.orders(0).get(number)
        lots -= round(order.leaves_qty / LOT)
        if lots > 0:
            found.append([order.exec_price_tick, round(order.exec_qty / LOT)])
            lots -= found[-1][1]
    return found[::-1]


def main():
    captures, result = sys.argv[1:]
    rows, times = [], []
    for time, kind, bids, asks in depth_updates(os.path.join(captures, RECORDING)):
        for side, levels in [(BUY_EVENT, bids), (SELL_EVENT, asks)]:
            flags = kind | side | EXCH_EVENT | LOCAL_EVENT
            rows += [(flags, time, time, float(price), float(size), 0, 0, 0.0) for price, size in levels]
        if kind == DEPTH_EVENT and (not times or time > times[-1]):
            times.append(time)
    # The simulator keeps a pointer to it, and no more.
    events = numpy.array(rows, dtype=event_dtype)
    asset = (
        BacktestAsset()
        .data(events)
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(TICK)
        .lot_size(LOT)
        .last_trades_capacity(0)
    )
    backtest = HashMapMarketDepthBacktest([asset])
    orders, ids = [], itertools.count(1)
    for time, side, lots in orders_after(times):
        backtest.elapse(time - (backtest.current_timestamp if orders else rows[0][1]))
        found = fills(backtest, ids, side, lots)
        orders.append({
            "time_ns": time,
            "side": side,
            "lots": lots,
            "n_fills": len(found),
            "filled_lots": sum(filled for _, filled in found),
            "ticks_times_lots": sum(ticks * filled for ticks, filled in found),
        })
    backtest.close()
    lines = ",\n".join(json.dumps(order) for order in orders)
    with open(result, "w", encoding="utf-8") as file:
        file.write(f'{{"simulator": "hftbacktest {version("hftbacktest")}", "orders": [\n{lines}\n]}}\n')
    n_fills = sum(order["n_fills"] for order in orders)
    print(f"{len(orders)} orders, {n_fills} fills by hftbacktest {version('hftbacktest')}")


if __name__ == "__main__":
    main()
