//! Plays a recording at a pace: play, pause, seek and speed.
//!
//! The clock of candles and ages is the recording's: it advances with the playback, stops while paused and never goes
//! back. Seeks run as fast as the machine can and publish nothing on the way; then positions end and every topic begins
//! with a snapshot. Going back means starting over. The time is always an argument. Not here: reading a recording
//! ([`crate::playback`]), publishing, threads and timers (the callers).

use std::{collections::BTreeSet, time::Duration};

use market::{View, ViewConfig};
use model::{
    event::MarketEvent,
    instrument::{InstrumentId, Venue},
    time::{Monotonic, Now, Timestamp},
};
use topics::channels::replay::{PlayState, ReplayReport};
use venues::replay::Replay;

use crate::{
    contents::Contents,
    lines::Lines,
    playback::{Playback, PlaybackObserver, Step},
};

/// A command to a replay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Control {
    /// Continue; from the beginning if the replay has ended.
    Play,
    /// Pause.
    Pause,
    /// Go to this time in the recording.
    Seek(Timestamp),
    /// Play at this multiple of the recorded speed.
    Speed(f64),
}

/// Returns the report of a replay that has not begun, at the recorded speed.
pub fn first_report(
    files: Vec<String>,
    venue: Venue,
    instruments: Vec<InstrumentId>,
    contents: &Contents,
) -> ReplayReport {
    ReplayReport {
        files,
        venue,
        instruments,
        state: PlayState::Playing,
        start_ms: contents.start.as_millis(),
        end_ms: contents.end.as_millis(),
        position_ms: contents.start.as_millis(),
        speed: 1.0,
        is_behind: false,
        n_entries: 0,
        n_events: 0,
        n_bad_lines: 0,
        events_sha256: None,
    }
}

/// Receives each event after the view has processed it.
pub trait ReplayObserver {
    /// Called with an event; `is_new` if its instrument was unknown before.
    fn event(&mut self, event: &MarketEvent, is_new: bool, view: &View);

    /// All events of an entry have been shown. Books that `replay` lends are those of before until it is settled.
    fn entry_end(&mut self, replay: &mut Replay) {
        let _ = replay;
    }
}

impl ReplayObserver for () {
    fn event(&mut self, _: &MarketEvent, _: bool, _: &View) {}
}

/// The player's readiness to continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// It can continue at once: it has only yielded to others.
    Busy,
    /// It has reached its target.
    Resting,
}

/// A replay.
pub struct Player<L> {
    playback: Playback<L>,
    contents: Contents,
    report: ReplayReport,
    view: View,
    known: BTreeSet<InstrumentId>,
    state: PlayState,
    /// The state to return to after a seek.
    after_seek: PlayState,
    speed: f64,
    is_behind: bool,
    /// The current position.
    position: Timestamp,
    /// True once the entries at the very beginning have been played.
    has_begun: bool,
    /// The target: the time sought, or the time the pace has reached.
    target: Timestamp,
    paced_at: Monotonic,
    /// Recording time that has passed, including jumps forward: the clock of views.
    elapsed: Duration,
    has_jumped: bool,
    /// The fingerprint at the end, computed once.
    hash: Option<String>,
}

impl<L: Lines> Player<L> {
    /// Creates a player at the beginning; `report` gives its initial state, speed, position and known instruments.
    pub fn new(playback: Playback<L>, contents: Contents, report: ReplayReport, now: Monotonic) -> Self {
        let known: BTreeSet<InstrumentId> = report.instruments.iter().cloned().collect();
        let position = contents.start;
        let asked = Timestamp::from_millis(report.position_ms);
        let (state, target) =
            if asked > position { (PlayState::Seeking, asked.min(contents.end)) } else { (report.state, position) };
        Self {
            playback,
            contents,
            view: fresh_view(&known),
            known,
            state,
            after_seek: report.state,
            speed: report.speed,
            is_behind: false,
            position,
            has_begun: false,
            target,
            paced_at: now,
            elapsed: Duration::ZERO,
            has_jumped: false,
            hash: None,
            report,
        }
    }

    /// Returns the state.
    pub fn state(&self) -> PlayState {
        self.state
    }

    /// Returns the time that it has come to in the recording.
    pub fn position(&self) -> Timestamp {
        self.position
    }

    /// Returns the clock of its view. Ages and candles use the recording's clock; publishing times use the real one, so
    /// that latencies are correct.
    pub fn clock(&self, real: Now) -> Now {
        Now { monotonic: Monotonic::from_zero(self.elapsed), wall: real.wall }
    }

    /// Returns the view of the events, and the replay that lends up-to-date books and health.
    pub fn lend(&mut self) -> (&mut View, &mut Replay) {
        let replay = self.playback.replay();
        replay.settle();
        (&mut self.view, replay)
    }

    /// Returns true once after each seek: positions must end, and every topic must begin with a snapshot.
    pub fn take_jump(&mut self) -> bool {
        std::mem::take(&mut self.has_jumped)
    }

    /// Executes a command.
    pub fn control(&mut self, control: Control, now: Monotonic) {
        self.paced_at = now;
        match control {
            Control::Play if self.state == PlayState::Ended => {
                self.after_seek = PlayState::Playing;
                self.seek(self.contents.start);
            }
            Control::Play => self.settle_to(PlayState::Playing),
            Control::Pause => self.settle_to(PlayState::Paused),
            Control::Seek(target) => {
                if self.state != PlayState::Seeking {
                    let is_over = self.state == PlayState::Ended;
                    self.after_seek = if is_over { PlayState::Paused } else { self.state };
                }
                self.seek(target);
            }
            Control::Speed(speed) => {
                self.speed = speed.clamp(*SPEEDS.start(), *SPEEDS.end());
                self.target = if self.state == PlayState::Seeking { self.target } else { self.position };
            }
        }
    }

    /// A seek finishes first.
    fn settle_to(&mut self, state: PlayState) {
        match self.state {
            PlayState::Seeking => self.after_seek = state,
            PlayState::Ended => {}
            PlayState::Playing | PlayState::Paused => {
                self.target = self.position;
                self.state = state;
            }
        }
    }

    fn seek(&mut self, target: Timestamp) {
        self.target = target.clamp(self.contents.start, self.contents.end);
        if self.target < self.position {
            self.playback.rewind();
            self.view = fresh_view(&self.known);
            self.position = self.contents.start;
            self.has_begun = false;
        }
        self.state = PlayState::Seeking;
    }

    /// Plays on for the time since the last call. Calls `is_long` from time to time to ask whether to yield to others.
    pub fn advance(&mut self, now: Now, mut is_long: impl FnMut() -> bool, observer: &mut impl ReplayObserver) -> Pace {
        match self.state {
            PlayState::Paused | PlayState::Ended => return Pace::Resting,
            PlayState::Seeking => {}
            PlayState::Playing => {
                let passed = now.monotonic.saturating_since(self.paced_at).mul_f64(self.speed);
                self.target = (self.target + passed).min(self.contents.end);
                self.paced_at = now.monotonic;
            }
        }
        loop {
            // In steps of a second, so that the view's clocks see time pass; and the beginning alone first, so that
            // historical candles arrive before any trade.
            let step = if self.has_begun { VIEW_STEP } else { Duration::ZERO };
            let until = self.target.min(self.position + step);
            let Self { playback, view, known, .. } = self;
            let step = playback.play_to(until, ENTRIES_AT_ONCE, &mut Showing { view, known, observer: &mut *observer });
            if step != Step::More {
                self.has_begun = true;
                self.move_to(until, now, observer);
            }
            if step == Step::End {
                self.move_to(self.contents.end, now, observer);
                self.arrive(PlayState::Ended, now.monotonic);
                return Pace::Resting;
            }
            if step == Step::Reached && until >= self.target {
                self.is_behind = false;
                if self.state == PlayState::Seeking {
                    self.arrive(self.after_seek, now.monotonic);
                }
                return Pace::Resting;
            }
            if is_long() {
                if self.state == PlayState::Playing {
                    // It plays as fast as it can; lost time is not made up.
                    self.is_behind = true;
                    self.target = self.position;
                }
                return Pace::Busy;
            }
        }
    }

    fn move_to(&mut self, position: Timestamp, now: Now, observer: &mut impl ReplayObserver) {
        self.elapsed += position.saturating_since(self.position);
        self.position = self.position.max(position);
        let clock = self.clock(now);
        let (view, replay) = self.lend();
        view.observe(clock, venues::session::Session::health(replay));
        self.forward_history_requests(observer);
    }

    /// Ends a seek or the playback at its target.
    fn arrive(&mut self, state: PlayState, now: Monotonic) {
        self.has_jumped |= self.state == PlayState::Seeking;
        self.state = state;
        self.target = self.position;
        self.paced_at = now;
    }

    /// Forwards history that has been requested and that the recording contains.
    pub fn forward_history_requests(&mut self, observer: &mut impl ReplayObserver) {
        for request in self.view.take_history_requests() {
            let Self { playback, view, known, .. } = self;
            let mut showing = Showing { view, known, observer: &mut *observer };
            playback.replay().request_history(&request, |event| showing.event(event));
        }
    }

    /// Returns the status.
    pub fn report(&mut self) -> ReplayReport {
        let is_over = self.state == PlayState::Ended;
        self.hash = is_over.then(|| self.hash.take().unwrap_or_else(|| self.playback.hash().to_hex()));
        ReplayReport {
            instruments: self.known.iter().cloned().collect(),
            state: self.state,
            position_ms: self.position.as_millis(),
            speed: self.speed,
            is_behind: self.is_behind,
            n_entries: self.playback.n_entries(),
            n_events: self.playback.hash().n_events(),
            n_bad_lines: self.playback.n_bad_lines(),
            events_sha256: self.hash.clone(),
            ..self.report.clone()
        }
    }
}

/// Shows events to the view, then to the observer.
struct Showing<'a, O> {
    view: &'a mut View,
    known: &'a mut BTreeSet<InstrumentId>,
    observer: &'a mut O,
}

impl<O: ReplayObserver> PlaybackObserver for Showing<'_, O> {
    fn event(&mut self, event: &MarketEvent) {
        let is_new = !self.known.contains(&event.instrument);
        if is_new {
            self.known.insert(event.instrument.clone());
        }
        self.view.apply(event);
        self.observer.event(event, is_new, self.view);
    }

    fn entry_end(&mut self, replay: &mut Replay) {
        if self.view.reads_books() {
            replay.settle();
            self.view.note_books(venues::session::Session::books(replay));
        }
        self.observer.entry_end(replay);
    }
}

fn fresh_view(known: &BTreeSet<InstrumentId>) -> View {
    let mut view = View::new(ViewConfig::default());
    known.iter().for_each(|id| view.expect(id));
    view
}

/// The allowed replay speeds.
pub const SPEEDS: std::ops::RangeInclusive<f64> = 0.5..=100.0;
/// The view's clock advances at least this often, in recording time.
const VIEW_STEP: Duration = Duration::from_secs(1);
/// Entries played before anything else is checked.
const ENTRIES_AT_ONCE: usize = 512;
/// Longest time without checking for commands; for the caller's `is_long`.
pub const BUSY_TIME: Duration = Duration::from_millis(30);

#[cfg(test)]
mod tests;
