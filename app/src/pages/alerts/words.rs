//! Rules, alerts and deliveries in words. Pure.

use model::alert::{
    delivery::{Delivery, DeliveryState},
    notice::{Notice, Severity},
    rule::{Frequency, RuleStatus},
    signal::{SignalSide, SignalState},
};

use crate::{format, pages::recordings::state::moment};

/// Returns a severity's word.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "Info",
        Severity::Warning => "Warning",
        Severity::Critical => "Critical",
    }
}

/// Returns a severity's tone, for style sheets.
pub fn tone(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "wait",
        Severity::Warning => "warn",
        Severity::Critical => "bad",
    }
}

/// Returns a rule's state in words, and its tone.
pub fn status(status: &RuleStatus) -> (String, &'static str) {
    match status {
        RuleStatus::Armed => ("armed".to_owned(), "ok"),
        RuleStatus::Waiting => ("waits for a first value".to_owned(), "wait"),
        RuleStatus::Pending { since } => (format!("holds since {}", format::time_of_day(*since)), "wait"),
        RuleStatus::Fired => ("has fired; fires again once it no longer holds".to_owned(), "wait"),
        RuleStatus::Paused => ("paused".to_owned(), "off"),
        RuleStatus::Snoozed { until } => (format!("snoozed until {}", moment(until.as_millis())), "off"),
        RuleStatus::Blind { since, reason } => {
            (format!("blind since {}, because {reason}", format::time_of_day(*since)), "warn")
        }
        RuleStatus::Expired => ("expired".to_owned(), "off"),
        RuleStatus::Done => ("done: it has fired once".to_owned(), "off"),
    }
}

/// Returns how often a rule fires, in words.
pub fn frequency(frequency: Frequency) -> String {
    match frequency {
        Frequency::Once => "once".to_owned(),
        Frequency::OncePerBar { interval } => format!("once per {interval} bar"),
        Frequency::OncePerBarClose { interval } => format!("once per {interval} bar close"),
        Frequency::OncePerMinute => "once per minute".to_owned(),
        Frequency::Every { cool_down_s: 0 } => "every time".to_owned(),
        Frequency::Every { cool_down_s } => format!("every time, {cool_down_s} s apart"),
    }
}

/// Returns how often a rule has fired, in words (`fired 3 times, 2 without an alert`).
pub fn fired(n_fired: u64, n_suppressed: u64) -> String {
    let times = match n_fired {
        0 => return "never fired".to_owned(),
        1 => "fired once".to_owned(),
        n_fired => format!("fired {} times", format::grouped(&n_fired.to_string())),
    };
    if n_suppressed == 0 { times } else { format!("{times}, {n_suppressed} without an alert of its own") }
}

/// Returns what else is known of an alert (`level 62000 · late · 37 more of the rule`).
pub fn facts(notice: &Notice) -> String {
    let mut facts = Vec::new();
    facts.extend(notice.instrument.as_ref().map(ToString::to_string));
    facts.extend(notice.value.as_ref().map(|value| format!("at {}", format::grouped(value))));
    facts.extend(notice.level.as_ref().map(|level| format!("level {}", format::grouped(level))));
    facts.extend(notice.bar_time.map(|time| format!("bar of {}", moment(time.as_millis()))));
    if notice.is_late {
        facts.push("told late: the server was down, or the feed could not be trusted".to_owned());
    }
    if notice.n_folded > 0 {
        facts.push(format!("{} more of the rule", notice.n_folded));
    }
    facts.join(" · ")
}

/// Returns how far a delivery is, in words, and its tone.
pub fn delivery(delivery: &Delivery) -> (String, &'static str) {
    let error = delivery.last_error.as_deref().unwrap_or("no answer");
    let next = format::time_of_day(delivery.next_time);
    match delivery.state {
        DeliveryState::Pending => ("waits".to_owned(), "wait"),
        DeliveryState::Failed => (format!("attempt {} failed: {error}; next at {next}", delivery.n_attempts), "warn"),
        DeliveryState::Sent => match delivery.n_folded {
            0 => ("sent".to_owned(), "ok"),
            n_folded => (format!("sent, with {n_folded} more of the rule"), "ok"),
        },
        DeliveryState::Folded => ("sent as a count with a newer alert".to_owned(), "ok"),
        DeliveryState::Dead => (format!("given up after {} attempts: {error}", delivery.n_attempts), "bad"),
    }
}

/// Returns a side's word, and the style sheet's `data-trend` of it.
pub fn side(side: SignalSide) -> (&'static str, Option<&'static str>) {
    match side {
        SignalSide::Buy => ("Buy", Some("up")),
        SignalSide::Sell => ("Sell", Some("down")),
        SignalSide::Neutral => ("Look", None),
    }
}

/// Returns a state's word, for people and for style sheets; `holds` tells what a repair did.
pub fn signal_state(state: SignalState, holds: bool) -> (&'static str, &'static str) {
    match (state, holds) {
        (SignalState::Forming, _) => ("forming", "forming"),
        (SignalState::Confirmed, _) => ("confirmed", "confirmed"),
        (SignalState::Withdrawn, _) => ("withdrawn", "withdrawn"),
        (SignalState::Revised, true) => ("revised: holds after all", "revised"),
        (SignalState::Revised, false) => ("revised: no longer holds", "revised"),
    }
}

#[cfg(test)]
mod tests {
    use model::{alert::channel::ChannelId, candle::Interval, time::Timestamp};

    use super::*;

    #[test]
    fn a_blind_rule_says_since_when_and_why() {
        let since = Timestamp::from_millis(61_000);
        let blind = RuleStatus::Blind { since, reason: "the feed is stale".to_owned() };
        assert_eq!(status(&blind), ("blind since 00:01:01, because the feed is stale".to_owned(), "warn"));
        assert_eq!(status(&RuleStatus::Armed).1, "ok");
    }

    #[test]
    fn counts_are_sentences() {
        for (n_fired, n_suppressed, expected) in [
            (0, 0, "never fired"),
            (1, 0, "fired once"),
            (214, 200, "fired 214 times, 200 without an alert of its own"),
        ] {
            assert_eq!(fired(n_fired, n_suppressed), expected);
        }
        assert_eq!(frequency(Frequency::OncePerBarClose { interval: Interval::H1 }), "once per 1h bar close");
        assert_eq!(frequency(Frequency::Every { cool_down_s: 30 }), "every time, 30 s apart");
    }

    #[test]
    fn a_delivery_tells_its_last_error() {
        let of = |state, last_error: Option<&str>| Delivery {
            notice_id: 1,
            channel_id: ChannelId::parse("ops").unwrap(),
            state,
            n_attempts: 3,
            created_time: Timestamp::from_millis(0),
            next_time: Timestamp::from_millis(61_000),
            last_time: None,
            last_status: None,
            last_error: last_error.map(str::to_owned),
            n_folded: 2,
            folded_into: None,
        };
        for (row, expected, tone) in [
            (of(DeliveryState::Failed, Some("503")), "attempt 3 failed: 503; next at 00:01:01", "warn"),
            (of(DeliveryState::Dead, Some("410")), "given up after 3 attempts: 410", "bad"),
            (of(DeliveryState::Sent, None), "sent, with 2 more of the rule", "ok"),
        ] {
            assert_eq!(delivery(&row), (expected.to_owned(), tone));
        }
    }
}
