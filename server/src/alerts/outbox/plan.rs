//! Next step of a channel, from the deliveries that wait: pure, so that time is an argument.
//!
//! Alerts of a channel go in their order. One that failed holds the others up, because the failure is the other server's
//! as a rule; a new alert has it tried again at once, but at most every [`SHORTEST_WAIT`]. Where more waits than the
//! budget allows, alerts of one rule become one message with a count.

use std::{collections::BTreeMap, time::Duration};

use model::{alert::delivery::Delivery, time::Timestamp};
use store::alerts::outbox::Waiting;

/// Plan for one channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Alerts that are too old to be tried again.
    pub given_up: Vec<u64>,
    /// The message that takes others in, and those.
    pub folds: Vec<(u64, Vec<u64>)>,
    /// The alert that is sent now.
    pub send: Option<u64>,
    /// Time to look again, if something waits for its time.
    pub wake_time: Option<Timestamp>,
}

/// Situation of a channel: its limits now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// Messages that its budget allows.
    pub n_allowed: u32,
    /// The alert that is on its way.
    pub sending: Option<u64>,
    /// True while it is paused, or too much is on its way elsewhere.
    pub is_held: bool,
}

/// Plans for one channel. `waiting` is in the order of the alerts.
pub fn plan(waiting: &[Waiting], situation: Situation, now: Timestamp) -> Plan {
    let Situation { n_allowed, sending, is_held } = situation;
    let is_over = |delivery: &Delivery| now >= delivery.created_time + GIVE_UP_AFTER;
    let at_rest = waiting.iter().filter(|one| Some(one.delivery.notice_id) != sending);
    let (over, waiting): (Vec<&Waiting>, Vec<&Waiting>) = at_rest.partition(|one| is_over(&one.delivery));
    let given_up = over.iter().map(|one| one.delivery.notice_id).collect();
    // Deliveries that wait for the end of quiet hours hold nothing up.
    let (later, ready): (Vec<&Waiting>, Vec<&Waiting>) =
        waiting.into_iter().partition(|one| one.delivery.n_attempts == 0 && one.delivery.next_time > now);
    let folds = if ready.len() > n_allowed as usize { folds(&ready) } else { Vec::new() };
    let is_folded = |one: &Waiting| folds.iter().any(|(_, from)| from.contains(&one.delivery.notice_id));
    let head = ready.iter().find(|one| !is_folded(one)).map(|one| &one.delivery);
    let head_time = head.map(|head| try_time(head, &ready));
    let is_due = sending.is_none() && !is_held && n_allowed > 0 && head_time.is_some_and(|time| time <= now);
    let send = head.filter(|_| is_due).map(|head| head.notice_id);
    let waits = later.iter().map(|one| one.delivery.next_time).chain(head_time.filter(|time| *time > now));
    Plan { given_up, send, wake_time: waits.min(), folds }
}

/// Returns the time of the oldest delivery's next attempt: its own, or earlier if an alert fired since its last attempt
/// and the other server did not ask for a wait.
fn try_time(head: &Delivery, ready: &[&Waiting]) -> Timestamp {
    let Some(last_time) = head.last_time.filter(|_| head.n_attempts > 0) else { return head.next_time };
    let has_news = ready.iter().any(|one| one.delivery.n_attempts == 0 && one.delivery.created_time > last_time);
    let may_hasten = has_news && !matches!(head.last_status, Some(429 | 503));
    if may_hasten { head.next_time.min(last_time + SHORTEST_WAIT) } else { head.next_time }
}

/// Folds alerts of a rule that were never tried into the newest one. What was tried stays as it is: the other server may
/// have it already.
fn folds(ready: &[&Waiting]) -> Vec<(u64, Vec<u64>)> {
    let mut by_rule: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for one in ready.iter().filter(|one| one.delivery.n_attempts == 0) {
        by_rule.entry(&one.rule_id).or_default().push(one.delivery.notice_id);
    }
    let fold = |mut numbers: Vec<u64>| numbers.pop().filter(|_| !numbers.is_empty()).map(|newest| (newest, numbers));
    by_rule.into_values().filter_map(fold).collect()
}

/// Returns the wait after a failed attempt, the first one being 1. `chance` from 0 to 1 spreads channels that failed
/// together.
pub fn back_off(n_attempts: u32, chance: f64) -> Duration {
    let step_idx = (n_attempts.max(1) as usize - 1).min(STEPS_S.len() - 1);
    Duration::from_secs(STEPS_S[step_idx]).mul_f64(0.9 + 0.2 * chance.clamp(0.0, 1.0))
}

/// 30 s, 2 min, 10 min, 30 min, 2 h, 6 h and then once a day.
const STEPS_S: [u64; 7] = [30, 120, 600, 1_800, 7_200, 21_600, 86_400];
/// A channel that fails is not tried more often, however many alerts come.
pub const SHORTEST_WAIT: Duration = Duration::from_secs(30);
/// An alert that is older is history: it stays as a dead letter until somebody sends it again.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(36 * 3_600);

#[cfg(test)]
mod tests {
    use model::alert::{channel::ChannelId, delivery::DeliveryState};

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_000 * seconds)
    }

    /// A delivery that came into being at the second of its number.
    fn waiting(notice_id: u64, rule_id: &str) -> Waiting {
        let created_time = at(notice_id as i64);
        let delivery = Delivery {
            notice_id,
            channel_id: ChannelId::parse("ops").unwrap(),
            state: DeliveryState::Pending,
            n_attempts: 0,
            created_time,
            next_time: created_time,
            last_time: None,
            last_status: None,
            last_error: None,
            n_folded: 0,
            folded_into: None,
        };
        Waiting { delivery, rule_id: rule_id.to_owned() }
    }

    fn failed(notice_id: u64, last_s: i64, next_s: i64) -> Waiting {
        let mut one = waiting(notice_id, "a");
        one.delivery.state = DeliveryState::Failed;
        one.delivery.n_attempts = 1;
        one.delivery.last_time = Some(at(last_s));
        one.delivery.next_time = at(next_s);
        one
    }

    #[track_caller]
    fn check(waiting: &[Waiting], n_allowed: u32, now_s: i64, expected: Plan) {
        let situation = Situation { n_allowed, sending: None, is_held: false };
        assert_eq!(plan(waiting, situation, at(now_s)), expected);
    }

    fn send(notice_id: u64) -> Plan {
        Plan { send: Some(notice_id), ..Plan::default() }
    }

    fn wake(seconds: i64) -> Plan {
        Plan { wake_time: Some(at(seconds)), ..Plan::default() }
    }

    #[test]
    fn the_oldest_goes_first() {
        check(&[], 5, 10, Plan::default());
        check(&[waiting(1, "a"), waiting(2, "a"), waiting(3, "b")], 5, 10, send(1));
        let waiting = [waiting(1, "a"), waiting(2, "a"), waiting(3, "a")];
        let held = Situation { n_allowed: 5, sending: None, is_held: true };
        assert_eq!(plan(&waiting, held, at(10)), Plan::default());
        // One at a time, and what is on its way is not folded any more.
        let busy = Situation { n_allowed: 1, sending: Some(1), is_held: false };
        assert_eq!(plan(&waiting, busy, at(10)), Plan { folds: vec![(3, vec![2])], ..Plan::default() });
    }

    #[test]
    fn what_failed_holds_up_but_news_hasten_it() {
        check(&[failed(1, 5, 1_000)], 5, 10, wake(1_000));
        check(&[failed(1, 5, 1_000)], 5, 1_000, send(1));
        // An alert fired after the attempt: not before half a minute has passed.
        check(&[failed(1, 5, 1_000), waiting(7, "b")], 5, 10, wake(35));
        check(&[failed(1, 5, 1_000), waiting(7, "b")], 5, 35, send(1));
        let mut limited = failed(1, 5, 1_000);
        limited.delivery.last_status = Some(429);
        check(&[limited, waiting(7, "b")], 5, 35, wake(1_000));
        // It was tried since: the alert is no news any more.
        check(&[failed(1, 35, 1_000), waiting(7, "b")], 5, 70, wake(1_000));
    }

    #[test]
    fn what_is_too_much_becomes_a_count() {
        let waiting = [waiting(1, "a"), waiting(2, "b"), waiting(3, "a"), waiting(4, "a"), waiting(5, "b")];
        let folds = vec![(4, vec![1, 3]), (5, vec![2])];
        check(&waiting, 4, 10, Plan { folds: folds.clone(), ..send(4) });
        check(&waiting, 0, 10, Plan { folds, ..Plan::default() });
        check(&waiting, 5, 10, send(1));
        // A delivery that was tried keeps its identity and its text.
        let waiting = [failed(1, 5, 6), waiting[2].clone(), waiting[3].clone()];
        check(&waiting, 1, 10, Plan { folds: vec![(4, vec![3])], ..send(1) });
    }

    #[test]
    fn quiet_hours_hold_nothing_up() {
        let mut quiet = waiting(1, "a");
        quiet.delivery.next_time = at(500);
        check(&[quiet.clone(), waiting(2, "b")], 5, 10, Plan { wake_time: Some(at(500)), ..send(2) });
        check(&[quiet.clone(), waiting(2, "a")], 0, 10, wake(500));
        check(&[quiet], 5, 500, send(1));
    }

    #[test]
    fn a_day_and_a_half_is_enough() {
        let end_s = 1 + GIVE_UP_AFTER.as_secs() as i64;
        check(&[failed(1, 5, 6), waiting(2, "b")], 5, end_s - 1, send(1));
        check(&[failed(1, 5, 6), waiting(2, "b")], 5, end_s, Plan { given_up: vec![1], ..send(2) });
    }

    #[test]
    fn waits_grow_to_a_day() {
        let waits: Vec<u64> = (0..=9).map(|n_attempts| back_off(n_attempts, 0.5).as_secs()).collect();
        assert_eq!(waits, [30, 30, 120, 600, 1_800, 7_200, 21_600, 86_400, 86_400, 86_400]);
        assert_eq!((back_off(1, 0.0).as_secs(), back_off(1, 1.0).as_secs()), (27, 33));
    }
}
