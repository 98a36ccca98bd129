//! The hub's errors.

/// Why a subscriber's request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// The subscriber already follows the maximum number of streams.
    #[error("at most {limit} topics a connection")]
    TooManyTopics {
        /// The limit.
        limit: usize,
    },
    /// The hub already has the maximum number of streams.
    #[error("at most {limit} streams on this server")]
    TooManyStreams {
        /// The limit.
        limit: usize,
    },
    /// The hub already has the maximum number of subscribers.
    #[error("at most {limit} connections on this server")]
    TooManySubscribers {
        /// The limit.
        limit: usize,
    },
    /// The subscriber, or the hub, is closed.
    #[error("closed: {0}")]
    Closed(#[from] Closed),
}

/// Why a subscriber was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Closed {
    /// A gap was found where none is possible. Close code 3010; it must resume.
    #[error("a hole in a stream")]
    InsufficientState,
    /// The hub was closed. Close code 1012.
    #[error("the server stops")]
    Shutdown,
}
