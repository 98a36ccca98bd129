//! Trades whose stamp is beyond reason: years ahead of the clock, or from before the market.
//!
//! A stamp is judged by two witnesses, the clock at its arrival and the last trade. One alone may be wrong: the
//! server's clock may be set wrongly, and the last trade of a quiet market may be months old. Not here: clock offsets of
//! seconds ([`crate::clock`]), late trades ([`crate::seen_trades`]).

use std::time::Duration;

use model::time::Timestamp;

/// Judges the stamps of one instrument's trades.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StampCheck {
    /// The last stamp that was usable.
    last: Option<Timestamp>,
    /// The last stamp that was not, and how many in a row agreed with it.
    doubtful: Option<(Timestamp, u32)>,
}

impl StampCheck {
    /// Returns true if a trade with this stamp, received at `clock`, may be used.
    pub(crate) fn judge(&mut self, stamp: Timestamp, clock: Timestamp) -> bool {
        let is_far = |one: Timestamp, other: Timestamp, reason: Duration| one.saturating_since(other) > reason;
        let is_beyond = match self.last {
            Some(last) => {
                let is_ahead = is_far(stamp, last, NEAR) && is_far(stamp, clock, NEAR);
                is_ahead || is_far(last, stamp, NEAR)
            }
            None => is_far(stamp, clock, NEAR) || is_far(clock, stamp, OLDEST),
        };
        if is_beyond {
            let n_before = self
                .doubtful
                .filter(|(known, _)| !is_far(*known, stamp, NEAR) && !is_far(stamp, *known, NEAR))
                .map_or(0, |(_, n_agreeing)| n_agreeing);
            self.doubtful = Some((stamp, n_before + 1));
            if n_before + 1 < AGREEING {
                return false;
            }
        }
        self.doubtful = None;
        self.last = Some(stamp);
        true
    }
}

/// Stamps this close to each other, or to the clock, belong together: clocks and late reports differ by less.
const NEAR: Duration = Duration::from_secs(86_400);
/// The first trade may be this old: the last one of a market that has gone quiet.
const OLDEST: Duration = Duration::from_secs(10 * 365 * 86_400);
/// This many agreeing trades in a row prove that the clock, or the last usable stamp, is what is wrong.
const AGREEING: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_S: i64 = 86_400;
    const YEAR_S: i64 = 365 * DAY_S;
    const NOW_S: i64 = 1_764_300_000;

    /// The verdicts on stamps, given in seconds from `NOW_S`, that arrive at `clock_s` from there.
    #[track_caller]
    fn check(clock_s: i64, stamps_s: &[i64], expected: &[bool]) {
        let (mut stamps, at) =
            (StampCheck::default(), |seconds: i64| Timestamp::from_millis((NOW_S + seconds) * 1_000));
        let found: Vec<bool> = stamps_s.iter().map(|stamp_s| stamps.judge(at(*stamp_s), at(clock_s))).collect();
        assert_eq!(found, expected, "{stamps_s:?}");
    }

    #[test]
    fn stamps_beyond_reason_are_told() {
        check(
            0,
            &[0, 30 * YEAR_S, 1, 250 * YEAR_S, 2, -54 * YEAR_S, 3],
            &[true, false, true, false, true, false, true],
        );
        check(0, &[30 * YEAR_S, 30 * YEAR_S + 1, 0, 1], &[false, false, true, true]);
        check(0, &[-54 * YEAR_S, 0, -2 * DAY_S, 1], &[false, true, false, true]);
        check(0, &[2 * DAY_S, 3_600, 7_200], &[false, true, true]);
    }

    #[test]
    fn a_quiet_market_may_begin_with_an_old_trade() {
        check(0, &[-3 * YEAR_S, -200 * DAY_S, -2], &[true, true, true]);
    }

    #[test]
    fn a_wrong_clock_of_ours_is_overruled() {
        for clock_s in [-46 * DAY_S, 46 * DAY_S, -40 * YEAR_S, 40 * YEAR_S] {
            let stamps_s: Vec<i64> = (0..100).collect();
            let mut stamps = StampCheck::default();
            let at = |seconds: i64| Timestamp::from_millis((NOW_S + seconds) * 1_000);
            let n_usable = stamps_s.iter().filter(|stamp_s| stamps.judge(at(**stamp_s), at(clock_s))).count();
            assert!(n_usable >= 50, "{clock_s}: {n_usable}");
        }
    }
}
