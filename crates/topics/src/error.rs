//! Texts that are no topic, and fields that are no payload.

/// A text that is no topic.
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
    /// The parameter behind the channel is missing, superfluous or unknown.
    #[error("topic {topic:?}: {detail}")]
    Parameter {
        /// The topic, at most 64 characters of it.
        topic: String,
        /// What is wrong.
        detail: &'static str,
    },
    /// The subject behind the first colon is missing, superfluous or malformed.
    #[error("topic {topic:?}: {detail}")]
    Subject {
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

/// A field of a payload that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The bytes end inside a value.
    #[error("message ends too early")]
    Truncated,
    /// A number that selects an enum value is not known.
    #[error("unknown {what} {found}")]
    UnknownCode {
        /// What it selects.
        what: &'static str,
        /// The number.
        found: u64,
    },
    /// More of something than allowed.
    #[error("{found} {what}, at most {limit} allowed")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        found: u64,
        /// How many are allowed.
        limit: usize,
    },
    /// A text that is not UTF-8.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// A number outside its range.
    #[error("{what} out of range")]
    OutOfRange {
        /// Which number.
        what: &'static str,
    },
}
