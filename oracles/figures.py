"""Recomputes the desk's figures from its exported fills, with exact decimals, and compares each to the last digit.

Written from docs/paper-trading.md ("How figures are computed") and the REST answers alone, with Python's standard
library. Nothing may trade while it runs: cancel orders and stop strategies first.

    python3 oracles/figures.py http://127.0.0.1:3000 paper=100000 [ACCOUNT=START ...]

Prints how many values were compared, and each that differs; the exit status is 1 if one does.
"""

import csv
import io
import json
import sys
import urllib.request
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, localcontext

ZERO = Decimal(0)
# Wide enough for every sum and product; one that would lose a digit raises instead.
EXACT = Context(prec=80, traps=[Inexact])
# Divisions round half to even at 12 decimals, fees at 8.
MONEY, FEE = Decimal("1e-12"), Decimal("1e-8")


def rounded(numerator, denominator, step=MONEY):
    """Divides, rounding half to even at a step, whatever the digits in between."""
    with localcontext(Context(prec=200)):
        whole, rest = divmod(abs(numerator), abs(denominator) * step)
        twice = 2 * rest - abs(denominator) * step
        if twice > 0 or (twice == 0 and whole % 2 == 1):
            whole += 1
        sign = -1 if (numerator < 0) != (denominator < 0) else 1
        return sign * whole * step


class Api:
    """The server's REST."""

    def __init__(self, base):
        self.base = base.rstrip("/") + "/api/v1/"

    def get(self, path):
        with urllib.request.urlopen(self.base + path, timeout=10) as answer:
            return answer.read().decode("utf-8"), answer.headers.get("next-cursor")

    def json(self, path):
        return json.loads(self.get(path)[0])

    def pages(self, path):
        """Yields the text of each page of a list, oldest rows first."""
        cursor = ""
        while True:
            text, following = self.get(f"{path}&order=asc&limit=1000{cursor}")
            yield text
            if following is None:
                return
            cursor = f"&cursor={following}"

    def rows(self, path):
        return [row for page in self.pages(path) for row in json.loads(page)]

    def table(self, path):
        return [row for page in self.pages(path) for row in csv.DictReader(io.StringIO(page, newline=""))]


class Comparison:
    """Counts what was compared and keeps what differs."""

    def __init__(self):
        self.compared = Counter()
        self.differences = []

    def exact(self, name, shown, computed):
        """Two decimals that must be the same number, and both there or both absent."""
        self.equal(name, None if shown is None else Decimal(str(shown)), computed)

    def equal(self, name, shown, computed):
        self.compared[name.split(" ")[-1]] += 1
        if shown != computed:
            self.differences.append(f"{name}: the server has {shown}, computed is {computed}")


@dataclass
class Trip:
    """A round trip that is open."""

    side: str
    entry_time: str
    quantity: Decimal = ZERO
    entry_value: Decimal = ZERO
    exit_value: Decimal = ZERO
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    n_fills: int = 0
    lowest: Decimal = ZERO
    highest: Decimal = ZERO


@dataclass
class Position:
    """A holding in one instrument, at average cost."""

    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realised: Decimal = ZERO
    trip: Trip = None


@dataclass
class Book:
    """What the fills of one account add up to."""

    positions: dict = field(default_factory=lambda: defaultdict(Position))
    trips: list = field(default_factory=list)
    # Cash that moved, before fees: of a cash account each value, of a margin account what was realised.
    paid: Decimal = ZERO
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    traded: Decimal = ZERO
    flips: int = 0

    def fill(self, row):
        price, size, fee = Decimal(row["price"]), Decimal(row["quantity"]), Decimal(row["fee"])
        sign = 1 if row["side"] == "buy" else -1
        position = self.positions[row["instrument"]]
        self.fees += fee
        self.paid -= sign * price * size
        self.traded += price * size
        if position.trip:
            unrealised = price * position.quantity - position.cost
            position.trip.lowest = min(position.trip.lowest, unrealised)
            position.trip.highest = max(position.trip.highest, unrealised)
        held = position.quantity
        closed = min(abs(held), size) if held * sign < 0 else ZERO
        opened = size - closed
        closing_fee = fee if opened == 0 else rounded(fee * closed, size)
        self.flips += closed > 0 and opened > 0
        if closed:
            self.close(position, row, price, closed, closing_fee)
        if opened:
            if position.trip is None:
                position.trip = Trip(row["side"], row["time"])
            position.quantity += sign * opened
            position.cost += sign * price * opened
            position.trip.quantity += opened
            position.trip.entry_value += price * opened
            position.trip.fees += fee - closing_fee
            position.trip.n_fills += 1

    def close(self, position, row, price, closed, fee):
        direction = 1 if position.quantity > 0 else -1
        # The part of the cost is rounded; what stays open keeps the remainder.
        cost = rounded(position.cost * closed, abs(position.quantity))
        realised = direction * price * closed - cost
        position.quantity -= direction * closed
        position.cost -= cost
        position.realised += realised
        self.realised += realised
        trip = position.trip
        trip.exit_value += price * closed
        trip.realised += realised
        trip.fees += fee
        trip.n_fills += 1
        if position.quantity == 0:
            self.trips.append((row["instrument"], trip, row["time"]))
            position.trip = None


def check_fills(fills, account, comparison):
    """The fee of every fill, from its value and the venue's rate."""
    for row in fills:
        venue = row["instrument"].split(":")[0]
        rates = account["fees_by_venue"].get(venue, account["default_fees"])
        value = Decimal(row["price"]) * Decimal(row["quantity"])
        fee = rounded(value * Decimal(rates[row["liquidity"]]), Decimal(1), FEE)
        comparison.exact(f"fill {row['fill_id']} fee", row["fee"], fee)


def check_orders(fills, orders, comparison):
    """What filled of every order."""
    for order in orders:
        own = [row for row in fills if row["order_id"] == order["order_id"]]
        filled = sum((Decimal(row["quantity"]) for row in own), ZERO)
        value = sum((Decimal(row["price"]) * Decimal(row["quantity"]) for row in own), ZERO)
        name = f"order {order['order_id']}"
        comparison.exact(f"{name} filled", order["filled"], filled)
        comparison.exact(f"{name} filled_value", order["filled_value"], value)
        comparison.equal(f"{name} n_fills", order["n_fills"], len(own))


def check_positions(book, rows, currency, comparison):
    """Every open position, and its profit and loss at the mark beside it."""
    held = {name: position for name, position in book.positions.items() if position.quantity != 0}
    comparison.equal("open positions", sorted(row["instrument"] for row in rows), sorted(held))
    for row in rows:
        position = held.get(row["instrument"], Position())
        name = f"position {row['instrument']}"
        comparison.exact(f"{name} quantity", row["quantity"], position.quantity)
        comparison.exact(f"{name} cost", row["cost"], position.cost)
        average = rounded(abs(position.cost), abs(position.quantity)) if position.quantity else None
        comparison.exact(f"{name} average_price", row["average_price"], average)
        comparison.exact(f"{name} realised_pnl", row["realised_pnl"], position.realised)
        value = Decimal(row["mark"]) * position.quantity
        comparison.exact(f"{name} quote_value", row["quote_value"], value)
        comparison.exact(f"{name} quote_unrealised_pnl", row["quote_unrealised_pnl"], value - position.cost)
        if row["currency"] == currency:
            comparison.exact(f"{name} value", row["value"], value)
            comparison.exact(f"{name} unrealised_pnl", row["unrealised_pnl"], value - position.cost)


def check_history(book, rows, comparison):
    """Every closed round trip."""
    comparison.equal("round trips", len(rows), len(book.trips))
    for number, (row, (instrument, trip, exit_time)) in enumerate(zip(rows, book.trips), 1):
        name = f"trip {number}"
        comparison.equal(f"{name} instrument", row["instrument"], instrument)
        comparison.equal(f"{name} side", row["side"], trip.side)
        comparison.equal(f"{name} n_fills", row["n_fills"], trip.n_fills)
        comparison.equal(f"{name} entry_time", row["entry_time_ms"], millis(trip.entry_time))
        comparison.equal(f"{name} exit_time", row["exit_time_ms"], millis(exit_time))
        computed = {
            "quantity": trip.quantity,
            "entry_value": trip.entry_value,
            "exit_value": trip.exit_value,
            "entry_price": rounded(trip.entry_value, trip.quantity),
            "exit_price": rounded(trip.exit_value, trip.quantity),
            "realised_pnl": trip.realised,
            "fees_in_quote": trip.fees,
            "net_pnl": trip.realised - trip.fees,
        }
        for key, value in computed.items():
            comparison.exact(f"{name} {key}", row[key], value)
        # Marks between the fills are not in the export: the excursions reach at least as far as the fills do.
        comparison.equal(f"{name} mae", Decimal(row["mae"]) <= trip.lowest, True)
        comparison.equal(f"{name} mfe", Decimal(row["mfe"]) >= trip.highest, True)


def millis(text):
    """Milliseconds since 1970 of an ISO time in UTC."""
    time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (time - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1)


def check_account(book, account, positions, start, begin, comparison):
    """The account at a glance; `begin` is its equity at the begin of the day."""
    name = f"account {account['account']}"
    is_margin = account["kind"] == "margin"
    moved = (book.realised if is_margin else book.paid) - book.fees
    unrealised = sum((Decimal(row["unrealised_pnl"]) for row in positions), ZERO)
    value = sum((Decimal(row["value"]) for row in positions), ZERO)
    gross = sum((abs(Decimal(row["value"])) for row in positions), ZERO)
    equity = start + moved + (unrealised if is_margin else value)
    lines = {line["currency"]: line for line in account["cash"]}
    cash = lines[account["currency"]]
    comparison.exact(f"{name} cash", cash["amount"], start + moved)
    comparison.exact(f"{name} balance", cash["balance"], start + moved)
    if not is_margin:
        for row in positions:
            base = row["instrument"].split(":")[1]
            if base in lines:
                comparison.exact(f"{name} base_balance", lines[base]["balance"], Decimal(row["quantity"]))
    comparison.exact(f"{name} realised_pnl", account["realised_pnl"], book.realised)
    comparison.exact(f"{name} unrealised_pnl", account["unrealised_pnl"], unrealised)
    comparison.exact(f"{name} fees", account["fees"], book.fees)
    comparison.exact(f"{name} equity", account["equity"], equity)
    comparison.exact(f"{name} total_pnl", account["total_pnl"], equity - start)
    comparison.exact(f"{name} total_pnl", account["total_pnl"], book.realised + unrealised - book.fees)
    comparison.exact(f"{name} day_pnl", account["day_pnl"], equity - begin)
    comparison.exact(f"{name} gross_exposure", account["gross_exposure"], gross)
    comparison.exact(f"{name} net_exposure", account["net_exposure"], value)
    comparison.exact(f"{name} leverage", account["leverage"], rounded(gross, equity))
    if is_margin:
        used = rounded(gross, Decimal(account["max_leverage"]))
        comparison.exact(f"{name} margin_used", account["margin_used"], used)
        comparison.exact(f"{name} margin_free", account["margin_free"], equity - used)
    peak = max(Decimal(account["peak"]), equity)
    comparison.exact(f"{name} drawdown", account["drawdown"], rounded(peak - equity, peak))
    comparison.equal(f"{name} n_positions", account["n_positions"], len(positions))
    comparison.equal(f"{name} n_round_trips", account["n_round_trips"], len(book.trips))
    wins = [trip for _, trip, _ in book.trips if trip.realised > trip.fees]
    comparison.equal(f"{name} n_wins", account["n_wins"], len(wins))


def check_performance(book, rows, history, start, has_days, comparison):
    """The figures of round trips. Money is exact; a ratio is the quotient of two floats, as the server's is."""
    shown = {row["key"]: row["value"] for row in rows}
    nets = [trip.realised - trip.fees for _, trip, _ in book.trips]
    wins, losses = [net for net in nets if net > 0], [-net for net in nets if net < 0]

    def mean(values):
        return rounded(sum(values, ZERO), Decimal(len(values))) if values else None

    money = {
        "expectancy": mean(nets),
        "average_win": mean(wins),
        "average_loss": mean(losses),
        "average_mae": mean([-Decimal(row["mae"]) for row in history]),
        "average_mfe": mean([Decimal(row["mfe"]) for row in history]),
    }
    for key, value in money.items():
        comparison.exact(f"performance {key}", shown[key], value)

    def ratio(numerator, denominator):
        return float(numerator) / float(denominator) if nets and denominator else None

    ratios = {
        "n_trades": float(len(nets)),
        "win_rate": ratio(len(wins), len(nets)),
        "profit_factor": ratio(sum(wins, ZERO), sum(losses, ZERO)),
        "payoff": ratio(mean(wins), mean(losses)) if wins and losses else None,
    }
    if not has_days:
        # The mean equity is that of the opening alone until the first day has ended.
        ratios["turnover"] = float(book.traded) / float(start)
    for key, value in ratios.items():
        comparison.equal(f"performance {key}", None if shown[key] is None else float(shown[key]), value)


def consistent(api, name):
    """Account, positions and statistics of one moment: asked for until nothing changed meanwhile."""
    for _ in range(400):
        def account():
            return next(row for row in api.json("accounts") if row["account"] == name)

        before = account()
        positions = api.json(f"positions?account={name}")
        if before == account():
            return before, positions
    sys.exit(f"the market of account {name} moves too fast to see it at one moment")


def check(api, name, start, comparison):
    """Everything of one account."""
    fills = api.table(f"fills?account={name}&format=csv")
    account, positions = consistent(api, name)
    others = {row["fee_currency"] for row in fills} - {account["currency"]}
    if others:
        sys.exit(f"account {name} has fees in {sorted(others)}; this recomputes accounts in one currency")
    book = Book()
    for row in fills:
        book.fill(row)
    samples = api.json(f"equity?account={name}&from_ms={account['day_start_ms']}&limit=1")
    first = api.json(f"equity?account={name}&limit=1")
    history = api.rows(f"history?account={name}")
    check_fills(fills, account, comparison)
    check_orders(fills, api.rows(f"orders?account={name}"), comparison)
    check_positions(book, positions, account["currency"], comparison)
    check_history(book, history, comparison)
    check_account(book, account, positions, start, Decimal(samples[0]["equity"]), comparison)
    has_days = first != samples
    check_performance(book, api.json(f"performance?account={name}"), history, start, has_days, comparison)
    makers = sum(row["liquidity"] == "maker" for row in fills)
    print(
        f"{name} ({account['kind']}): {len(fills)} fills ({makers} as maker), {len(book.positions)} instruments, "
        f"{len(book.trips)} round trips, {book.flips} changes of side, {len(positions)} open positions"
    )


def main():
    api, comparison = Api(sys.argv[1]), Comparison()
    with localcontext(EXACT):
        for argument in sys.argv[2:]:
            name, start = argument.split("=")
            check(api, name, Decimal(start), comparison)
    for difference in comparison.differences:
        print(f"DIFFERENT {difference}")
    print(f"{sum(comparison.compared.values())} values of {len(comparison.compared)} kinds compared, "
          f"{len(comparison.differences)} differ")
    sys.exit(1 if comparison.differences else 0)


if __name__ == "__main__":
    main()
