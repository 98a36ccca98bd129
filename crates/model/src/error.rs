//! The one error type of this crate; each variant is something a caller can act on.

/// Why a value could not be made or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The text is no plain decimal number (exponents, signs other than a leading minus, blanks and `_` are refused).
    #[error("{text:?} is not a plain decimal number")]
    NotADecimal {
        /// The text as it came, cut to 64 characters.
        text: String,
    },
    /// The result does not fit a decimal.
    #[error("{operation} overflows")]
    Overflow {
        /// What was being computed.
        operation: &'static str,
    },
    /// Two amounts of different currencies were combined.
    #[error("cannot combine {left} with {right}")]
    CurrencyMismatch {
        /// Currency of the left amount.
        left: String,
        /// Currency of the right amount.
        right: String,
    },
    /// An interval's name is not one of ours.
    #[error("{text:?} is not an interval; use one of 1s, 1m, 5m, 15m, 1h, 4h, 1d")]
    NotAnInterval {
        /// The text as it came.
        text: String,
    },
    /// An instrument's name lacks its venue or symbol.
    #[error("{text:?} is not an instrument; write venue:SYMBOL")]
    NotAnInstrument {
        /// The text as it came.
        text: String,
    },
    /// A recording line is not one of the recording format.
    #[error("recording line is not readable: {reason}")]
    RecordingEntry {
        /// What is wrong with it.
        reason: String,
    },
}
