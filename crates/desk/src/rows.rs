//! Published data of the desk: rows of its channels, and events. The page, programs and REST read
//! the same.

use std::collections::BTreeMap;

use model::{
    decimal::{Notional, Price, Quantity, Rate, SignedQuantity},
    instrument::{InstrumentId, Venue},
    time::Timestamp,
    trading::{
        account::{AccountId, AccountKind, Currency, FeeRates, RiskLimits},
        fill::Fill,
        order::Order,
        record::{OrderChange, Record},
        refusal::Refusal,
        strategy::{LevelReport, StrategyEntry, StrategyReport, StrategyState},
    },
};
use portfolio::{
    limit_use::{self, LimitUse},
    round_trip::RoundTrip,
    valuation::{CashLine, PositionLine, Valuation},
};
use serde::{Deserialize, Serialize};
use topics::channels::{
    Channel, TopicData,
    desk::{DeskLog, DeskRows, RowText},
};

use crate::{
    desk::Desk,
    state::{AccountState, KillSwitch, State},
};

/// An order with what is known of its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrderRow {
    /// The order.
    #[serde(flatten)]
    pub order: Order,
    /// Mean price of its fills.
    pub average_price: Option<Price>,
    /// Base units ahead of it, by the conservative and by the optimistic model; absent unless it rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<(Quantity, Quantity)>,
    /// Why it cannot fill now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
}

/// A position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PositionRow {
    /// The account.
    pub account: AccountId,
    /// The position and its value.
    #[serde(flatten)]
    pub line: PositionLine,
    /// Profit and loss realised on the instrument, in its quote currency, before fees.
    pub realised_pnl: Notional,
    /// The price at which a waiting stop of the account would close it; the nearest one.
    pub stop_price: Option<Price>,
    /// The same of a target.
    pub target_price: Option<Price>,
}

/// State of the journal, as reported by the program that writes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum JournalState {
    /// All that is shown is on disk.
    #[default]
    OnDisk,
    /// The disk is full: what is shown is on disk, and the desk takes nothing.
    Full,
    /// Another program holds the file: likewise.
    Busy,
    /// The file is damaged, and the desk takes nothing.
    Damaged,
    /// The desk takes nothing after a fault of its own.
    Fault,
    /// There is none: the account of a replay.
    InMemory,
}

/// An account at a glance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountRow {
    /// The account.
    pub account: AccountId,
    /// Cash or margin.
    pub kind: AccountKind,
    /// The currency of the totals.
    pub currency: Currency,
    /// The largest leverage.
    pub max_leverage: u32,
    /// Equity; incomplete where `unvalued` is not empty.
    pub equity: Notional,
    /// Equity less what it was opened with, where that has a value.
    pub total_pnl: Option<Notional>,
    /// Equity less that at the begin of the day.
    pub day_pnl: Option<Notional>,
    /// Begin of the day, milliseconds since the epoch.
    pub day_start_ms: Option<i64>,
    /// Realised profit and loss before fees.
    pub realised_pnl: Notional,
    /// Unrealised profit and loss.
    pub unrealised_pnl: Notional,
    /// Fees.
    pub fees: Notional,
    /// Σ of the values of positions, without signs.
    pub gross_exposure: Notional,
    /// Longs less shorts.
    pub net_exposure: Notional,
    /// Gross exposure as a multiple of the equity.
    pub leverage: Option<Rate>,
    /// Of a margin account.
    pub margin_used: Option<Notional>,
    /// Of a margin account.
    pub margin_free: Option<Notional>,
    /// Open positions.
    pub n_positions: u64,
    /// Open orders.
    pub n_orders: u64,
    /// Closed round trips.
    pub n_round_trips: u64,
    /// Those that earned something after fees.
    pub n_wins: u64,
    /// Highest equity so far.
    pub peak: Option<Notional>,
    /// Distance from it as a share.
    pub drawdown: Option<Rate>,
    /// Cash by currency.
    pub cash: Vec<CashLine>,
    /// Items without a value, in words.
    pub unvalued: Vec<String>,
    /// Why it may only reduce positions.
    pub reduce_only: Option<Refusal>,
    /// The kill switch while it is set.
    pub kill: Option<KillSwitch>,
    /// State of the journal.
    #[serde(default)]
    pub journal: JournalState,
    /// True while the kill switch is set in memory alone: a restart forgets it.
    #[serde(default)]
    pub is_kill_unwritten: bool,
    /// Fee rates by venue, where they are not `default_fees`.
    #[serde(default)]
    pub fees_by_venue: BTreeMap<Venue, FeeRates>,
    /// Fee rates of all other venues.
    #[serde(default)]
    pub default_fees: FeeRates,
}

impl AccountRow {
    /// Returns what a venue charges.
    pub fn fees_of(&self, venue: &Venue) -> FeeRates {
        self.fees_by_venue.get(venue).copied().unwrap_or(self.default_fees)
    }
}

/// The limits of an account and their utilisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RiskRow {
    /// The limits that are set.
    pub limits: RiskLimits,
    /// Utilisation of each limit.
    pub used: Vec<LimitUse>,
}

/// A strategy; its levels are rows of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StrategyRow {
    /// The strategy, without its memory.
    #[serde(flatten)]
    pub entry: StrategyEntry,
    /// Report of the strategy, without its levels.
    pub report: StrategyReport,
    /// Realised and floating profit together.
    pub total_pnl: Option<Notional>,
}

/// An event of the desk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeskEvent {
    /// Its number; numbers rise over all accounts.
    pub number: u64,
    /// Kind of the event, with its data.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// Kinds of events, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum EventKind {
    /// An order filled.
    TradeExecuted(Box<Fill>),
    /// A round trip was closed.
    TradeLogged(Box<RoundTrip>),
    /// A stop or target of a position changed.
    TradeExitUpdated(Box<Order>),
    /// A position is another size now.
    PositionUpdated {
        /// Instrument held.
        instrument: InstrumentId,
        /// Quantity in base units; below zero: short.
        quantity: SignedQuantity,
        /// Its mean price.
        average_price: Option<Price>,
    },
    /// A position was opened or closed.
    PositionEvent {
        /// Instrument held.
        instrument: InstrumentId,
        /// True if it was opened.
        is_open: bool,
    },
    /// An order was accepted or changed.
    OrderUpdated(Box<Order>),
    /// A strategy changed its state.
    StrategyUpdated {
        /// Its name.
        strategy_id: String,
        /// Its state.
        state: StrategyState,
        /// Why it ended.
        reason: Option<Refusal>,
    },
    /// The account may only reduce positions, or may open them again.
    ReduceOnly {
        /// Why; `None`: it may open them again.
        cause: Option<Refusal>,
    },
    /// At the start, the desk's state and the lists of orders and fills on disk differed.
    ReconciliationMismatch {
        /// Item that differs.
        what: String,
        /// Value in the state.
        expected: String,
        /// Value in the lists.
        found: String,
    },
    /// The kill switch was set or lifted.
    KillSwitch {
        /// True if it was set.
        is_on: bool,
        /// Why.
        reason: String,
    },
}

impl EventKind {
    /// Returns what a record is about, after it was applied, with the account that it concerns.
    pub(crate) fn of(record: &Record, state: &State, trip: Option<&(AccountId, RoundTrip)>) -> Vec<(AccountId, Self)> {
        match record {
            Record::OrderAccepted(order) => vec![(order.account.clone(), Self::OrderUpdated(order.clone()))],
            Record::OrderChanged { order_id, change, .. } => {
                let Some(order) = state.order(*order_id) else { return Vec::new() };
                let order = Box::new(order.clone());
                let is_exit = order.bracket.is_some()
                    && matches!(
                        change,
                        OrderChange::Amended(_) | OrderChange::Trailed { .. } | OrderChange::Activated { .. }
                    );
                let account = order.account.clone();
                vec![(account, if is_exit { Self::TradeExitUpdated(order) } else { Self::OrderUpdated(order) })]
            }
            Record::Filled(fill) => Self::of_fill(fill, state, trip),
            Record::StrategyChanged(entry) => {
                let strategy_id = entry.strategy_id.to_string();
                let kind = Self::StrategyUpdated { strategy_id, state: entry.state, reason: entry.reason.clone() };
                vec![(entry.account.clone(), kind)]
            }
            Record::ReduceOnly { account, cause, .. } => {
                vec![(account.clone(), Self::ReduceOnly { cause: cause.clone() })]
            }
            Record::KillSwitch { is_on, reason, .. } => {
                let kind = Self::KillSwitch { is_on: *is_on, reason: reason.clone() };
                state.accounts.keys().map(|account| (account.clone(), kind.clone())).collect()
            }
            _ => Vec::new(),
        }
    }

    fn of_fill(fill: &Fill, state: &State, trip: Option<&(AccountId, RoundTrip)>) -> Vec<(AccountId, Self)> {
        let account = fill.account.clone();
        let mut kinds = vec![Self::TradeExecuted(Box::new(fill.clone()))];
        kinds.extend(state.order(fill.order_id).map(|order| Self::OrderUpdated(Box::new(order.clone()))));
        let position = state.accounts.get(&account).and_then(|account| account.ledger.position(&fill.instrument));
        if let Some(position) = position {
            let (instrument, quantity) = (fill.instrument.clone(), position.quantity());
            // Opened from nothing, or from the other side, by this very fill.
            let is_opening = trip.is_some() && !quantity.is_zero() || quantity.size() == fill.quantity;
            let average_price = position.average_price();
            kinds.push(Self::PositionUpdated { instrument: instrument.clone(), quantity, average_price });
            if quantity.is_zero() || is_opening {
                kinds.push(Self::PositionEvent { instrument, is_open: !quantity.is_zero() });
            }
        }
        kinds.extend(trip.map(|(_, trip)| Self::TradeLogged(Box::new(trip.clone()))));
        kinds.into_iter().map(|kind| (account.clone(), kind)).collect()
    }
}

impl Desk {
    /// Returns a channel's data of an account; `None` for a channel that is not the desk's, `events`, which the runner
    /// keeps, or an account that is not there.
    pub fn rows(&self, channel: Channel, account: &AccountId, now: Timestamp) -> Option<TopicData> {
        let account = self.state().accounts.get(account)?;
        Some(match channel {
            Channel::Dashboard => TopicData::Dashboard(self.dashboard(account, now)),
            Channel::Orders => TopicData::Orders(self.order_rows(account, now)),
            Channel::Positions => TopicData::Positions(rows_of(
                self.positions(account).iter().map(|row| (row.line.instrument.to_string(), RowText::of(row))),
            )),
            Channel::Performance => TopicData::Performance(rows_of(
                self.performance(account, now).iter().map(|row| (row.key.clone(), RowText::of(row))),
            )),
            Channel::Strategies => TopicData::Strategies(self.strategy_rows(account)),
            Channel::Trades => {
                let entries = account.fills.iter().filter_map(|(number, fill)| Some((*number, RowText::of(fill)?)));
                TopicData::Trades(DeskLog { entries: entries.collect() })
            }
            _ => return None,
        })
    }

    /// Returns an order with what is known of its place now.
    pub fn order_row(&self, order: &Order, now: Timestamp) -> OrderRow {
        let decimals = self.state().instruments.get(&order.instrument).map_or(8, |listed| listed.price_decimals() + 2);
        let queue = self.broker().queue(order.order_id);
        OrderRow {
            average_price: order.average_price(decimals),
            ahead: queue.map(|queue| (queue.conservative, queue.optimistic)),
            waiting_for: self.broker().waiting_for(order.order_id, now).map(|blocker| blocker.to_string()),
            order: order.clone(),
        }
    }

    /// Returns an account's open orders, and those that ended not long ago.
    fn order_rows(&self, account: &AccountState, now: Timestamp) -> DeskRows {
        let name = &account.account.account;
        let open = self.state().orders.values().filter(|order| order.account == *name);
        let ended = self.state().ended.iter().rev().filter(|order| order.account == *name).take(N_ENDED_SHOWN);
        rows_of(open.chain(ended).map(|order| (order.order_id.to_string(), RowText::of(&self.order_row(order, now)))))
    }

    /// Returns an account's open positions.
    pub fn positions(&self, account: &AccountState) -> Vec<PositionRow> {
        let name = &account.account.account;
        let valuation = self.view(account, Valuation::of);
        let lines = valuation.positions.into_iter().map(|line| {
            let waiting = self.state().orders.values().filter(|order| {
                order.account == *name && order.instrument == line.instrument && order.reduce_only && order.is_waiting()
            });
            let (mut stop_price, mut target_price) = (None, None);
            for order in waiting {
                use model::trading::order::OrderType as Kind;
                match order.kind {
                    Kind::TakeProfit | Kind::TakeProfitLimit => target_price = target_price.or(order.stop_price),
                    _ => stop_price = stop_price.or(order.stop_price),
                }
            }
            let realised = account.ledger.position(&line.instrument).map(|position| position.realised_pnl());
            PositionRow {
                account: name.clone(),
                realised_pnl: realised.unwrap_or_default(),
                stop_price,
                target_price,
                line,
            }
        });
        lines.collect()
    }

    fn dashboard(&self, account: &AccountState, now: Timestamp) -> DeskRows {
        rows_of([
            ("account".to_owned(), RowText::of(&self.account_row(account))),
            ("risk".to_owned(), RowText::of(&self.risk_row(account, now))),
        ])
    }

    /// Returns an account at a glance.
    pub fn account_row(&self, account: &AccountState) -> AccountRow {
        let valuation = self.view(account, Valuation::of);
        let name = &account.account.account;
        let start = self.view(account, portfolio::valuation::start_value).ok();
        let day = account.standing.day();
        let is_complete = valuation.is_complete();
        let equity = valuation.equity;
        let trips = account.ledger.round_trips();
        let is_win = |trip: &&RoundTrip| trip.net_pnl().is_some_and(|net| net > Notional::ZERO);
        AccountRow {
            account: name.clone(),
            kind: account.account.kind,
            currency: account.account.currency.clone(),
            max_leverage: account.account.max_leverage,
            equity,
            total_pnl: start.filter(|_| is_complete).and_then(|start| equity.checked_sub(start)),
            day_pnl: day.filter(|_| is_complete).and_then(|day| equity.checked_sub(day.equity)),
            day_start_ms: day.map(|day| day.day_start.as_millis()),
            realised_pnl: valuation.realised_pnl,
            unrealised_pnl: valuation.unrealised_pnl,
            fees: valuation.fees,
            gross_exposure: valuation.gross_exposure,
            net_exposure: valuation.net_exposure,
            leverage: valuation.leverage,
            margin_used: valuation.margin_used,
            margin_free: valuation.margin_free,
            n_positions: valuation.positions.len() as u64,
            n_orders: self.state().claims(name).map_or(0, |claims| claims.len() as u64),
            n_round_trips: trips.len() as u64,
            n_wins: trips.iter().filter(is_win).count() as u64,
            peak: account.standing.peak(),
            drawdown: account.standing.drawdown(equity).filter(|_| is_complete),
            cash: valuation.cash,
            unvalued: valuation.unvalued.iter().map(ToString::to_string).collect(),
            reduce_only: account.standing.reduce_only().cloned(),
            kill: self.state().kill.clone(),
            journal: self.journal(),
            is_kill_unwritten: self.is_kill_unwritten(),
            fees_by_venue: self.broker_config().fees.clone(),
            default_fees: self.broker_config().default_fees,
        }
    }

    /// Returns an account's limits and how much of each is used.
    pub fn risk_row(&self, account: &AccountState, now: Timestamp) -> RiskRow {
        let pace = self.pace(&account.account.account);
        let used = self.view(account, |view| limit_use::used(&account.limits, view, &account.standing, &pace, now));
        RiskRow { limits: account.limits.clone(), used }
    }

    /// Returns a strategy with what it shows of itself, and its levels.
    pub fn strategy_row(&self, entry: &StrategyEntry) -> (StrategyRow, Vec<LevelReport>) {
        let mut report = self.strategy_report(&entry.strategy_id).unwrap_or_default();
        let levels = std::mem::take(&mut report.levels);
        let entry = StrategyEntry { memory: BTreeMap::new(), ..entry.clone() };
        (StrategyRow { entry, total_pnl: report.total_pnl(), report }, levels)
    }

    fn strategy_rows(&self, account: &AccountState) -> DeskRows {
        let own = self.state().strategies.values().filter(|entry| entry.account == account.account.account);
        rows_of(own.flat_map(|entry| {
            let (row, levels) = self.strategy_row(entry);
            let name = entry.strategy_id.clone();
            let level = move |(idx, level): (usize, LevelReport)| (format!("{name}/{idx:03}"), RowText::of(&level));
            let levels = levels.into_iter().enumerate().map(level);
            std::iter::once((entry.strategy_id.to_string(), RowText::of(&row))).chain(levels).collect::<Vec<_>>()
        }))
    }
}

fn rows_of(rows: impl IntoIterator<Item = (String, Option<RowText>)>) -> DeskRows {
    let mut data = DeskRows::default();
    for (key, row) in rows {
        if let Some(row) = row {
            data.rows.insert(key, row);
        }
    }
    data
}

/// Ended orders in the channel `orders`, beside all open ones.
const N_ENDED_SHOWN: usize = 50;
