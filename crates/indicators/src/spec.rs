//! An indicator with its parameters, source and interval, and its canonical text.
//!
//! `rsi(14)` · `rsi` (defaults) · `bb(length=20,deviations=2)` · `sma(20,source=hl2)` · `sma(9,source=rsi(14))` ·
//! `ema(9,source=macd(12,26,9).signal)` · `ema(20,interval=1h)` (closed hours only) · `ema(20,interval=1h,forming=1)`.
//! Case and spaces do not matter. The canonical text is in lower case, without spaces, with every parameter, and never
//! contains a colon. Not here: reading a text (`parse`).

mod parse;

use std::{fmt, hash, sync::Arc};

use model::candle::Interval;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{definition::Definition, error::SpecError, source::Field};

/// The longest text, in bytes and without spaces.
pub const MAX_BYTES: usize = 120;

/// Maximum depth of indicators that read each other.
pub const MAX_DEPTH: usize = 3;

/// An indicator as a reader chose it. Cheap to clone; equal if the canonical texts are.
#[derive(Clone)]
pub struct Spec(Arc<Parts>);

struct Parts {
    text: String,
    definition: &'static Definition,
    parameters: Vec<f64>,
    source: Source,
    interval: Option<Interval>,
    is_forming: bool,
}

/// Source of the values that an indicator reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A price of each bar.
    Field(Field),
    /// An output of another indicator.
    Indicator(Spec, usize),
}

impl Spec {
    /// Reads a text.
    ///
    /// # Errors
    /// It is not an indicator, or a parameter is not allowed.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        match parse::parse(text)? {
            (spec, None) => Ok(spec),
            (_, Some(_)) => Err(SpecError::UnwantedOutput { text: text.to_owned() }),
        }
    }

    /// Reads a text that may end with an output (`macd(12,26,9).signal`); without one it is the first.
    ///
    /// # Errors
    /// It is not an indicator, a parameter is not allowed, or there is no such output.
    pub fn parse_output(text: &str) -> Result<(Self, usize), SpecError> {
        parse::parse(text).map(|(spec, output)| (spec, output.unwrap_or_default()))
    }

    fn new(
        definition: &'static Definition,
        parameters: Vec<f64>,
        source: Source,
        interval: Option<Interval>,
        is_forming: bool,
    ) -> Result<Self, SpecError> {
        let mut parts: Vec<String> = parameters.iter().map(ToString::to_string).collect();
        match &source {
            Source::Field(Field::Close) => {}
            Source::Field(field) => parts.push(format!("source={field}")),
            Source::Indicator(spec, output) => parts.push(format!("source={}", spec.column(*output))),
        }
        parts.extend(interval.map(|interval| format!("interval={interval}")));
        if is_forming {
            parts.push("forming=1".into());
        }
        let text = if parts.is_empty() {
            definition.name.to_owned()
        } else {
            format!("{}({})", definition.name, parts.join(","))
        };
        if text.len() > MAX_BYTES {
            return Err(SpecError::TooLong { bytes: text.len() });
        }
        if let Some(problem) = (definition.conflict)(&parameters) {
            return Err(SpecError::Conflict { text, problem });
        }
        Ok(Self(Arc::new(Parts { text, definition, parameters, source, interval, is_forming })))
    }

    /// Returns the canonical text.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Returns the specification.
    pub fn definition(&self) -> &'static Definition {
        self.0.definition
    }

    /// Returns the parameters, in the sequence of the definition.
    pub fn parameters(&self) -> &[f64] {
        &self.0.parameters
    }

    /// Returns what it reads, if it takes a source.
    pub fn source(&self) -> &Source {
        &self.0.source
    }

    /// Returns the interval whose bars it reads; `None` for the bars it is given.
    pub fn interval(&self) -> Option<Interval> {
        self.0.interval
    }

    /// Returns true if it also reads the forming bar of its interval.
    pub fn is_forming(&self) -> bool {
        self.0.is_forming
    }

    /// Returns how many bars have no value at the start; bars of [`Spec::interval`], if it has one.
    pub fn lookback(&self) -> usize {
        (self.0.definition.lookback)(&self.0.parameters) + self.inner().map_or(0, Self::lookback)
    }

    /// Returns after how many bars two histories that end with the same bars differ by less than 1e-6 of the value;
    /// `usize::MAX` if they may differ for ever.
    pub fn convergence(&self) -> usize {
        let own = (self.0.definition.convergence)(&self.0.parameters);
        own.saturating_add(self.inner().map_or(0, Self::convergence))
    }

    /// Returns the name of an output's column or legend entry: the text, with the output's name if there are several.
    pub fn column(&self, output: usize) -> String {
        match self.0.definition.outputs {
            [_] => self.0.text.clone(),
            outputs => format!("{}.{}", self.0.text, outputs.get(output).map_or("", |output| output.name)),
        }
    }

    fn inner(&self) -> Option<&Self> {
        match &self.0.source {
            Source::Field(_) => None,
            Source::Indicator(spec, _) => Some(spec),
        }
    }

    fn depth(&self) -> usize {
        1 + self.inner().map_or(0, Self::depth)
    }
}

impl PartialEq for Spec {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for Spec {}

impl PartialOrd for Spec {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Spec {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.text.cmp(&other.0.text)
    }
}

impl hash::Hash for Spec {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.text.hash(state);
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl std::str::FromStr for Spec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        Self::parse(text)
    }
}

impl Serialize for Spec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.text)
    }
}

impl<'de> Deserialize<'de> for Spec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_one_canonical_form() {
        #[track_caller]
        fn check(text: &str, canonical: &str) {
            let spec = Spec::parse(text).unwrap();
            assert_eq!(spec.to_string(), canonical);
            assert_eq!(Spec::parse(canonical).unwrap(), spec);
        }
        check("rsi", "rsi(14)");
        check("rsi()", "rsi(14)");
        check(" RSI ( 9 ) ", "rsi(9)");
        check("bb(30)", "bb(30,2)");
        check("bb(deviations=2.50)", "bb(20,2.5)");
        check("bb(20,deviations=3)", "bb(20,3)");
        check("sma(20,source=HL2)", "sma(20,source=hl2)");
        check("sma(20,source=close)", "sma(20)");
        check("sma(source=rsi)", "sma(20,source=rsi(14))");
        check("ema(9,source=macd(12,26,9).signal)", "ema(9,source=macd(12,26,9).signal)");
        check("ema(9,source=macd)", "ema(9,source=macd(12,26,9).macd)");
        check("ema(20,interval=1h)", "ema(20,interval=1h)");
        check("ema(20,forming=0,interval=1H)", "ema(20,interval=1h)");
        check("ema(20,interval=1h,forming=1)", "ema(20,interval=1h,forming=1)");
        check("sma(2,source=sma(3,source=sma(4)))", "sma(2,source=sma(3,source=sma(4)))");
    }

    #[test]
    fn errors_name_the_value_and_the_remedy() {
        #[track_caller]
        fn check(text: &str, message: &str) {
            assert_eq!(Spec::parse(text).unwrap_err().to_string(), message);
        }
        check("", "the indicator is empty; write one like rsi(14)");
        check("rsy(14)", "unknown indicator rsy; did you mean rsi?");
        check("whatever", "unknown indicator whatever; docs/indicators.md lists them");
        check("(14)", "unknown indicator ; docs/indicators.md lists them");
        check("rsi(14", "rsi(14 is not an indicator: a bracket is not closed; write one like macd(12,26,9)");
        check("rsi)", "rsi) is not an indicator: a bracket is not opened; write one like macd(12,26,9)");
        check(
            "rsi(14)x",
            "rsi(14)x is not an indicator: something follows the closing bracket; write one like macd(12,26,9)",
        );
        check("rsi(14,3)", "rsi has 1 parameters, and 3 is one more");
        check("rsi(period=3)", "rsi has no parameter period; it has length, source, interval, forming");
        check("atr(source=hl2)", "atr reads high, low, close; it takes no source");
        check(
            "rsi(length=3,length=4)",
            "length of rsi is given twice or out of turn; name each value that follows a named one",
        );
        check("bb(length=3,4)", "4 of bb is given twice or out of turn; name each value that follows a named one");
        check("rsi(x)", "length of rsi is x, which is not a whole number");
        check("rsi(,)", "length of rsi is , which is not a whole number");
        check("rsi(14.5)", "length of rsi is 14.5, which is not a whole number");
        check("rsi(1e1)", "length of rsi is 1e1, which is not a whole number");
        check("bb(20,inf)", "deviations of bb is inf, which is not a number");
        check("rsi(1)", "length of rsi is 1; it must be from 2 to 1000");
        check("rsi(-3)", "length of rsi is -3; it must be from 2 to 1000");
        check("macd(26,12)", "macd(26,12,9): fast must be shorter than slow; exchange them or choose others");
        check(
            "sma(source=mid)",
            "sma cannot read mid; a source is one of close, open, high, low, hl2, hlc3, ohlc4, hlcc4, volume, or an indicator",
        );
        check(
            "sma(source=sma(source=sma(source=sma)))",
            "more than 3 indicators read each other; leave the innermost out",
        );
        check("sma(interval=2h)", "2h is not an interval; it is one of 1s, 1m, 5m, 15m, 30m, 1h, 4h, 1d");
        check(
            "sma(source=rsi(interval=1h))",
            "interval and forming belong to the outermost indicator; move them there from rsi",
        );
        check("sma(forming=1)", "forming is 1 without an interval; it is 0 or 1, and needs an interval");
        check("sma(interval=1h,forming=2)", "forming is 2; it is 0 or 1, and needs an interval");
        check("macd.signal", "macd.signal names one output; write the indicator without it");
        check("sma(source=macd.sign)", "macd has no output sign; it has macd, signal, histogram");
        check(&"x".repeat(200), "the indicator has 200 bytes; at most 120 are read");
    }

    #[test]
    fn outputs_are_named_after_the_indicator() {
        let (spec, output) = Spec::parse_output("macd.signal").unwrap();
        assert_eq!((spec.to_string(), output), ("macd(12,26,9)".into(), 1));
        assert_eq!(spec.column(1), "macd(12,26,9).signal");
        assert_eq!(Spec::parse("rsi").unwrap().column(0), "rsi(14)");
    }

    #[test]
    fn lookback_adds_up() {
        #[track_caller]
        fn check(text: &str, lookback: usize) {
            assert_eq!(Spec::parse(text).unwrap().lookback(), lookback);
        }
        check("rsi", 14);
        check("macd", 33);
        check("sma(9,source=rsi(14))", 22);
    }

    #[test]
    fn a_spec_is_text_in_json() {
        let spec = Spec::parse("rsi").unwrap();
        assert_eq!(serde_json::to_string(&spec).unwrap(), "\"rsi(14)\"");
        assert_eq!(serde_json::from_str::<Spec>("\"RSI\"").unwrap(), spec);
        assert!(serde_json::from_str::<Spec>("\"rsi(0)\"").is_err());
    }
}
