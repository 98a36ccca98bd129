//! Signals: the rules that find them, what those look for, and one signal as it is published and kept.
//!
//! [`LookFor`] is the one list that page, API and engine share. Numbers are `f64`: a signal is an opinion about prices,
//! not money. Not here: what a rule means bar by bar, its checks and its sentence (`strategy::signals`).
//!
//! Over 500 lines: the settings of all kinds of signals are one list.

use serde::{Deserialize, Serialize};

use crate::{alert::rule_id::RuleId, candle::Interval, decimal::Price, instrument::InstrumentId, time::Timestamp};

/// A rule that finds signals on one instrument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SignalRule {
    /// Its name in addresses and records.
    pub rule_id: RuleId,
    /// Rises by one with each change of the rule; signals of different versions are different signals.
    pub version: u32,
    /// Its name for people, 1 to 80 characters.
    pub name: String,
    /// The market that it watches.
    pub instrument: InstrumentId,
    /// The length of its bars.
    pub interval: Interval,
    /// Moments at which it looks.
    pub timing: Timing,
    /// The condition.
    pub look_for: LookFor,
    /// True while it finds nothing because a person paused it.
    #[serde(default)]
    pub is_paused: bool,
}

/// Moments at which a rule looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// At every change of the forming bar: a forming signal that the bar's end confirms or withdraws.
    Tick,
    /// At the end of a bar only: confirmed signals.
    #[default]
    BarClose,
}

/// Condition of a signal rule. In JSON an object of one member (`{"breakout":{"n_bars":20}}`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LookFor {
    /// One line crosses another.
    Cross(Cross),
    /// A line reaches a level.
    Threshold(Threshold),
    /// A close beyond the range of the bars before.
    Breakout(Breakout),
    /// The price makes a new extreme and an oscillator does not.
    Divergence(Divergence),
    /// More volume than usual.
    VolumeBurst(VolumeBurst),
    /// A wide spread.
    Spread(Spread),
    /// One side of the book outweighs the other.
    Imbalance(Imbalance),
    /// The price moves far within a window.
    Move(Move),
    /// All parts at once.
    All(All),
    /// One part at least.
    Any(Any),
    /// A weighted vote of the parts.
    Weighted(Weighted),
}

impl LookFor {
    /// Returns the name of its kind in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Cross(_) => "cross",
            Self::Threshold(_) => "threshold",
            Self::Breakout(_) => "breakout",
            Self::Divergence(_) => "divergence",
            Self::VolumeBurst(_) => "volume_burst",
            Self::Spread(_) => "spread",
            Self::Imbalance(_) => "imbalance",
            Self::Move(_) => "move",
            Self::All(_) => "all",
            Self::Any(_) => "any",
            Self::Weighted(_) => "weighted",
        }
    }
}

/// A line over time that a rule reads once a bar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The close.
    Price,
    /// An output of an indicator (`ema(12)`, `macd(12,26,9).signal`), as text.
    Indicator(String),
    /// Always this value.
    Level(f64),
    /// Best ask less best bid, in basis points of their mean.
    Spread,
    /// The bids' share less the asks' share of the size on the best level: -1 to 1.
    Imbalance,
}

/// Direction from which a level is met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Approach {
    /// From below.
    Up,
    /// From above.
    Down,
    /// From either side.
    #[default]
    Either,
}

/// Meaning of a movement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// Up says buy, down says sell.
    #[default]
    Follow,
    /// Up says sell, down says buy (overbought, oversold).
    Fade,
    /// Neither buy nor sell.
    Neutral,
}

/// `fast` reaches `slow`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Cross {
    /// The line that crosses; not a level.
    pub fast: Line,
    /// The line that is crossed, of the same unit.
    pub slow: Line,
    /// Direction from which it is crossed.
    #[serde(default)]
    pub approach: Approach,
    /// Meaning of the movement.
    #[serde(default)]
    pub meaning: Meaning,
}

/// `of` reaches the level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// The line; not a level.
    pub of: Line,
    /// In the line's unit.
    pub level: f64,
    /// Direction from which it is met.
    #[serde(default)]
    pub approach: Approach,
    /// Distance from the level that re-arms it, in the line's unit; at least 0.
    #[serde(default)]
    pub hysteresis: f64,
    /// Meaning of the movement.
    #[serde(default)]
    pub meaning: Meaning,
}

/// The close is above the highest high, or below the lowest low, of the bars before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Breakout {
    /// Number of bars before, 1 to 500.
    pub n_bars: u32,
    /// Above, below, or both.
    #[serde(default)]
    pub approach: Approach,
    /// Meaning of the movement.
    #[serde(default)]
    pub meaning: Meaning,
}

/// The price makes a lower low while the oscillator makes a higher one (buy), or a higher high while the oscillator makes
/// a lower one (sell).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Divergence {
    /// The oscillator: an indicator.
    pub of: Line,
    /// Bars between the two extremes at most, 5 to 500.
    pub n_bars: u32,
}

/// The bar's volume is at least a multiple of the mean of the bars before. A rising bar says buy, a falling one sell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct VolumeBurst {
    /// Number of bars before, 1 to 500.
    pub n_bars: u32,
    /// The multiple, above 1.
    pub factor: f64,
    /// Meaning of the movement; neutral counts bars that neither rise nor fall as well.
    #[serde(default)]
    pub meaning: Meaning,
}

/// The spread is at least this wide. Neutral.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Least width.
    pub limit: SpreadLimit,
}

/// Least width of a spread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SpreadLimit {
    /// In basis points of the mean of best bid and best ask.
    Bps(f64),
    /// A multiple of the mean spread at the ends of the bars before.
    Average {
        /// The multiple, above 1.
        multiple: f64,
        /// Number of bars before, 1 to 500.
        n_bars: u32,
    },
}

/// The bids' share less the asks' share of the size on the best levels: at least `level` says buy, at most `-level` sell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Imbalance {
    /// Above 0, at most 1.
    pub level: f64,
    /// Levels a side, 1 to 50.
    pub n_levels: u32,
    /// Bids (up), asks (down), or both.
    #[serde(default)]
    pub approach: Approach,
    /// Meaning of the movement.
    #[serde(default)]
    pub meaning: Meaning,
}

/// The close is this far above the lowest price of the window, or below its highest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// Least distance.
    pub distance: Distance,
    /// The window up to the end of the bar, in seconds: 1 to 500 whole bars.
    pub window_s: u32,
    /// Up, down, or both.
    #[serde(default)]
    pub approach: Approach,
    /// Meaning of the movement.
    #[serde(default)]
    pub meaning: Meaning,
}

/// Distance of a price move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Distance {
    /// In percent of the price from where it moves.
    Percent(f64),
    /// In quote currency.
    Absolute(f64),
}

/// All parts hold at once: each says the same side, or is neutral.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct All {
    /// 2 to 8; a part may be a combination of parts that are none.
    pub parts: Vec<LookFor>,
}

/// One part at least fires.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Any {
    /// 2 to 8; a part may be a combination of parts that are none.
    pub parts: Vec<LookFor>,
}

/// The weights of the parts that hold for buy, less those of the parts that hold for sell, divided by all weights: at least
/// `threshold` says buy, at most `-threshold` sell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Weighted {
    /// 2 to 8.
    pub parts: Vec<WeightedPart>,
    /// Above 0, at most 1.
    pub threshold: f64,
}

/// A part of a vote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WeightedPart {
    /// Above 0.
    pub weight: f64,
    /// The part; it says buy or sell. May be a combination of parts that are none.
    pub look_for: LookFor,
}

/// Side of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SignalSide {
    /// Buy.
    Buy,
    /// Sell.
    Sell,
    /// Look.
    Neutral,
}

/// State of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SignalState {
    /// The bar is still forming.
    Forming,
    /// The bar closed and the condition was true.
    Confirmed,
    /// The bar closed and the condition was no longer true.
    Withdrawn,
    /// The bar, or one before it, was repaired after it had closed, and that changed the outcome.
    Revised,
}

/// One signal. A later state of the same signal is another value with the same [`SignalKey`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// Its number, rising, from whoever keeps signals; `None` before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// The rule.
    pub rule_id: RuleId,
    /// The rule's version.
    pub version: u32,
    /// The rule's name for people.
    pub rule_name: String,
    /// The market.
    pub instrument: InstrumentId,
    /// The length of the bar.
    pub interval: Interval,
    /// Open time of the bar.
    pub bar_time: Timestamp,
    /// Side of the signal.
    pub side: SignalSide,
    /// State of the signal.
    pub state: SignalState,
    /// True where the condition is true as far as is known: forming and confirmed signals, and those that a repair brought;
    /// false for withdrawn signals and those that a repair took away.
    pub holds: bool,
    /// The bar's close, or its last price while it forms.
    pub price: Price,
    /// The values that the rule read, finite, by name.
    pub values: Vec<NamedValue>,
    /// 0 (barely) to 1 (strongly); what it measures depends on the kind.
    pub strength: f64,
    /// Time at which it took this state.
    pub fired_time: Timestamp,
    /// Receive time of the market data that caused it.
    pub receive_time: Timestamp,
}

impl Signal {
    /// Returns its identity.
    pub fn key(&self) -> SignalKey {
        SignalKey {
            rule_id: self.rule_id.clone(),
            version: self.version,
            instrument: self.instrument.clone(),
            interval: self.interval,
            bar_time: self.bar_time,
            side: self.side,
        }
    }
}

/// A value that a rule read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NamedValue {
    /// Name of the value (`ema(12)`).
    pub name: String,
    /// The value.
    pub value: f64,
}

/// The identity of a signal: replaying the same market gives the same keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignalKey {
    /// The rule.
    pub rule_id: RuleId,
    /// The rule's version.
    pub version: u32,
    /// The market.
    pub instrument: InstrumentId,
    /// The length of the bar.
    pub interval: Interval,
    /// Open time of the bar.
    pub bar_time: Timestamp,
    /// Side of the signal.
    pub side: SignalSide,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, kind: &str) {
        let look_for: LookFor = serde_json::from_str(text).unwrap();
        assert_eq!(look_for.kind(), kind);
        let written = serde_json::to_string(&look_for).unwrap();
        assert!(written.starts_with(&format!("{{\"{kind}\":")), "{written}");
        assert_eq!(serde_json::from_str::<LookFor>(&written).unwrap(), look_for);
    }

    #[test]
    fn every_kind_has_its_name_in_json() {
        check(r#"{"cross":{"fast":{"indicator":"ema(12)"},"slow":{"level":50}}}"#, "cross");
        check(r#"{"threshold":{"of":"price","level":62000.5,"approach":"up","hysteresis":10}}"#, "threshold");
        check(r#"{"breakout":{"n_bars":20,"approach":"either"}}"#, "breakout");
        check(r#"{"divergence":{"of":{"indicator":"rsi(14)"},"n_bars":60}}"#, "divergence");
        check(r#"{"volume_burst":{"n_bars":20,"factor":3}}"#, "volume_burst");
        check(r#"{"spread":{"limit":{"bps":5}}}"#, "spread");
        check(r#"{"spread":{"limit":{"average":{"multiple":3,"n_bars":20}}}}"#, "spread");
        check(r#"{"imbalance":{"level":0.6,"n_levels":5}}"#, "imbalance");
        check(r#"{"move":{"distance":{"percent":1.5},"window_s":300,"meaning":"fade"}}"#, "move");
        check(r#"{"all":{"parts":[{"breakout":{"n_bars":20}}]}}"#, "all");
        check(r#"{"any":{"parts":[]}}"#, "any");
        check(r#"{"weighted":{"parts":[{"weight":2,"look_for":{"any":{"parts":[]}}}],"threshold":0.5}}"#, "weighted");
    }

    #[test]
    fn what_is_unknown_is_refused() {
        for text in [
            r#"{"breakout":{"n_bars":20,"bars":3}}"#,
            r#"{"breakout":{"n_bars":-1}}"#,
            r#"{"break":{"n_bars":20}}"#,
            r#"{"spread":{"limit":{"average":{"multiple":3,"n_bars":20,"of":1}}}}"#,
            r#"{"threshold":{"of":"volume","level":1}}"#,
            r#"{"threshold":{"of":"price"}}"#,
        ] {
            assert!(serde_json::from_str::<LookFor>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_rule_and_a_signal_read_back() {
        let text = r#"{"rule_id":"ema-cross","version":3,"name":"EMA cross","instrument":"demo:AAABBB","interval":"1m","timing":"bar_close","look_for":{"breakout":{"n_bars":20,"approach":"either","meaning":"follow"}},"is_paused":false}"#;
        let rule: SignalRule = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&rule).unwrap(), text);
        let signal = Signal {
            number: None,
            rule_id: rule.rule_id,
            version: rule.version,
            rule_name: rule.name,
            instrument: rule.instrument,
            interval: rule.interval,
            bar_time: Timestamp::from_millis(60_000),
            side: SignalSide::Buy,
            state: SignalState::Confirmed,
            holds: true,
            price: Price::parse("62000.10").unwrap(),
            values: vec![NamedValue { name: "close".to_owned(), value: 62_000.1 }],
            strength: 0.5,
            fired_time: Timestamp::from_millis(120_000),
            receive_time: Timestamp::from_millis(120_000),
        };
        let written = serde_json::to_string(&signal).unwrap();
        assert_eq!(serde_json::from_str::<Signal>(&written).unwrap(), signal);
        assert!(RuleId::parse("EMA cross").is_err());
    }
}
