//! Prints nanoseconds a value of every indicator, and what panels of them cost: the fastest of many turns.
//!
//!     cargo bench -p indicators --bench update [-- NAME … | panels]
//!
//! `update` is a closed bar, `peek` the forming one, `history` a whole series at once. Not here: other libraries
//! (`bench-peers/`, a workspace of its own).

use std::{env, hint::black_box, time::Instant};

use indicators::{
    bar::Bar, fingerprint, indicator::Indicator, registry::definitions, series::IndicatorSeries, spec::Spec,
};
use model::candle::Interval;

/// Few enough to be read from the cache, as a bar that has just come is.
const N_BARS: usize = 4_000;
const N_TURNS: usize = 400;
/// Bars that open an indicator before it is measured.
const N_OPENING: usize = 200;

fn main() {
    let bars = fingerprint::bars(N_BARS);
    println!("ns a value          update    peek history");
    let names: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    for definition in definitions().iter().filter(|definition| is_wanted(definition.name)) {
        let [update, peek, history] = costs(&bars, definition.name);
        println!("{:18} {update:7.2} {peek:7.2} {history:7.2}", definition.name);
    }
    if names.is_empty() || is_wanted("panels") {
        panels(&bars);
    }
}

/// Returns the fastest turn, in nanoseconds for each of n.
fn fastest(n: usize, mut turn: impl FnMut() -> f64) -> f64 {
    (0..N_TURNS).fold(f64::INFINITY, |fastest, _| {
        let start = Instant::now();
        black_box(turn());
        fastest.min(start.elapsed().as_nanos() as f64 / n as f64)
    })
}

fn costs(all: &[Bar], text: &str) -> [f64; 3] {
    let spec = Spec::parse(text).expect("a name with its defaults");
    let (opened, _) = Indicator::open(&spec, Interval::M1, &all[..N_OPENING]);
    let bars = &all[N_OPENING..];
    let update = fastest(bars.len(), || {
        let mut indicator = opened.clone();
        bars.iter().map(|bar| indicator.update(bar).get(0).unwrap_or_default()).sum()
    });
    let peek = fastest(bars.len(), || bars.iter().map(|bar| opened.peek(bar).get(0).unwrap_or_default()).sum());
    let mut rows = Vec::with_capacity(N_BARS);
    let history = fastest(N_BARS, || {
        rows.clear();
        Indicator::new(&spec, Interval::M1).extend(all, &mut rows);
        rows[N_BARS - 1].get(0).unwrap_or_default()
    });
    [update, peek, history]
}

/// Panels of indicators, as a chart and a server have them.
fn panels(bars: &[Bar]) {
    let specs: Vec<Spec> = definitions().iter().filter_map(|definition| Spec::parse(definition.name).ok()).collect();
    let opened = |n: usize| -> Vec<IndicatorSeries> {
        let open = |spec: &Spec| {
            let mut series = IndicatorSeries::new(spec, Interval::M1, 500);
            series.set(&bars[..600]);
            series
        };
        specs.iter().cycle().take(n).map(open).collect()
    };
    // A tick moves the forming bar's close.
    let tick = |idx: usize| Bar { close: bars[599].close + (idx % 16) as f64 / 100.0, ..bars[599] };
    let mut panel = opened(30);
    let panel_ns = fastest(1_000, || {
        (0..1_000).fold(0.0, |sum, idx| {
            let bar = [tick(idx)];
            panel.iter_mut().fold(sum, |sum, series| sum + series.set(&bar).map_or(0.0, |row| row as f64))
        })
    });
    println!();
    println!("30 indicators, a tick of the forming bar: {panel_ns:.0} ns");
    let mut many: Vec<Vec<IndicatorSeries>> = (0..20).map(|_| opened(20)).collect();
    let turn_ns = fastest(100, || {
        (0..100).fold(0.0, |sum, idx| {
            let bar = [tick(idx)];
            let all = many.iter_mut().flatten();
            all.fold(sum, |sum, series| sum + series.set(&bar).map_or(0.0, |row| row as f64))
        })
    });
    println!(
        "20 indicators × 20 instruments: {:.1} µs a turn, {:.4} % of a core at 100 ms",
        turn_ns / 1e3,
        turn_ns / 1e8 * 100.0
    );
    let spec = Spec::parse("macd").expect("a spec");
    let year = fingerprint::bars(1_000_000);
    let start = Instant::now();
    let (_, rows) = Indicator::open(&spec, Interval::M1, &year);
    println!("macd over {} bars: {:.1} ms", rows.len(), start.elapsed().as_secs_f64() * 1e3);
}
