//! What the hub refuses.

/// Why a subscriber cannot have what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// It follows as many streams as one may.
    #[error("at most {limit} topics a connection")]
    TooManyTopics {
        /// The bound.
        limit: usize,
    },
    /// The hub carries as many streams as it may.
    #[error("at most {limit} streams on this server")]
    TooManyStreams {
        /// The bound.
        limit: usize,
    },
    /// The hub has as many subscribers as it may.
    #[error("at most {limit} connections on this server")]
    TooManySubscribers {
        /// The bound.
        limit: usize,
    },
    /// The subscriber, or the hub, is closed.
    #[error("closed: {0}")]
    Closed(#[from] Closed),
}

/// Why a subscriber gets nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Closed {
    /// It did not drain fast enough for a stream whose items all count. Close code 3008.
    #[error("too slow")]
    Slow,
    /// A hole was found where none can be. Close code 3010; it must resume.
    #[error("a hole in a stream")]
    InsufficientState,
    /// The hub was closed. Close code 1012.
    #[error("the server stops")]
    Shutdown,
}
