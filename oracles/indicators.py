"""Computes indicators of a made series with TA-Lib, for the test of crates/indicators.

The series is that of crates/indicators/src/fingerprint.rs: whole numbers of Knuth's generator, prices in hundredths,
volumes in thousandths. Of each column the file holds the position of the first value and every 37th value from there on.
Where TA-Lib's call or default differs from docs/indicators.md, the call that makes them equal stands in the list below.
`flat` holds the last values of 120 equal bars: what a division by zero gives.

    python oracles/indicators.py FILE.json
"""

import json
import sys
from importlib.metadata import version

import numpy
import talib

N_BARS = 1500
STRIDE = 37


class Numbers:
    """Knuth's generator: the upper 32 bits of each state."""

    def __init__(self):
        self.state = 1

    def below(self, end):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 32) % end

    def around(self, end):
        return self.below(2 * end + 1) - end


def made_bars():
    """Returns open, high, low, close and volume."""
    numbers, close, rows = Numbers(), 4_000_000, []
    for minute in range(N_BARS):
        start = close + numbers.around(300)
        drift = 200 if minute // 250 % 2 == 0 else -200
        close = start + drift + numbers.around(5_000)
        high = max(start, close) + numbers.below(2_000)
        low = min(start, close) - numbers.below(2_000)
        volume = 1 + numbers.below(100_000)
        # The buyers' part and three figures of the book, which TA-Lib does not read.
        for _ in range(4):
            numbers.below(1)
        rows.append((start / 100, high / 100, low / 100, close / 100, volume / 1000))
    return [numpy.array(column) for column in zip(*rows)]


def columns(o, h, l, c, v):
    """Yields names as in docs/indicators.md, and values."""

    def several(spec, names, values):
        return ((f"{spec}.{name}", column) for name, column in zip(names, values))

    yield "sma(20)", talib.SMA(c, 20)
    yield "ema(20)", talib.EMA(c, 20)
    yield "wma(20)", talib.WMA(c, 20)
    yield "dema(20)", talib.DEMA(c, 20)
    yield "tema(20)", talib.TEMA(c, 20)
    yield "t3(5,0.7)", talib.T3(c, 5, 0.7)
    yield "hma(20)", talib.HMA(c, 20)
    yield "hma(21)", talib.HMA(c, 21)
    # TA-Lib's fast and slow lengths are always 2 and 30.
    yield "kama(10,2,30)", talib.KAMA(c, 10)
    yield "rma(14)", talib.RMA(c, 14)
    yield "vwma(20)", talib.VWMA(c, v, 20)
    # TA-Lib's session never ends.
    yield "vwap(0)", talib.VWAP(h, l, c, v)
    yield "sma(20,source=hl2)", talib.SMA(talib.MEDPRICE(h, l), 20)
    yield "sma(20,source=hlc3)", talib.SMA(talib.TYPPRICE(h, l, c), 20)
    yield "sma(20,source=ohlc4)", talib.SMA(talib.AVGPRICE(o, h, l, c), 20)
    yield "sma(20,source=hlcc4)", talib.SMA(talib.WCLPRICE(h, l, c), 20)
    yield "rsi(14)", talib.RSI(c, 14)
    yield "sma(9,source=rsi(14))", talib.SMA(talib.RSI(c, 14), 9)
    yield from several("macd(12,26,9)", ("macd", "signal", "histogram"), talib.MACD(c, 12, 26, 9))
    yield from several("bb(20,2)", ("upper", "middle", "lower"), talib.BBANDS(c, 20, 2, 2))
    # TA-Lib's own KC is an average of the typical price, and its range starts later.
    yield "ema(20,source=hlc3)", talib.KC(h, l, c, 20, 10, 2)[1]
    middle, band = talib.EMA(c, 20), 2 * talib.ATR(h, l, c, 10)
    yield from several("keltner(20,10,2)", ("upper", "middle", "lower"), (middle + band, middle, middle - band))
    yield from several("donchian(20)", ("upper", "middle", "lower"), talib.DONCHIAN(h, l, 20))
    yield "atr(14)", talib.ATR(h, l, c, 14)
    yield "natr(14)", talib.NATR(h, l, c, 14)
    yield "adx(14).adx", talib.ADX(h, l, c, 14)
    yield "adx(14).plus_di", talib.PLUS_DI(h, l, c, 14)
    yield "adx(14).minus_di", talib.MINUS_DI(h, l, c, 14)
    yield from several("stoch(14,3,3)", ("k", "d"), talib.STOCH(h, l, c, 14, 3, 0, 3, 0))
    # TA-Lib's %K is not smoothed.
    yield from several("stochrsi(14,14,1,3)", ("k", "d"), talib.STOCHRSI(c, 14, 14, 3, 0))
    yield "cci(20)", talib.CCI(h, l, c, 20)
    yield "willr(14)", talib.WILLR(h, l, c, 14)
    yield "roc(10)", talib.ROC(c, 10)
    yield "mom(10)", talib.MOM(c, 10)
    yield "mfi(14)", talib.MFI(h, l, c, v, 14)
    yield "obv", talib.OBV(c, v)
    yield "cmf(20)", talib.CMF(h, l, c, v, 20)
    yield from several("aroon(14)", ("down", "up"), talib.AROON(h, l, 14))
    yield "psar(0.02,0.2).psar", talib.SAR(h, l, 0.02, 0.2)
    yield from several("supertrend(10,3)", ("supertrend", "trend"), talib.SUPERTREND(h, l, c, 10, 3))
    yield "stddev(20)", talib.STDDEV(c, 20, 1)
    yield "linreg(14).linreg", talib.LINEARREG(c, 14)
    yield "linreg(14).slope", talib.LINEARREG_SLOPE(c, 14)
    yield "tsi(25,13)", talib.TSI(c, 25, 13)
    yield "trix(18,9).trix", talib.TRIX(c, 18)
    yield from several("vortex(14)", ("plus", "minus"), talib.VORTEX(h, l, c, 14))


def rows_of(column):
    # The trend of SUPERTREND is a whole number, 0 while there is none.
    values = column.astype(float)
    if column.dtype.kind == "i":
        values[column == 0] = numpy.nan
    first = int(numpy.argmax(~numpy.isnan(values)))
    return {"first": first, "values": [float(value) for value in values[first::STRIDE]]}


def last_of(column):
    return None if numpy.isnan(column[-1]) else float(column[-1])


def main():
    bars = made_bars()
    flat = [numpy.full(120, price) for price in (100.0, 100.0, 100.0, 100.0, 3.0)]
    result = {
        "library": f"TA-Lib {version('TA-Lib')} with {talib.__ta_version__.decode().split()[0]}",
        "close": {"first": 0, "values": [float(value) for value in bars[3][::STRIDE]]},
        "columns": {name: rows_of(column) for name, column in columns(*bars)},
        "flat": {name: last_of(column) for name, column in columns(*flat)},
        "stride": STRIDE,
    }
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        lines = [f' "{name}": {json.dumps(rows)}' for name, rows in result["columns"].items()]
        rest = {key: value for key, value in result.items() if key != "columns"}
        file.write('{"columns": {\n' + ",\n".join(lines) + "\n},\n" + json.dumps(rest)[1:] + "\n")


if __name__ == "__main__":
    main()
