//! The desk of a replay inside the replay's task: its requests, its clock and its topics.
//!
//! Not here: the desk itself (`backtest::replay_desk`), how the rest of the server reaches it (`desk::replay`).

use std::sync::Arc;

use backtest::replay_desk::ReplayDesk;
use desk::config::DeskConfig;
use model::{
    event::MarketEvent,
    instrument::Instrument,
    proof::Books,
    time::{Monotonic, Now, Timestamp},
};
use tokio::sync::mpsc;
use topics::lane::Lane;

use crate::{desk::replay::ReplayRequest, publish::TopicOwner};

/// The parts of a replay's desk.
#[derive(Debug)]
pub struct AccountParts {
    /// The account's kind, balance, fees and limits.
    pub config: DeskConfig,
    /// Commands and looks.
    pub requests: mpsc::Receiver<ReplayRequest>,
    /// The account's topics at the hub.
    pub topics: TopicOwner,
}

/// The desk of a replay.
#[derive(Debug)]
pub struct PlayerAccount {
    desk: ReplayDesk,
    requests: mpsc::Receiver<ReplayRequest>,
    topics: TopicOwner,
}

impl PlayerAccount {
    /// Opens the account at a time of the recording.
    pub fn new(parts: AccountParts, now: Timestamp) -> Self {
        let AccountParts { config, requests, topics } = parts;
        Self { desk: ReplayDesk::new(config, now), requests, topics }
    }

    /// Takes an event in.
    pub fn event(&mut self, event: &MarketEvent) {
        self.desk.event(event);
    }

    /// Returns true if it wants to hear of the end of each entry.
    pub fn is_trading(&self) -> bool {
        self.desk.is_trading()
    }

    /// Ends an entry of the recording.
    pub fn entry_end(&mut self, books: &Books) {
        self.desk.entry_end(books);
    }

    /// The replay is on its way to another time.
    pub fn jump(&mut self) {
        self.desk.jump();
    }

    /// Opens the account again where the replay has come to.
    pub fn begin_again(&mut self, instruments: &[Arc<Instrument>], books: &Books, now: Timestamp) {
        self.desk.begin_again(instruments, books, now);
        self.topics.restart(&mut self.desk.topics());
    }

    /// The replay has come to `now`; answers what has been asked. Returns true if a command was carried out.
    pub fn turn_to(&mut self, now: Timestamp) -> bool {
        self.desk.pass(now);
        let mut has_changed = false;
        while let Ok(request) = self.requests.try_recv() {
            match request {
                ReplayRequest::Command(command, reply) => {
                    has_changed = true;
                    // Whoever asked may be gone.
                    let _gone = reply.send(self.desk.command(*command));
                }
                ReplayRequest::Look(look) => look(self.desk.desk(), self.desk.now()),
            }
        }
        has_changed
    }

    /// Publishes one lane's changes; returns how many there were.
    pub fn publish(&mut self, lane: Lane, now: Monotonic) -> usize {
        let now = Now { monotonic: now, wall: self.desk.now() };
        self.topics.turn(lane, &mut self.desk.topics(), now)
    }
}
