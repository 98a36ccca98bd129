//! Volume by price over a range of bars (volume profile), and where most of it was traded.
//!
//! A bar gives the volume between its low and its high, not at which price: the volume is spread evenly over the rows
//! that the bar crosses. The shorter the bars, the more accurate the profile. Rows are at round prices, so that they
//! keep their place while prices move. For pixels only; not here: drawing.

use std::ops::Range;

use crate::series::Series;

/// The volume traded at the prices of one row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Row {
    /// Volume bought by aggressors.
    pub bought: f64,
    /// Volume sold by aggressors.
    pub sold: f64,
    /// Volume of unknown side.
    pub unsided: f64,
}

impl Row {
    /// Returns the total volume.
    pub fn volume(&self) -> f64 {
        self.bought + self.sold + self.unsided
    }
}

/// Volume by price.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Height of a row in prices.
    step: f64,
    /// The start of the first row, in steps.
    first: f64,
    rows: Vec<Row>,
    /// The row with the most volume (point of control).
    control: usize,
    /// The rows around it that hold [`VALUE_SHARE`] of the volume (value area).
    value_area: Range<usize>,
}

impl Profile {
    /// Builds the profile of the bars in `range`, in rows of `step`, which is a multiple of `tick`, the smallest step
    /// of prices; `None` if nothing was traded, or if there would be more rows than any screen has.
    pub fn new(series: &Series, range: Range<usize>, step: f64, tick: f64) -> Option<Self> {
        let (low, high) = series.price_extent(range.clone())?;
        // A price belongs to the tick above it. Uses the tick's middle, since a quotient may miss a row's edge by its
        // last bit.
        let row_of = |price: f64| ((price + tick / 2.0) / step).floor();
        let (first, last) = (row_of(low), row_of(high));
        if !(last - first < MAX_ROWS && step > 0.0) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to MAX_ROWS")]
        let idx_of = |row: f64| (row - first).clamp(0.0, last - first) as usize;
        let mut rows = vec![Row::default(); idx_of(last) + 1];
        for idx in range {
            let bar = series.bar(idx);
            let (from, to) = (idx_of(row_of(bar.low)), idx_of(row_of(bar.high)));
            let (top, span) = (bar.high + tick, bar.high - bar.low + tick);
            for (at, row) in rows.iter_mut().enumerate().take(to + 1).skip(from) {
                #[expect(clippy::cast_precision_loss, reason = "0 to MAX_ROWS")]
                let bottom = (first + at as f64) * step;
                let crossed = (top.min(bottom + step) - bar.low.max(bottom)).max(0.0);
                let share = if from == to { 1.0 } else { crossed / span };
                match bar.bought {
                    Some(bought) => {
                        row.bought += bought * share;
                        row.sold += (bar.volume - bought) * share;
                    }
                    None => row.unsided += bar.volume * share,
                }
            }
        }
        let control = (0..rows.len()).max_by(|one, other| rows[*one].volume().total_cmp(&rows[*other].volume()))?;
        if rows[control].volume() <= 0.0 {
            return None;
        }
        let value_area = value_area(&rows, control);
        Some(Self { step, first, rows, control, value_area })
    }

    /// Returns the largest volume of a row; above zero.
    pub fn most(&self) -> f64 {
        self.rows[self.control].volume()
    }

    /// Returns the middle of the row with the most volume.
    pub fn control_price(&self) -> f64 {
        let (low, high) = self.prices(self.control);
        f64::midpoint(low, high)
    }

    /// Iterates over the rows, lowest first: lower and upper price, volumes, and whether the row is in the value area.
    pub fn rows(&self) -> impl Iterator<Item = ((f64, f64), Row, bool)> + '_ {
        let row = |(at, row): (usize, &Row)| (self.prices(at), *row, self.value_area.contains(&at));
        self.rows.iter().enumerate().map(row)
    }

    fn prices(&self, at: usize) -> (f64, f64) {
        #[expect(clippy::cast_precision_loss, reason = "0 to MAX_ROWS")]
        let row = self.first + at as f64;
        (row * self.step, (row + 1.0) * self.step)
    }
}

/// Grows from `control` towards the larger neighbour until the share is reached.
fn value_area(rows: &[Row], control: usize) -> Range<usize> {
    let wanted = rows.iter().map(Row::volume).sum::<f64>() * VALUE_SHARE;
    let (mut area, mut held) = (control..control + 1, rows[control].volume());
    while held < wanted {
        let below = area.start.checked_sub(1).map(|at| rows[at].volume());
        let above = rows.get(area.end).map(Row::volume);
        match (below, above) {
            (None, None) => break,
            (Some(below), above) if above.is_none_or(|above| below > above) => {
                area.start -= 1;
                held += below;
            }
            (_, above) => {
                area.end += 1;
                held += above.unwrap_or_default();
            }
        }
    }
    area
}

/// The usual share of the volume in the value area.
const VALUE_SHARE: f64 = 0.7;

/// More rows than a screen has pixels.
const MAX_ROWS: f64 = 4_096.0;

#[cfg(test)]
mod tests {
    use model::{
        candle::Candle,
        decimal::{Price, Quantity},
        event::AggressorSide,
        time::Timestamp,
    };
    use proptest::prelude::*;

    use super::*;

    /// Bars of low, high, volume and bought volume, in whole units.
    fn series(bars: &[(i128, i128, i128, Option<i128>)]) -> Series {
        let mut series = Series::default();
        let price = |units| Price::from_mantissa(units, 0).unwrap();
        let size = |lots| Quantity::from_mantissa(lots, 0).unwrap();
        let candle = |(minute, (low, high, volume, bought)): (i64, &(i128, i128, i128, Option<i128>))| Candle {
            open_time: Timestamp::from_millis(minute * 60_000),
            open: price(*low),
            high: price(*high),
            low: price(*low),
            close: price(*high),
            volume: size(*volume),
            buy_volume: bought.map(size),
        };
        series.set(&(0..).zip(bars).map(candle).collect::<Vec<_>>());
        series
    }

    #[test]
    fn volume_is_spread_over_the_rows_a_bar_crosses() {
        let bars = [(10, 13, 8, Some(2)), (12, 12, 5, None), (13, 15, 3, Some(3))];
        let profile = Profile::new(&series(&bars), 0..3, 2.0, 1.0).unwrap();
        let rows: Vec<_> = profile.rows().map(|(prices, row, _)| (prices, row)).collect();
        let row = |bought, sold, unsided| Row { bought, sold, unsided };
        assert_eq!(
            rows,
            [
                ((10.0, 12.0), row(1.0, 3.0, 0.0)),
                ((12.0, 14.0), row(1.0 + 1.0, 3.0, 5.0)),
                ((14.0, 16.0), row(2.0, 0.0, 0.0)),
            ]
        );
        assert_eq!((profile.most(), profile.control_price()), (10.0, 13.0));
    }

    #[test]
    fn a_price_on_the_edge_of_a_row_is_in_it() {
        // 3,271 / 10,000 is slightly less than that many steps of 1 / 10,000.
        for ticks in 3_000_i128..3_400 {
            let price = Price::from_mantissa(ticks, 4).unwrap();
            let bar = Candle::of_trade(Timestamp::EPOCH, price, Quantity::parse("1").unwrap(), AggressorSide::Buyer);
            let mut series = Series::default();
            series.set(&[bar]);
            let profile = Profile::new(&series, 0..1, 0.0001, 0.0001).unwrap();
            assert!((profile.control_price() - price.to_f64_lossy() - 0.000_05).abs() < 1e-9, "{price}");
        }
    }

    #[test]
    fn the_value_area_grows_by_the_larger_neighbour() {
        let bars = [(0, 0, 1, None), (1, 1, 5, None), (2, 2, 10, None), (3, 3, 4, None), (4, 4, 1, None)];
        let profile = Profile::new(&series(&bars), 0..5, 1.0, 1.0).unwrap();
        // 10 + 5 of 21 are 71 %.
        assert_eq!(profile.value_area, 1..3);
        let inside: Vec<bool> = profile.rows().map(|(_, _, is_inside)| is_inside).collect();
        assert_eq!(inside, [false, true, true, false, false]);
    }

    #[test]
    fn without_volume_or_with_too_many_rows_there_is_none() {
        let one = series(&[(10, 14, 0, None)]);
        assert_eq!(Profile::new(&one, 0..1, 1.0, 1.0), None);
        let one = series(&[(10, 14_000, 5, None)]);
        assert_eq!(Profile::new(&one, 0..0, 1.0, 1.0), None);
        assert!(Profile::new(&one, 0..1, 10.0, 1.0).is_some());
        for step in [1.0, 0.0, -1.0, f64::NAN, f64::INFINITY] {
            let profile = Profile::new(&one, 0..1, step, 1.0);
            assert!(profile.is_none_or(|profile| profile.rows.len() == 1), "{step}");
        }
    }

    proptest! {
        #[test]
        fn no_volume_is_lost(
            bars in prop::collection::vec((1_i128..3_000, 0_i128..200, 0_i128..50, prop::option::of(0_i128..50)), 1..60),
            step in (1_i32..300).prop_map(f64::from),
        ) {
            let bars: Vec<_> = bars
                .into_iter()
                .map(|(low, span, volume, bought)| (low, low + span, volume, bought.map(|bought| bought.min(volume))))
                .collect();
            let total: i128 = bars.iter().map(|bar| bar.2).sum();
            let Some(profile) = Profile::new(&series(&bars), 0..bars.len(), step, 1.0) else {
                prop_assert_eq!(total, 0);
                return Ok(());
            };
            let volume: f64 = profile.rows().map(|(_, row, _)| row.volume()).sum();
            let bought: f64 = profile.rows().map(|(_, row, _)| row.bought).sum();
            let expected: i128 = bars.iter().filter_map(|bar| bar.3).sum();
            prop_assert!((volume - total as f64).abs() < 1e-6, "{volume} {total}");
            prop_assert!((bought - expected as f64).abs() < 1e-6);
            prop_assert!(profile.rows().all(|(_, row, _)| row.volume() <= profile.most()));
            let inside: f64 = profile.rows().filter(|row| row.2).map(|(_, row, _)| row.volume()).sum();
            prop_assert!(inside >= 0.7 * volume - 1e-6);
        }
    }
}
