//! Topics: a channel, a parameter if the channel has one, and a subject.
//!
//! `channel[.parameter][:subject]`, as in `book:kraken:BTC/USD`, `candles.1m:binance:BTCUSDT` and, for the server
//! itself, `status`. A pattern may end in `*` for all symbols of a venue, all pairs or all accounts.

use std::{fmt, sync::Arc};

use model::{
    candle::Interval,
    instrument::{InstrumentId, Venue},
    trading::account::AccountId,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    channels::Channel,
    error::TopicError,
    limits::{GROUP_TICKS, MAX_TOPIC_BYTES},
    subject::{Subject, SubjectPattern},
};

/// A topic to subscribe to. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic {
    channel: Channel,
    parameter: Option<Parameter>,
    subject: Subject,
}

/// The parameter of a channel's topics.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Parameter {
    /// The length of the bars.
    Interval(Interval),
    /// The size of the groups, in ticks: one of [`GROUP_TICKS`].
    Group(u32),
    /// An indicator on bars of a length.
    Indicator(Interval, Arc<str>),
}

/// The kind of parameter common to all topics of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParameterKind {
    /// No parameter.
    None,
    /// [`Parameter::Interval`].
    Interval,
    /// [`Parameter::Group`].
    Group,
    /// [`Parameter::Indicator`].
    Indicator,
}

impl Topic {
    /// The topic of all streams' states.
    pub const STATUS: Self = Self { channel: Channel::Status, parameter: None, subject: Subject::Server };
    /// The topic of the server itself.
    pub const SYSTEM: Self = Self { channel: Channel::System, parameter: None, subject: Subject::Server };
    /// The topic of what concerns only those who run the server.
    pub const OPERATIONS: Self = Self { channel: Channel::Operations, parameter: None, subject: Subject::Server };

    /// The topic of the server's replay.
    pub const REPLAY: Self = Self { channel: Channel::Replay, parameter: None, subject: Subject::Server };

    /// The topic of detected signals.
    pub const SIGNALS: Self = Self { channel: Channel::Signals, parameter: None, subject: Subject::Server };
    /// The topic of the newest alerts.
    pub const ALERTS: Self = Self { channel: Channel::Alerts, parameter: None, subject: Subject::Server };
    /// The topic of the rules of signals and alerts, and of the channels that deliver.
    pub const RULES: Self = Self { channel: Channel::Rules, parameter: None, subject: Subject::Server };
    /// The topic of the settings of those channels.
    pub const ALERT_CHANNELS: Self =
        Self { channel: Channel::AlertChannels, parameter: None, subject: Subject::Server };

    /// Returns the topic of best bid and ask, last price and daily statistics.
    pub fn quote(instrument: &InstrumentId) -> Self {
        Self::of(Channel::Quote, instrument)
    }

    /// Returns the topic of public trades.
    pub fn tape(instrument: &InstrumentId) -> Self {
        Self::of(Channel::Tape, instrument)
    }

    /// Returns the topic of the order book's best levels.
    pub fn book(instrument: &InstrumentId) -> Self {
        Self::of(Channel::Book, instrument)
    }

    /// Returns the topic of candles of one interval.
    pub fn candles(interval: Interval, instrument: &InstrumentId) -> Self {
        Self { parameter: Some(Parameter::Interval(interval)), ..Self::of(Channel::Candles, instrument) }
    }

    /// Returns the topic of an indicator on candles of one interval; `spec` is its text (`rsi(14)`).
    pub fn indicators(interval: Interval, spec: &str, instrument: &InstrumentId) -> Self {
        let parameter = Some(Parameter::Indicator(interval, spec.into()));
        Self { parameter, ..Self::of(Channel::Indicators, instrument) }
    }

    /// Returns the topic of the deep book in groups of `n_ticks` ticks, one of [`GROUP_TICKS`].
    pub fn ladder(n_ticks: u32, instrument: &InstrumentId) -> Self {
        Self { parameter: Some(Parameter::Group(n_ticks)), ..Self::of(Channel::Ladder, instrument) }
    }

    /// Returns the topic of fault counts.
    pub fn quality(instrument: &InstrumentId) -> Self {
        Self::of(Channel::Quality, instrument)
    }

    /// Returns the topic of the best bid and ask of a pair (`BTC/USD`) over all venues.
    pub fn consolidated(pair: &str) -> Self {
        Self { channel: Channel::Consolidated, parameter: None, subject: Subject::Pair(pair.into()) }
    }

    /// Returns a desk topic of an account; `channel` is one of the desk's.
    pub fn desk(channel: Channel, account: &AccountId) -> Self {
        Self { channel, parameter: None, subject: Subject::Account(account.as_str().into()) }
    }

    fn of(channel: Channel, instrument: &InstrumentId) -> Self {
        Self { channel, parameter: None, subject: Subject::Instrument(instrument.clone()) }
    }

    /// Parses `channel[.parameter][:subject]`.
    ///
    /// # Errors
    /// The channel or parameter is unknown, a part is missing or superfluous, or the text is a pattern or too long.
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        let detail = "a pattern names no single topic";
        TopicPattern::parse(text)?.topic().ok_or_else(|| TopicError::Subject { topic: shortened(text), detail })
    }

    /// Returns the channel.
    pub fn channel(&self) -> Channel {
        self.channel
    }

    /// Returns the length of a candle, or of an indicator's bars; `None` for other channels.
    pub fn interval(&self) -> Option<Interval> {
        match self.parameter {
            Some(Parameter::Interval(interval) | Parameter::Indicator(interval, _)) => Some(interval),
            _ => None,
        }
    }

    /// Returns the text of an indicator (`rsi(14)`); `None` for other channels.
    pub fn indicator(&self) -> Option<&Arc<str>> {
        match &self.parameter {
            Some(Parameter::Indicator(_, spec)) => Some(spec),
            _ => None,
        }
    }

    /// Returns the size of a ladder's groups, in ticks; `None` for other channels.
    pub fn group_ticks(&self) -> Option<u32> {
        match self.parameter {
            Some(Parameter::Group(n_ticks)) => Some(n_ticks),
            _ => None,
        }
    }

    /// Returns the subject.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Returns the instrument; `None` if the subject is something else.
    pub fn instrument(&self) -> Option<&InstrumentId> {
        match &self.subject {
            Subject::Instrument(instrument) => Some(instrument),
            _ => None,
        }
    }

    /// Returns the instrument's venue; `None` if the subject is something else.
    pub fn venue(&self) -> Option<&Venue> {
        self.instrument().map(InstrumentId::venue)
    }

    /// Returns the pair of a consolidated topic (`BTC/USD`); `None` for all others.
    pub fn pair(&self) -> Option<&str> {
        match &self.subject {
            Subject::Pair(pair) => Some(pair),
            _ => None,
        }
    }

    /// Returns [`Channel::is_state`] of the topic's channel.
    pub fn is_state(&self) -> bool {
        self.channel.is_state()
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_head(f, self.channel, self.parameter.as_ref())?;
        self.subject.fmt(f)
    }
}

impl Serialize for Topic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Topic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// One topic, or one channel for many subjects (`quote:demo:*`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPattern {
    channel: Channel,
    parameter: Option<Parameter>,
    subject: SubjectPattern,
}

impl TopicPattern {
    /// Parses a topic, or a pattern whose subject ends in `*`.
    ///
    /// # Errors
    /// The same as [`Topic::parse`], except that patterns are allowed.
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        if text.len() > MAX_TOPIC_BYTES {
            return Err(TopicError::TooLong { found: text.len(), limit: MAX_TOPIC_BYTES });
        }
        let (head, subject) = text.split_once(':').map_or((text, None), |(head, subject)| (head, Some(subject)));
        let (word, parameter) = head.split_once('.').map_or((head, None), |(word, name)| (word, Some(name)));
        let channel = Channel::parse(word)?;
        let parameter = Parameter::parse(channel.parameter_kind(), parameter)
            .map_err(|detail| TopicError::Parameter { topic: shortened(text), detail })?;
        let subject = SubjectPattern::parse(channel.subject_kind(), subject)
            .map_err(|detail| TopicError::Subject { topic: shortened(text), detail })?;
        Ok(Self { channel, parameter, subject })
    }

    /// Returns the topic; `None` if the pattern matches many subjects.
    pub fn topic(&self) -> Option<Topic> {
        match &self.subject {
            SubjectPattern::One(subject) => self.topic_of(subject.clone()),
            _ => None,
        }
    }

    /// Returns the channel.
    pub fn channel(&self) -> Channel {
        self.channel
    }

    /// Returns the pattern of subjects.
    pub fn subject(&self) -> &SubjectPattern {
        &self.subject
    }

    /// Returns the topic of `subject`; `None` if the pattern does not match it.
    pub fn topic_of(&self, subject: Subject) -> Option<Topic> {
        let is_match = self.subject.is_match(&subject);
        is_match.then(|| Topic { channel: self.channel, parameter: self.parameter.clone(), subject })
    }

    /// Returns the text of an indicator (`rsi(14)`); `None` for other channels.
    pub fn indicator(&self) -> Option<&Arc<str>> {
        match &self.parameter {
            Some(Parameter::Indicator(_, spec)) => Some(spec),
            _ => None,
        }
    }

    /// Returns true if the pattern matches `topic`.
    pub fn is_match(&self, topic: &Topic) -> bool {
        (self.channel, &self.parameter) == (topic.channel, &topic.parameter) && self.subject.is_match(&topic.subject)
    }
}

impl Parameter {
    fn parse(kind: ParameterKind, text: Option<&str>) -> Result<Option<Self>, &'static str> {
        match (kind, text) {
            (ParameterKind::None, None) => Ok(None),
            (ParameterKind::None, Some(_)) => Err("this channel has no parameter"),
            (ParameterKind::Interval, None) => Err("needs an interval, as in candles.1m"),
            (ParameterKind::Interval, Some(name)) => {
                name.parse().map(|interval| Some(Self::Interval(interval))).map_err(|_| UNKNOWN_INTERVAL)
            }
            (ParameterKind::Indicator, None) => Err(NEEDS_INDICATOR),
            (ParameterKind::Indicator, Some(text)) => {
                let (interval, spec) = text.split_once('.').ok_or(NEEDS_INDICATOR)?;
                let interval = interval.parse().map_err(|_| UNKNOWN_INTERVAL)?;
                // The owner of the topic parses the text.
                match spec.is_empty() || !spec.bytes().all(|byte| byte.is_ascii_graphic()) {
                    true => Err(NEEDS_INDICATOR),
                    false => Ok(Some(Self::Indicator(interval, spec.into()))),
                }
            }
            (ParameterKind::Group, None) => Err("needs a group of ticks, as in ladder.10"),
            (ParameterKind::Group, Some(text)) => {
                let known = GROUP_TICKS.into_iter().find(|n_ticks| n_ticks.to_string() == text);
                known
                    .map(|n_ticks| Some(Self::Group(n_ticks)))
                    .ok_or("unknown group; known are 1, 2, 5, 10 and so on to 20000")
            }
        }
    }
}

const UNKNOWN_INTERVAL: &str = "unknown interval; known are 1s, 1m, 5m, 15m, 30m, 1h, 4h, 1d";
const NEEDS_INDICATOR: &str = "needs an interval and an indicator, as in indicators.1m.rsi(14)";

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interval(interval) => interval.fmt(f),
            Self::Group(n_ticks) => n_ticks.fmt(f),
            Self::Indicator(interval, spec) => write!(f, "{interval}.{spec}"),
        }
    }
}

impl From<Topic> for TopicPattern {
    fn from(Topic { channel, parameter, subject }: Topic) -> Self {
        Self { channel, parameter, subject: SubjectPattern::One(subject) }
    }
}

impl fmt::Display for TopicPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_head(f, self.channel, self.parameter.as_ref())?;
        self.subject.fmt(f)
    }
}

impl Serialize for TopicPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn write_head(f: &mut fmt::Formatter<'_>, channel: Channel, parameter: Option<&Parameter>) -> fmt::Result {
    f.write_str(channel.as_str())?;
    match parameter {
        Some(parameter) => write!(f, ".{parameter}"),
        None => Ok(()),
    }
}

/// Returns the beginning of a text from outside, as errors show it.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use model::access::Role;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn topics_read_and_show() {
        #[track_caller]
        fn check(text: &str, channel: Channel, interval: Option<Interval>, instrument: Option<(&str, &str)>) {
            let topic = Topic::parse(text).unwrap();
            assert_eq!((topic.channel(), topic.interval()), (channel, interval));
            assert_eq!(topic.instrument().map(|id| (id.venue().as_str(), id.symbol())), instrument);
            assert_eq!(topic.to_string(), text);
        }
        check("book:kraken:BTC/USD", Channel::Book, None, Some(("kraken", "BTC/USD")));
        check("candles.1m:binance:BTCUSDT", Channel::Candles, Some(Interval::M1), Some(("binance", "BTCUSDT")));
        check("quote:finnhub:BINANCE:BTCUSDT", Channel::Quote, None, Some(("finnhub", "BINANCE:BTCUSDT")));
        check("tape:binance:１２３４５６", Channel::Tape, None, Some(("binance", "１２３４５６")));
        check("status", Channel::Status, None, None);
        check("consolidated:all:BTC/USD", Channel::Consolidated, None, None);
        let pair = Topic::consolidated("BTC/USD");
        assert_eq!((pair.to_string().as_str(), pair.pair()), ("consolidated:all:BTC/USD", Some("BTC/USD")));
        check("system", Channel::System, None, None);
        let bands = "indicators.5m.bb(20,2.5):finnhub:BINANCE:BTCUSDT";
        check(bands, Channel::Indicators, Some(Interval::M5), Some(("finnhub", "BINANCE:BTCUSDT")));
        assert_eq!(Topic::parse(bands).unwrap().indicator().map(|spec| &**spec), Some("bb(20,2.5)"));
    }

    #[test]
    fn errors_say_what_is_wrong() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(Topic::parse(text).unwrap_err().to_string(), expected);
        }
        let known = "quote, tape, book, candles, quality, status, system, consolidated, replay, ladder, dashboard, orders, \
                     trades, positions, performance, strategies, events, indicators, signals, alerts, rules, \
                     operations, alert_channels";
        check("sound", &format!("unknown channel \"sound\"; known are {known}"));
        check("", &format!("unknown channel \"\"; known are {known}"));
        check("candles:demo:A", r#"topic "candles:demo:A": needs an interval, as in candles.1m"#);
        check(
            "candles.2m:demo:A",
            r#"topic "candles.2m:demo:A": unknown interval; known are 1s, 1m, 5m, 15m, 30m, 1h, 4h, 1d"#,
        );
        check("quote.1m:demo:A", r#"topic "quote.1m:demo:A": this channel has no parameter"#);
        let needs = "needs an interval and an indicator, as in indicators.1m.rsi(14)";
        for wrong in ["indicators:demo:A", "indicators.1m:demo:A", "indicators.1m.:demo:A", "indicators.1m.r si:demo:A"]
        {
            check(wrong, &format!("topic {wrong:?}: {needs}"));
        }
        check("ladder:demo:A", r#"topic "ladder:demo:A": needs a group of ticks, as in ladder.10"#);
        for wrong in ["3", "010", "", "20001", "-1"] {
            let text = format!("ladder.{wrong}:demo:A");
            check(&text, &format!("topic {text:?}: unknown group; known are 1, 2, 5, 10 and so on to 20000"));
        }
        check("quote:demo", r#"topic "quote:demo": needs a venue and a symbol, as in quote:demo:AAABBB"#);
        check("quote", r#"topic "quote": needs a venue and a symbol, as in quote:demo:AAABBB"#);
        check("quote:Demo:A", r#"topic "quote:Demo:A": a venue's name is lower case"#);
        check("quote:demo:", r#"topic "quote:demo:": the symbol is missing or not printable"#);
        check("quote:all:A", r#"topic "quote:all:A": needs a venue and a symbol, as in quote:demo:AAABBB"#);
        let pair = "needs all and a pair, as in consolidated:all:AAA/BBB";
        check("consolidated:demo:A", &format!(r#"topic "consolidated:demo:A": {pair}"#));
        check("status:demo:A", r#"topic "status:demo:A": this channel takes no subject"#);
        check("quote:demo:*", r#"topic "quote:demo:*": a pattern names no single topic"#);
        check(&format!("quote:demo:{}", "A".repeat(190)), "topic of 201 bytes, at most 200 allowed");
    }

    #[test]
    fn patterns_take_a_venue_in() {
        let pattern = TopicPattern::parse("candles.5m:demo:*").unwrap();
        assert_eq!(pattern.to_string(), "candles.5m:demo:*");
        let id = InstrumentId::parse("demo:AAABBB").unwrap();
        let of = |text: &str| Subject::Instrument(InstrumentId::parse(text).unwrap());
        let topic = pattern.topic_of(of("demo:AAABBB")).unwrap();
        assert_eq!(topic.to_string(), "candles.5m:demo:AAABBB");
        assert!(pattern.is_match(&topic));
        assert!(!pattern.is_match(&Topic::candles(Interval::M1, &id)));
        assert!(!pattern.is_match(&Topic::quote(&id)));
        assert_eq!(pattern.topic_of(of("other:AAABBB")), None);
        assert_eq!(TopicPattern::from(topic.clone()).topic_of(of("demo:AAABBB")), Some(topic));
    }

    #[test]
    fn only_what_happened_counts_each_item() {
        let happened = [Channel::Tape, Channel::Trades, Channel::Events, Channel::Signals];
        for channel in Channel::ALL {
            assert_eq!(channel.is_state(), !happened.contains(&channel), "{channel}");
        }
    }

    #[test]
    fn only_what_concerns_admins_needs_one() {
        for channel in Channel::ALL {
            let is_for_admins = [Channel::Operations, Channel::AlertChannels].contains(&channel);
            let expected = if is_for_admins { Role::Admin } else { Role::Viewer };
            assert_eq!(channel.needs(), expected, "{channel}");
        }
    }

    proptest! {
        #[test]
        fn parse_never_panics_and_show_is_its_inverse(
            text in "(quote|candles\\.1m|indicators\\.1m\\.rsi|book|status|x)?[:.]?\\PC{0,30}:?\\PC{0,30}",
        ) {
            if let Ok(pattern) = TopicPattern::parse(&text) {
                prop_assert_eq!(pattern.to_string(), text);
            }
        }
    }
}
