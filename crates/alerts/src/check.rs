//! The check of a rule before it is saved: what makes no sense is refused with the value and what to do instead.

use indicators::spec::Spec;
use model::{
    alert::{
        condition::{
            Condition, DiskEvent, MoveSize, PositionEvent,
            kinds::{FieldKind, MAX_SPAN_S, Scope},
        },
        rule::{AlertRule, Frequency, Join, MAX_CHANNELS, MAX_CONDITIONS, MAX_MESSAGE_CHARS, MAX_NAME_CHARS},
        template,
    },
    decimal::{Price, Rate},
    time::Timestamp,
    trading::refusal::{DenyCode, Refusal},
};

use crate::tracker::mean_volume;

/// Checks a rule.
///
/// # Errors
/// The first thing in it that makes no sense, with [`DenyCode::BadRule`].
pub fn check(rule: &AlertRule, now: Timestamp) -> Result<(), Refusal> {
    let n_chars = rule.name.trim().chars().count();
    if n_chars == 0 || n_chars > MAX_NAME_CHARS || rule.name.chars().any(char::is_control) {
        return refuse(format!(
            "the name {:?} is not 1 to {MAX_NAME_CHARS} characters in one line",
            shortened(&rule.name)
        ));
    }
    match rule.conditions.len() {
        0 => return refuse("the rule has no condition; add one".to_owned()),
        n if n > MAX_CONDITIONS => {
            return refuse(format!("the rule has {n} conditions; use at most {MAX_CONDITIONS}"));
        }
        _ => {}
    }
    for (at, condition) in rule.conditions.iter().enumerate() {
        if rule.conditions[..at].contains(condition) {
            return refuse(format!("condition {} is the same as one before it; remove it", at + 1));
        }
        check_condition(condition, rule)?;
    }
    if let Some(instrument) = &rule.instrument
        && rule.conditions.iter().all(|condition| condition.kind().scope == Scope::None)
    {
        let name = rule.conditions[0].kind().title;
        return refuse(format!("{name:?} is about no instrument; leave {instrument} out"));
    }
    check_together(rule)?;
    if rule.channels.len() > MAX_CHANNELS {
        return refuse(format!("the rule names {} channels; use at most {MAX_CHANNELS}", rule.channels.len()));
    }
    if rule.expires.is_some_and(|expires| expires <= now) {
        return refuse("the time of expiry has passed; choose a later one or none".to_owned());
    }
    let Some(message) = &rule.message else { return Ok(()) };
    let n_chars = message.chars().count();
    if n_chars > MAX_MESSAGE_CHARS {
        return refuse(format!("the message has {n_chars} characters; use at most {MAX_MESSAGE_CHARS}"));
    }
    template::check(message).or_else(|error| refuse(format!("the message: {error}")))
}

fn check_condition(condition: &Condition, rule: &AlertRule) -> Result<(), Refusal> {
    let kind = condition.kind();
    if kind.scope == Scope::Instrument && rule.instrument.is_none() {
        return refuse(format!("{:?} needs an instrument; name one", kind.title));
    }
    match condition {
        Condition::PriceCrosses { level, hysteresis, .. }
        | Condition::PriceAbove { level, hysteresis }
        | Condition::PriceBelow { level, hysteresis } => {
            if *hysteresis < Price::ZERO {
                return refuse(format!("the hysteresis {hysteresis} is below zero; use zero or more"));
            }
            if level.checked_add(*hysteresis).is_none() || level.checked_sub(*hysteresis).is_none() {
                return refuse(format!("level {level} and hysteresis {hysteresis} have too many digits together"));
            }
        }
        Condition::Channel { low, high, .. } if low >= high => {
            return refuse(format!("the lower edge {low} is not below the upper edge {high}; exchange them"));
        }
        Condition::PriceMove { by: MoveSize::Percent(percent), .. } if *percent <= Rate::ZERO => {
            return refuse(format!("a move of {percent}% is none; use a number above zero"));
        }
        Condition::PriceMove { by: MoveSize::Absolute(amount), .. } if *amount <= Price::ZERO => {
            return refuse(format!("a move of {amount} is none; use a number above zero"));
        }
        Condition::IndicatorLevel { spec, .. } => check_spec(spec)?,
        Condition::IndicatorCross { fast, slow, .. } => {
            check_spec(fast)?;
            check_spec(slow)?;
            if Spec::parse_output(fast).ok() == Spec::parse_output(slow).ok() {
                return refuse(format!("{fast} never crosses itself; choose another indicator"));
            }
        }
        Condition::VolumeBurst { n_bars, .. } => check_spec(&mean_volume(*n_bars))?,
        Condition::Position { event, size, .. } => match (event, size) {
            (PositionEvent::Above, None) => return refuse("the size of the position is missing; give one".to_owned()),
            (PositionEvent::Above, Some(size)) if size.is_zero() => {
                return refuse("every position is at least 0; give a size above zero".to_owned());
            }
            (PositionEvent::Opened | PositionEvent::Closed, Some(size)) => {
                return refuse(format!("the size {size} belongs to a position of at least a size; leave it out"));
            }
            _ => {}
        },
        Condition::Disk { event, free_bytes } => match (event, free_bytes) {
            (DiskEvent::FreeBelow, None) => {
                return refuse("the bytes that have to be free are missing; give them".to_owned());
            }
            (DiskEvent::JournalFull, Some(_)) => {
                return refuse("free bytes have no meaning for the journal; leave them out".to_owned());
            }
            _ => {}
        },
        _ => {}
    }
    check_ranges(condition)
}

/// Checks numbers against the ranges of their fields, the same that the page's forms show.
fn check_ranges(condition: &Condition) -> Result<(), Refusal> {
    let kind = condition.kind();
    // A number that is not finite has no form in JSON.
    let body = serde_json::to_value(condition).unwrap_or_default();
    for field in kind.fields {
        let value = &body[field.name];
        let (value, min, max) = match field.kind {
            FieldKind::Number { min, max } => (value.as_f64(), min, max),
            FieldKind::Integer { min, max } => (value.as_f64(), lossy(min), lossy(max)),
            _ => continue,
        };
        let Some(value) = value else {
            if field.is_optional && body[field.name].is_null() && !is_number_missing(condition, field.name) {
                continue;
            }
            return refuse(format!("{:?} of {:?} is not a number", field.title, kind.title));
        };
        if !(min..=max).contains(&value) {
            return refuse(format!("{:?} of {:?} is {value}; use {min} to {max}", field.title, kind.title));
        }
    }
    Ok(())
}

/// True for the optional number that is always written: null there is not absent, but not a number.
fn is_number_missing(condition: &Condition, field: &str) -> bool {
    matches!(condition, Condition::IndicatorLevel { .. }) && field == "hysteresis"
}

#[expect(clippy::cast_precision_loss, reason = "ranges of forms are far below 2^53")]
fn lossy(value: u64) -> f64 {
    value as f64
}

fn check_spec(text: &str) -> Result<(), Refusal> {
    Spec::parse_output(text).map(drop).or_else(|error| refuse(error.to_string()))
}

fn check_together(rule: &AlertRule) -> Result<(), Refusal> {
    let momentary: Vec<&Condition> = rule.conditions.iter().filter(|condition| condition.is_momentary()).collect();
    if rule.join == Join::All && momentary.len() > 1 {
        let (first, second) = (momentary[0].kind().title, momentary[1].kind().title);
        return refuse(format!(
            "{first:?} and {second:?} happen at one moment each and never together; join them with any"
        ));
    }
    let [_, ..] = momentary.as_slice() else { return check_bars(rule) };
    if rule.pending_for_s > 0 {
        let name = momentary[0].kind().title;
        return refuse(format!("{name:?} happens at one moment and cannot last {} s; use 0", rule.pending_for_s));
    }
    check_bars(rule)
}

fn check_bars(rule: &AlertRule) -> Result<(), Refusal> {
    if u64::from(rule.pending_for_s) > MAX_SPAN_S {
        return refuse(format!("{} s is too long to last; use at most {MAX_SPAN_S}", rule.pending_for_s));
    }
    match rule.frequency {
        Frequency::Every { cool_down_s } if u64::from(cool_down_s) > MAX_SPAN_S => {
            refuse(format!("a cool-down of {cool_down_s} s is too long; use at most {MAX_SPAN_S}"))
        }
        Frequency::OncePerBarClose { interval } => {
            if let Some(other) = rule.conditions.iter().find(|condition| !condition.is_of_bars()) {
                let name = other.kind().title;
                return refuse(format!("{name:?} has no bars; choose another frequency than the close of bars"));
            }
            let other = rule.conditions.iter().find_map(|condition| match condition {
                Condition::IndicatorLevel { interval: own, .. }
                | Condition::IndicatorCross { interval: own, .. }
                | Condition::VolumeBurst { interval: own, .. }
                    if *own != interval =>
                {
                    Some(*own)
                }
                _ => None,
            });
            match other {
                Some(own) => refuse(format!(
                    "the rule looks at closes of {interval} bars, a condition at {own} bars; choose one"
                )),
                None => Ok(()),
            }
        }
        Frequency::Once | Frequency::OncePerBar { .. } | Frequency::OncePerMinute | Frequency::Every { .. } => Ok(()),
    }
}

fn refuse(message: String) -> Result<(), Refusal> {
    Err(Refusal::new(DenyCode::BadRule, message))
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_NAME_CHARS).collect()
}
