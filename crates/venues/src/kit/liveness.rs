//! Quiet or dead: evaluates symbols without data although their connection is open.
//!
//! Two clocks: frames of any kind prove the transport alive (`pool`), data proves a symbol alive. A symbol without data
//! is compared with its siblings on the feed, and if that is inconclusive, the venue is asked over REST for its newest
//! trade: if the venue has one that the connection should have delivered but did not, the subscription is dead although
//! it was acknowledged and heartbeats continue. Heartbeats are no evidence of data. Not here: how the venue is asked.

use std::{collections::BTreeMap, time::Duration};

use model::{
    instrument::InstrumentId,
    status::Silence,
    time::{Monotonic, Now, Timestamp},
};

/// The state of the symbols, by position.
#[derive(Debug, Default)]
pub(crate) struct Liveness {
    symbols: Vec<Life>,
    next_look: Monotonic,
}

#[derive(Clone, Copy, Debug, Default)]
struct Life {
    /// Since when data is expected: subscribed, acknowledged. `None` if none is expected.
    expected_since: Option<Expectation>,
    data_at: Option<Monotonic>,
    /// The venue's time of the newest trade received.
    newest_print: Option<Timestamp>,
    probed_at: Option<Monotonic>,
    /// The result of the last answer; invalid once data arrives.
    is_answered_quiet: bool,
    is_dead: bool,
}

#[derive(Clone, Copy, Debug)]
struct Expectation {
    monotonic: Monotonic,
    wall: Timestamp,
}

impl Life {
    /// Returns how long no data has arrived; `None` if none is expected.
    fn silent_for(&self, now: Monotonic) -> Option<Duration> {
        let since = self.expected_since?.monotonic;
        Some(now.saturating_since(self.data_at.map_or(since, |data_at| data_at.max(since))))
    }
}

impl Liveness {
    /// Watches `n_symbols` from now on; additional ones are new.
    pub(crate) fn resize(&mut self, n_symbols: usize) {
        self.symbols.resize(n_symbols, Life::default());
    }

    /// Notes that data of a symbol is expected from now on.
    pub(crate) fn expect(&mut self, position: usize, now: Now) {
        if let Some(life) = self.symbols.get_mut(position) {
            life.expected_since = Some(Expectation { monotonic: now.monotonic, wall: now.wall });
            (life.is_answered_quiet, life.is_dead, life.probed_at) = (false, false, None);
        }
    }

    /// Notes that no data of a symbol is expected: its connection is gone, or the venue does not know it.
    pub(crate) fn release(&mut self, position: usize) {
        if let Some(life) = self.symbols.get_mut(position) {
            life.expected_since = None;
        }
    }

    /// Notes data of a symbol; `print_time` for a trade.
    pub(crate) fn data(&mut self, position: usize, print_time: Option<Timestamp>, now: Monotonic) {
        if let Some(life) = self.symbols.get_mut(position) {
            life.data_at = Some(now);
            (life.is_answered_quiet, life.is_dead) = (false, false);
            life.newest_print = life.newest_print.max(print_time);
        }
    }

    /// Returns the reason for a symbol's silence; `None` if data arrives or none is expected.
    fn silence(&self, position: usize, now: Monotonic) -> Option<Silence> {
        let life = self.symbols.get(position)?;
        if life.silent_for(now)? < SILENT_AFTER {
            return None;
        }
        if life.is_dead {
            return Some(Silence::Dead);
        }
        if life.is_answered_quiet {
            return Some(Silence::QuietByVenue);
        }
        // A symbol that never had data may have been refused silently: its siblings prove nothing about it.
        let has_lively_sibling = life.data_at.is_some()
            && self.symbols.iter().enumerate().any(|(other, life)| {
                other != position && life.data_at.is_some_and(|at| now.saturating_since(at) < SILENT_AFTER)
            });
        Some(if has_lively_sibling { Silence::QuietBesideOthers } else { Silence::Unexplained })
    }

    /// Returns true for a symbol of which the venue itself had nothing newer when it was asked last.
    pub(crate) fn is_quiet_by_venue(&self, position: usize) -> bool {
        self.symbols.get(position).is_some_and(|life| life.is_answered_quiet)
    }

    /// Once a second: records the reasons for silent symbols, and returns one that the venue should be asked about,
    /// which counts as asked. `id` returns a position's instrument.
    pub(crate) fn look<'a>(
        &mut self,
        id: impl Fn(usize) -> Option<&'a InstrumentId>,
        now: Monotonic,
        silences: &mut BTreeMap<InstrumentId, Silence>,
    ) -> Option<usize> {
        if now < self.next_look {
            return None;
        }
        self.next_look = now + LOOK_EVERY;
        silences.clear();
        for position in 0..self.symbols.len() {
            if let (Some(silence), Some(id)) = (self.silence(position, now), id(position)) {
                silences.insert(id.clone(), silence);
            }
        }
        let probe = self.symbols.iter().position(|life| is_probe_due(life, now))?;
        self.symbols[probe].probed_at = Some(now);
        Some(probe)
    }

    /// Returns when [`Self::look`] is due.
    pub(crate) fn deadline(&self) -> Option<Monotonic> {
        self.symbols.iter().any(|life| life.expected_since.is_some()).then_some(self.next_look)
    }

    /// Processes the venue's answer: `newest` is the time of its newest trade, `None` if it has none. Returns the
    /// duration of the silence if the subscription is dead.
    pub(crate) fn probed(&mut self, position: usize, newest: Option<Timestamp>, now: Monotonic) -> Option<Duration> {
        let life = self.symbols.get_mut(position)?;
        let silent_for = life.silent_for(now)?;
        if silent_for < SILENT_AFTER {
            return None;
        }
        let known = match (life.newest_print, life.expected_since) {
            // Before the first trade, only trades made since the subscription should have arrived.
            (None, Some(expected)) => expected.wall + CLOCK_TOLERANCE,
            (Some(newest_print), _) => newest_print,
            (None, None) => return None,
        };
        // Trades made a moment ago may still be in flight.
        let is_missing = newest.is_some_and(|newest| newest > known + UNDER_WAY);
        (life.is_dead, life.is_answered_quiet) = (is_missing, !is_missing);
        is_missing.then_some(silent_for)
    }
}

fn is_probe_due(life: &Life, now: Monotonic) -> bool {
    life.silent_for(now).is_some_and(|silent_for| silent_for >= PROBE_AFTER)
        && life.probed_at.is_none_or(|at| now.saturating_since(at) >= PROBE_SPACING)
}

/// Time between two checks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A symbol without data for this long is silent.
const SILENT_AFTER: Duration = Duration::from_secs(5);
/// The venue is asked about a symbol after this much silence.
const PROBE_AFTER: Duration = Duration::from_secs(15);
/// Time between two requests about the same symbol.
const PROBE_SPACING: Duration = Duration::from_secs(60);
/// Trades newer than the last received one by less than this may still be in flight.
const UNDER_WAY: Duration = Duration::from_secs(2);
/// Possible difference between the venue's clock and ours.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use model::instrument::Venue;

    use super::*;

    fn at(secs: u64) -> Monotonic {
        Monotonic::from_zero(Duration::from_secs(secs))
    }

    fn wall(secs: i64) -> Timestamp {
        Timestamp::from_millis(secs * 1_000)
    }

    fn now(secs: u64) -> Now {
        Now { monotonic: at(secs), wall: wall(i64::try_from(secs).unwrap()) }
    }

    /// The symbol to ask about, if any.
    fn probe(liveness: &mut Liveness, secs: u64) -> Option<usize> {
        let id = InstrumentId::new(&Venue::new("venue"), "A");
        liveness.look(|_| Some(&id), at(secs), &mut BTreeMap::new())
    }

    fn watched(n_symbols: usize) -> Liveness {
        let mut liveness = Liveness::default();
        liveness.resize(n_symbols);
        (0..n_symbols).for_each(|position| liveness.expect(position, now(0)));
        liveness
    }

    #[test]
    fn a_quiet_symbol_beside_lively_ones_is_quiet() {
        let mut liveness = watched(2);
        liveness.data(0, None, at(1));
        liveness.data(1, None, at(8));
        assert_eq!([liveness.silence(0, at(5)), liveness.silence(0, at(10))], [None, Some(Silence::QuietBesideOthers)]);
        assert_eq!(liveness.silence(1, at(10)), None);
        assert_eq!([liveness.silence(0, at(20)), liveness.silence(1, at(20))], [Some(Silence::Unexplained); 2]);
    }

    #[test]
    fn one_that_never_had_data_is_not_excused_by_others() {
        let mut liveness = watched(2);
        liveness.data(1, None, at(9));
        assert_eq!(liveness.silence(0, at(10)), Some(Silence::Unexplained));
    }

    #[test]
    fn the_venues_newest_print_decides() {
        for (last_print, newest, expected) in [
            (Some(10), Some(10), Silence::QuietByVenue),
            (Some(10), Some(11), Silence::QuietByVenue),
            (Some(10), Some(13), Silence::Dead),
            (Some(10), None, Silence::QuietByVenue),
            (None, Some(-50), Silence::QuietByVenue),
            (None, Some(4), Silence::QuietByVenue),
            (None, Some(9), Silence::Dead),
            (None, None, Silence::QuietByVenue),
        ] {
            let mut liveness = watched(1);
            if let Some(secs) = last_print {
                liveness.data(0, Some(wall(secs)), at(10));
            }
            assert_eq!(probe(&mut liveness, 14), None);
            assert_eq!([probe(&mut liveness, 30), probe(&mut liveness, 31)], [Some(0), None]);
            let dead_for = liveness.probed(0, newest.map(wall), at(31));
            assert_eq!(liveness.silence(0, at(31)), Some(expected), "{last_print:?} {newest:?}");
            assert_eq!(dead_for.is_some(), expected == Silence::Dead);
            assert_eq!([probe(&mut liveness, 89), probe(&mut liveness, 90)], [None, Some(0)]);
            liveness.data(0, None, at(91));
            assert_eq!((liveness.silence(0, at(95)), liveness.probed(0, Some(wall(500)), at(95))), (None, None));
        }
    }

    #[test]
    fn nothing_is_expected_of_what_is_not_subscribed() {
        let mut liveness = watched(1);
        liveness.release(0);
        assert_eq!((probe(&mut liveness, 100), liveness.deadline()), (None, None));
        liveness.expect(0, now(100));
        assert_eq!(liveness.deadline(), Some(at(101)));
        assert_eq!((probe(&mut liveness, 114), probe(&mut liveness, 115)), (None, Some(0)));
    }

    #[test]
    fn silences_are_written_down_and_vanish() {
        let (venue, mut silences) = (Venue::new("venue"), BTreeMap::new());
        let ids = ["A", "B"].map(|symbol| InstrumentId::new(&venue, symbol));
        let mut liveness = watched(2);
        liveness.data(0, None, at(1));
        for (secs, expected) in [(4, vec![]), (7, vec![Silence::QuietBesideOthers]), (9, vec![])] {
            liveness.data(1, None, at(secs));
            if secs == 9 {
                liveness.data(0, None, at(secs));
            }
            liveness.look(|position| ids.get(position), at(secs), &mut silences);
            assert_eq!(silences.values().copied().collect::<Vec<_>>(), expected, "{secs}");
        }
    }
}
