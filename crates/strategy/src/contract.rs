//! The contract between a strategy and whoever runs it.
//!
//! Events come in the order in which they happened; the market's before the orders' of the same moment. The same events
//! give the same intents.

use std::{collections::BTreeMap, sync::Arc};

use model::{
    decimal::{Notional, Price, Quantity},
    instrument::Instrument,
    time::Timestamp,
    trading::{
        account::FeeRates,
        order::{OrderType, Side},
        refusal::Refusal,
        strategy::{StopChoice, StrategyReport},
    },
};

/// Context of a strategy at an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Instrument that it trades.
    pub instrument: Arc<Instrument>,
    /// Fee rates of the venue.
    pub fees: FeeRates,
    /// The moment.
    pub now: Timestamp,
    /// Best bid of a book that may be traded on.
    pub best_bid: Option<Price>,
    /// Best ask of it.
    pub best_ask: Option<Price>,
    /// Price of the last trade.
    pub last_price: Option<Price>,
}

/// Event that a strategy receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was started.
    Started,
    /// It goes on after a pause.
    Resumed,
    /// The market moved; the context has the prices.
    Market,
    /// A public trade.
    Trade {
        /// Its price.
        price: Price,
        /// Its size.
        size: Quantity,
        /// The venue's clock, or ours.
        time: Timestamp,
    },
    /// An order of its own filled.
    Filled {
        /// Its name for the order.
        tag: String,
        /// The fill's price.
        price: Price,
        /// The fill's quantity.
        quantity: Quantity,
        /// The fee, in quote currency.
        fee: Notional,
        /// True where the order has filled entirely.
        is_done: bool,
    },
    /// An order of its own was refused, or ended before it had filled entirely.
    Ended {
        /// Its name for the order.
        tag: String,
        /// Why.
        reason: Refusal,
    },
    /// The moment that it asked for has come.
    Timer,
}

/// Action that a strategy asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intent {
    /// An order.
    Place {
        /// Its name for the order; never used twice.
        tag: String,
        /// Buy or sell.
        side: Side,
        /// Market or limit.
        kind: OrderType,
        /// Base units, on the lot grid.
        quantity: Quantity,
        /// Of a limit, on the tick grid.
        price: Option<Price>,
        /// True to be refused rather than take liquidity.
        is_post_only: bool,
    },
    /// No more of this order.
    Cancel {
        /// Its name for the order.
        tag: String,
    },
    /// A [`Event::Timer`] at this moment; replaces an earlier one.
    WakeAt(Timestamp),
    /// It has begun to trade: its trigger price was reached.
    Begin,
    /// Its memory changed by a market event alone. With any other event or intent it is looked at anyway.
    Remember,
    /// It is over.
    End {
        /// Why.
        reason: Refusal,
        /// Handling of orders and position.
        choice: StopChoice,
    },
}

/// A strategy.
pub trait Strategy {
    /// Takes an event in and returns what is wanted now, in order.
    fn on_event(&mut self, event: &Event, context: &Context) -> Vec<Intent>;

    /// Returns what may have changed of its memory since the last call, all of it at first: JSON by the name of the part. The
    /// newest parts of all names are what it remembers.
    fn changed_memory(&mut self) -> BTreeMap<String, String>;

    /// Returns what it shows of itself.
    fn report(&self, last_price: Option<Price>) -> StrategyReport;

    /// True while it waits for its trigger price.
    fn is_waiting(&self) -> bool;
}
