//! The price of a bar that an indicator reads.

use std::fmt;

use crate::bar::Bar;

/// A price of a bar, a mean of some, or its volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field {
    /// First price.
    Open,
    /// Highest price.
    High,
    /// Lowest price.
    Low,
    /// Last price.
    #[default]
    Close,
    /// Mean of high and low.
    Hl2,
    /// Mean of high, low and close: the typical price.
    Hlc3,
    /// Mean of all four.
    Ohlc4,
    /// Mean of high, low and twice the close: the weighted close.
    Hlcc4,
    /// Base units traded.
    Volume,
}

impl Field {
    /// All fields, as menus list them.
    pub const ALL: [Self; 9] =
        [Self::Close, Self::Open, Self::High, Self::Low, Self::Hl2, Self::Hlc3, Self::Ohlc4, Self::Hlcc4, Self::Volume];

    /// Returns its name in specs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::High => "high",
            Self::Low => "low",
            Self::Close => "close",
            Self::Hl2 => "hl2",
            Self::Hlc3 => "hlc3",
            Self::Ohlc4 => "ohlc4",
            Self::Hlcc4 => "hlcc4",
            Self::Volume => "volume",
        }
    }

    /// Returns its name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::High => "High",
            Self::Low => "Low",
            Self::Close => "Close",
            Self::Hl2 => "Median (HL2)",
            Self::Hlc3 => "Typical (HLC3)",
            Self::Ohlc4 => "Average (OHLC4)",
            Self::Hlcc4 => "Weighted close (HLCC4)",
            Self::Volume => "Volume",
        }
    }

    /// Returns the field with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == name)
    }

    /// Returns its value in a bar.
    #[inline(always)]
    pub fn of(self, bar: &Bar) -> f64 {
        // By far the most common one, without a table of jumps.
        if self == Self::Close {
            return bar.close;
        }
        match self {
            Self::Open => bar.open,
            Self::High => bar.high,
            Self::Low => bar.low,
            Self::Close => bar.close,
            Self::Hl2 => (bar.high + bar.low) / 2.0,
            Self::Hlc3 => typical(bar),
            Self::Ohlc4 => (bar.open + bar.high + bar.low + bar.close) / 4.0,
            Self::Hlcc4 => (bar.high + bar.low + 2.0 * bar.close) / 4.0,
            Self::Volume => bar.volume,
        }
    }
}

/// Returns the mean of high, low and close.
#[inline(always)]
pub(crate) fn typical(bar: &Bar) -> f64 {
    (bar.high + bar.low + bar.close) / 3.0
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
