//! Topics: a channel plus, for market data, an instrument.
//!
//! `channel[.interval]:venue:symbol`: `book:kraken:BTC/USD`, `candles.1m:binance:BTCUSDT`, and without an instrument
//! `status`. Everything after the second colon is the symbol, which may hold colons itself. A pattern may end in `*` for
//! all symbols of a venue.

use std::fmt;

use model::{
    candle::Interval,
    instrument::{InstrumentId, Venue},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{channels::Channel, error::TopicError, limits::MAX_TOPIC_BYTES};

/// What can be subscribed to. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic {
    channel: Channel,
    interval: Option<Interval>,
    instrument: Option<InstrumentId>,
}

impl Topic {
    /// The state of each stream.
    pub const STATUS: Self = Self { channel: Channel::Status, interval: None, instrument: None };
    /// The server itself.
    pub const SYSTEM: Self = Self { channel: Channel::System, interval: None, instrument: None };

    /// Best bid and ask, last price, figures of the day.
    pub fn quote(instrument: &InstrumentId) -> Self {
        Self::of(Channel::Quote, instrument)
    }

    /// Public trades.
    pub fn tape(instrument: &InstrumentId) -> Self {
        Self::of(Channel::Tape, instrument)
    }

    /// The best levels of the order book.
    pub fn book(instrument: &InstrumentId) -> Self {
        Self::of(Channel::Book, instrument)
    }

    /// Bars of one interval.
    pub fn candles(interval: Interval, instrument: &InstrumentId) -> Self {
        Self { interval: Some(interval), ..Self::of(Channel::Candles, instrument) }
    }

    /// What was found wrong, counted.
    pub fn quality(instrument: &InstrumentId) -> Self {
        Self::of(Channel::Quality, instrument)
    }

    /// Best bid and ask of a pair (`BTC/USD`) over all venues.
    pub fn consolidated(pair: &str) -> Self {
        Self::of(Channel::Consolidated, &InstrumentId::new(&Venue::new(ALL_VENUES), pair))
    }

    fn of(channel: Channel, instrument: &InstrumentId) -> Self {
        Self { channel, interval: None, instrument: Some(instrument.clone()) }
    }

    /// Reads `channel[.interval]:venue:symbol`.
    ///
    /// # Errors
    /// Unknown channels and intervals, missing or superfluous parts, more than 200 bytes, and patterns.
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        match TopicPattern::parse(text)? {
            TopicPattern::One(topic) => Ok(topic),
            TopicPattern::Venue { .. } => {
                Err(TopicError::Instrument { topic: shortened(text), detail: "a pattern names no single topic" })
            }
        }
    }

    /// What it is about.
    pub fn channel(&self) -> Channel {
        self.channel
    }

    /// The bars' length; present for candles only.
    pub fn interval(&self) -> Option<Interval> {
        self.interval
    }

    /// Whose data; present for all channels that have an instrument.
    pub fn instrument(&self) -> Option<&InstrumentId> {
        self.instrument.as_ref()
    }

    /// Where the instrument trades.
    pub fn venue(&self) -> Option<&Venue> {
        self.instrument.as_ref().map(InstrumentId::venue)
    }

    /// The pair of a consolidated topic (`BTC/USD`); `None` for all others.
    pub fn pair(&self) -> Option<&str> {
        let instrument = self.instrument.as_ref().filter(|_| self.channel == Channel::Consolidated);
        instrument.map(InstrumentId::symbol)
    }

    /// [`Channel::is_state`] of its channel.
    pub fn is_state(&self) -> bool {
        self.channel.is_state()
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_head(f, self.channel, self.interval)?;
        match &self.instrument {
            Some(instrument) => write!(f, ":{instrument}"),
            None => Ok(()),
        }
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

/// One topic, or the same channel for all symbols of a venue (`quote:demo:*`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TopicPattern {
    /// A single topic.
    One(Topic),
    /// All symbols of a venue.
    Venue {
        /// A channel that has instruments.
        channel: Channel,
        /// The bars' length; present for candles only.
        interval: Option<Interval>,
        /// The venue.
        venue: Venue,
    },
}

impl TopicPattern {
    /// Reads a topic, or `channel[.interval]:venue:*`.
    ///
    /// # Errors
    /// As [`Topic::parse`].
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        if text.len() > MAX_TOPIC_BYTES {
            return Err(TopicError::TooLong { found: text.len(), limit: MAX_TOPIC_BYTES });
        }
        let (head, rest) = text.split_once(':').map_or((text, None), |(head, rest)| (head, Some(rest)));
        let (word, interval) = head.split_once('.').map_or((head, None), |(word, name)| (word, Some(name)));
        let channel = Channel::parse(word)?;
        let wrong_interval = |detail| TopicError::Interval { topic: shortened(text), detail };
        let interval = match (channel, interval) {
            (Channel::Candles, Some(name)) => Some(
                name.parse::<Interval>()
                    .map_err(|_| wrong_interval("unknown interval; known are 1s, 1m, 5m, 15m, 1h, 4h, 1d"))?,
            ),
            (Channel::Candles, None) => return Err(wrong_interval("candles need an interval, as in candles.1m")),
            (_, Some(_)) => return Err(wrong_interval("only candles have an interval")),
            (_, None) => None,
        };
        let wrong_instrument = |detail| TopicError::Instrument { topic: shortened(text), detail };
        let (venue, symbol) = match (channel.has_instrument(), rest) {
            (false, None) => return Ok(Self::One(Topic { channel, interval, instrument: None })),
            (false, Some(_)) => return Err(wrong_instrument("this channel takes no instrument")),
            (true, rest) => rest
                .and_then(|rest| rest.split_once(':'))
                .ok_or_else(|| wrong_instrument("needs a venue and a symbol, as in quote:demo:AAABBB"))?,
        };
        if venue.is_empty() || !venue.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')) {
            return Err(wrong_instrument("a venue's name is lower case"));
        }
        if symbol.is_empty() || symbol.chars().any(char::is_control) {
            return Err(wrong_instrument("the symbol is missing or not printable"));
        }
        if (channel == Channel::Consolidated) != (venue == ALL_VENUES) {
            return Err(wrong_instrument(
                "consolidated is of all venues, as in consolidated:all:AAA/BBB, and nothing else is",
            ));
        }
        let venue = Venue::new(venue);
        if symbol == ALL_SYMBOLS {
            return Ok(Self::Venue { channel, interval, venue });
        }
        let instrument = Some(InstrumentId::new(&venue, symbol));
        Ok(Self::One(Topic { channel, interval, instrument }))
    }

    /// The topic of `instrument` that this pattern takes in, if it does.
    pub fn topic_of(&self, instrument: &InstrumentId) -> Option<Topic> {
        match self {
            Self::One(topic) => (topic.instrument.as_ref() == Some(instrument)).then(|| topic.clone()),
            Self::Venue { channel, interval, venue } => (venue == instrument.venue()).then(|| Topic {
                channel: *channel,
                interval: *interval,
                instrument: Some(instrument.clone()),
            }),
        }
    }

    /// True where the pattern takes `topic` in.
    pub fn is_match(&self, topic: &Topic) -> bool {
        match self {
            Self::One(one) => one == topic,
            Self::Venue { channel, interval, venue } => {
                (*channel, *interval, Some(venue)) == (topic.channel, topic.interval, topic.venue())
            }
        }
    }
}

impl From<Topic> for TopicPattern {
    fn from(topic: Topic) -> Self {
        Self::One(topic)
    }
}

impl fmt::Display for TopicPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(topic) => topic.fmt(f),
            Self::Venue { channel, interval, venue } => {
                write_head(f, *channel, *interval)?;
                write!(f, ":{venue}:{ALL_SYMBOLS}")
            }
        }
    }
}

impl Serialize for TopicPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn write_head(f: &mut fmt::Formatter<'_>, channel: Channel, interval: Option<Interval>) -> fmt::Result {
    f.write_str(channel.as_str())?;
    match interval {
        Some(interval) => write!(f, ".{interval}"),
        None => Ok(()),
    }
}

/// What an error shows of a text from outside.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

const ALL_SYMBOLS: &str = "*";

/// Stands for the venue where a topic is of all of them; no venue has this name.
pub const ALL_VENUES: &str = "all";

#[cfg(test)]
mod tests {
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
        check("consolidated:all:BTC/USD", Channel::Consolidated, None, Some(("all", "BTC/USD")));
        let pair = Topic::consolidated("BTC/USD");
        assert_eq!((pair.to_string().as_str(), pair.pair()), ("consolidated:all:BTC/USD", Some("BTC/USD")));
        check("system", Channel::System, None, None);
    }

    #[test]
    fn errors_say_what_is_wrong() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(Topic::parse(text).unwrap_err().to_string(), expected);
        }
        let known = "quote, tape, book, candles, quality, status, system, consolidated";
        check("alerts", &format!("unknown channel \"alerts\"; known are {known}"));
        check("", &format!("unknown channel \"\"; known are {known}"));
        check("candles:demo:A", r#"topic "candles:demo:A": candles need an interval, as in candles.1m"#);
        check(
            "candles.2m:demo:A",
            r#"topic "candles.2m:demo:A": unknown interval; known are 1s, 1m, 5m, 15m, 1h, 4h, 1d"#,
        );
        check("quote.1m:demo:A", r#"topic "quote.1m:demo:A": only candles have an interval"#);
        check("quote:demo", r#"topic "quote:demo": needs a venue and a symbol, as in quote:demo:AAABBB"#);
        check("quote", r#"topic "quote": needs a venue and a symbol, as in quote:demo:AAABBB"#);
        check("quote:Demo:A", r#"topic "quote:Demo:A": a venue's name is lower case"#);
        check("quote:demo:", r#"topic "quote:demo:": the symbol is missing or not printable"#);
        let all = "consolidated is of all venues, as in consolidated:all:AAA/BBB, and nothing else is";
        check("quote:all:A", &format!(r#"topic "quote:all:A": {all}"#));
        check("consolidated:demo:A", &format!(r#"topic "consolidated:demo:A": {all}"#));
        check("status:demo:A", r#"topic "status:demo:A": this channel takes no instrument"#);
        check("quote:demo:*", r#"topic "quote:demo:*": a pattern names no single topic"#);
        check(&format!("quote:demo:{}", "A".repeat(190)), "topic of 201 bytes, at most 200 allowed");
    }

    #[test]
    fn patterns_take_a_venue_in() {
        let pattern = TopicPattern::parse("candles.5m:demo:*").unwrap();
        assert_eq!(pattern.to_string(), "candles.5m:demo:*");
        let id = InstrumentId::parse("demo:AAABBB").unwrap();
        let topic = pattern.topic_of(&id).unwrap();
        assert_eq!(topic.to_string(), "candles.5m:demo:AAABBB");
        assert!(pattern.is_match(&topic));
        assert!(!pattern.is_match(&Topic::candles(Interval::M1, &id)));
        assert!(!pattern.is_match(&Topic::quote(&id)));
        assert_eq!(pattern.topic_of(&InstrumentId::parse("other:AAABBB").unwrap()), None);
        assert_eq!(TopicPattern::from(topic.clone()).topic_of(&id), Some(topic));
    }

    #[test]
    fn only_the_tape_counts_each_item() {
        for channel in Channel::ALL {
            assert_eq!(channel.is_state(), channel != Channel::Tape, "{channel}");
        }
    }

    proptest! {
        #[test]
        fn parse_never_panics_and_show_is_its_inverse(
            text in "(quote|candles\\.1m|book|status|x)?[:.]?\\PC{0,30}:?\\PC{0,30}",
        ) {
            if let Ok(pattern) = TopicPattern::parse(&text) {
                prop_assert_eq!(pattern.to_string(), text);
            }
        }
    }
}
