//! Helpers of the indicators' own tests: bars from a few numbers, and rows as short texts.

use model::candle::Interval;

use crate::{
    bar::{Bar, BookFigures},
    indicator::Indicator,
    spec::Spec,
    values::Values,
};

/// Checks the rows of closes a minute apart; high and low are the close, the volume is 1.
#[track_caller]
pub(crate) fn check_closes(spec: &str, closes: &[f64], expected: &[&str]) {
    let bars: Vec<Bar> = closes.iter().enumerate().map(|(idx, close)| bar(idx, *close, *close, *close, 1.0)).collect();
    check_bars(spec, &bars, expected);
}

/// Checks the rows of bars of high, low and close.
#[track_caller]
pub(crate) fn check_ranges(spec: &str, bars: &[(f64, f64, f64)], expected: &[&str]) {
    let bars = bars.iter().enumerate().map(|(idx, (high, low, close))| bar(idx, *high, *low, *close, 1.0));
    check_bars(spec, &bars.collect::<Vec<_>>(), expected);
}

/// Checks the rows of bars: values separated by spaces, `-` for one that is absent and for a row without any.
#[track_caller]
pub(crate) fn check_bars(spec: &str, bars: &[Bar], expected: &[&str]) {
    let spec = Spec::parse(spec).unwrap();
    let (_, rows) = Indicator::open(&spec, Interval::M1, bars);
    let rows: Vec<String> = rows.iter().map(|row| shown(&spec, row)).collect();
    assert_eq!(rows, expected);
}

/// A bar of a minute; its first price is its close.
pub(crate) fn bar(minute: usize, high: f64, low: f64, close: f64, volume: f64) -> Bar {
    let open_ms = i64::try_from(minute).unwrap() * 60_000;
    Bar { open_ms, open: close, high, low, close, volume, buy_volume: None, book: None }
}

/// Values with at most six decimals.
fn shown(spec: &Spec, row: &Values) -> String {
    if row.is_empty() {
        return "-".to_owned();
    }
    let values = row.iter().take(spec.definition().outputs.len());
    let texts = values.map(|value| value.map_or("-".to_owned(), |value| ((value * 1e6).round() / 1e6).to_string()));
    texts.collect::<Vec<_>>().join(" ")
}

/// Checks the rows of bars of imbalance, microprice and flow.
#[track_caller]
pub(crate) fn check_books(spec: &str, books: &[Option<(f64, f64, f64)>], expected: &[&str]) {
    let figures = |(imbalance, microprice, flow)| BookFigures { imbalance, microprice, flow };
    let bars = books.iter().enumerate();
    let bars = bars.map(|(idx, book)| Bar { book: book.map(figures), ..bar(idx, 1.0, 1.0, 1.0, 1.0) });
    check_bars(spec, &bars.collect::<Vec<_>>(), expected);
}
