//! Prints nanoseconds a value of our indicators beside those of ta-lib, kand and yata: the same bars, one process, all
//! libraries in turn many times over, the fastest turn of each.
//!
//!     cargo run --release --manifest-path crates/indicators/bench-peers/Cargo.toml
//!
//! A `run` takes closed bars that have come together, an `update` one closed bar, a `peek` the forming one; a `history` is
//! a whole series from its start. Ours write a row of values for each bar of a run and of a history, and look up at each
//! update and peek which indicator it is; the other libraries' streams are called as what they are, so nothing is looked
//! up, and their values are summed. kand's functions keep no state, their caller holds it in variables here.
//!
//! Not here: whether the values are right (`../tests`), and the others of ours (`../benches`); yata's RSI, ADX and bands
//! follow other conventions and also compute signals.

use std::{hint::black_box, time::Instant};

use indicators::{bar::Bar, fingerprint, indicator::Indicator, spec::Spec};
use kand::ohlcv;
use model::candle::Interval;
use ta_lib::{Core, MAType};
use yata::{
    core::Candle,
    helpers::MA,
    indicators::{AverageDirectionalIndex, BollingerBands, MACD, RelativeStrengthIndex, StochasticOscillator},
    methods::{EMA, SMA},
    prelude::*,
};

const SPECS: [&str; 8] = ["sma(20)", "ema(20)", "rsi(14)", "macd", "bb(20)", "atr(14)", "adx(14)", "stoch(14,3,3)"];
/// Bars that open a stream before it is measured.
const N_OPENING: usize = 100;
/// Bars of a stream: few enough to be in the nearest cache, as a bar that has just come is.
const N_STREAMED: usize = 250;
/// Passes of a turn over the bars of a stream.
const N_PASSES: usize = 16;
/// Bars of a history.
const N_HISTORY: usize = 4_000;
const N_ROUNDS: usize = 400;

/// One figure of the table.
struct Figure<'a> {
    row: &'static str,
    column: usize,
    /// Values of a turn.
    n: usize,
    turn: Box<dyn FnMut() -> f64 + 'a>,
    fastest_ns: f64,
}

/// All figures, in the sequence in which they are measured.
#[derive(Default)]
struct Table<'a>(Vec<Figure<'a>>);

impl<'a> Table<'a> {
    fn stream(&mut self, row: &'static str, column: usize, turn: impl FnMut() -> f64 + 'a) {
        self.add(row, column, N_PASSES * N_STREAMED, turn);
    }

    fn history(&mut self, row: &'static str, column: usize, turn: impl FnMut() -> f64 + 'a) {
        self.add(row, column, N_HISTORY, turn);
    }

    fn add(&mut self, row: &'static str, column: usize, n: usize, turn: impl FnMut() -> f64 + 'a) {
        self.0.push(Figure { row, column, n, turn: Box::new(turn), fastest_ns: f64::INFINITY });
    }

    /// Measures all figures once, one after the other, so that a slow moment of the machine is nobody's own.
    fn measure(&mut self) {
        for figure in &mut self.0 {
            let start = Instant::now();
            black_box((figure.turn)());
            figure.fastest_ns = figure.fastest_ns.min(start.elapsed().as_nanos() as f64 / figure.n as f64);
        }
    }

    fn print(&self) {
        let line = |name: &str, cells: [String; 8]| {
            println!("{name:18} {}", cells.map(|cell| format!("{cell:>7}")).join(" "));
        };
        line("ns a value", SPECS.map(|spec| spec.split('(').next().unwrap_or(spec).to_owned()));
        let mut rows: Vec<&str> = Vec::new();
        for figure in &self.0 {
            if !rows.contains(&figure.row) {
                rows.push(figure.row);
            }
        }
        for row in rows {
            let of = |column| self.0.iter().find(|figure| figure.row == row && figure.column == column);
            let cell = |column| of(column).map_or_else(|| "–".to_owned(), |figure| format!("{:.2}", figure.fastest_ns));
            line(row, std::array::from_fn(cell));
        }
    }
}

/// The bars of all streams, as each library takes them.
struct Data {
    bars: Vec<Bar>,
    candles: Vec<Candle>,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
}

impl Data {
    fn new(n: usize) -> Self {
        let bars = fingerprint::bars(n);
        let candles = bars
            .iter()
            .map(|bar| Candle { open: bar.open, high: bar.high, low: bar.low, close: bar.close, volume: bar.volume })
            .collect();
        Self {
            candles,
            high: bars.iter().map(|bar| bar.high).collect(),
            low: bars.iter().map(|bar| bar.low).collect(),
            close: bars.iter().map(|bar| bar.close).collect(),
            bars,
        }
    }
}

/// Sums the values of the bars of a stream, some passes over them. Not a function: a stream's state is a local variable.
macro_rules! sum_of {
    (|$idx:ident| $value:expr) => {{
        let mut sum = 0.0;
        for _ in 0..N_PASSES {
            for $idx in N_OPENING..N_OPENING + N_STREAMED {
                sum += $value;
            }
        }
        sum
    }};
}

fn add_ours<'a>(table: &mut Table<'a>, data: &'a Data, history: &'a Data) {
    let (opening, streamed) = data.bars.split_at(N_OPENING);
    for (column, text) in SPECS.iter().enumerate() {
        let spec = Spec::parse(text).expect("the specs are sound");
        let (opened, _) = Indicator::open(&spec, Interval::M1, opening);
        // Room once, as the other libraries have it for their outputs.
        let (start, mut rows) = (opened.clone(), Vec::with_capacity(N_STREAMED));
        table.stream("ours, run", column, move || {
            let mut indicator = start.clone();
            for _ in 0..N_PASSES {
                rows.clear();
                indicator.extend(streamed, &mut rows);
                black_box(&rows);
            }
            rows[N_STREAMED - 1].get(0).unwrap_or_default()
        });
        let start = opened.clone();
        table.stream("ours, update", column, move || {
            let mut indicator = start.clone();
            sum_of!(|idx| indicator.update(&data.bars[idx]).get(0).unwrap_or_default())
        });
        table.stream("ours, peek", column, move || {
            sum_of!(|idx| opened.peek(&data.bars[idx]).get(0).unwrap_or_default())
        });
        let mut rows = Vec::with_capacity(N_HISTORY);
        table.history("ours, history", column, move || {
            rows.clear();
            Indicator::new(&spec, Interval::M1).extend(&history.bars, &mut rows);
            black_box(&rows)[N_HISTORY - 1].get(0).unwrap_or_default()
        });
    }
}

/// Opens a stream of ta-lib and adds its updates and peeks: its arguments at a bar, and the value that is summed.
macro_rules! add_ta {
    ($table:ident, $column:literal, $open:expr, |$idx:ident| ($($argument:expr),*), |$row:ident| $value:expr) => {{
        let (opened, _) = $open.expect("enough bars");
        let start = opened.clone();
        $table.stream("ta-lib, update", $column, move || {
            let mut stream = start.clone();
            sum_of!(|$idx| {
                let $row = stream.update($($argument),*).unwrap_or_default();
                $value
            })
        });
        $table.stream("ta-lib, peek", $column, move || {
            sum_of!(|$idx| {
                let $row = opened.peek($($argument),*).unwrap_or_default();
                $value
            })
        });
    }};
}

fn add_ta_streams<'a>(table: &mut Table<'a>, data: &'a Data) {
    let core = Core::new();
    let (high, low, close) = (&data.high[..], &data.low[..], &data.close[..]);
    let (h, l, c) = (&high[..N_OPENING], &low[..N_OPENING], &close[..N_OPENING]);
    let sma = MAType::SMA;
    add_ta!(table, 0, core.sma_open(c, 20), |idx| (close[idx]), |row| row);
    add_ta!(table, 1, core.ema_open(c, 20), |idx| (close[idx]), |row| row);
    add_ta!(table, 2, core.rsi_open(c, 14), |idx| (close[idx]), |row| row);
    add_ta!(table, 3, core.macd_open(c, 12, 26, 9), |idx| (close[idx]), |row| row.0);
    add_ta!(table, 4, core.bbands_open(c, 20, 2.0, 2.0, sma), |idx| (close[idx]), |row| row.0);
    add_ta!(table, 5, core.atr_open(h, l, c, 14), |idx| (high[idx], low[idx], close[idx]), |row| row);
    add_ta!(table, 6, core.adx_open(h, l, c, 14), |idx| (high[idx], low[idx], close[idx]), |row| row);
    let stoch = core.stoch_open(h, l, c, 14, 3, sma, 3, sma);
    add_ta!(table, 7, stoch, |idx| (high[idx], low[idx], close[idx]), |row| row.0);
}

fn add_ta_histories<'a>(table: &mut Table<'a>, data: &'a Data) {
    let (h, l, c) = (&data.high[..], &data.low[..], &data.close[..]);
    let end = N_HISTORY - 1;
    macro_rules! add {
        ($column:literal, |$core:ident, $a:ident, $b:ident, $d:ident| $call:expr) => {{
            let $core = Core::new();
            let (mut $a, mut $b, mut $d) = (vec![0.0; N_HISTORY], vec![0.0; N_HISTORY], vec![0.0; N_HISTORY]);
            table.history("ta-lib, history", $column, move || {
                let range = $call.expect("enough bars");
                black_box((&mut $a, &mut $b, &mut $d));
                range.count as f64
            });
        }};
    }
    let sma = MAType::SMA;
    add!(0, |core, a, b, d| core.sma(0, end, c, 20, &mut a));
    add!(1, |core, a, b, d| core.ema(0, end, c, 20, &mut a));
    add!(2, |core, a, b, d| core.rsi(0, end, c, 14, &mut a));
    add!(3, |core, a, b, d| core.macd(0, end, c, 12, 26, 9, &mut a, &mut b, &mut d));
    add!(4, |core, a, b, d| core.bbands(0, end, c, 20, 2.0, 2.0, sma, &mut a, &mut b, &mut d));
    add!(5, |core, a, b, d| core.atr(0, end, h, l, c, 14, &mut a));
    add!(6, |core, a, b, d| core.adx(0, end, h, l, c, 14, &mut a));
    add!(7, |core, a, b, d| core.stoch(0, end, h, l, c, 14, 3, sma, 3, sma, &mut a, &mut b));
}

/// kand's functions of one bar; it has none for the stochastic oscillator.
fn add_kand<'a>(table: &mut Table<'a>, data: &'a Data) {
    let (high, low, close) = (&data.high[..], &data.low[..], &data.close[..]);
    macro_rules! add {
        ($column:literal, |$idx:ident| ($($state:ident = $start:expr),*), $value:expr) => {
            table.stream("kand, update", $column, move || {
                $(let mut $state = $start;)*
                sum_of!(|$idx| $value)
            });
        };
    }
    add!(0, |idx| (state = close[0]), {
        state = ohlcv::sma::sma_inc(state, close[idx], close[idx - 20], 20).unwrap_or_default();
        state
    });
    add!(1, |idx| (state = close[0]), {
        state = ohlcv::ema::ema_inc(close[idx], state, 20, None).unwrap_or_default();
        state
    });
    add!(2, |idx| (gain = 1.0, loss = 1.0), {
        let rsi;
        (rsi, gain, loss) = ohlcv::rsi::rsi_inc(close[idx], close[idx - 1], gain, loss, 14).unwrap_or_default();
        rsi
    });
    // It returns no averages: with the fast and slow ones held beside it, it is called as its documentation shows.
    add!(3, |idx| (fast = close[0], slow = close[0], signal = 0.0), {
        let (macd, next, _) = ohlcv::macd::macd_inc(close[idx], fast, slow, signal, 12, 26, 9).unwrap_or_default();
        fast = ohlcv::ema::ema_inc(close[idx], fast, 12, None).unwrap_or_default();
        slow = ohlcv::ema::ema_inc(close[idx], slow, 26, None).unwrap_or_default();
        signal = next;
        macd
    });
    add!(4, |idx| (sma = close[0], total = 20.0 * close[0], squares = 20.0 * close[0] * close[0]), {
        let upper;
        (upper, _, _, sma, total, squares) =
            ohlcv::bbands::bbands_inc(close[idx], sma, total, squares, close[idx - 20], 20, 2.0, 2.0)
                .unwrap_or_default();
        upper
    });
    add!(5, |idx| (state = 10.0), {
        state = ohlcv::atr::atr_inc(high[idx], low[idx], close[idx - 1], state, 14).unwrap_or_default();
        state
    });
    add!(6, |idx| (adx = 20.0, plus = 10.0, minus = 10.0, range = 100.0), {
        (adx, plus, minus, range) = ohlcv::adx::adx_inc(
            high[idx],
            low[idx],
            high[idx - 1],
            low[idx - 1],
            close[idx - 1],
            adx,
            plus,
            minus,
            range,
            14,
        )
        .unwrap_or_default();
        adx
    });
}

/// yata's methods for the averages, its indicators (with their signals) for the others; it has none for the ATR.
fn add_yata<'a>(table: &mut Table<'a>, data: &'a Data) {
    let (close, candles) = (&data.close[..], &data.candles[..]);
    table.stream("yata, update", 0, move || {
        let mut state = SMA::new(20, &close[0]).expect("a length");
        sum_of!(|idx| state.next(&close[idx]))
    });
    table.stream("yata, update", 1, move || {
        let mut state = EMA::new(20, &close[0]).expect("a length");
        sum_of!(|idx| state.next(&close[idx]))
    });
    macro_rules! add {
        ($column:literal, $config:expr) => {
            table.stream("yata, update", $column, move || {
                let mut state = $config.init(&candles[0]).expect("a configuration");
                sum_of!(|idx| state.next(&candles[idx]).value(0))
            });
        };
    }
    add!(2, RelativeStrengthIndex { ma: MA::RMA(14), ..RelativeStrengthIndex::default() });
    add!(3, MACD::<MA>::default());
    add!(4, BollingerBands::default());
    add!(6, AverageDirectionalIndex::<MA>::default());
    add!(7, StochasticOscillator { ma: MA::SMA(3), ..StochasticOscillator::default() });
}

fn main() {
    let (data, history) = (Data::new(N_OPENING + N_STREAMED), Data::new(N_HISTORY));
    let mut table = Table::default();
    add_ours(&mut table, &data, &history);
    add_ta_streams(&mut table, &data);
    add_kand(&mut table, &data);
    add_yata(&mut table, &data);
    add_ta_histories(&mut table, &history);
    for _ in 0..N_ROUNDS {
        table.measure();
    }
    table.print();
}
