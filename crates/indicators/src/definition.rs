//! The specification of an indicator: what settings panel, legend and documentation are made of.
//!
//! Not here: the arithmetic (`kinds/`).

/// An indicator's specification.
#[derive(Debug)]
pub struct Definition {
    /// Its name in specs (`rsi`).
    pub name: &'static str,
    /// Its name for people (`Relative strength index`).
    pub title: &'static str,
    /// Its group in a menu.
    pub group: Group,
    /// One sentence of what it shows.
    pub summary: &'static str,
    /// The formula, in plain text.
    pub formula: &'static str,
    /// Source of the formula: author, work, year, or an address.
    pub origin: &'static str,
    /// Its parameters, in the sequence of specs.
    pub parameters: &'static [Parameter],
    /// True if it reads one price a bar, so that another source can be chosen.
    pub takes_source: bool,
    /// Its outputs, at most [`crate::values::MAX_OUTPUTS`].
    pub outputs: &'static [Output],
    /// Pane in which it is drawn.
    pub pane: Pane,
    /// Input read of each bar.
    pub input: Input,
    /// Computation of the first value.
    pub seed: &'static str,
    /// Results of divisions by zero, and other special cases.
    pub zero_cases: &'static str,
    /// Bars at the start in which not every output has a value, for these parameters.
    pub lookback: fn(&[f64]) -> usize,
    /// Bars after which two histories that end with the same bars differ by less than 1e-6 of the value;
    /// `usize::MAX` if they may differ for ever.
    pub convergence: fn(&[f64]) -> usize,
    /// Says what is wrong with the parameters together, and what to do.
    pub conflict: fn(&[f64]) -> Option<&'static str>,
}

impl Definition {
    /// Returns the number of an output.
    pub fn output(&self, name: &str) -> Option<usize> {
        self.outputs.iter().position(|output| output.name == name)
    }

    /// Returns the parameters' defaults.
    pub fn defaults(&self) -> Vec<f64> {
        self.parameters.iter().map(|parameter| parameter.default).collect()
    }
}

/// A family of indicators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Averages of the price.
    Averages,
    /// Direction and its strength.
    Trend,
    /// Speed of the price.
    Momentum,
    /// Size of movements.
    Volatility,
    /// Price and volume together.
    Volume,
    /// Trades and the order book.
    OrderFlow,
}

impl Group {
    /// All groups, as menus list them.
    pub const ALL: [Self; 6] =
        [Self::Averages, Self::Trend, Self::Momentum, Self::Volatility, Self::Volume, Self::OrderFlow];

    /// Returns its name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Averages => "Averages",
            Self::Trend => "Trend",
            Self::Momentum => "Momentum",
            Self::Volatility => "Volatility",
            Self::Volume => "Volume",
            Self::OrderFlow => "Order flow",
        }
    }
}

/// A number that the reader chooses.
#[derive(Debug)]
pub struct Parameter {
    /// Its name in specs (`length`).
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Its value unless another is given.
    pub default: f64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Step of a control; if it is a whole number, so is the value.
    pub step: f64,
}

impl Parameter {
    /// Returns a parameter that counts bars.
    pub(crate) const fn bars(name: &'static str, title: &'static str, default: f64, min: f64) -> Self {
        Self { name, title, default, min, max: LONGEST, step: 1.0 }
    }

    /// Returns a parameter that multiplies.
    pub(crate) const fn factor(name: &'static str, title: &'static str, default: f64) -> Self {
        Self { name, title, default, min: 0.1, max: 100.0, step: 0.1 }
    }

    /// Returns true if its values are whole numbers.
    pub fn is_whole(&self) -> bool {
        self.step.fract() == 0.0
    }
}

/// The longest window, in bars.
pub const LONGEST: f64 = 1000.0;

/// One number of each row.
#[derive(Debug)]
pub struct Output {
    /// Its name in specs (`signal`).
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Its drawing style.
    pub style: Style,
}

impl Output {
    /// Returns an output drawn as a line.
    pub(crate) const fn line(name: &'static str, title: &'static str) -> Self {
        Self { name, title, style: Style::Line }
    }

    /// Returns an output drawn as an edge of a band.
    pub(crate) const fn band(name: &'static str, title: &'static str) -> Self {
        Self { name, title, style: Style::Band }
    }

    /// Returns an output drawn as bars from zero.
    pub(crate) const fn histogram(name: &'static str, title: &'static str) -> Self {
        Self { name, title, style: Style::Histogram }
    }

    /// Returns an output that the legend and rules read.
    pub(crate) const fn hidden(name: &'static str, title: &'static str) -> Self {
        Self { name, title, style: Style::Hidden }
    }

    /// Returns the direction of an indicator: 1 while rising, -1 while falling.
    pub(crate) const fn trend() -> Self {
        Self { name: "trend", title: "Trend", style: Style::Trend }
    }
}

/// Drawing style of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A line.
    Line,
    /// A line that is an edge of a band; the space between two of them may be filled.
    Band,
    /// Bars from zero.
    Histogram,
    /// A dot for each bar.
    Dots,
    /// Not drawn: 1 while rising and -1 while falling; it may colour the first output.
    Trend,
    /// Not drawn: for the legend and for rules.
    Hidden,
}

/// Pane in which an indicator is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pane {
    /// Over the candles, on their price axis.
    Overlay,
    /// In a pane of its own.
    Own {
        /// Horizontal lines.
        levels: &'static [f64],
        /// The axis, if it is always the same.
        range: Option<(f64, f64)>,
    },
}

impl Pane {
    /// A pane whose axis follows the values.
    pub(crate) const FREE: Self = Self::Own { levels: &[], range: None };
    /// A pane whose axis follows the values, with a line at zero.
    pub(crate) const AROUND_ZERO: Self = Self::Own { levels: &[0.0], range: None };
}

/// Input that an indicator reads of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// One price.
    Price,
    /// High, low and close.
    HighLowClose,
    /// Prices and volume.
    Volume,
    /// The buyers' part of the volume.
    BuyVolume,
    /// Figures of the order book.
    Book,
}

impl Input {
    /// Returns it in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Price => "one price a bar",
            Self::HighLowClose => "high, low, close",
            Self::Volume => "prices and volume",
            Self::BuyVolume => "volume and the buyers' part of it",
            Self::Book => "figures of the order book",
        }
    }
}

/// For indicators whose parameters never contradict each other.
pub(crate) fn no_conflict(_: &[f64]) -> Option<&'static str> {
    None
}
