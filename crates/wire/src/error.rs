//! Decoding errors.

use topics::error::{FieldError, TopicError};

use crate::{
    PROTOCOL_VERSION,
    binary::client::UNKNOWN_KIND,
    close_code::CloseCode,
    limits::MAX_CLIENT_MESSAGE_BYTES,
    message::{RefusalCode, Refused},
};

/// Bytes or text that are not a message of this protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Bytes remain after the last value.
    #[error("{n_bytes} bytes after the end of the message")]
    TrailingBytes {
        /// The number of bytes.
        n_bytes: usize,
    },
    /// The first byte names another version of the binary form.
    #[error("unknown version {found}")]
    UnknownVersion {
        /// The byte.
        found: u8,
    },
    /// A value could not be read.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// An item names a stream that no message introduced.
    #[error("unknown stream {stream}")]
    UnknownStream {
        /// The number.
        stream: u32,
    },
    /// An item's data belongs to another channel than its topic.
    #[error("data of channel {found} for topic {topic}")]
    WrongChannel {
        /// The topic.
        topic: String,
        /// The data's channel.
        found: &'static str,
    },
    /// The text is not a topic.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// The text is not the JSON of a message.
    #[error("not a message: {detail}")]
    Json {
        /// The JSON reader's message.
        detail: String,
    },
}

/// A client message refused before it is understood: everything that the answer needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ClientError {
    /// The request's id, if it could be read.
    pub id: Option<u64>,
    /// The reason, for programs.
    pub code: RefusalCode,
    /// The reason, for people.
    pub message: String,
}

impl ClientError {
    /// Creates the error of a message that did not decode.
    pub(crate) fn of(id: Option<u64>, error: &WireError) -> Self {
        let code = match error {
            WireError::Topic(_) => RefusalCode::UnknownTopic,
            WireError::Field(FieldError::TooMany { what: "topics", .. }) => RefusalCode::TooManyTopics,
            WireError::UnknownVersion { found } => return Self::unsupported_protocol((*found).into()),
            WireError::Field(FieldError::UnknownCode { what: UNKNOWN_KIND, .. }) => RefusalCode::UnknownType,
            _ => RefusalCode::BadMessage,
        };
        Self { id, code, message: error.to_string() }
    }

    pub(crate) fn unsupported_protocol(found: u32) -> Self {
        let message = format!("protocol {found} is not supported; this server speaks {PROTOCOL_VERSION}");
        Self { id: None, code: RefusalCode::UnsupportedProtocol, message }
    }

    pub(crate) fn too_large(found: usize) -> Self {
        let message = format!("message of {found} bytes, at most {MAX_CLIENT_MESSAGE_BYTES} allowed");
        Self { id: None, code: RefusalCode::TooLarge, message }
    }

    /// Returns the answer to send.
    pub fn refused(&self) -> Refused {
        Refused { id: self.id, code: self.code, message: self.message.clone() }
    }

    /// Returns the code to close the connection with after the answer; `None` if it may continue.
    pub fn close_code(&self) -> Option<CloseCode> {
        (self.code == RefusalCode::UnsupportedProtocol).then_some(CloseCode::BAD_PROTOCOL)
    }
}

impl From<WireError> for ClientError {
    fn from(error: WireError) -> Self {
        Self::of(None, &error)
    }
}
