//! Outcome of an answer for a delivery: sent, another attempt and when, or given up.

use std::time::Duration;

use model::{
    alert::channel::{ChannelId, ChannelTest},
    time::Timestamp,
};
use store::alerts::outbox::{Attempt, Outcome};

use super::plan::back_off;
use crate::alerts::channels::{Report, Verdict};

/// Returns what is written about an attempt, the `n_attempts`-th of its delivery. `chance` from 0 to 1 spreads retries.
pub fn attempt(
    notice_id: u64,
    channel_id: ChannelId,
    n_attempts: u32,
    report: Report,
    chance: f64,
    now: Timestamp,
) -> Attempt {
    let Report { verdict, status, text, reached, ended, advice: _ } = report;
    let outcome = match verdict {
        Verdict::Delivered => Outcome::Sent,
        Verdict::Retry { after } => {
            let wait = after.map_or_else(|| back_off(n_attempts, chance), |after| after.clamp(SHORTEST, LONGEST));
            Outcome::Retry { next_time: now + wait, error: text }
        }
        Verdict::Rejected => Outcome::Dead { error: text },
        Verdict::Gone => Outcome::Disabled { error: text },
    };
    Attempt { notice_id, channel_id, time: now, status, outcome, reached, ended }
}

/// Returns what the person who made a test is told.
pub fn test_result(report: &Report) -> ChannelTest {
    let text = report.advice.as_ref().unwrap_or(&report.text).clone();
    ChannelTest { is_delivered: report.verdict == Verdict::Delivered, status: report.status, text }
}

/// Bounds of what another server may ask for.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_ask_for_its_own_wait() {
        #[track_caller]
        fn check(after_s: Option<u64>, expected_s: i64) {
            let verdict = Verdict::Retry { after: after_s.map(Duration::from_secs) };
            let report = Report::new(verdict, Some(429), "slow down");
            let channel_id = ChannelId::parse("ops").unwrap();
            let attempt = attempt(1, channel_id, 2, report, 0.5, Timestamp::from_millis(0));
            let next_time = Timestamp::from_millis(1_000 * expected_s);
            assert_eq!(attempt.outcome, Outcome::Retry { next_time, error: "slow down".to_owned() });
        }
        check(None, 120);
        check(Some(0), 1);
        check(Some(7), 7);
        check(Some(1_000_000), 86_400);
    }

    #[test]
    fn a_test_tells_more_than_the_history() {
        let moved =
            Report { advice: Some("write -1009".to_owned()), ..Report::new(Verdict::Rejected, Some(400), "moved") };
        assert_eq!(test_result(&moved).text, "write -1009");
        assert_eq!(test_result(&Report::unanswered("refused")).text, "refused");
        let written = attempt(1, ChannelId::parse("ops").unwrap(), 1, moved, 0.5, Timestamp::from_millis(0));
        assert_eq!(written.outcome, Outcome::Dead { error: "moved".to_owned() });
    }
}
