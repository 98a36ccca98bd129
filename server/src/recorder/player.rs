//! The task of a replay: runs the player, publishes its topics and answers queries.
//!
//! It runs on its own thread, because reading and decoding block. Not here: the playback itself (`recording::player`),
//! loading and stopping replays ([`super::replays`]).

use std::time::{Duration, Instant};

use market::{View, desk_feed::DeskFeeds};
use model::{
    event::{MarketEvent, MarketEventKind},
    time::Now,
};
use recording::{
    contents::Contents,
    feed_topics::FeedTopics,
    playback::Playback,
    player::{BUSY_TIME, Control, Pace, Player, ReplayObserver},
};
use tokio::sync::{
    mpsc::{self, error::TryRecvError},
    watch,
};
use tokio_util::sync::CancellationToken;
use topics::{
    channels::replay::{PlayState, ReplayReport},
    lane::LaneClock,
};
use venues::{replay::Replay, session::Session};

use super::{
    files::Files,
    player_account::{AccountParts, PlayerAccount},
};
use crate::{
    clock::Clock,
    feed::{
        desk_feed::DeskSender,
        directory::Directory,
        handle::{FeedCommand, FeedStatus},
        queries::Queries,
    },
    publish::TopicOwner,
};

/// The parts of a replay.
pub struct PlayerParts {
    /// The recording, at its beginning.
    pub playback: Playback<Files>,
    /// The contents of the recording.
    pub contents: Contents,
    /// Receives the replay's state; holds the initial one: files, venue, instruments, speed.
    pub report: watch::Sender<ReplayReport>,
    /// The replay's topics at the hub.
    pub topics: TopicOwner,
    /// Its desk; `None` where the server has none.
    pub desk: Option<AccountParts>,
    /// Receives instrument updates.
    pub directory: Directory,
    /// Receives the status of the replay as a feed.
    pub status: watch::Sender<FeedStatus>,
    /// Queries from REST callers.
    pub commands: mpsc::Receiver<FeedCommand>,
    /// Controls from users.
    pub controls: mpsc::Receiver<Control>,
    /// The real clock, for the speed.
    pub clock: Clock,
}

/// Runs a replay until `stop`, or until nobody can control it any more; blocks.
pub fn run(parts: PlayerParts, stop: &CancellationToken) {
    let mut task = Task::new(parts);
    while !stop.is_cancelled() && task.listen() {
        let pace = task.advance();
        task.turn();
        if pace == Pace::Resting {
            let is_playing = task.player.state() == PlayState::Playing;
            std::thread::sleep(if is_playing { PLAYING_TICK } else { RESTING_TICK });
        }
    }
}

struct Task {
    player: Player<Files>,
    listeners: Listeners,
    report: watch::Sender<ReplayReport>,
    topics: TopicOwner,
    status: watch::Sender<FeedStatus>,
    commands: mpsc::Receiver<FeedCommand>,
    controls: mpsc::Receiver<Control>,
    clock: Clock,
    lanes: LaneClock,
}

/// The receivers of events besides the view.
struct Listeners {
    queries: Queries,
    desk: Option<PlayerAccount>,
    readers: DeskFeeds<DeskSender>,
    directory: Directory,
}

impl ReplayObserver for Listeners {
    fn event(&mut self, event: &MarketEvent, is_new: bool, view: &View) {
        if is_new {
            self.directory.expect(event.instrument.clone());
        }
        match &event.kind {
            MarketEventKind::Instrument(instrument) => self.directory.describe(std::slice::from_ref(instrument)),
            MarketEventKind::History(history) => {
                self.queries.history_came(&event.instrument, history.interval, view);
            }
            _ => {}
        }
        if let Some(desk) = &mut self.desk {
            desk.event(event);
        }
        self.readers.apply(event);
    }

    fn entry_end(&mut self, replay: &mut Replay) {
        let desk = self.desk.as_mut().filter(|desk| desk.is_trading());
        if desk.is_some() || !self.readers.is_empty() {
            replay.settle();
            let books = Session::books(replay);
            if let Some(desk) = desk {
                desk.entry_end(books);
            }
            self.readers.batch_end(books);
        }
    }
}

impl Task {
    fn new(parts: PlayerParts) -> Self {
        let PlayerParts { playback, contents, report, topics, desk, directory, status, commands, controls, clock } =
            parts;
        let begin = report.borrow().clone();
        let desk = desk.map(|parts| PlayerAccount::new(parts, contents.start));
        Self {
            player: Player::new(playback, contents, begin, clock.now().monotonic),
            listeners: Listeners { queries: Queries::default(), desk, readers: DeskFeeds::default(), directory },
            report,
            topics,
            status,
            commands,
            controls,
            clock,
            lanes: LaneClock::new(clock.now().monotonic),
        }
    }

    fn now(&self) -> Now {
        self.player.clock(self.clock.now())
    }

    /// Handles new controls and queries; returns false once nobody can control the replay any more.
    fn listen(&mut self) -> bool {
        loop {
            match self.controls.try_recv() {
                Ok(control) => self.player.control(control, self.clock.now().monotonic),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return false,
            }
            self.tell();
        }
        while let Ok(command) = self.commands.try_recv() {
            let now = self.now().monotonic;
            let (view, replay) = self.player.lend();
            let command = match command {
                FeedCommand::Desk(sender) => {
                    let books = Session::books(replay);
                    self.listeners.readers.subscribe(sender.instrument().clone(), sender, books);
                    continue;
                }
                command => command,
            };
            self.listeners.queries.take(command, view, replay, now);
            self.player.forward_history_requests(&mut self.listeners);
        }
        self.answer_desk();
        true
    }

    /// Brings the desk to the time of the replay, and carries its commands out there.
    fn answer_desk(&mut self) {
        let Some(desk) = &mut self.listeners.desk else { return };
        if self.player.state() == PlayState::Seeking {
            desk.jump();
        }
        if desk.turn_to(self.player.position()) {
            self.lanes.changed(self.clock.now().monotonic);
        }
    }

    fn advance(&mut self) -> Pace {
        if self.player.state() == PlayState::Seeking {
            // Events on the way to another time are not for the desk.
            self.listeners.readers.end_all();
        }
        let begun = Instant::now();
        let pace = self.player.advance(self.clock.now(), || begun.elapsed() >= BUSY_TIME, &mut self.listeners);
        if self.player.take_jump() {
            let at = self.player.position();
            let (view, replay) = self.player.lend();
            tracing::debug!(venue = %Session::venue(replay), "a replay has come to where it was sent");
            if let Some(desk) = &mut self.listeners.desk {
                desk.begin_again(Session::instruments(replay), Session::books(replay), at);
            }
            self.topics.restart(&mut FeedTopics { view, session: replay });
            self.lanes.hurry(self.clock.now().monotonic);
        }
        pace
    }

    /// Publishes changes on every lane whose turn it is; nothing during a jump.
    fn turn(&mut self) {
        let mut lanes = self.lanes.take_due(self.clock.now().monotonic).peekable();
        if lanes.peek().is_none() {
            return;
        }
        self.tell();
        if self.player.state() == PlayState::Seeking {
            return;
        }
        let (now, real) = (self.now(), self.clock.now().monotonic);
        let (view, replay) = self.player.lend();
        for lane in lanes {
            let mut n_published = self.topics.turn(lane, &mut FeedTopics { view, session: replay }, now);
            if let Some(desk) = &mut self.listeners.desk {
                n_published += desk.publish(lane, real);
            }
            self.lanes.turned(lane, n_published);
        }
        self.status.send_replace(FeedStatus::of(replay, view, now));
        self.listeners.queries.turn(view, now.monotonic);
        self.listeners.readers.turn(Session::books(replay));
        self.player.forward_history_requests(&mut self.listeners);
    }

    fn tell(&mut self) {
        self.report.send_replace(self.player.report());
    }
}

const PLAYING_TICK: Duration = Duration::from_millis(10);
const RESTING_TICK: Duration = Duration::from_millis(30);
