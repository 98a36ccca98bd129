//! The bar under the cursor as text, and a sentence about the whole chart for people who cannot see it.

use std::fmt;

use model::{
    candle::Candle,
    decimal::{Price, Quantity},
};

use crate::{
    format::{format_bar_time, format_change, grouped},
    zone::Zone,
};

/// The direction of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Closed above its open.
    Up,
    /// Closed below its open.
    Down,
    /// Closed at its open.
    Flat,
}

impl Direction {
    /// Returns the name for attributes: `up`, `down`, `flat`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Flat => "flat",
        }
    }
}

/// One bar as text: exact, with the instrument's decimals; the part whose length varies most comes last. Displayed as
/// `9 Aug 2024 14:05  O 61 602.01  H 61 610.00  L 61 600.00  C 61 605.50  +0.01 %  V 1.67177`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Legend {
    /// Open time of the bar, in the chart's time zone.
    pub time: String,
    /// First price.
    pub open: String,
    /// Highest price.
    pub high: String,
    /// Lowest price.
    pub low: String,
    /// Last price.
    pub close: String,
    /// Base units traded.
    pub volume: String,
    /// Volume bought less volume sold, if requested and known.
    pub delta: Option<String>,
    /// From open to close, in percent.
    pub change: String,
    /// The bar's direction.
    pub direction: Direction,
}

impl Legend {
    /// Formats `bar`.
    pub fn new(bar: &Candle, interval_ms: i64, zone: Zone, (price_decimals, size_decimals): (u32, u32)) -> Self {
        let price = |price: Price| grouped(&price.at_scale(price_decimals).to_string());
        Self {
            time: format_bar_time(bar.open_time.as_millis(), interval_ms, zone),
            open: price(bar.open),
            high: price(bar.high),
            low: price(bar.low),
            close: price(bar.close),
            volume: grouped(&bar.volume.at_scale(size_decimals).to_string()),
            delta: None,
            change: format_change(bar.open.to_f64_lossy(), bar.close.to_f64_lossy()),
            direction: match bar.close.cmp(&bar.open) {
                std::cmp::Ordering::Greater => Direction::Up,
                std::cmp::Ordering::Less => Direction::Down,
                std::cmp::Ordering::Equal => Direction::Flat,
            },
        }
    }
}

impl Legend {
    /// Adds the bar's delta, exact.
    pub(crate) fn with_delta(self, bar: &Candle, size_decimals: u32) -> Self {
        let signed =
            |sign: &str, size: Quantity| format!("{sign}{}", grouped(&size.at_scale(size_decimals).to_string()));
        let delta = || {
            let bought = bar.buy_volume?;
            let sold = bar.volume.checked_sub(bought)?;
            // Quantities have no sign.
            let surplus = |sign: &str, one: Quantity, other: Quantity| Some(signed(sign, one.checked_sub(other)?));
            surplus("+", bought, sold).or_else(|| surplus("−", sold, bought))
        };
        Self { delta: delta(), ..self }
    }

    /// Returns `V …`, followed by `Δ …` if there is a delta. A line breaks between two figures only.
    pub fn volumes(&self) -> String {
        match &self.delta {
            Some(delta) => format!("V\u{a0}{}  Δ\u{a0}{delta}", self.volume),
            None => format!("V\u{a0}{}", self.volume),
        }
    }

    /// Returns `O … H … L … C …`. A line breaks between two figures only.
    pub fn prices(&self) -> String {
        let Self { open, high, low, close, .. } = self;
        format!("O\u{a0}{open}  H\u{a0}{high}  L\u{a0}{low}  C\u{a0}{close}")
    }
}

impl fmt::Display for Legend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}  {}  {}", self.time, self.prices(), self.change, self.volumes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::tests::bar;

    #[test]
    fn a_bar_as_text() {
        let legend = Legend::new(&bar(1_723_161_600_000, 6_160_200), 60_000, Zone::UTC, (2, 5));
        assert_eq!(
            legend.to_string().replace('\u{a0}', " "),
            "9 Aug 2024 00:00  O 61 602.00  H 61 602.30  L 61 601.80  C 61 602.10  0.00 %  V 0.00100"
                .replace("1 6", "1\u{202f}6")
        );
        assert_eq!(legend.direction, Direction::Up);
        assert_eq!(Legend::new(&bar(0, 101), 60_000, Zone::UTC, (2, 5)).direction, Direction::Down);
    }

    #[test]
    fn a_delta_has_a_sign() {
        for (bought, expected) in [
            (Some("0.01"), "Δ\u{a0}+0.008"),
            (Some("0"), "Δ\u{a0}−0.012"),
            (Some("0.006"), "Δ\u{a0}+0.000"),
            (None, "V\u{a0}0.012"),
        ] {
            let (volume, buy_volume) =
                (Quantity::parse("0.012").unwrap(), bought.map(|text| Quantity::parse(text).unwrap()));
            let bar = Candle { volume, buy_volume, ..bar(0, 100) };
            let volumes = Legend::new(&bar, 60_000, Zone::UTC, (2, 3)).with_delta(&bar, 3).volumes();
            assert!(volumes.ends_with(expected), "{volumes}");
        }
    }
}
