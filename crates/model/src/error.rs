//! The only error type of this crate; a caller can act on each variant.

/// The reasons why a value could not be created or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The text is not a plain decimal number (exponents, signs other than a leading minus, blanks and `_` are
    /// rejected).
    #[error("{text:?} is not a plain decimal number")]
    NotADecimal {
        /// The original text, cut to 64 characters.
        text: String,
    },
    /// The result does not fit a decimal.
    #[error("{operation} overflows")]
    Overflow {
        /// The operation that overflowed.
        operation: &'static str,
    },
    /// Two amounts in different currencies were combined.
    #[error("cannot combine {left} with {right}")]
    CurrencyMismatch {
        /// Currency of the left amount.
        left: String,
        /// Currency of the right amount.
        right: String,
    },
    /// The text names no known interval.
    #[error("{text:?} is not an interval; use one of 1s, 1m, 5m, 15m, 30m, 1h, 4h, 1d")]
    NotAnInterval {
        /// The original text.
        text: String,
    },
    /// An instrument's name lacks its venue or symbol.
    #[error("{text:?} is not an instrument; write venue:SYMBOL")]
    NotAnInstrument {
        /// The original text.
        text: String,
    },
    /// A name does not have the form of its kind.
    #[error("{text:?} is not a valid {kind}; write {remedy}")]
    NotAName {
        /// The kind of name.
        kind: &'static str,
        /// The original text.
        text: String,
        /// The form.
        remedy: &'static str,
    },
    /// A secret has to be written, since the one that is kept does not fit.
    #[error("write the {name} again: there is none yet, or it would go to another server than before")]
    SecretNeeded {
        /// Its name within the channel.
        name: String,
    },
    /// A setting does not have its form. Its value may be secret and is not shown.
    #[error("{name} is not valid; {remedy}")]
    BadSetting {
        /// The setting.
        name: &'static str,
        /// The form.
        remedy: &'static str,
    },
    /// A line does not follow the recording format.
    #[error("recording line is not readable: {reason}")]
    RecordingEntry {
        /// The fault in the line.
        reason: String,
    },
    /// A fill contradicts the order that it names.
    #[error("fill {fill_id} contradicts its order: {reason}")]
    ContradictoryFill {
        /// The fill's identity.
        fill_id: String,
        /// The contradiction.
        reason: &'static str,
    },
}
