//! A rule over history: what it would have said.

use std::slice;

use indicators::bar::Bar;
use model::{
    alert::signal::{Signal, SignalRule, Timing},
    time::Timestamp,
};

use crate::signals::{error::SignalError, watch::SignalWatch};

/// Returns the signals that the rule would have confirmed, paused or not: bars by rising open time, the last one forming.
/// Each is stamped with the end of its bar. Conditions on the book are not known in history and say nothing.
///
/// # Errors
/// The rule makes no sense.
pub fn evaluate(rule: &SignalRule, bars: &[Bar]) -> Result<Vec<Signal>, SignalError> {
    let rule = SignalRule { timing: Timing::BarClose, is_paused: false, ..rule.clone() };
    let mut watch = SignalWatch::new(&rule)?;
    let mut signals = Vec::new();
    for bar in bars {
        signals.extend(watch.on_bars(slice::from_ref(bar), Timestamp::EPOCH));
    }
    for signal in &mut signals {
        signal.fired_time = signal.bar_time + rule.interval.duration();
        signal.receive_time = signal.fired_time;
    }
    Ok(signals)
}
