//! The one error type of this crate; each variant is something a caller can act on.

/// Why a venue cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VenueError {
    /// No venue has this name.
    #[error("unknown venue {name:?}; did you mean {suggestion:?}? known: {known}")]
    UnknownVenue {
        /// The name as asked for, cut to 64 characters.
        name: String,
        /// The known name that is most like it.
        suggestion: &'static str,
        /// All known names.
        known: String,
    },
}
