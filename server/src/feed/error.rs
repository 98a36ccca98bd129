//! Why a feed cannot answer a query.
//!
//! Not here: why a feed is not started or stopped (`control`), and the errors of the REST API (`http::error`).

/// Why a feed cannot answer a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// No feed follows this instrument.
    #[error("no feed follows {instrument}")]
    UnknownInstrument {
        /// The name in the query, cut to 64 characters.
        instrument: String,
        /// Followed instruments that look like it, at most five.
        nearest: Vec<String>,
    },
    /// The feed's queue is full, or its answer took too long.
    #[error("the feed is busy; try again in a second")]
    Busy,
}
