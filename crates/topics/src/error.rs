//! Why a text is no topic.

/// Text that is no topic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// The word before the first colon is no channel.
    #[error("unknown channel {channel:?}; known are {known}")]
    UnknownChannel {
        /// The word, at most 64 characters of it.
        channel: String,
        /// All known channels, separated by commas.
        known: String,
    },
    /// Candles without an interval, with an unknown one, or an interval on another channel.
    #[error("topic {topic:?}: {detail}")]
    Interval {
        /// The topic, at most 64 characters of it.
        topic: String,
        /// What is wrong.
        detail: &'static str,
    },
    /// The part after the channel is missing, superfluous or malformed.
    #[error("topic {topic:?}: {detail}")]
    Instrument {
        /// The topic, at most 64 characters of it.
        topic: String,
        /// What is wrong.
        detail: &'static str,
    },
    /// Longer than allowed.
    #[error("topic of {found} bytes, at most {limit} allowed")]
    TooLong {
        /// Its length in bytes.
        found: usize,
        /// The longest allowed.
        limit: usize,
    },
}
