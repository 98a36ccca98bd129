//! A fingerprint of every indicator's values on a made series, to compare a browser's arithmetic with a native program's.
//!
//! The series is made with integers only, so every language makes the same one (`oracles/indicators.py` does). Not a
//! market: only as varied as a test needs.

use model::candle::Interval;

use crate::{
    bar::{Bar, BookFigures},
    error::SpecError,
    indicator::Indicator,
    registry::definitions,
    spec::Spec,
};

/// Bars of the series that the fingerprints are of.
pub const N_BARS: usize = 1500;

/// Specs beyond the defaults: chains, other sources, higher intervals.
const CHAINS: [&str; 6] = [
    "sma(9,source=rsi(14))",
    "ema(9,source=macd(12,26,9).signal)",
    "bb(20,2.5,source=hlcc4)",
    "linreg(10,source=stddev(5,source=obv))",
    "ema(20,interval=15m)",
    "adx(14,interval=1h,forming=1)",
];

/// Makes bars of a minute. The numbers come from Knuth's generator (x = 6364136223846793005 x + 1442695040888963407 modulo
/// 2⁶⁴, from 1; the upper 32 bits of each), the prices are whole hundredths, the volumes whole thousandths.
pub fn bars(n: usize) -> Vec<Bar> {
    let mut numbers = Numbers(1);
    let mut close = 4_000_000_i64;
    (0_i64..)
        .take(n)
        .map(|minute| {
            let open = close + numbers.around(300);
            // The trend turns every 250 bars.
            let drift = if minute / 250 % 2 == 0 { 200 } else { -200 };
            close = open + drift + numbers.around(5_000);
            let high = open.max(close) + numbers.below(2_000);
            let low = open.min(close) - numbers.below(2_000);
            let volume = 1 + numbers.below(100_000);
            let bought = volume * numbers.below(1_001) / 1_000;
            let book = BookFigures {
                imbalance: numbers.around(1_000) as f64 / 1_000.0,
                microprice: (close + numbers.around(50)) as f64 / 100.0,
                flow: numbers.around(1_000_000) as f64 / 1_000.0,
            };
            Bar {
                open_ms: START_MS + minute * 60_000,
                open: open as f64 / 100.0,
                high: high as f64 / 100.0,
                low: low as f64 / 100.0,
                close: close as f64 / 100.0,
                volume: volume as f64 / 1_000.0,
                buy_volume: Some(bought as f64 / 1_000.0),
                book: Some(book),
            }
        })
        .collect()
}

/// Returns a line for each indicator with its defaults, and for some chains: the spec and 16 hexadecimal digits.
///
/// # Errors
/// Never, as long as the definitions' defaults are allowed.
pub fn of_all() -> Result<String, SpecError> {
    let bars = bars(N_BARS);
    let defaults = definitions().iter().map(|definition| definition.name);
    let lines = defaults.chain(CHAINS).map(|text| {
        let spec = Spec::parse(text)?;
        let (_, rows) = Indicator::open(&spec, Interval::M1, &bars);
        let hash = rows.iter().flat_map(|row| row.bits()).fold(FNV_START, |hash, bits| {
            bits.to_le_bytes().into_iter().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_FACTOR))
        });
        Ok(format!("{spec} {hash:016x}\n"))
    });
    lines.collect()
}

/// 2024-08-09, 00:00 UTC.
const START_MS: i64 = 1_723_161_600_000;
/// Fowler, Noll and Vo's hash (FNV-1a, 64 bits).
const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_FACTOR: u64 = 0x0100_0000_01b3;

struct Numbers(u64);

impl Numbers {
    /// Returns a number from 0 to below `end`.
    fn below(&mut self, end: u32) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::from((self.0 >> 32) as u32 % end)
    }

    /// Returns a number from `-end` to `end`.
    fn around(&mut self, end: u32) -> i64 {
        self.below(2 * end + 1) - i64::from(end)
    }
}
