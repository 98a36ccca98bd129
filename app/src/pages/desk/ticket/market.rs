//! Market and account as the ticket sees them: sampled from the live model, with derived values.

use std::sync::Arc;

use desk::rows::{AccountRow, PositionRow};
use model::{
    decimal::{Notional, Price, Rate},
    instrument::{Instrument, InstrumentId},
    proof::BookState,
    time::Now,
    trading::account::{AccountKind, Currency},
};
use portfolio::conversion::Rates;
use topics::channels::Channel;

use crate::{
    format,
    live::model::LiveModel,
    pages::desk::{head::Standing, money, rows::read_row},
    settings::TimeZone,
};

/// Market data and terms that a form needs to become an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Market {
    /// The instrument with its steps.
    pub instrument: Arc<Instrument>,
    /// The best bid.
    pub bid: Option<Price>,
    /// The best ask.
    pub ask: Option<Price>,
    /// Equity of the account, in the instrument's quote currency.
    pub equity: Option<Notional>,
    /// Taker fee rate of the venue.
    pub taker: Rate,
    /// Maker fee rate of the venue.
    pub maker: Rate,
    /// The zone of typed times.
    pub zone: TimeZone,
}

/// The account, the position and the market of the shown instrument.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TicketView {
    /// Whose money it is, and what stops it.
    pub standing: Standing,
    /// The account; `None` until it is known.
    pub account: Option<AccountRow>,
    /// Position of the account in the instrument.
    pub position: Option<PositionRow>,
    /// The best bid.
    pub bid: Option<Price>,
    /// The best ask.
    pub ask: Option<Price>,
    /// State of the book.
    pub book: BookState,
}

impl TicketView {
    /// Reads the model.
    ///
    /// # Errors
    /// A row of another form.
    pub fn sample(model: &LiveModel, id: &InstrumentId, now: Now) -> Result<Self, String> {
        let quote = model.quote(id);
        Ok(Self {
            standing: Standing::of(model, now),
            account: read_row(model, Channel::Dashboard, "account")?.flatten(),
            position: read_row(model, Channel::Positions, &id.to_string())?.flatten(),
            bid: quote.and_then(|quote| quote.bid),
            ask: quote.and_then(|quote| quote.ask),
            book: model.book(id).map(|book| book.state).unwrap_or_default(),
        })
    }

    /// Returns what a form needs.
    pub fn market(&self, instrument: &Arc<Instrument>, zone: TimeZone) -> Market {
        let fees = self.account.as_ref().map(|account| account.fees_of(instrument.id.venue())).unwrap_or_default();
        Market {
            instrument: Arc::clone(instrument),
            bid: self.bid,
            ask: self.ask,
            equity: self.account.as_ref().and_then(|account| equity_in(account, &instrument.quote)),
            taker: fees.taker,
            maker: fees.maker,
            zone,
        }
    }

    /// Returns what the account can spend, in words.
    pub fn free(&self, instrument: &Instrument) -> String {
        let amount = |amount: Option<Notional>, currency: &str| match amount {
            Some(amount) => format!("{} {currency}", money::text(amount)),
            None => format!("{} {currency}", format::UNKNOWN),
        };
        match self.account.as_ref() {
            None => format::UNKNOWN.to_owned(),
            Some(account) if account.kind == AccountKind::Margin => {
                amount(account.margin_free, account.currency.as_str())
            }
            Some(account) => {
                let line = account.cash.iter().find(|line| line.currency.as_str() == instrument.quote);
                let free = line.map_or(Some(Notional::ZERO), |line| line.balance.checked_sub(line.locked?));
                amount(free, &instrument.quote)
            }
        }
    }

    /// Returns the position in words.
    pub fn position(&self, instrument: &Instrument) -> String {
        let Some(line) = self.position.as_ref().map(|row| &row.line).filter(|line| !line.quantity.is_zero()) else {
            return "none".to_owned();
        };
        let side = if line.quantity.is_negative() { "short" } else { "long" };
        let size = format::quantity(line.quantity.size(), instrument.size_decimals());
        let average =
            line.average_price.map(|price| format!(" at {}", format::mean_price(price, instrument.price_decimals())));
        format!("{side} {size}{}", average.unwrap_or_default())
    }

    /// Returns why nothing fills now, if the book says so.
    pub fn book_trouble(&self) -> Option<&'static str> {
        Some(match self.book {
            BookState::Live => return None,
            BookState::Empty | BookState::Buffering => "There is no live book yet",
            BookState::Suspect | BookState::Resyncing => "The book is resyncing",
            BookState::Unverified => "The book is not verified",
            BookState::Polled => "The book comes by REST, seconds apart",
        })
    }
}

/// Returns what an account is worth in another currency, where that is complete and needs no live rate.
fn equity_in(account: &AccountRow, currency: &str) -> Option<Notional> {
    let route = Rates::default().route(&account.currency, &Currency::new(currency))?;
    route.convert(account.equity).filter(|_| account.unvalued.is_empty())
}
