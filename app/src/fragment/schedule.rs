//! Schedule of a region's samples, and the state it shows. Pure; the time is an argument.

use std::time::Duration;

use model::time::{Monotonic, Timestamp};
use topics::{lane::Lane, topic::Topic};

use crate::{cadence::Pace, format, live::model::Freshness, settings::TimeZone};

/// The state of a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FragmentState {
    /// No data has arrived yet.
    Waiting {
        /// The note to show, once it takes long.
        note: Option<String>,
    },
    /// As live as the venue is.
    Live,
    /// The last known value, this many seconds old.
    Stale {
        /// `stale`, or `quiet` if the market is quiet.
        word: &'static str,
        /// Age in words.
        age: String,
    },
    /// A value that the browser kept from an earlier visit.
    Earlier {
        /// The time at which it was current.
        as_of: Timestamp,
        /// Age in words.
        age: String,
    },
    /// Nobody follows the instrument: the last known value is shown as old, and the page says why.
    Ended,
    /// The last update failed; the last known value is shown as old.
    Failed {
        /// The error.
        message: String,
        /// Its duration, in words; empty for the first second.
        age: String,
        /// Whole seconds to the next automatic turn, if there is one.
        next_s: Option<u64>,
    },
}

impl Default for FragmentState {
    fn default() -> Self {
        Self::Waiting { note: None }
    }
}

impl FragmentState {
    /// Returns the value for `data-state`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Live => "live",
            Self::Stale { .. } | Self::Earlier { .. } | Self::Ended => "stale",
            Self::Failed { .. } => "failed",
        }
    }

    /// Returns the line shown in the region's corner, with times in `zone`.
    pub fn note(&self, zone: TimeZone) -> Option<String> {
        match self {
            Self::Waiting { note } => note.clone(),
            Self::Live | Self::Ended => None,
            Self::Stale { word, age } => Some(format!("{word}, {age} old")),
            Self::Earlier { as_of, age } => {
                let time_ms = as_of.as_millis();
                let local = Timestamp::from_millis(time_ms.saturating_add(zone.offset_ms(time_ms)));
                Some(format!("as of {}, {age} ago", format::time_of_day(local)))
            }
            Self::Failed { message, age, next_s } => {
                let since = (!age.is_empty()).then(|| format!("for {age}"));
                let next = next_s.map(|seconds| format!("next try in {seconds} s"));
                let details: Vec<String> = since.into_iter().chain(next).collect();
                let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
                Some(format!("Update failed: {message}{details}"))
            }
        }
    }
}

/// The schedule of one region.
#[derive(Debug, Default)]
pub struct SamplingSchedule {
    topics: Vec<Topic>,
    began: Option<Monotonic>,
    last: Option<Monotonic>,
    seen: (u64, u32),
    failure: Option<String>,
    /// Time since which samples have failed.
    failed_since: Option<Monotonic>,
}

impl SamplingSchedule {
    /// Returns true if a sample is due: data changed and the pace allows it, other topics are shown, or the reader
    /// requested it. A failed sample is retried at the next turn, changed or not.
    pub fn is_due(&mut self, now: Monotonic, pace: Pace, topics: &[Topic], revision: u64, n_asked: u32) -> bool {
        self.began.get_or_insert(now);
        if self.topics != topics {
            self.began = Some(now);
            return true;
        }
        let Some(last) = self.last else { return true };
        if n_asked != self.seen.1 {
            return true;
        }
        if revision == self.seen.0 && self.failure.is_none() {
            return false;
        }
        match pace {
            // Data on these lanes is already paced: pacing it again would skip every other update.
            Pace::Every(span) if span <= Lane::Fast.period() && self.failure.is_none() => true,
            Pace::Every(span) => now.saturating_since(last) + SLACK >= span,
            // The first value is shown without a request.
            Pace::OnDemand => self.seen.0 == 0,
        }
    }

    /// Notes that a sample was taken, of `(revision, n_asked)`.
    pub fn took(&mut self, now: Monotonic, topics: &[Topic], seen: (u64, u32), failure: Option<String>) {
        if self.topics != topics {
            self.topics = topics.to_vec();
        }
        self.last = Some(now);
        self.seen = seen;
        self.failure = failure;
    }

    /// Returns the region's state. A missing `cause` means that no fault is known.
    pub fn state(&mut self, now: Monotonic, pace: Pace, freshness: &Freshness, cause: Option<String>) -> FragmentState {
        let refusal = match freshness {
            Freshness::Refused { message } => Some(message),
            _ => None,
        };
        if let Some(message) = self.failure.as_ref().or(refusal) {
            let since = *self.failed_since.get_or_insert(now);
            let failed_for = now.saturating_since(since);
            let age = match u64::try_from(failed_for.as_millis()).unwrap_or(u64::MAX) {
                0..1_000 => String::new(),
                age_ms => format::whole_age(age_ms),
            };
            // The connection retries a refusal at its own pace.
            let next_s = match (&self.failure, pace, self.last) {
                (Some(_), Pace::Every(span), Some(last)) if span > Lane::Fast.period() => {
                    Some((last + span).saturating_since(now).as_secs_f64().ceil() as u64)
                }
                _ => None,
            };
            return FragmentState::Failed { message: message.clone(), age, next_s };
        }
        self.failed_since = None;
        match freshness {
            Freshness::NotFollowed => FragmentState::Ended,
            Freshness::Fresh | Freshness::Refused { .. } => FragmentState::Live,
            Freshness::Stale { age_ms, is_quiet } => FragmentState::Stale {
                word: if *is_quiet { "quiet" } else { "stale" },
                age: format::whole_age(*age_ms),
            },
            Freshness::Earlier { as_of, age_ms } => {
                FragmentState::Earlier { as_of: *as_of, age: format::whole_age(*age_ms) }
            }
            Freshness::Waiting => {
                let waited = self.began.map_or(Duration::ZERO, |began| now.saturating_since(began));
                let note = match cause {
                    Some(cause) if waited >= CAUSE_AFTER => Some(format!("Waiting for data… {cause}")),
                    _ if waited >= SAY_SO_AFTER => Some("Waiting for data…".to_owned()),
                    _ => None,
                };
                FragmentState::Waiting { note }
            }
        }
    }
}

/// Frames do not coincide exactly with the pace; this much early counts as on time.
const SLACK: Duration = Duration::from_millis(20);

/// Waiting is shown after one second, its cause after three.
const SAY_SO_AFTER: Duration = Duration::from_secs(1);
const CAUSE_AFTER: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY_SECOND: Pace = Pace::Every(Duration::from_secs(1));
    const FAST: Pace = Pace::Every(Duration::from_millis(100));
    const TOPICS: &[Topic] = &[Topic::STATUS];

    fn at(now_ms: u64) -> Monotonic {
        Monotonic::from_zero(Duration::from_millis(now_ms))
    }

    /// A region that took its first sample at 1,000 ms, of revision 7.
    fn started() -> SamplingSchedule {
        let mut schedule = SamplingSchedule::default();
        assert!(schedule.is_due(at(1_000), FAST, TOPICS, 7, 0));
        schedule.took(at(1_000), TOPICS, (7, 0), None);
        schedule
    }

    #[test]
    fn samples_are_taken_at_the_pace_and_only_of_what_changed() {
        #[track_caller]
        fn check(now_ms: u64, pace: Pace, revision: u64, n_asked: u32, expected: bool) {
            assert_eq!(started().is_due(at(now_ms), pace, TOPICS, revision, n_asked), expected);
        }
        check(9_000, EVERY_SECOND, 7, 0, false);
        check(1_500, EVERY_SECOND, 8, 0, false);
        check(1_985, EVERY_SECOND, 8, 0, true);
        check(1_016, FAST, 8, 0, true);
        check(9_000, Pace::OnDemand, 8, 0, false);
        check(1_001, Pace::OnDemand, 7, 1, true);
    }

    #[test]
    fn other_topics_are_shown_at_once() {
        let mut schedule = started();
        assert!(schedule.is_due(at(1_001), Pace::OnDemand, &[Topic::SYSTEM], 0, 0));
        schedule.took(at(1_001), &[Topic::SYSTEM], (0, 0), None);
        // On demand: the first value still appears by itself.
        assert!(schedule.is_due(at(1_100), Pace::OnDemand, &[Topic::SYSTEM], 9, 0));
        schedule.took(at(1_100), &[Topic::SYSTEM], (9, 0), None);
        assert!(!schedule.is_due(at(9_000), Pace::OnDemand, &[Topic::SYSTEM], 10, 0));
    }

    #[test]
    fn a_failed_sample_is_tried_again_at_the_next_turn() {
        let mut schedule = started();
        schedule.took(at(2_000), TOPICS, (8, 0), Some("no canvas".into()));
        let state = schedule.state(at(2_000), FAST, &Freshness::Fresh, None);
        assert_eq!(
            (state.as_str(), state.note(TimeZone::Utc).as_deref()),
            ("failed", Some("Update failed: no canvas"))
        );
        let note =
            schedule.state(at(4_200), Pace::Every(Duration::from_secs(5)), &Freshness::Fresh, None).note(TimeZone::Utc);
        assert_eq!(note.as_deref(), Some("Update failed: no canvas (for 2 s, next try in 3 s)"));
        assert!(!schedule.is_due(at(2_500), EVERY_SECOND, TOPICS, 8, 0));
        assert!(schedule.is_due(at(3_000), EVERY_SECOND, TOPICS, 8, 0));
        schedule.took(at(3_000), TOPICS, (8, 0), None);
        assert_eq!(schedule.state(at(3_000), FAST, &Freshness::Fresh, None), FragmentState::Live);
        // A later failure counts its own duration.
        schedule.took(at(9_000), TOPICS, (9, 0), Some("no canvas".into()));
        assert_eq!(
            schedule.state(at(9_000), FAST, &Freshness::Fresh, None).note(TimeZone::Utc).as_deref(),
            Some("Update failed: no canvas")
        );
    }

    #[test]
    fn waiting_is_said_late_and_its_cause_later() {
        #[track_caller]
        fn check(now_ms: u64, cause: Option<&str>, expected: Option<&str>) {
            let state = started().state(at(now_ms), FAST, &Freshness::Waiting, cause.map(str::to_owned));
            assert_eq!((state.as_str(), state.note(TimeZone::Utc).as_deref()), ("waiting", expected));
        }
        let cause = Some("unknown symbol AAABBB");
        check(1_900, cause, None);
        check(2_000, cause, Some("Waiting for data…"));
        check(4_000, cause, Some("Waiting for data… unknown symbol AAABBB"));
        check(60_000, None, Some("Waiting for data…"));
    }

    #[test]
    fn stale_and_refused_say_so() {
        let mut schedule = started();
        let ended = schedule.state(at(1_000), FAST, &Freshness::NotFollowed, None);
        assert_eq!((ended.as_str(), ended.note(TimeZone::Utc)), ("stale", None));
        let stale = schedule.state(at(1_000), FAST, &Freshness::Stale { age_ms: 7_900, is_quiet: false }, None);
        assert_eq!((stale.as_str(), stale.note(TimeZone::Utc).as_deref()), ("stale", Some("stale, 7 s old")));
        let quiet = schedule.state(at(1_000), FAST, &Freshness::Stale { age_ms: 7_900, is_quiet: true }, None);
        assert_eq!((quiet.as_str(), quiet.note(TimeZone::Utc).as_deref()), ("stale", Some("quiet, 7 s old")));
        let as_of = Timestamp::from_millis(((12 * 60 + 3) * 60 + 11) * 1_000);
        let earlier = schedule.state(at(1_000), FAST, &Freshness::Earlier { as_of, age_ms: 240_000 }, None);
        let note = earlier.note(TimeZone::Utc);
        assert_eq!((earlier.as_str(), note.as_deref()), ("stale", Some("as of 12:03:11, 4 min ago")));
        let refusal = Freshness::Refused { message: "no such instrument".into() };
        assert_eq!(
            schedule.state(at(1_000), FAST, &refusal, None).note(TimeZone::Utc).as_deref(),
            Some("Update failed: no such instrument")
        );
        assert_eq!(
            schedule.state(at(13_000), FAST, &refusal, None).note(TimeZone::Utc).as_deref(),
            Some("Update failed: no such instrument (for 12 s)")
        );
    }
}
