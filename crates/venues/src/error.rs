//! The only error type of this crate; a caller can act on each variant.

/// Why a venue cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VenueError {
    /// No venue has this name.
    #[error("unknown venue {name:?}; did you mean {suggestion:?}? known: {known}")]
    UnknownVenue {
        /// The requested name, cut to 64 characters.
        name: String,
        /// The most similar known name.
        suggestion: &'static str,
        /// All known names.
        known: String,
    },
}
