//! From arrivals to the inputs of rules: prices, bars, signals, the desk, and how far data can be trusted.
//!
//! Holds the two state machines, of signals and of alerts. Not here: tasks, the disk, topics.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use ::alerts::{
    engine::Engine,
    happening::{HealthEvent, TradingEvent, Trust},
};
use desk::rows::{AccountRow, DeskEvent, EventKind, JournalState, PositionRow};
use indicators::bar::Bar;
use model::{
    alert::condition::{ExecutionEvent, PnlFigure},
    candle::Candle,
    decimal::{Notional, SignedQuantity},
    desk_feed::{DeskBook, DeskLevels, DeskUpdate},
    event::Level,
    instrument::{InstrumentId, Venue},
    proof::BookState,
    status::StreamState,
    time::Timestamp,
    trading::{
        account::AccountId,
        order::{Order, OrderState},
    },
};
use strategy::signals::Top;
use topics::{
    channels::{TopicData, status::StatusData},
    subject::Subject,
};

use super::{signal_board::SignalBoard, sources};
use crate::publish::SharedUpdate;

/// The rules at work.
#[derive(Debug)]
pub struct Evaluation {
    /// Alerts.
    pub engine: Engine,
    /// Signals.
    pub signals: SignalBoard,
    books: BTreeMap<InstrumentId, DeskBook>,
    trusts: BTreeMap<InstrumentId, Trust>,
    connections: BTreeMap<Venue, Connection>,
    /// The newest event of the desk that was seen, by account.
    desk_events: BTreeMap<AccountId, u64>,
    accounts: BTreeMap<AccountId, AccountRow>,
    positions: BTreeMap<AccountId, BTreeMap<InstrumentId, PositionRow>>,
    /// Instruments whose missed time was looked at since they were followed.
    caught_up: BTreeSet<InstrumentId>,
}

#[derive(Debug)]
struct Connection {
    is_up: bool,
    /// Cause of its loss, in words.
    reason: String,
    n_gaps: u64,
}

impl Evaluation {
    /// Of these rules.
    pub fn new(engine: Engine, signals: SignalBoard) -> Self {
        Self {
            engine,
            signals,
            books: BTreeMap::new(),
            trusts: BTreeMap::new(),
            connections: BTreeMap::new(),
            desk_events: BTreeMap::new(),
            accounts: BTreeMap::new(),
            positions: BTreeMap::new(),
            caught_up: BTreeSet::new(),
        }
    }

    /// Takes ticks of an instrument; returns true where they have ended.
    pub fn ticks(&mut self, instrument: &InstrumentId, updates: &[DeskUpdate], now: Timestamp) -> bool {
        let mut has_ended = false;
        for update in updates {
            let book = self.books.entry(instrument.clone()).or_default();
            let was_trusted = is_trusted(book.state());
            book.apply(update);
            let is_trusted = is_trusted(book.state());
            if was_trusted && !is_trusted {
                self.signals.gap(instrument);
            }
            match update {
                DeskUpdate::Trade(trade) => {
                    let time = trade.event_time.unwrap_or(trade.receive_time);
                    self.engine.set_received(Some(trade.receive_time));
                    if self.is_good(instrument) {
                        let price = trade.trade.price.to_f64_lossy();
                        self.signals.trade(instrument, price, time, trade.receive_time, now);
                    }
                    self.engine.trade(instrument, trade.trade.price, time, now);
                }
                DeskUpdate::Levels(levels) => self.levels(instrument, levels, now),
                DeskUpdate::Suspect(loss) => {
                    let what = format!("{} trades were not read in time", loss.n_trades);
                    self.gap(instrument.venue(), Some(instrument), what, now);
                }
                DeskUpdate::Ended => has_ended = true,
                DeskUpdate::BookState(_) => {}
            }
        }
        self.engine.set_received(None);
        if has_ended {
            self.books.remove(instrument);
            self.caught_up.remove(instrument);
            self.signals.gap(instrument);
        }
        has_ended
    }

    fn levels(&mut self, instrument: &InstrumentId, levels: &DeskLevels, now: Timestamp) {
        let is_live = self.books.get(instrument).is_some_and(|book| book.tradable().is_some());
        let (Some(bid), Some(ask), true) = (levels.bids.first(), levels.asks.first(), is_live) else { return };
        let time = levels.event_time.or(levels.receive_time).unwrap_or(now);
        self.engine.set_received(levels.receive_time);
        self.engine.top(instrument, bid.price, ask.price, time, now);
        let sizes = |side: &[Level]| side.iter().map(|level| level.quantity.to_f64_lossy()).collect::<Vec<f64>>();
        let (bid_sizes, ask_sizes) = (sizes(&levels.bids), sizes(&levels.asks));
        let top = Top {
            bid: bid.price.to_f64_lossy(),
            ask: ask.price.to_f64_lossy(),
            bid_sizes: &bid_sizes,
            ask_sizes: &ask_sizes,
        };
        self.signals.top(instrument, &top, levels.receive_time.unwrap_or(now), now);
    }

    fn is_good(&self, instrument: &InstrumentId) -> bool {
        self.trusts.get(instrument).is_none_or(|trust| *trust == Trust::Good)
    }

    fn gap(&mut self, venue: &Venue, instrument: Option<&InstrumentId>, what: String, now: Timestamp) {
        let gap = HealthEvent::Gap { venue: venue.clone(), instrument: instrument.cloned(), what };
        self.engine.health(&gap, now);
    }

    /// Takes an update of a topic; `is_whole` for a whole state.
    pub fn topic(&mut self, update: &SharedUpdate, is_whole: bool, now: Timestamp) {
        if let Some((instrument, interval, candles)) = sources::candles(update) {
            let bars: Vec<Bar> = candles.iter().map(Bar::from).collect();
            if is_whole {
                self.signals.snapshot(instrument, interval, &bars, now);
                if !self.is_good(instrument) {
                    self.signals.gap(instrument);
                }
            } else if self.is_good(instrument) {
                self.signals.bars(instrument, interval, &bars, now);
            }
            self.engine.bars(instrument, interval, &bars, now);
            return;
        }
        let update = update.update();
        let Subject::Account(name) = update.topic.subject() else { return };
        let Ok(account) = AccountId::parse(name) else { return };
        match &update.data {
            TopicData::Events(log) => {
                let seen = self.desk_events.get(&account).copied();
                for (number, row) in &log.entries {
                    // Events from before the start are not reported again.
                    if seen.is_some_and(|seen| *number > seen)
                        && let Ok(event) = row.read::<DeskEvent>()
                    {
                        self.desk_event(&account, &event.kind, now);
                    }
                }
                let newest = log.entries.last().map(|(number, _)| *number);
                self.desk_events.insert(account, newest.or(seen).unwrap_or_default());
            }
            TopicData::Dashboard(rows) => {
                if let Some(row) = rows.rows.get(&"account".to_owned()).and_then(|row| row.read::<AccountRow>().ok()) {
                    self.account(&row, now);
                    self.accounts.insert(account, row);
                }
            }
            TopicData::Positions(rows) => {
                let held: Vec<PositionRow> = rows.rows.values().filter_map(|row| row.read().ok()).collect();
                let known = self.positions.remove(&account);
                let is_first = known.is_none();
                let mut known = known.unwrap_or_default();
                let mut gone: Vec<InstrumentId> =
                    rows.removed.iter().filter_map(|key| InstrumentId::parse(key).ok()).collect();
                if is_whole {
                    let is_held = |id: &InstrumentId| held.iter().any(|row| row.line.instrument == *id);
                    gone.extend(known.keys().filter(|id| !is_held(id)).cloned());
                }
                // An instrument missing from the known list was not held: without that zero, a new rule would not see the
                // position opened, nor a loss that its first row already has.
                let is_new = |row: &&PositionRow| !is_first && !known.contains_key(&row.line.instrument);
                let opened: Vec<InstrumentId> =
                    held.iter().filter(is_new).map(|row| row.line.instrument.clone()).collect();
                known.retain(|id, _| !gone.contains(id));
                gone.into_iter().chain(opened).for_each(|instrument| self.flat(&account, instrument, now));
                held.iter().for_each(|row| self.position(&account, row, now));
                known.extend(held.into_iter().map(|row| (row.line.instrument.clone(), row)));
                self.positions.insert(account, known);
            }
            _ => {}
        }
    }

    /// Tells the rules that an account holds nothing of an instrument.
    fn flat(&mut self, account: &AccountId, instrument: InstrumentId, now: Timestamp) {
        let unrealised = TradingEvent::Pnl {
            account: account.clone(),
            instrument: Some(instrument.clone()),
            figure: PnlFigure::Unrealised,
            amount: Notional::ZERO,
        };
        let quantity = SignedQuantity::ZERO;
        let position = TradingEvent::Position { account: account.clone(), instrument, quantity };
        [position, unrealised].iter().for_each(|event| self.engine.trading(event, now));
    }

    fn position(&mut self, account: &AccountId, row: &PositionRow, now: Timestamp) {
        let instrument = row.line.instrument.clone();
        let (account, quantity) = (account.clone(), row.line.quantity);
        let pnl = |figure, amount| TradingEvent::Pnl {
            account: account.clone(),
            instrument: Some(instrument.clone()),
            figure,
            amount,
        };
        let unrealised = row.line.quote_unrealised_pnl.map(|amount| pnl(PnlFigure::Unrealised, amount));
        let events = [
            Some(TradingEvent::Position { account: account.clone(), instrument: instrument.clone(), quantity }),
            unrealised,
            Some(pnl(PnlFigure::Realised, row.realised_pnl)),
        ];
        events.iter().flatten().for_each(|event| self.engine.trading(event, now));
    }

    fn account(&mut self, row: &AccountRow, now: Timestamp) {
        // A total that leaves something out is no total.
        if row.unvalued.is_empty() {
            let figures = [
                (PnlFigure::Unrealised, Some(row.unrealised_pnl)),
                (PnlFigure::Realised, Some(row.realised_pnl)),
                (PnlFigure::Day, row.day_pnl),
                (PnlFigure::Total, row.total_pnl),
            ];
            for (figure, amount) in figures {
                let Some(amount) = amount else { continue };
                let event = TradingEvent::Pnl { account: row.account.clone(), instrument: None, figure, amount };
                self.engine.trading(&event, now);
            }
        }
        let is_writable = matches!(row.journal, JournalState::OnDisk | JournalState::InMemory);
        let reason = format!("the desk's journal is {}", journal_words(row.journal));
        self.engine.health(&HealthEvent::Journal { is_writable, reason }, now);
    }

    fn desk_event(&mut self, account: &AccountId, event: &EventKind, now: Timestamp) {
        let event = match event {
            EventKind::TradeExecuted(fill) => TradingEvent::Fill {
                account: account.clone(),
                instrument: fill.instrument.clone(),
                side: fill.side,
                price: fill.price,
                quantity: fill.quantity,
            },
            EventKind::OrderUpdated(order) => {
                let Some(event) = execution(order.state) else { return };
                TradingEvent::Order {
                    account: account.clone(),
                    instrument: order.instrument.clone(),
                    order_id: order.order_id,
                    event,
                    text: order_words(order),
                }
            }
            _ => return,
        };
        self.engine.trading(&event, now);
    }

    /// Takes the state of all feeds; only what changed is told.
    pub fn status(&mut self, status: &StatusData, now: Timestamp) {
        for stream in &status.streams {
            let book = self.books.get(&stream.instrument).map(DeskBook::state);
            let cause = |fallback: &str| stream.cause.clone().unwrap_or_else(|| fallback.to_owned());
            let trust = match (stream.state, book) {
                (StreamState::Stale, _) => {
                    Trust::Stale { since: stream.last_update_ms.map_or(now, Timestamp::from_millis) }
                }
                (StreamState::Failed, _) => Trust::Suspect { reason: cause("the feed has failed") },
                (StreamState::Initialising, _) => Trust::Suspect { reason: cause("the feed is starting") },
                (StreamState::Live, Some(state)) if !is_trusted(state) => {
                    Trust::Suspect { reason: "the order book is not proven".to_owned() }
                }
                (StreamState::Live, _) => Trust::Good,
            };
            self.trust(&stream.instrument, trust, now);
        }
        let is_followed =
            |id: &InstrumentId| status.streams.binary_search_by(|stream| stream.instrument.cmp(id)).is_ok();
        let needed = self.engine.needs().instruments;
        for instrument in needed.iter().filter(|id| !is_followed(id)) {
            let reason = format!("no feed follows {instrument}");
            self.trust(instrument, Trust::Suspect { reason }, now);
        }
        for connection in &status.connections {
            let reason = connection.cause.clone().unwrap_or_else(|| "no connection is open".to_owned());
            let state = Connection { is_up: connection.is_connected, reason, n_gaps: connection.gaps };
            let before = self.connections.get(&connection.venue);
            let has_changed = before.is_none_or(|before| before.is_up != state.is_up);
            let n_more = before.and_then(|before| state.n_gaps.checked_sub(before.n_gaps)).filter(|n_more| *n_more > 0);
            if has_changed {
                self.engine.health(&state.event(&connection.venue), now);
            }
            self.connections.insert(connection.venue.clone(), state);
            if let Some(n_more) = n_more {
                let what = format!("{n_more} gaps in the sequence");
                self.gap(&connection.venue, None, what, now);
            }
        }
    }

    fn trust(&mut self, instrument: &InstrumentId, trust: Trust, now: Timestamp) {
        let known = self.trusts.get(instrument);
        // The moment of a stale feed's last update is told once.
        let is_same = match (known, &trust) {
            (Some(Trust::Stale { .. }), Trust::Stale { .. }) => true,
            (known, trust) => known == Some(trust),
        };
        if is_same {
            return;
        }
        if known.is_some_and(|known| *known == Trust::Good) {
            self.signals.gap(instrument);
        }
        self.engine.trust(instrument, &trust, now);
        self.trusts.insert(instrument.clone(), trust);
    }

    /// Tells all rules the states that they are otherwise told at their changes, for the sake of a rule that begins: of
    /// feeds, connections, accounts and positions. To the others it is nothing new.
    pub fn tell_states(&mut self, now: Timestamp) {
        for (instrument, trust) in &self.trusts {
            self.engine.trust(instrument, trust, now);
        }
        for (venue, connection) in &self.connections {
            self.engine.health(&connection.event(venue), now);
        }
        let (accounts, positions) = (std::mem::take(&mut self.accounts), std::mem::take(&mut self.positions));
        accounts.values().for_each(|row| self.account(row, now));
        for (account, held) in &positions {
            held.values().for_each(|row| self.position(account, row, now));
        }
        (self.accounts, self.positions) = (accounts, positions);
    }

    /// Returns instruments that are good now and whose missed time has not been looked at.
    pub fn take_missing(&mut self, followed: &BTreeSet<InstrumentId>) -> Vec<InstrumentId> {
        let good = |id: &&InstrumentId| self.trusts.get(*id) == Some(&Trust::Good) && !self.caught_up.contains(*id);
        let missing: Vec<InstrumentId> = followed.iter().filter(good).cloned().collect();
        self.caught_up.extend(missing.iter().cloned());
        missing
    }

    /// Gives alerts the prices of a time in which there were none.
    pub fn missed(&mut self, instrument: &InstrumentId, candles: &[Candle], now: Timestamp) {
        let bars: Vec<Bar> = candles.iter().map(Bar::from).collect();
        self.engine.missed(instrument, model::candle::Interval::M1, &bars, now);
    }

    /// Lets time pass and gives new signals to alerts; returns them.
    pub fn advance(&mut self, now: Timestamp) -> Vec<model::alert::signal::Signal> {
        self.signals.advance(now);
        let found = self.signals.take_found();
        found.iter().for_each(|signal| self.engine.signal(signal, now));
        self.engine.advance(now);
        found
    }

    /// Returns when [`Self::advance`] is due.
    pub fn deadline(&self) -> Option<Timestamp> {
        [self.engine.deadline(), self.signals.deadline()].into_iter().flatten().min()
    }
}

impl Connection {
    fn event(&self, venue: &Venue) -> HealthEvent {
        HealthEvent::Connection { venue: venue.clone(), is_up: self.is_up, reason: self.reason.clone() }
    }
}

/// Markets without a book have nothing that could be wrong.
fn is_trusted(state: BookState) -> bool {
    !matches!(state, BookState::Suspect | BookState::Resyncing | BookState::Unverified)
}

fn execution(state: OrderState) -> Option<ExecutionEvent> {
    Some(match state {
        OrderState::Filled => ExecutionEvent::Filled,
        OrderState::PartiallyFilled => ExecutionEvent::PartiallyFilled,
        OrderState::Rejected => ExecutionEvent::Rejected,
        OrderState::Cancelled => ExecutionEvent::Cancelled,
        OrderState::Expired => ExecutionEvent::Expired,
        OrderState::PendingNew | OrderState::Held | OrderState::Open | OrderState::PendingCancel => return None,
    })
}

fn order_words(order: &Order) -> String {
    let side = order.side.as_str();
    let of = match order.price {
        Some(price) => format!("{side} {} at {price}", order.quantity),
        None => format!("{side} {}", order.quantity),
    };
    match &order.reason {
        Some(refusal) => format!("{of}: {}", refusal.message),
        None => of,
    }
}

fn journal_words(state: JournalState) -> &'static str {
    match state {
        JournalState::OnDisk => "written again",
        JournalState::Full => "full",
        JournalState::Busy => "held by another program",
        JournalState::Damaged => "damaged",
        JournalState::Fault => "stopped after a fault of the desk",
        JournalState::InMemory => "in memory",
    }
}
