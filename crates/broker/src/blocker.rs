//! Why an open order cannot fill now, for the ticket and for refusals.

use std::{fmt, time::Duration};

use model::{
    decimal::Price,
    desk_feed::{DeskBook, DeskLevels},
    instrument::{Instrument, InstrumentStatus},
    proof::BookState,
    time::Timestamp,
    trading::{
        order::OrderId,
        refusal::{DenyCode, Refusal},
    },
};

use crate::{config::BrokerConfig, rows::is_crossed};

/// The reason why an order cannot fill now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocker {
    /// The order is on its way to the market.
    OnItsWay,
    /// The entry of its bracket has not filled.
    Entry(OrderId),
    /// Its stop price has not been reached; `None`: a trailing stop that has not seen a price.
    StopPrice(Option<Price>),
    /// The venue does not trade the instrument now.
    Halted,
    /// Updates were lost, and the book has not come again.
    Gap {
        /// Trades that will not come.
        n_trades: u64,
    },
    /// The book is not live.
    BookState(BookState),
    /// The book is live, and its levels have not come.
    NoLevels,
    /// The best bid is at or above the best ask.
    Crossed,
    /// A stop or target took what was within the price protection; the rest is tried again at each change of the book.
    NothingInReach,
    /// The levels are too old; `None`: of an unknown age.
    Age(Option<Duration>),
}

impl Blocker {
    /// Returns the refusal of an order that cannot wait.
    pub fn refusal(self) -> Refusal {
        Refusal::new(DenyCode::BookNotTradable, format!("The order cannot fill now: {self}"))
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnItsWay => f.write_str("it is on its way to the market"),
            Self::Entry(entry) => write!(f, "its entry, order {entry}, has not filled"),
            Self::StopPrice(Some(price)) => write!(f, "its stop price {price} has not been reached"),
            Self::StopPrice(None) => f.write_str("its stop has not seen a price yet"),
            Self::Halted => f.write_str("the venue does not trade the instrument now"),
            Self::Gap { n_trades } => write!(f, "updates were lost ({n_trades} trades); the book is coming again"),
            Self::BookState(state) => write!(f, "the book is {}", state.as_str()),
            Self::NoLevels => f.write_str("the levels of the book have not come yet"),
            Self::Crossed => f.write_str("the book is crossed"),
            Self::NothingInReach => {
                f.write_str("the book has nothing more within the price protection; it is tried at each change")
            }
            Self::Age(Some(age)) => write!(f, "the book is {} s old", age.as_secs()),
            Self::Age(None) => f.write_str("the age of the book is not known"),
        }
    }
}

/// Checks that the instrument trades on a live book that does not contradict itself, whatever its age.
pub(crate) fn check_live<'a>(instrument: &Instrument, book: &'a DeskBook) -> Result<&'a DeskLevels, Blocker> {
    if instrument.status == InstrumentStatus::Halted {
        return Err(Blocker::Halted);
    }
    let Some(levels) = book.tradable() else {
        return Err(match (book.loss(), book.state()) {
            (Some(loss), _) => Blocker::Gap { n_trades: loss.n_trades },
            (None, BookState::Live) => Blocker::NoLevels,
            (None, state) => Blocker::BookState(state),
        });
    };
    if is_crossed(levels) { Err(Blocker::Crossed) } else { Ok(levels) }
}

/// Checks in addition that the levels are young enough to be taken.
pub(crate) fn check_tradable<'a>(
    instrument: &Instrument,
    book: &'a DeskBook,
    config: &BrokerConfig,
    now: Timestamp,
) -> Result<&'a DeskLevels, Blocker> {
    let levels = check_live(instrument, book)?;
    let age = levels.receive_time.map(|time| now.saturating_since(time));
    if age.is_some_and(|age| age <= config.max_book_age) { Ok(levels) } else { Err(Blocker::Age(age)) }
}
