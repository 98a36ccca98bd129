//! The task of a replay: a deck, a view and a pace, published like any feed.
//!
//! It runs on a thread of its own, since reading and decoding block. The clock of candles and ages is the tape's: it moves
//! with what is played, stands while paused, and never back. Jumps are taken as fast as the machine can and are not
//! published on the way; then positions end and every topic begins with a snapshot. Going back is beginning anew. Not
//! here: what a tape says ([`super::deck`]), who may ask ([`super::replays`]).

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use market::{View, ViewConfig};
use model::{
    event::{MarketEvent, MarketEventKind},
    instrument::{InstrumentId, Venue},
    time::{Monotonic, Now, Timestamp},
};
use serde::{Deserialize, Serialize};
use tokio::sync::{
    mpsc::{self, error::TryRecvError},
    watch,
};
use tokio_util::sync::CancellationToken;
use venues::session::Session;
use wire::lane::Lane;

use super::{
    deck::{Deck, Step},
    scan::Contents,
};
use crate::{
    clock::Clock,
    feed::{
        directory::Directory,
        handle::{FeedCommand, FeedStatus},
        publisher::Publisher,
        questions::Questions,
    },
};

/// What a replay is told to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Control {
    /// Go on; from the beginning where it has ended.
    Play,
    /// Stand still.
    Pause,
    /// Go to this moment of the tape.
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
    /// The tape is over.
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
    /// The fingerprint of all events, once the tape is over; that of `decode --hash`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events_sha256: Option<String>,
}

/// What a replay needs.
pub struct PlayerParts {
    /// The tape, at its beginning.
    pub deck: Deck,
    /// What it holds.
    pub contents: Contents,
    /// How it stands before it has begun: files, venue, instruments, pace.
    pub report: watch::Sender<ReplayReport>,
    /// The way to the browsers.
    pub publisher: Publisher,
    /// Told of instruments.
    pub directory: Directory,
    /// Told how it fares.
    pub status: watch::Sender<FeedStatus>,
    /// Questions of REST callers.
    pub commands: mpsc::Receiver<FeedCommand>,
    /// What it is told to do.
    pub controls: mpsc::Receiver<Control>,
    /// Real time, for the pace.
    pub clock: Clock,
}

/// Runs a replay until `stop`, or until nobody is left who could tell it anything; blocks.
pub fn run(parts: PlayerParts, stop: &CancellationToken) {
    let mut player = Player::new(parts);
    while !stop.is_cancelled() && player.listen() {
        let is_busy = player.advance();
        player.turn();
        if !is_busy {
            std::thread::sleep(if player.state == PlayState::Playing { PLAYING_TICK } else { RESTING_TICK });
        }
    }
}

struct Player {
    parts: PlayerParts,
    stage: Stage,
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
    paced_at: Instant,
    /// Time of the tape that has passed, jumps forward included: the clock of views.
    elapsed: Duration,
    next_turn: Instant,
    n_turns: u64,
}

/// Where the events go.
struct Stage {
    view: View,
    questions: Questions,
    directory: Directory,
    known: BTreeSet<InstrumentId>,
}

impl Stage {
    fn event(&mut self, event: &MarketEvent) {
        if !self.known.contains(&event.instrument) {
            self.known.insert(event.instrument.clone());
            self.directory.expect(event.instrument.clone());
        }
        if let MarketEventKind::Instrument(instrument) = &event.kind {
            self.directory.describe(std::slice::from_ref(instrument));
        }
        self.view.apply(event);
        if let MarketEventKind::History(history) = &event.kind {
            self.questions.history_came(&event.instrument, history.interval, &self.view);
        }
    }
}

impl Player {
    fn new(parts: PlayerParts) -> Self {
        let report = parts.report.borrow().clone();
        let (position, speed) = (parts.contents.start, report.speed);
        let known: BTreeSet<InstrumentId> = report.instruments.into_iter().collect();
        let stage = Stage {
            view: fresh_view(&known),
            questions: Questions::default(),
            directory: parts.directory.clone(),
            known,
        };
        let asked = Timestamp::from_millis(report.position_ms);
        let (state, target) = if asked > position {
            (PlayState::Seeking, asked.min(parts.contents.end))
        } else {
            (report.state, position)
        };
        Self {
            parts,
            stage,
            state,
            after_seek: report.state,
            speed,
            is_behind: false,
            position,
            has_begun: false,
            target,
            paced_at: Instant::now(),
            elapsed: Duration::ZERO,
            next_turn: Instant::now(),
            n_turns: 0,
        }
    }

    fn now(&self) -> Now {
        // Ages and candles live on the tape's clock; stamps of publishing on the real one, so that latencies are true.
        Now { monotonic: Monotonic::from_zero(self.elapsed), wall: self.parts.clock.now().wall }
    }

    /// Takes what was asked and told since the last time; false once nobody can tell it anything any more.
    fn listen(&mut self) -> bool {
        loop {
            match self.parts.controls.try_recv() {
                Ok(control) => self.control(control),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return false,
            }
            self.tell();
        }
        while let Ok(command) = self.parts.commands.try_recv() {
            let now = self.now().monotonic;
            self.parts.deck.replay().settle();
            let Stage { view, questions, .. } = &mut self.stage;
            questions.take(command, view, self.parts.deck.replay(), now);
            self.grant_wishes();
        }
        true
    }

    fn control(&mut self, control: Control) {
        self.paced_at = Instant::now();
        match control {
            Control::Play if self.state == PlayState::Ended => {
                self.after_seek = PlayState::Playing;
                self.seek(self.parts.contents.start);
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
        self.target = target.clamp(self.parts.contents.start, self.parts.contents.end);
        if self.target < self.position {
            // The venue was known before.
            let Ok(deck) = self.parts.deck.rewound() else { return };
            self.parts.deck = deck;
            self.stage.view = fresh_view(&self.stage.known);
            self.position = self.parts.contents.start;
            self.has_begun = false;
        }
        self.state = PlayState::Seeking;
    }

    /// Plays on as far as the time since the last call says; true where there is more to do at once.
    fn advance(&mut self) -> bool {
        let began = Instant::now();
        match self.state {
            PlayState::Paused | PlayState::Ended => return false,
            PlayState::Seeking => {}
            PlayState::Playing => {
                let passed = began.duration_since(self.paced_at).mul_f64(self.speed);
                self.target = (self.target + passed).min(self.parts.contents.end);
                self.paced_at = began;
            }
        }
        loop {
            // By the second, so that the view's clocks see time pass; and first the beginning alone, so that bars of the
            // past are there before a trade is.
            let step = if self.has_begun { VIEW_STEP } else { Duration::ZERO };
            let until = self.target.min(self.position + step);
            let stage = &mut self.stage;
            let step = self.parts.deck.play(until, ENTRIES_AT_ONCE, |event| stage.event(event));
            if step != Step::More {
                self.has_begun = true;
                self.move_to(until);
            }
            if step == Step::End {
                self.move_to(self.parts.contents.end);
                self.arrive(PlayState::Ended);
                return false;
            }
            if step == Step::Reached && until >= self.target {
                self.is_behind = false;
                if self.state == PlayState::Seeking {
                    self.arrive(self.after_seek);
                }
                return false;
            }
            if began.elapsed() >= BUSY_TIME {
                if self.state == PlayState::Playing {
                    // It is as fast as it can be; time that it could not keep is not made up for.
                    self.is_behind = true;
                    self.target = self.position;
                }
                return true;
            }
        }
    }

    fn move_to(&mut self, position: Timestamp) {
        self.elapsed += position.saturating_since(self.position);
        self.position = self.position.max(position);
        let now = self.now();
        self.parts.deck.replay().settle();
        self.stage.view.observe(now, self.parts.deck.replay().health());
        self.grant_wishes();
    }

    /// It has come to where it was to be.
    fn arrive(&mut self, state: PlayState) {
        if self.state == PlayState::Seeking {
            self.parts.publisher.restart(&mut self.stage.view);
        }
        self.state = state;
        self.target = self.position;
        self.paced_at = Instant::now();
        self.next_turn = self.paced_at;
        tracing::debug!(venue = %self.parts.deck.replay().venue(), ?state, "a replay has come to a stand or a jump's end");
    }

    /// History that somebody wants and the tape has.
    fn grant_wishes(&mut self) {
        for wish in self.stage.view.take_wishes() {
            let stage = &mut self.stage;
            self.parts.deck.replay().wish(&wish, |event| stage.event(event));
        }
    }

    /// Publishes what changed, on every lane whose turn it is. Nothing while it jumps.
    fn turn(&mut self) {
        let begun = Instant::now();
        if begun < self.next_turn {
            return;
        }
        self.next_turn = begun + Lane::Fast.period();
        self.tell();
        if self.state == PlayState::Seeking {
            return;
        }
        let now = self.now();
        let replay = self.parts.deck.replay();
        replay.settle();
        for lane in Lane::ALL {
            if self.n_turns.is_multiple_of(u64::from(lane.ms() / Lane::Fast.ms())) {
                self.parts.publisher.turn(lane, &mut self.stage.view, replay, now);
            }
        }
        self.parts.status.send_replace(FeedStatus::of(replay, &self.stage.view, now));
        self.stage.questions.turn(&self.stage.view, now.monotonic);
        self.n_turns += 1;
        self.grant_wishes();
    }

    fn tell(&self) {
        let is_over = self.state == PlayState::Ended;
        let hash = self.parts.deck.hash();
        let n_events = hash.n_events();
        let known_hash = self.parts.report.borrow().events_sha256.clone().filter(|_| is_over);
        let events_sha256 = is_over.then(|| known_hash.unwrap_or_else(|| hash.to_hex()));
        self.parts.report.send_modify(|report| {
            report.instruments = self.stage.known.iter().cloned().collect();
            report.state = self.state;
            report.position_ms = self.position.as_millis();
            report.speed = self.speed;
            report.is_behind = self.is_behind;
            report.n_entries = self.parts.deck.n_entries();
            report.n_events = n_events;
            report.n_bad_lines = self.parts.deck.n_bad_lines();
            report.events_sha256 = events_sha256;
        });
    }
}

fn fresh_view(known: &BTreeSet<InstrumentId>) -> View {
    let mut view = View::new(ViewConfig::default());
    known.iter().for_each(|id| view.expect(id));
    view
}

/// How fast a replay may go.
pub const SPEEDS: std::ops::RangeInclusive<f64> = 0.5..=100.0;
/// The view hears of the tape's time this often at least.
const VIEW_STEP: Duration = Duration::from_secs(1);
/// Entries taken before anything else is looked at.
const ENTRIES_AT_ONCE: usize = 512;
/// Longest time without listening.
const BUSY_TIME: Duration = Duration::from_millis(30);
const PLAYING_TICK: Duration = Duration::from_millis(10);
const RESTING_TICK: Duration = Duration::from_millis(30);
