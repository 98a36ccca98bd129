//! The lines of a grid, on the tick grid, and their shift when the grid follows the price.

use model::{
    decimal::{Price, Rounding},
    instrument::Instrument,
    trading::refusal::{DenyCode, Refusal},
};

use crate::grid::{
    level::Level,
    settings::{GridSettings, Spacing},
};

/// Returns the lines, lowest first, each rounded to the nearest tick.
///
/// Arithmetic: `lower + i (upper − lower) / (n − 1)`. Geometric: `lower · r^i` with `r` the `(n − 1)`th root of
/// `upper / lower`. The root is found with multiplications alone, so that every machine gives the same digits.
///
/// # Errors
/// Settings that make no sense, or lines that fall on the same tick.
pub fn lines(settings: &GridSettings, instrument: &Instrument) -> Result<Vec<Price>, Refusal> {
    settings.check()?;
    let n_levels = settings.n_lines - 1;
    let ratio = root(settings.upper.to_f64_lossy() / settings.lower.to_f64_lossy(), n_levels);
    let line = |idx: u32| {
        let price = match (idx, settings.spacing) {
            (0, _) => Some(settings.lower),
            (idx, _) if idx == n_levels => Some(settings.upper),
            (idx, Spacing::Arithmetic) => settings.lower.between(settings.upper, idx, n_levels),
            (idx, Spacing::Geometric) => scaled(settings.lower, power(ratio, idx)),
        };
        price.and_then(|price| instrument.round_price(price, Rounding::NearestEven))
    };
    let lines: Option<Vec<Price>> = (0..=n_levels).map(line).collect();
    let lines =
        lines.ok_or_else(|| Refusal::new(DenyCode::DoesNotFit, "the lines of the grid do not fit a decimal"))?;
    match lines.windows(2).find(|pair| pair[0] >= pair[1]) {
        None => Ok(lines),
        Some(pair) => {
            let tick = instrument.tick_size;
            let message =
                format!("two lines fall on {}: {} lines are too many for a tick of {tick}", pair[0], lines.len());
            Err(Refusal::new(DenyCode::BadStrategy, message).with(tick, lines.len()))
        }
    }
}

/// A level that takes the place of one at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shift {
    /// Its lower line.
    pub(super) buy_price: Price,
    /// Its upper line.
    pub(super) sell_price: Price,
    /// True at the upper end.
    pub(super) is_up: bool,
}

/// Returns the next shift of the grid at `price`: a whole level beyond its last line, within its bounds.
pub(super) fn shift(settings: &GridSettings, levels: &[Level], price: Price, instrument: &Instrument) -> Option<Shift> {
    let (lowest, highest) = (levels.first()?, levels.last()?);
    let up = || {
        let bound = settings.trail_up_to?;
        let line = beyond(settings.spacing, highest.buy_price, highest.sell_price, instrument)?;
        (price >= line && line <= bound).then_some(Shift {
            buy_price: highest.sell_price,
            sell_price: line,
            is_up: true,
        })
    };
    let down = || {
        let bound = settings.trail_down_to?;
        let line = beyond(settings.spacing, lowest.sell_price, lowest.buy_price, instrument)?;
        (price <= line && line >= bound).then_some(Shift {
            buy_price: line,
            sell_price: lowest.buy_price,
            is_up: false,
        })
    };
    up().or_else(down)
}

/// Returns the line after `to`, as far (or as many times as far) from it as that is from `from`.
fn beyond(spacing: Spacing, from: Price, to: Price, instrument: &Instrument) -> Option<Price> {
    let price = match spacing {
        Spacing::Arithmetic => to.checked_add(to.checked_sub(from)?)?,
        Spacing::Geometric => scaled(to, to.to_f64_lossy() / from.to_f64_lossy())?,
    };
    instrument.round_price(price, Rounding::NearestEven).filter(|line| *line > Price::ZERO)
}

/// Returns `price · factor` with the digits that a double holds.
fn scaled(price: Price, factor: f64) -> Option<Price> {
    let product = price.to_f64_lossy() * factor;
    // Plain text of a double is exact and the same everywhere.
    Price::parse(&format!("{product:.12}")).ok()
}

/// Returns the positive `n`th root by bisection.
fn root(value: f64, n: u32) -> f64 {
    let (mut low, mut high) = (1.0_f64, value.max(1.0));
    // Each step halves the span; after 200 it is a single number.
    for _ in 0..200 {
        let middle = low + (high - low) / 2.0;
        if power(middle, n) < value { low = middle } else { high = middle }
    }
    high
}

fn power(base: f64, exponent: u32) -> f64 {
    (0..exponent).fold(1.0, |product, _| product * base)
}
