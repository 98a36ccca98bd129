//! The desk of a replay: one paper account in memory, on the clock of the recording that plays.
//!
//! The account follows every instrument of the recording, so the same recording and the same commands at the same recorded
//! times give the same orders, fills and equity, whoever plays it and however fast. A jump begins the account again, since
//! what happens after it cannot know orders from another time; pausing and another speed change nothing. It has no journal
//! and ends with the replay. Not here: the player (`recording`), who publishes the topics.

use std::sync::Arc;

use desk::{
    config::DeskConfig,
    desk::Desk,
    lanes::{DeskLanes, DeskSource},
    rows::JournalState,
};
use model::{
    event::{MarketEvent, MarketEventKind},
    instrument::Instrument,
    proof::Books,
    time::Timestamp,
    trading::{
        account::AccountId,
        command::{DeskCommand, DeskReply},
        desk_choice::DeskChoice,
        order::OrderRequest,
        refusal::{DenyCode, Refusal},
    },
};
use topics::{channels::TopicData, lane::Lane, topic::Topic};

use crate::recorded_market::RecordedMarket;

/// The desk of one replay.
#[derive(Debug)]
pub struct ReplayDesk {
    config: DeskConfig,
    market: RecordedMarket,
    desk: Desk,
    lanes: DeskLanes,
    /// The newest time of the current entry's events.
    entry_time: Timestamp,
    state: DeskState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum DeskState {
    Trading,
    /// The replay is on its way to another time.
    Jumping,
    /// The desk contradicted itself.
    Broken,
}

impl ReplayDesk {
    /// Opens the account at a time of the recording. `config` gives its kind, balance, fees and limits; its name is always
    /// `replay`.
    pub fn new(mut config: DeskConfig, now: Timestamp) -> Self {
        config.default_account.account = AccountId::replay();
        let mut replay_desk = Self {
            desk: Desk::new(config.clone()),
            config,
            market: RecordedMarket::new(now),
            lanes: DeskLanes::default(),
            entry_time: now,
            state: DeskState::Trading,
        };
        replay_desk.desk.set_journal(JournalState::InMemory, false);
        replay_desk.desk.start(now);
        replay_desk.collect();
        replay_desk
    }

    /// The replay is on its way to another time: nothing is traded until [`Self::begin_again`].
    pub fn jump(&mut self) {
        self.state = DeskState::Jumping;
    }

    /// Opens the account again at the time that the replay has come to, with the instruments and books of then.
    pub fn begin_again(&mut self, instruments: &[Arc<Instrument>], books: &Books, now: Timestamp) {
        *self = Self::new(self.config.clone(), now);
        instruments.iter().for_each(|instrument| self.desk.list(instrument.clone()));
        books.keys().for_each(|instrument| self.market.follow(instrument, books));
        self.market.bring(&mut self.desk, now);
        self.collect();
    }

    /// Takes an event in; those on the way to another time are not for the desk.
    pub fn event(&mut self, event: &MarketEvent) {
        if self.state != DeskState::Trading {
            return;
        }
        if let MarketEventKind::Instrument(instrument) = &event.kind {
            self.desk.list(instrument.clone());
        }
        if !self.market.is_followed(&event.instrument) {
            self.market.follow(&event.instrument, &Books::new());
        }
        self.entry_time = self.entry_time.max(event.receive_time);
        self.market.event(event);
    }

    /// Returns true if it needs [`Self::entry_end`].
    pub fn is_trading(&self) -> bool {
        self.state == DeskState::Trading
    }

    /// All events of an entry have been taken in, and `books` are those after it.
    pub fn entry_end(&mut self, books: &Books) {
        if self.is_trading() {
            self.market.entry_end(books);
            self.market.bring(&mut self.desk, self.entry_time);
            self.collect();
        }
    }

    /// The replay has come to `now`, whether or not the recording had anything.
    pub fn pass(&mut self, now: Timestamp) {
        if self.is_trading() {
            self.market.pass(&mut self.desk, now);
            self.collect();
        }
    }

    /// Carries a command out at the recording's time.
    ///
    /// # Errors
    /// Why it is refused; nothing was done then.
    pub fn command(&mut self, command: DeskCommand) -> Result<DeskReply, Refusal> {
        self.check_state()?;
        if command.desk()? != DeskChoice::Replay {
            let message = "the desk of a replay has the account replay only; name it";
            return Err(Refusal::new(DenyCode::WrongAccount, message));
        }
        let reply = self.desk.command(command, self.market.now());
        self.collect();
        reply
    }

    /// Returns what an order would get now, as `Desk::preview_order` does.
    ///
    /// # Errors
    /// As there, or the replay is on its way to another time.
    pub fn preview_order(&self, request: &OrderRequest) -> Result<desk::preview::OrderPreview, Refusal> {
        self.check_state()?;
        self.desk.preview_order(request, self.now())
    }

    /// Returns the desk, for lists.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Returns the recording's clock as the desk knows it.
    pub fn now(&self) -> Timestamp {
        self.market.now()
    }

    /// Returns the source of the account's topics. The wall clock of its turns must be [`Self::now`].
    pub fn topics(&mut self) -> DeskSource<'_> {
        DeskSource { desk: &self.desk, lanes: &mut self.lanes }
    }

    /// Returns a topic's state as of the lane's last turn.
    pub fn snapshot(&self, topic: &Topic, lane: Lane) -> Option<TopicData> {
        self.lanes.snapshot(topic, lane)
    }

    fn check_state(&self) -> Result<(), Refusal> {
        let message = match self.state {
            DeskState::Trading => return Ok(()),
            DeskState::Jumping => "the replay is on its way to another time; try again when it is there",
            DeskState::Broken => "the desk of the replay contradicted itself; load the recording again",
        };
        Err(Refusal::new(DenyCode::Unavailable, message))
    }

    /// Nothing is kept but what the desk itself remembers.
    fn collect(&mut self) {
        let effects = self.desk.take_effects();
        if effects.fault.is_some() {
            self.state = DeskState::Broken;
        }
        self.lanes.take(effects.events);
    }
}

#[cfg(test)]
mod tests;
