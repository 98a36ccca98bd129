//! The candles that are drawn: those of the native benchmark (`crates/chart/benches/draw.rs`), plus trades in the last
//! one.

use model::{
    candle::Candle,
    decimal::{Price, Quantity},
    time::Timestamp,
};

/// Returns `n_bars` minutes of a random walk, the same in every run.
pub(crate) fn bars(n_bars: u32) -> Vec<Candle> {
    let mut cents = 6_160_000_i64;
    let mut noise = 1_u64;
    (0..i64::from(n_bars))
        .map(|minute| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let step = i64::try_from(noise >> 52).unwrap_or(0) - 2_048;
            let open = cents;
            cents += step;
            Candle {
                open_time: Timestamp::from_millis(1_723_154_400_000 + minute * 60_000),
                open: price(open),
                high: price(open.max(cents) + 900),
                low: price(open.min(cents) - 700),
                close: price(cents),
                volume: Quantity::from_mantissa(i128::from(step.abs() + 1), 3).expect("invariant: not negative"),
                buy_volume: Quantity::from_mantissa(i128::from(step.abs() / 3), 3),
            }
        })
        .collect()
}

/// Returns `bar` after this many more trades: its close moves inside its range, so that no scale changes.
pub(crate) fn after_ticks(bar: &Candle, n_ticks: u32) -> Candle {
    // 37 and the modulus have no common factor: every close occurs, and consecutive ones almost always differ.
    let below = Price::from_mantissa(i128::from(n_ticks * 37 % 600), 2).expect("invariant: small");
    let traded = Quantity::from_mantissa(i128::from(n_ticks % 7), 3).expect("invariant: not negative");
    Candle {
        close: bar.close.checked_sub(below).expect("invariant: small"),
        volume: bar.volume.checked_add(traded).expect("invariant: small"),
        ..*bar
    }
}

fn price(cents: i64) -> Price {
    Price::from_mantissa(i128::from(cents), 2).expect("invariant: small")
}
