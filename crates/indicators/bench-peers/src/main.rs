//! Prints nanoseconds a value of our indicators beside those of ta-lib, kand and yata: the same bars, one process, the
//! fastest of many turns.
//!
//!     cargo run --release --manifest-path crates/indicators/bench-peers/Cargo.toml
//!
//! Each column sums its values, so that none is left out. `update` is a closed bar, `peek` the forming one, `history` a
//! whole series at once; kand's functions keep no state, their caller holds it in variables here. Not here: whether the
//! values are right, and the others of ours (`../benches`) (`../tests`); yata's RSI, ADX and bands follow other conventions and also compute signals.

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

/// Few enough that all libraries read their bars from the cache, as a bar that has just come is.
const N_BARS: usize = 4_000;
const N_TURNS: usize = 400;
/// Bars that open a stream before it is measured.
const N_OPENING: usize = 200;

/// Returns the fastest turn, in nanoseconds a bar.
fn fastest(n: usize, mut turn: impl FnMut() -> f64) -> f64 {
    (0..N_TURNS).fold(f64::INFINITY, |fastest, _| {
        let start = Instant::now();
        black_box(turn());
        fastest.min(start.elapsed().as_nanos() as f64 / n as f64)
    })
}

struct Data {
    bars: Vec<Bar>,
    candles: Vec<Candle>,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
}

fn ours(data: &Data, text: &str) -> [f64; 3] {
    let spec = Spec::parse(text).expect("the spec is one of those below");
    let (opened, _) = Indicator::open(&spec, Interval::M1, &data.bars[..N_OPENING]);
    let bars = &data.bars[N_OPENING..];
    let update = fastest(bars.len(), || {
        let mut indicator = opened.clone();
        bars.iter().map(|bar| indicator.update(bar).get(0).unwrap_or_default()).sum()
    });
    let peek = fastest(bars.len(), || bars.iter().map(|bar| opened.peek(bar).get(0).unwrap_or_default()).sum());
    // Room once, as the other libraries have it for their outputs.
    let mut rows = Vec::with_capacity(N_BARS);
    let history = fastest(N_BARS, || {
        rows.clear();
        Indicator::new(&spec, Interval::M1).extend(&data.bars, &mut rows);
        rows[N_BARS - 1].get(0).unwrap_or_default()
    });
    [update, peek, history]
}

/// Opens a stream and measures it: update and peek.
macro_rules! ta_stream {
    ($data:ident, $open:expr, |$stream:ident, $idx:ident, $call:ident| $value:expr) => {{
        let (opened, _) = $open.expect("enough bars");
        let update = fastest(N_BARS - N_OPENING, || {
            let mut $stream = opened.clone();
            let mut sum = 0.0;
            for $idx in N_OPENING..N_BARS {
                macro_rules! $call {
                    ($s:ident, $argument:expr) => {
                        $s.update($argument).unwrap_or_default()
                    };
                    ($s:ident, $a:expr, $b:expr, $c:expr) => {
                        $s.update($a, $b, $c).unwrap_or_default()
                    };
                }
                sum += $value;
            }
            sum
        });
        let peek = fastest(N_BARS - N_OPENING, || {
            let $stream = opened.clone();
            let mut sum = 0.0;
            for $idx in N_OPENING..N_BARS {
                macro_rules! $call {
                    ($s:ident, $argument:expr) => {
                        $s.peek($argument).unwrap_or_default()
                    };
                    ($s:ident, $a:expr, $b:expr, $c:expr) => {
                        $s.peek($a, $b, $c).unwrap_or_default()
                    };
                }
                sum += $value;
            }
            sum
        });
        [update, peek]
    }};
}

fn ta_streams(data: &Data) -> [[f64; 2]; 8] {
    let core = Core::new();
    let (h, l, c) = (&data.high[..N_OPENING], &data.low[..N_OPENING], &data.close[..N_OPENING]);
    let (high, low, close) = (&data.high, &data.low, &data.close);
    [
        ta_stream!(data, core.sma_open(c, 20), |stream, idx, call| call!(stream, close[idx])),
        ta_stream!(data, core.ema_open(c, 20), |stream, idx, call| call!(stream, close[idx])),
        ta_stream!(data, core.rsi_open(c, 14), |stream, idx, call| call!(stream, close[idx])),
        ta_stream!(data, core.macd_open(c, 12, 26, 9), |stream, idx, call| call!(stream, close[idx]).1),
        ta_stream!(data, core.bbands_open(c, 20, 2.0, 2.0, MAType::SMA), |stream, idx, call| call!(stream, close[idx])
            .0),
        ta_stream!(data, core.atr_open(h, l, c, 14), |stream, idx, call| call!(
            stream, high[idx], low[idx], close[idx]
        )),
        ta_stream!(data, core.adx_open(h, l, c, 14), |stream, idx, call| call!(
            stream, high[idx], low[idx], close[idx]
        )),
        ta_stream!(data, core.stoch_open(h, l, c, 14, 3, MAType::SMA, 3, MAType::SMA), |stream, idx, call| call!(
            stream, high[idx], low[idx], close[idx]
        )
        .0),
    ]
}

fn ta_histories(data: &Data) -> [f64; 8] {
    let core = Core::new();
    let (h, l, c) = (&data.high[..], &data.low[..], &data.close[..]);
    let end = N_BARS - 1;
    let (mut a, mut b, mut d) = (vec![0.0; N_BARS], vec![0.0; N_BARS], vec![0.0; N_BARS]);
    macro_rules! history {
        ($call:expr) => {
            fastest(N_BARS, || {
                let range = $call.expect("enough bars");
                black_box(&a);
                black_box(&b);
                black_box(&d);
                range.count as f64
            })
        };
    }
    [
        history!(core.sma(0, end, c, 20, &mut a)),
        history!(core.ema(0, end, c, 20, &mut a)),
        history!(core.rsi(0, end, c, 14, &mut a)),
        history!(core.macd(0, end, c, 12, 26, 9, &mut a, &mut b, &mut d)),
        history!(core.bbands(0, end, c, 20, 2.0, 2.0, MAType::SMA, &mut a, &mut b, &mut d)),
        history!(core.atr(0, end, h, l, c, 14, &mut a)),
        history!(core.adx(0, end, h, l, c, 14, &mut a)),
        history!(core.stoch(0, end, h, l, c, 14, 3, MAType::SMA, 3, MAType::SMA, &mut a, &mut b)),
    ]
}

/// kand's functions of one bar; it has none for the stochastic oscillator.
fn kand_updates(data: &Data) -> [Option<f64>; 8] {
    let (high, low, close) = (&data.high, &data.low, &data.close);
    let n = N_BARS - N_OPENING;
    let each = |update: &mut dyn FnMut(usize) -> f64| (N_OPENING..N_BARS).map(update).sum::<f64>();
    let sma = fastest(n, || {
        let (mut state, mut sum) = (close[0], 0.0);
        for idx in N_OPENING..N_BARS {
            state = ohlcv::sma::sma_inc(state, close[idx], close[idx - 20], 20).unwrap_or_default();
            sum += state;
        }
        sum
    });
    let ema = fastest(n, || {
        let (mut state, mut sum) = (close[0], 0.0);
        for idx in N_OPENING..N_BARS {
            state = ohlcv::ema::ema_inc(close[idx], state, 20, None).unwrap_or_default();
            sum += state;
        }
        sum
    });
    let rsi = fastest(n, || {
        let (mut gain, mut loss, mut sum) = (1.0, 1.0, 0.0);
        for idx in N_OPENING..N_BARS {
            let rsi;
            (rsi, gain, loss) = ohlcv::rsi::rsi_inc(close[idx], close[idx - 1], gain, loss, 14).unwrap_or_default();
            sum += rsi;
        }
        sum
    });
    let macd = fastest(n, || {
        // It returns no averages: with the fast and slow ones held beside it, it is called as its documentation shows.
        let (mut fast, mut slow, mut signal, mut sum) = (close[0], close[0], 0.0, 0.0);
        for idx in N_OPENING..N_BARS {
            let (macd, next, _) = ohlcv::macd::macd_inc(close[idx], fast, slow, signal, 12, 26, 9).unwrap_or_default();
            fast = ohlcv::ema::ema_inc(close[idx], fast, 12, None).unwrap_or_default();
            slow = ohlcv::ema::ema_inc(close[idx], slow, 26, None).unwrap_or_default();
            signal = next;
            sum += macd;
        }
        sum
    });
    let bb = fastest(n, || {
        let (mut sma, mut total, mut squares) = (close[0], 20.0 * close[0], 20.0 * close[0] * close[0]);
        let mut sum = 0.0;
        for idx in N_OPENING..N_BARS {
            let upper;
            (upper, _, _, sma, total, squares) =
                ohlcv::bbands::bbands_inc(close[idx], sma, total, squares, close[idx - 20], 20, 2.0, 2.0)
                    .unwrap_or_default();
            sum += upper;
        }
        sum
    });
    let atr = fastest(n, || {
        let (mut state, mut sum) = (10.0, 0.0);
        for idx in N_OPENING..N_BARS {
            state = ohlcv::atr::atr_inc(high[idx], low[idx], close[idx - 1], state, 14).unwrap_or_default();
            sum += state;
        }
        sum
    });
    let adx = fastest(n, || {
        let (mut adx, mut plus, mut minus, mut range) = (20.0, 10.0, 10.0, 100.0);
        each(&mut |idx| {
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
        })
    });
    [Some(sma), Some(ema), Some(rsi), Some(macd), Some(bb), Some(atr), Some(adx), None]
}

/// yata's methods for the averages, its indicators (with their signals) for the others; it has none for the ATR.
fn yata_updates(data: &Data) -> [Option<f64>; 8] {
    let (close, candles) = (&data.close[N_OPENING..], &data.candles[N_OPENING..]);
    let n = close.len();
    let sma = fastest(n, || {
        let mut state = SMA::new(20, &close[0]).expect("a length");
        close.iter().map(|price| state.next(price)).sum()
    });
    let ema = fastest(n, || {
        let mut state = EMA::new(20, &close[0]).expect("a length");
        close.iter().map(|price| state.next(price)).sum()
    });
    fn indicator<C: IndicatorConfig + Clone>(config: C, candles: &[Candle]) -> f64 {
        fastest(candles.len(), || {
            let mut state = config.clone().init(&candles[0]).expect("a configuration");
            candles.iter().map(|candle| state.next(candle).value(0)).sum()
        })
    }
    let rsi: RelativeStrengthIndex = RelativeStrengthIndex { ma: MA::RMA(14), ..RelativeStrengthIndex::default() };
    let macd: MACD = MACD::default();
    let bb = BollingerBands::default();
    let adx: AverageDirectionalIndex = AverageDirectionalIndex::default();
    let stoch: StochasticOscillator = StochasticOscillator { ma: MA::SMA(3), ..StochasticOscillator::default() };
    [
        Some(sma),
        Some(ema),
        Some(indicator(rsi, candles)),
        Some(indicator(macd, candles)),
        Some(indicator(bb, candles)),
        None,
        Some(indicator(adx, candles)),
        Some(indicator(stoch, candles)),
    ]
}

fn data() -> Data {
    let bars = fingerprint::bars(N_BARS);
    let candles = bars
        .iter()
        .map(|bar| Candle { open: bar.open, high: bar.high, low: bar.low, close: bar.close, volume: bar.volume })
        .collect();
    Data {
        candles,
        high: bars.iter().map(|bar| bar.high).collect(),
        low: bars.iter().map(|bar| bar.low).collect(),
        close: bars.iter().map(|bar| bar.close).collect(),
        bars,
    }
}

fn main() {
    let data = data();
    let specs = ["sma(20)", "ema(20)", "rsi(14)", "macd", "bb(20)", "atr(14)", "adx(14)", "stoch(14,3,3)"];
    let ours = specs.map(|spec| ours(&data, spec));
    let (streams, histories) = (ta_streams(&data), ta_histories(&data));
    let (kand, yata) = (kand_updates(&data), yata_updates(&data));
    let row = |name: &str, value: &dyn Fn(usize) -> Option<f64>| {
        let cells = (0..specs.len()).map(|idx| value(idx).map_or_else(|| "–".to_owned(), |ns| format!("{ns:.2}")));
        println!("{name:18} {}", cells.map(|cell| format!("{cell:>7}")).collect::<Vec<_>>().join(" "));
    };
    println!(
        "ns a value         {}",
        specs.map(|spec| format!("{:>7}", spec.split('(').next().unwrap_or(spec))).join(" ")
    );
    row("ours, update", &|idx| Some(ours[idx][0]));
    row("ta-lib, update", &|idx| Some(streams[idx][0]));
    row("kand, update", &|idx| kand[idx]);
    row("yata, update", &|idx| yata[idx]);
    row("ours, peek", &|idx| Some(ours[idx][1]));
    row("ta-lib, peek", &|idx| Some(streams[idx][1]));
    row("ours, history", &|idx| Some(ours[idx][2]));
    row("ta-lib, history", &|idx| Some(histories[idx]));
}
