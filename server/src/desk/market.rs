//! Feeds that the desk follows: of what it trades, and of what somebody is about to trade.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use desk::desk::Desk;
use model::{
    desk_feed::DeskUpdate,
    instrument::InstrumentId,
    time::{Monotonic, Now},
    trading::account::Currency,
};
use portfolio::conversion::LiveRate;
use tokio::sync::oneshot;

use crate::feed::{desk_feed::DeskReader, directory::Directory, handle::Feeds};

/// The feeds of the desk's instruments.
#[derive(Debug)]
pub struct Market {
    feeds: Feeds,
    directory: Directory,
    reader: DeskReader,
    followed: BTreeSet<InstrumentId>,
    /// Instruments that somebody looks at, each with the end of its time.
    seen: BTreeMap<InstrumentId, Monotonic>,
    /// Those who wait for the first price of an instrument.
    waiting: Vec<(InstrumentId, oneshot::Sender<()>)>,
    next_look: Monotonic,
    /// Accounts in the directory.
    n_accounts: usize,
}

impl Market {
    /// Follows nothing yet.
    pub fn new(feeds: Feeds, directory: Directory) -> Self {
        Self {
            feeds,
            directory,
            reader: DeskReader::new(),
            followed: BTreeSet::new(),
            seen: BTreeMap::new(),
            waiting: Vec::new(),
            next_look: Monotonic::ZERO,
            n_accounts: 0,
        }
    }

    /// Waits for updates; for ever while nothing is followed. Cancel-safe.
    pub async fn recv(&mut self) -> Vec<(InstrumentId, Vec<DeskUpdate>)> {
        match self.reader.recv().await {
            Some(updates) => updates,
            None => std::future::pending().await,
        }
    }

    /// Gives updates to the desk.
    pub fn apply(&mut self, desk: &mut Desk, updates: Vec<(InstrumentId, Vec<DeskUpdate>)>, now: Now) {
        for (instrument, updates) in updates {
            for update in updates {
                desk.update(&instrument, &update, now.wall);
                if update == DeskUpdate::Ended {
                    self.followed.remove(&instrument);
                    self.next_look = now.monotonic;
                }
            }
        }
        self.answer(desk);
    }

    /// Follows an instrument for a while.
    pub fn see(&mut self, desk: &mut Desk, instrument: InstrumentId, reply: oneshot::Sender<()>, now: Now) {
        self.seen.insert(instrument.clone(), now.monotonic + SEEN_FOR);
        self.waiting.push((instrument, reply));
        self.sync(desk, now);
        self.answer(desk);
    }

    /// Follows what the desk must see, and nothing else; takes rates and new terms of instruments once a second.
    pub fn sync(&mut self, desk: &mut Desk, now: Now) {
        self.sync_accounts(desk);
        self.seen.retain(|_, until| *until > now.monotonic);
        let wanted = desk.followed().into_iter().chain(self.seen.keys().cloned());
        // A recording is traded on its own desk.
        let wanted: BTreeSet<InstrumentId> = wanted.filter(|id| !id.venue().is_replay()).collect();
        let is_due = now.monotonic >= self.next_look;
        if wanted == self.followed && !is_due {
            return;
        }
        for gone in self.followed.difference(&wanted) {
            self.reader.leave(gone);
        }
        self.followed.retain(|instrument| wanted.contains(instrument));
        for instrument in wanted {
            // An instrument without steps cannot be traded; a feed that is not there is tried again in a second.
            let Some(listed) = self.directory.described(&instrument) else { continue };
            desk.list(listed);
            let is_new = !self.followed.contains(&instrument);
            if is_new && self.reader.follow(&self.feeds, std::slice::from_ref(&instrument)).is_ok() {
                self.followed.insert(instrument);
            }
        }
        if is_due {
            self.next_look = now.monotonic + LOOK_EVERY;
            desk.set_rates(self.rates(now));
        }
    }

    /// Makes topics of accounts known.
    fn sync_accounts(&mut self, desk: &Desk) {
        // Accounts are only ever added.
        let accounts = &desk.state().accounts;
        if accounts.len() != self.n_accounts {
            self.n_accounts = accounts.len();
            self.directory.set_accounts(accounts.keys().cloned().collect());
        }
    }

    /// Follows everything again from its beginning: another desk has taken the place of the one that was informed, and
    /// a book's state is sent only at the start of a subscription and when it changes.
    pub fn follow_again(&mut self) {
        for instrument in std::mem::take(&mut self.followed) {
            self.reader.leave(&instrument);
        }
        self.next_look = Monotonic::ZERO;
    }

    /// Returns the rates of all pairs that feeds follow.
    fn rates(&self, now: Now) -> Vec<LiveRate> {
        let tops = self.feeds.tops(now.monotonic);
        let rates = tops.into_iter().filter(|top| top.left_out.is_none()).filter_map(|top| {
            let (base, quote) = top.pair.split_once('/')?;
            let price = top.bid?.0.mid(top.ask?.0)?;
            let source = top.instrument.to_string();
            Some(LiveRate { base: Currency::new(base), quote: Currency::new(quote), price, source })
        });
        rates.collect()
    }

    /// Answers those whose instrument has a price, or can never have one.
    fn answer(&mut self, desk: &Desk) {
        let waiting = std::mem::take(&mut self.waiting);
        for (instrument, reply) in waiting {
            let summary = desk.broker().market(&instrument);
            let has_price = summary.is_some_and(|summary| summary.best_bid.is_some() || summary.last.is_some());
            if has_price || !self.followed.contains(&instrument) {
                // Whoever asked may be gone.
                let _gone = reply.send(());
            } else if !reply.is_closed() {
                self.waiting.push((instrument, reply));
            }
        }
    }
}

/// Time for which an instrument that somebody looked at stays followed: a ticket asks again before that.
const SEEN_FOR: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_secs(1);
