"""Computes the statistics of several equity curves with two libraries, for the test of crates/portfolio.

The curves are made by a seeded generator; amounts are whole cents. Where a library follows another convention than
docs/paper-trading.md, the call or the transformation that makes them equal stands beside the figure below:

- both annualise by 252 days unless told otherwise: 365 is passed;
- both give drawdowns, value at risk and expected shortfall as returns, so a loss is below zero: the sign is changed;
- quantstats' value at risk is parametric; its historical one does not exist;
- quantstats' expected shortfall is Gaussian unless told otherwise: `method="historical"` is passed.

    python oracles/return_figures.py FILE.json
"""

import json
import random
import sys
import warnings
from importlib.metadata import version

import empyrical
import pandas
import quantstats.stats as quantstats

DAYS = 365


def curves():
    """Yields names and daily equity, in cents."""
    def walk(name, seed, n_days, daily):
        source, equity = random.Random(seed), 10_000_000
        points = [equity]
        for day in range(n_days):
            equity = round(equity * (1 + daily(source, day)))
            points.append(equity)
        return name, points

    yield walk("a year of noise", 1, 365, lambda source, day: source.gauss(0.0004, 0.02))
    yield walk("fat tails", 2, 1000, lambda source, day: source.gauss(0, 0.008) * (6 if source.random() < 0.03 else 1))
    yield walk("a long fall and a recovery", 3, 240, lambda source, day: source.gauss(-0.01 if day < 90 else 0.009, 0.01))
    yield walk("ten days", 4, 10, lambda source, day: source.gauss(0, 0.03))
    yield walk("a steady loser", 5, 60, lambda source, day: source.gauss(-0.004, 0.003))
    yield walk("many days without trades", 6, 200, lambda source, day: source.gauss(0.001, 0.01) if day % 3 == 0 else 0)
    yield walk("a loss on the first day", 7, 30, lambda source, day: -0.1 if day == 0 else source.gauss(0.003, 0.01))


def figures(r):
    """Returns the figures of daily returns, by key and library."""
    emp, qs = empyrical, quantstats
    drawdowns = qs.to_drawdown_series(r)
    return {
        "total_return": {"empyrical": emp.cum_returns_final(r), "quantstats": qs.comp(r)},
        "cagr": {"empyrical": emp.annual_return(r, annualization=DAYS), "quantstats": qs.cagr(r, periods=DAYS)},
        "volatility": {
            "empyrical": emp.annual_volatility(r, annualization=DAYS),
            "quantstats": qs.volatility(r, periods=DAYS),
        },
        "sharpe": {"empyrical": emp.sharpe_ratio(r, annualization=DAYS), "quantstats": qs.sharpe(r, periods=DAYS)},
        "sortino": {"empyrical": emp.sortino_ratio(r, annualization=DAYS), "quantstats": qs.sortino(r, periods=DAYS)},
        "calmar": {"empyrical": emp.calmar_ratio(r, annualization=DAYS), "quantstats": qs.calmar(r, periods=DAYS)},
        "max_drawdown": {"empyrical": -emp.max_drawdown(r), "quantstats": -qs.max_drawdown(r)},
        "current_drawdown": {"quantstats": -drawdowns.iloc[-1]},
        "ulcer": {"quantstats": qs.ulcer_index(r)},
        "var_95": {"empyrical": -emp.value_at_risk(r, cutoff=0.05)},
        "var_99": {"empyrical": -emp.value_at_risk(r, cutoff=0.01)},
        "parametric_var_95": {"quantstats": -qs.value_at_risk(r, confidence=0.95)},
        "parametric_var_99": {"quantstats": -qs.value_at_risk(r, confidence=0.99)},
        "expected_shortfall_95": {
            "empyrical": -emp.conditional_value_at_risk(r, cutoff=0.05),
            "quantstats": -qs.conditional_value_at_risk(r, confidence=0.95, method="historical"),
        },
        "expected_shortfall_99": {
            "empyrical": -emp.conditional_value_at_risk(r, cutoff=0.01),
            "quantstats": -qs.conditional_value_at_risk(r, confidence=0.99, method="historical"),
        },
        "omega": {
            "empyrical": emp.omega_ratio(r, annualization=1),
            "quantstats": qs.omega(r, periods=1),
        },
        "winning_days": {"quantstats": qs.win_rate(r)},
        "daily_payoff": {"quantstats": qs.payoff_ratio(r)},
        "kelly": {"quantstats": qs.kelly_criterion(r)},
    }


def main():
    warnings.simplefilter("ignore")
    libraries = {name: version(name) for name in ["empyrical-reloaded", "quantstats"]}
    series = []
    for name, points in curves():
        index = pandas.date_range("2026-01-01", periods=len(points), freq="D")
        returns = pandas.Series([float(point) for point in points], index=index).pct_change().dropna()
        values = {
            key: {library: float(value) for library, value in by_library.items()}
            for key, by_library in figures(returns).items()
        }
        series.append({"name": name, "equity_cents": points, "figures": values})
    # A line for each series: readable as a difference, and small.
    lines = ",\n".join(json.dumps(one) for one in series)
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(f'{{"libraries": {json.dumps(libraries)}, "series": [\n{lines}\n]}}\n')
    n_values = sum(len(by_library) for one in series for by_library in one["figures"].values())
    print(f"{n_values} values of {len(series)} curves by {libraries}")


if __name__ == "__main__":
    main()
