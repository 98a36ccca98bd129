//! Health of the server: good, degraded or bad, and the causes. Pure.
//!
//! Bad means that something that people rely on does not work: no feed delivers, the desk takes nothing, the disk is
//! full, the certificate has expired. Degraded means that a part does not work while the rest goes on. A feed that only
//! connects is neither: it has no cause yet. A cause that only those who run the server can remove is for admins; everybody
//! else is told that there is one.

use std::time::Duration;

use model::{access::Role, instrument::Venue};
use topics::channels::system::Health;

use super::figures::Look;
use crate::certificate::expiry::Expiry;
use crate::metrics::reading::FeedReading;

/// The health with its causes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemHealth {
    /// The worst of all causes.
    pub state: Health,
    /// The causes, the worst first.
    causes: Vec<Cause>,
}

/// A cause of a health that is not good.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cause {
    health: Health,
    /// The least role that it concerns.
    needs: Role,
    words: String,
}

impl SystemHealth {
    /// Returns the causes as sentences for a role, the worst first. One sentence stands for all that concern admins alone.
    pub fn causes_for(&self, role: Role) -> Vec<&str> {
        let mut causes = Vec::new();
        for Cause { needs, words, .. } in &self.causes {
            let words = if *needs <= role { words } else { FOR_ADMINS };
            if !causes.contains(&words) {
                causes.push(words);
            }
        }
        causes
    }
}

/// Judges the server. `outbox_stuck` is how long deliveries have waited without a single success.
pub fn judge(look: &Look, commit_time: Option<Duration>, outbox_stuck: Duration) -> SystemHealth {
    let mut found = Vec::new();
    let everybody = |health, words: String| Cause { health, needs: Role::Viewer, words };
    let admins = |health, words: String| Cause { health, needs: Role::Admin, words };
    found.extend(feeds(&look.reading.feeds).into_iter().map(|(health, words)| everybody(health, words)));
    if look.is_desk_halted {
        let words = "the paper desk takes nothing: its journal cannot be written";
        found.push(everybody(Health::Bad, words.to_owned()));
    }
    if let Some(expires) = look.reading.certificate_expires {
        let expiry = Expiry::of(expires, look.reading.now.wall);
        let health = if expiry == Expiry::Passed { Health::Bad } else { Health::Degraded };
        found.extend(expiry.words().map(|words| admins(health, format!("the server's certificate {words}"))));
    }
    match look.reading.disk_free {
        Some(free) if free < DISK_FULL => {
            found.push(admins(Health::Bad, format!("the disk is nearly full: {} MB are free", free >> 20)));
        }
        Some(free) if free < DISK_LOW => {
            found.push(admins(Health::Degraded, format!("the disk is filling up: {} MB are free", free >> 20)));
        }
        _ => {}
    }
    if let Some(took) = commit_time.filter(|took| *took > SLOW_COMMIT) {
        found.push(admins(Health::Degraded, format!("the disk is slow: a commit takes {} ms", took.as_millis())));
    }
    if outbox_stuck > STUCK {
        let minutes = outbox_stuck.as_secs() / 60;
        let sentence = format!("alerts are not delivered: {} have waited for {minutes} min", look.n_waiting);
        found.push(everybody(Health::Degraded, sentence));
    }
    found.sort_by_key(|cause| std::cmp::Reverse(cause.health));
    SystemHealth { state: found.first().map(|cause| cause.health).unwrap_or_default(), causes: found }
}

fn feeds(feeds: &[FeedReading]) -> Vec<(Health, String)> {
    let mut found = Vec::new();
    let faults: Vec<(&Venue, String)> = feeds
        .iter()
        .filter(|feed| !feed.venue.is_replay())
        .filter_map(|feed| Some((&feed.venue, fault_of(feed)?)))
        .collect();
    let n_live = feeds.iter().filter(|feed| !feed.venue.is_replay()).count() - faults.len();
    if !faults.is_empty() && n_live == 0 {
        found.push((Health::Bad, "no feed delivers data".to_owned()));
    }
    found.extend(faults.into_iter().map(|(venue, fault)| (Health::Degraded, format!("{venue}: {fault}"))));
    found
}

/// Returns why a feed delivers nothing; `None` if it delivers, or has only begun.
fn fault_of(feed: &FeedReading) -> Option<String> {
    let [initialising, live, stale, failed] = feed.streams;
    if !feed.is_connected {
        return feed.cause.clone();
    }
    match (live + initialising, stale + failed) {
        (0, n_silent @ 1..) => Some(format!("none of {n_silent} instruments has data")),
        _ => None,
    }
}

/// Stands for the causes that only admins are shown.
const FOR_ADMINS: &str = "the server needs attention: its admins see why";
/// Room for the journal for a while, and time to act.
const DISK_LOW: u64 = 1 << 30;
/// Recordings stop, and soon nothing can be written.
const DISK_FULL: u64 = 128 << 20;
/// A hundred times what a disk of today takes.
const SLOW_COMMIT: Duration = Duration::from_millis(500);
/// Retries take as long where a server is away for a moment.
const STUCK: Duration = Duration::from_secs(10 * 60);

#[cfg(test)]
pub(crate) mod tests {
    use hub::hub::HubStats;
    use model::{
        histogram::DelayCounts,
        quality::FeedCounters,
        time::{Now, Timestamp},
    };

    use super::*;
    use crate::metrics::{reading::Reading, timing::Total};

    /// A look at an idle server without feeds.
    pub(crate) fn look() -> Look {
        let reading = Reading {
            now: Now::default(),
            certificate_expires: None,
            started: Timestamp::EPOCH,
            process: None,
            n_log_errors: 0,
            places: [("ordinary", 0, 10), ("reserve", 0, 10)],
            n_sessions: 0,
            n_clients: 0,
            hub: HubStats::default(),
            queued_bytes: 0,
            feeds: Vec::new(),
            desk_queue: None,
            files: Vec::new(),
            disk_free: None,
        };
        Look {
            reading,
            sent: (0, 0),
            turns: Total::default(),
            commits: Total::default(),
            n_failed_commits: 0,
            n_commands: 0,
            n_fills: 0,
            n_open_orders: 0,
            is_desk_halted: false,
            n_alerts: 0,
            n_failed_deliveries: 0,
            n_waiting: 0,
            n_requests: 0,
        }
    }

    /// A feed with two live streams.
    pub(crate) fn feed(venue: &str) -> FeedReading {
        FeedReading {
            venue: Venue::new(venue),
            is_connected: true,
            cause: None,
            n_open: 1,
            counters: FeedCounters::default(),
            n_events: 0,
            n_bytes: 0,
            delays: DelayCounts::default(),
            last_message: None,
            streams: [0, 2, 0, 0],
        }
    }

    #[test]
    fn each_trouble_has_its_word() {
        #[track_caller]
        fn check(change: impl FnOnce(&mut Look), expected: (Health, &[&str])) {
            let mut look = look();
            look.reading.feeds = vec![feed("one"), feed("two")];
            change(&mut look);
            let health = judge(&look, None, Duration::ZERO);
            assert_eq!((health.state, health.causes_for(Role::Admin)), (expected.0, expected.1.to_vec()));
        }
        let down = |feed: &mut FeedReading, cause: Option<&str>| {
            feed.is_connected = false;
            feed.cause = cause.map(str::to_owned);
        };
        check(|_| {}, (Health::Good, &[]));
        check(|look| look.reading.feeds.clear(), (Health::Good, &[]));
        check(|look| down(&mut look.reading.feeds[0], None), (Health::Good, &[]));
        let refused = "cannot connect: refused";
        let one = "one: cannot connect: refused";
        check(|look| down(&mut look.reading.feeds[0], Some(refused)), (Health::Degraded, &[one]));
        check(
            |look| look.reading.feeds[1].streams = [0, 0, 1, 1],
            (Health::Degraded, &["two: none of 2 instruments has data"]),
        );
        check(|look| look.reading.feeds[1].streams = [0, 1, 5, 0], (Health::Good, &[]));
        check(
            |look| {
                look.reading.feeds.truncate(1);
                look.reading.feeds.push(feed("replay-one"));
                down(&mut look.reading.feeds[0], Some(refused));
            },
            (Health::Bad, &["no feed delivers data", one]),
        );
        let halted = "the paper desk takes nothing: its journal cannot be written";
        check(|look| look.is_desk_halted = true, (Health::Bad, &[halted]));
        let low = "the disk is filling up: 500 MB are free";
        check(|look| look.reading.disk_free = Some(500 << 20), (Health::Degraded, &[low]));
        let full = "the disk is nearly full: 100 MB are free";
        check(
            |look| {
                look.reading.disk_free = Some(100 << 20);
                down(&mut look.reading.feeds[0], Some(refused));
            },
            (Health::Bad, &[full, one]),
        );
    }

    #[test]
    fn the_end_of_the_certificate_is_said_in_time() {
        let health = |days: i64| {
            let mut look = look();
            look.reading.certificate_expires = Some(Timestamp::from_millis(days * 86_400_000));
            let health = judge(&look, None, Duration::ZERO);
            (health.state, health.causes_for(Role::Admin).join("; "))
        };
        assert_eq!(health(15), (Health::Good, String::new()));
        assert_eq!(health(9), (Health::Degraded, "the server's certificate expires in 9 days".to_owned()));
        let expired = "the server's certificate has expired: browsers refuse it";
        assert_eq!(health(-1), (Health::Bad, expired.to_owned()));
    }

    #[test]
    fn a_slow_disk_and_a_stuck_outbox_degrade() {
        let look = Look { n_waiting: 3, ..look() };
        let health = |commit_ms, stuck_s| {
            let commit = Some(Duration::from_millis(commit_ms));
            judge(&look, commit, Duration::from_secs(stuck_s)).causes_for(Role::Admin).join("; ")
        };
        assert_eq!(health(500, 600), "");
        assert_eq!(health(501, 0), "the disk is slow: a commit takes 501 ms");
        assert_eq!(health(0, 720), "alerts are not delivered: 3 have waited for 12 min");
    }

    #[test]
    fn only_admins_are_told_of_disk_and_certificate() {
        let mut look = look();
        look.reading.feeds = vec![feed("one"), feed("two")];
        look.reading.feeds[1].streams = [0, 0, 2, 0];
        look.reading.disk_free = Some(100 << 20);
        look.reading.certificate_expires = Some(Timestamp::from_millis(9 * 86_400_000));
        let health = judge(&look, None, Duration::ZERO);
        let silent = "two: none of 2 instruments has data";
        for role in [Role::Viewer, Role::Trader] {
            assert_eq!((health.state, health.causes_for(role)), (Health::Bad, vec![FOR_ADMINS, silent]));
        }
        let (full, ends) = ("the disk is nearly full: 100 MB are free", "the server's certificate expires in 9 days");
        assert_eq!(health.causes_for(Role::Admin), [full, silent, ends]);
    }
}
