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
    /// Time since which data is expected: subscribed, acknowledged. `None` if none is expected.
    expected_since: Option<Expectation>,
    data_at: Option<Monotonic>,
    /// The venue's time of the newest trade received.
    newest_print: Option<Timestamp>,
    probed_at: Option<Monotonic>,
    /// The result of the last answer; invalid once data arrives.
    is_answered_quiet: bool,
    /// The venue had newer data than it delivered; nothing has arrived since, however often it was subscribed again.
    is_dead: bool,
    /// The last time it was found dead, and how many times in a row.
    deaths: Option<(Monotonic, u32)>,
}

/// A subscription that is dead although it was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Death {
    /// Time since anything arrived.
    pub(crate) silent_for: Duration,
    /// Number of times in a row that it was found dead, this one included: earlier remedies did not last.
    pub(crate) n_in_a_row: u32,
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
            life.is_answered_quiet = false;
            // A subscription that was renewed in vain is probed at the usual distance.
            if life.deaths.is_none_or(|(_, n_in_a_row)| n_in_a_row < 2) {
                life.probed_at = None;
            }
        }
    }

    /// Notes that no data of a symbol is expected for now: its connection is gone.
    pub(crate) fn pause(&mut self, position: usize) {
        if let Some(life) = self.symbols.get_mut(position) {
            life.expected_since = None;
        }
    }

    /// Notes that no data of a symbol is expected any more: the venue does not know it, or refuses it.
    pub(crate) fn release(&mut self, position: usize) {
        if let Some(life) = self.symbols.get_mut(position) {
            (life.expected_since, life.is_dead, life.deaths) = (None, false, None);
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
        if life.is_dead {
            return Some(Silence::Dead);
        }
        if life.silent_for(now)? < SILENT_AFTER {
            return None;
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

    /// Returns true if these symbols prove their connection alive: data of one arrives, or the venue itself has nothing
    /// newer of one and none is dead.
    pub(crate) fn prove_alive(&self, positions: impl Iterator<Item = usize>, now: Monotonic) -> bool {
        let (mut is_one_quiet, mut is_one_dead) = (false, false);
        for life in positions.filter_map(|position| self.symbols.get(position)) {
            if life.data_at.is_some_and(|at| now.saturating_since(at) < PROBE_AFTER) {
                return true;
            }
            is_one_quiet |= life.is_answered_quiet;
            is_one_dead |= life.is_dead;
        }
        is_one_quiet && !is_one_dead
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

    /// Processes the venue's answer: `newest` is the time of its newest trade, `None` if it has none. Returns whether the
    /// subscription is dead.
    pub(crate) fn probed(&mut self, position: usize, newest: Option<Timestamp>, now: Monotonic) -> Option<Death> {
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
        if !is_missing {
            return None;
        }
        // Trades missed now must not count as missing again once the symbol is subscribed again.
        life.newest_print = life.newest_print.max(newest);
        Some(Death { silent_for, n_in_a_row: self.count_death(position, now) })
    }

    /// Counts a subscription that is dead; returns how many times in a row it was.
    pub(crate) fn count_death(&mut self, position: usize, now: Monotonic) -> u32 {
        let Some(life) = self.symbols.get_mut(position) else { return 1 };
        let recent = life.deaths.filter(|(at, _)| now.saturating_since(*at) < RELAPSE);
        let n_in_a_row = recent.map_or(1, |(_, n_before)| n_before.saturating_add(1));
        life.deaths = Some((now, n_in_a_row));
        n_in_a_row
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
/// A subscription found dead again within this time never recovered, even if it delivered a little: longer than the
/// longest wait for a connection of its own.
const RELAPSE: Duration = Duration::from_secs(15 * 60);
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
    fn deaths_in_a_row_are_counted_until_data_lasts() {
        let mut liveness = watched(1);
        liveness.data(0, Some(wall(1)), at(1));
        // Time of the answer, the venue's newest trade in it, the deaths in a row; subscribed again after each.
        for (secs, newest, expected) in [
            (20, 10, Some(1)),
            (40, 30, Some(2)),
            // Nothing newer than what was missed before.
            (60, 31, None),
            (80, 70, Some(3)),
            (80 + 15 * 60, 900, Some(1)),
        ] {
            let death = liveness.probed(0, Some(wall(newest)), at(secs));
            assert_eq!(death.map(|death| death.n_in_a_row), expected, "{secs}");
            liveness.pause(0);
            let silence = expected.map(|_| Silence::Dead);
            assert_eq!(liveness.silence(0, at(secs)), silence, "{secs}");
            liveness.expect(0, now(secs));
            assert_eq!(liveness.silence(0, at(secs)), silence, "{secs}: until data arrives");
        }
        // A snapshot alone is no recovery.
        liveness.data(0, None, at(985));
        assert_eq!(liveness.silence(0, at(986)), None);
        assert_eq!(liveness.probed(0, Some(wall(980)), at(1_001)).map(|death| death.n_in_a_row), Some(2));
        liveness.release(0);
        assert_eq!(liveness.silence(0, at(1_002)), None);
    }

    #[test]
    fn fellows_prove_a_connection_alive() {
        // The newest data of two fellows, and the venue's newest trade when asked about them.
        for (data_at, newest, expected) in [
            ([29, 1], [None, None], true),
            ([15, 1], [None, None], false),
            ([1, 1], [None, None], false),
            ([1, 1], [Some(1), None], true),
            ([1, 1], [Some(1), Some(25)], false),
            ([29, 1], [None, Some(25)], true),
        ] {
            let mut liveness = watched(3);
            for (fellow, (secs, newest)) in data_at.into_iter().zip(newest).enumerate() {
                liveness.data(fellow, Some(wall(1)), at(secs));
                if newest.is_some() {
                    liveness.probed(fellow, newest.map(wall), at(30));
                }
            }
            assert_eq!(liveness.prove_alive(0..2, at(30)), expected, "{data_at:?} {newest:?}");
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
