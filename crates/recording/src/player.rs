//! A recording at a pace: play, pause, seek and speed.
//!
//! The clock of candles and ages is the recording's: it moves with what is played, stands while paused, and never back. Jumps
//! are taken as fast as the machine can and are not published on the way; then positions end and every topic begins with
//! a snapshot. Going back is starting over. The moment is an argument throughout. Not here: what a recording says
//! ([`crate::playback`]), who publishes what, threads and timers (the shells).

use std::{collections::BTreeSet, time::Duration};

use market::{View, ViewConfig};
use model::{
    event::MarketEvent,
    instrument::{InstrumentId, Venue},
    time::{Monotonic, Now, Timestamp},
};
use serde::{Deserialize, Serialize};
use venues::replay::Replay;

use crate::{
    contents::Contents,
    lines::Lines,
    playback::{Playback, Step},
};

/// What a replay is told to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Control {
    /// Go on; from the beginning where it has ended.
    Play,
    /// Stand still.
    Pause,
    /// Go to this moment of the recording.
    Seek(Timestamp),
    /// So many times as fast as it was recorded.
    Speed(f64),
}

/// What a replay does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlayState {
    /// It goes on.
    Playing,
    /// It stands still.
    Paused,
    /// It is on its way to another moment.
    Seeking,
    /// The recording is over.
    Ended,
}

/// How a replay stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplayReport {
    /// The files, in order.
    pub files: Vec<String>,
    /// The name its instruments carry.
    pub venue: Venue,
    /// What can be looked at, as far as known.
    pub instruments: Vec<InstrumentId>,
    /// What it does.
    pub state: PlayState,
    /// Time of the first entry, milliseconds since the epoch.
    pub start_ms: i64,
    /// Time of the last entry.
    pub end_ms: i64,
    /// Where it is.
    pub position_ms: i64,
    /// So many times as fast as it was recorded.
    pub speed: f64,
    /// True where the machine cannot keep that speed.
    pub is_behind: bool,
    /// Entries taken so far.
    pub n_entries: u64,
    /// Events so far.
    pub n_events: u64,
    /// Lines that could not be read, and places where a file broke off.
    pub n_bad_lines: u64,
    /// The fingerprint of all events, once the recording is over; that of `decode --hash`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events_sha256: Option<String>,
}

impl ReplayReport {
    /// A replay that has not begun, at the recorded speed.
    pub fn new(files: Vec<String>, venue: Venue, instruments: Vec<InstrumentId>, contents: &Contents) -> Self {
        Self {
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
}

/// Is shown each event, after the view has taken it.
pub trait ReplayObserver {
    /// `is_new` where its instrument was not known before.
    fn event(&mut self, event: &MarketEvent, is_new: bool, view: &View);
}

impl ReplayObserver for () {
    fn event(&mut self, _: &MarketEvent, _: bool, _: &View) {}
}

/// Whether there is more to do at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// There is: it has only given others a turn.
    Busy,
    /// It is where it is to be.
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
    /// Where it will go on once it has come to the moment it was sent to.
    after_seek: PlayState,
    speed: f64,
    is_behind: bool,
    /// Where it is.
    position: Timestamp,
    /// True once what lies at the very beginning was taken.
    has_begun: bool,
    /// Where it is to be: the moment sought, or as far as the pace has come.
    target: Timestamp,
    paced_at: Monotonic,
    /// Time of the recording that has passed, jumps forward included: the clock of views.
    elapsed: Duration,
    has_jumped: bool,
    /// The fingerprint at the end, worked out once.
    hash: Option<String>,
}

impl<L: Lines> Player<L> {
    /// A playback at its beginning; `report` says how it is to begin: state, speed, position, instruments known before.
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

    /// What it does.
    pub fn state(&self) -> PlayState {
        self.state
    }

    /// The clock of its view. Ages and candles live on the recording's clock; stamps of publishing on the real one, so that
    /// latencies are true.
    pub fn clock(&self, real: Now) -> Now {
        Now { monotonic: Monotonic::from_zero(self.elapsed), wall: real.wall }
    }

    /// What is made of the events, and what lends books and health, which is up to date then.
    pub fn lend(&mut self) -> (&mut View, &mut Replay) {
        let replay = self.playback.replay();
        replay.settle();
        (&mut self.view, replay)
    }

    /// True once after each jump: positions are to end, and every topic is to begin with a snapshot.
    pub fn take_jump(&mut self) -> bool {
        std::mem::take(&mut self.has_jumped)
    }

    /// Does what it is told.
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

    /// A jump goes on first.
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

    /// Plays on as far as the time since the last call says. `is_long` is asked now and then whether others are to have a
    /// turn.
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
            // By the second, so that the view's clocks see time pass; and first the beginning alone, so that bars of the
            // past are there before a trade is.
            let step = if self.has_begun { VIEW_STEP } else { Duration::ZERO };
            let until = self.target.min(self.position + step);
            let Self { playback, view, known, .. } = self;
            let step = playback.play(until, ENTRIES_AT_ONCE, |event| show(view, known, event, observer));
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
                    // It is as fast as it can be; time that it could not keep is not made up for.
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

    /// It has come to where it was to be.
    fn arrive(&mut self, state: PlayState, now: Monotonic) {
        self.has_jumped |= self.state == PlayState::Seeking;
        self.state = state;
        self.target = self.position;
        self.paced_at = now;
    }

    /// History that somebody wants and the recording has.
    pub fn forward_history_requests(&mut self, observer: &mut impl ReplayObserver) {
        for wish in self.view.take_history_requests() {
            let Self { playback, view, known, .. } = self;
            playback.replay().wish(&wish, |event| show(view, known, event, observer));
        }
    }

    /// How it stands.
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

fn show(view: &mut View, known: &mut BTreeSet<InstrumentId>, event: &MarketEvent, observer: &mut impl ReplayObserver) {
    let is_new = !known.contains(&event.instrument);
    if is_new {
        known.insert(event.instrument.clone());
    }
    view.apply(event);
    observer.event(event, is_new, view);
}

fn fresh_view(known: &BTreeSet<InstrumentId>) -> View {
    let mut view = View::new(ViewConfig::default());
    known.iter().for_each(|id| view.expect(id));
    view
}

/// How fast a replay may go.
pub const SPEEDS: std::ops::RangeInclusive<f64> = 0.5..=100.0;
/// The view hears of the recording's time this often at least.
const VIEW_STEP: Duration = Duration::from_secs(1);
/// Entries taken before anything else is looked at.
const ENTRIES_AT_ONCE: usize = 512;
/// Longest time without listening; for the shell's `is_long`.
pub const BUSY_TIME: Duration = Duration::from_millis(30);

#[cfg(test)]
mod tests;
