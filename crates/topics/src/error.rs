//! Errors of topic texts and payload fields.

/// Why a text is not a topic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// The word before the first colon is not a channel.
    #[error("unknown channel {channel:?}; known are {known}")]
    UnknownChannel {
        /// The word, at most its first 64 characters.
        channel: String,
        /// All known channels, separated by commas.
        known: String,
    },
    /// The parameter behind the channel is missing, superfluous or unknown.
    #[error("topic {topic:?}: {detail}")]
    Parameter {
        /// The topic, at most its first 64 characters.
        topic: String,
        /// The reason.
        detail: &'static str,
    },
    /// The subject behind the first colon is missing, superfluous or malformed.
    #[error("topic {topic:?}: {detail}")]
    Subject {
        /// The topic, at most its first 64 characters.
        topic: String,
        /// The reason.
        detail: &'static str,
    },
    /// The text is longer than allowed.
    #[error("topic of {found} bytes, at most {limit} allowed")]
    TooLong {
        /// The length in bytes.
        found: usize,
        /// The maximum length.
        limit: usize,
    },
}

/// Why a field of a payload could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The bytes end inside a value.
    #[error("message ends too early")]
    Truncated,
    /// The number of an enum value is unknown.
    #[error("unknown {what} {found}")]
    UnknownCode {
        /// The enum.
        what: &'static str,
        /// The number.
        found: u64,
    },
    /// A list or text is longer than allowed.
    #[error("{found} {what}, at most {limit} allowed")]
    TooMany {
        /// The kind of elements.
        what: &'static str,
        /// The number found.
        found: u64,
        /// The number allowed.
        limit: usize,
    },
    /// The text is not UTF-8.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// A number is outside its range.
    #[error("{what} out of range")]
    OutOfRange {
        /// The number's field.
        what: &'static str,
    },
}
