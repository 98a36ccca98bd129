//! Why a rule is refused.

/// A part of a rule that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value}: {remedy}")]
pub struct SignalError {
    /// Path of the part in the rule (`look_for.parts[1].n_bars`).
    pub field: String,
    /// The value seen.
    pub value: String,
    /// Remedy: the text to write instead.
    pub remedy: String,
}
