//! Why a spec or a checkpoint cannot be used. Each message names the value seen and what to do.

/// Why a text is not an indicator.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SpecError {
    /// Nothing but spaces.
    #[error("the indicator is empty; write one like rsi(14)")]
    Empty,
    /// Longer than [`crate::spec::MAX_BYTES`].
    #[error("the indicator has {bytes} bytes; at most {} are read", crate::spec::MAX_BYTES)]
    TooLong {
        /// Its length without spaces.
        bytes: usize,
    },
    /// Not an indicator's name.
    #[error("unknown indicator {name}; {remedy}")]
    UnknownIndicator {
        /// The name seen.
        name: String,
        /// The nearest name, or where to find all.
        remedy: String,
    },
    /// Brackets do not match, or something follows them.
    #[error("{text} is not an indicator: {problem}; write one like macd(12,26,9)")]
    Shape {
        /// The text seen.
        text: String,
        /// The problem.
        problem: &'static str,
    },
    /// More values than parameters.
    #[error("{indicator} has {known} parameters, and {value} is one more")]
    TooManyParameters {
        /// The indicator.
        indicator: &'static str,
        /// Number of its parameters.
        known: usize,
        /// The first value too many.
        value: String,
    },
    /// Not a parameter's name.
    #[error("{indicator} has no parameter {name}; it has {known}")]
    UnknownParameter {
        /// The indicator.
        indicator: &'static str,
        /// The name seen.
        name: String,
        /// The names it has.
        known: String,
    },
    /// A parameter is there twice, or a value without a name follows one with a name.
    #[error("{name} of {indicator} is given twice or out of turn; name each value that follows a named one")]
    Repeated {
        /// The indicator.
        indicator: &'static str,
        /// The parameter.
        name: String,
    },
    /// A value is not a number.
    #[error("{name} of {indicator} is {value}, which is not a {}", if *is_whole { "whole number" } else { "number" })]
    NotANumber {
        /// The indicator.
        indicator: &'static str,
        /// The parameter.
        name: &'static str,
        /// The text seen.
        value: String,
        /// True if it must be a whole number.
        is_whole: bool,
    },
    /// A value is outside its range.
    #[error("{name} of {indicator} is {value}; it must be from {min} to {max}")]
    OutOfRange {
        /// The indicator.
        indicator: &'static str,
        /// The parameter.
        name: &'static str,
        /// The value seen.
        value: f64,
        /// The smallest allowed.
        min: f64,
        /// The largest allowed.
        max: f64,
    },
    /// The parameters contradict each other.
    #[error("{text}: {problem}")]
    Conflict {
        /// The indicator.
        text: String,
        /// The problem and its remedy.
        problem: &'static str,
    },
    /// Not a price and not an indicator.
    #[error("{indicator} cannot read {text}; a source is one of {fields}, or an indicator")]
    UnknownSource {
        /// The indicator.
        indicator: &'static str,
        /// The text seen.
        text: String,
        /// The fields of a bar.
        fields: String,
    },
    /// The indicator reads whole bars.
    #[error("{indicator} reads {input}; it takes no source")]
    NoSource {
        /// The indicator.
        indicator: &'static str,
        /// Its input.
        input: &'static str,
    },
    /// More indicators in each other than [`crate::spec::MAX_DEPTH`].
    #[error("more than {} indicators read each other; leave the innermost out", crate::spec::MAX_DEPTH)]
    TooDeep,
    /// Not an interval.
    #[error("{text} is not an interval; it is one of {known}")]
    UnknownInterval {
        /// The text seen.
        text: String,
        /// All intervals.
        known: String,
    },
    /// An interval inside another indicator.
    #[error("interval and forming belong to the outermost indicator; move them there from {indicator}")]
    InnerInterval {
        /// The inner indicator.
        indicator: &'static str,
    },
    /// Not 0 or 1, or without an interval.
    #[error("forming is {text}; it is 0 or 1, and needs an interval")]
    Forming {
        /// The text seen.
        text: String,
    },
    /// Not an output's name.
    #[error("{indicator} has no output {name}; it has {known}")]
    UnknownOutput {
        /// The indicator.
        indicator: &'static str,
        /// The name seen.
        name: String,
        /// The names it has.
        known: String,
    },
    /// An output where the whole indicator is meant.
    #[error("{text} names one output; write the indicator without it")]
    UnwantedOutput {
        /// The text seen.
        text: String,
    },
}

/// Why a checkpoint cannot be continued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It was made by another indicator or on another interval.
    #[error("the checkpoint is of {found}, not of {wanted}; compute the indicator from its bars")]
    Other {
        /// The indicator that made it.
        found: String,
        /// The indicator to restore.
        wanted: String,
    },
    /// Its state is not one of this indicator.
    #[error("the state of {spec} in the checkpoint is damaged; compute the indicator from its bars")]
    Damaged {
        /// The indicator.
        spec: String,
    },
}
