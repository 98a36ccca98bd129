//! Round trips: from flat, or a change of side, to flat or the next change of side.
//!
//! Money is in the instrument's quote currency unless it names its own. The excursions are of the open quantity's
//! unrealised profit and loss, seen at every mark and at the price of every fill of the instrument.

use std::{collections::BTreeMap, time::Duration};

use model::{
    decimal::{Notional, Price, Quantity, SignedQuantity},
    instrument::InstrumentId,
    time::Timestamp,
    trading::{account::Currency, order::Side},
};
use serde::{Deserialize, Serialize};

use crate::exact;

/// A closed round trip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoundTrip {
    /// Instrument traded.
    pub instrument: InstrumentId,
    /// Buy: it was long.
    pub side: Side,
    /// The currency of its money.
    pub currency: Currency,
    /// Base units that were opened in all, and closed again.
    pub quantity: Quantity,
    /// Σ price × quantity of what opened it.
    pub entry_value: Notional,
    /// Σ price × quantity of what closed it.
    pub exit_value: Notional,
    /// Time at which it was opened.
    pub entry_time: Timestamp,
    /// Time at which it was closed.
    pub exit_time: Timestamp,
    /// Realised profit and loss before fees.
    pub realised_pnl: Notional,
    /// Fees of its fills, by currency; of a fill that also opened the next trip, its share.
    pub fees: BTreeMap<Currency, Notional>,
    /// The same in the quote currency: a fee in the base asset counts at the price of its fill. `None` if a fee was in
    /// a third currency.
    pub fees_in_quote: Option<Notional>,
    /// Number of its fills; one that changed the side counts in both trips.
    pub n_fills: u32,
    /// Maximum adverse excursion: the lowest unrealised profit and loss while it was open, at most 0.
    pub mae: Notional,
    /// Maximum favourable excursion: the highest unrealised profit and loss while it was open, at least 0.
    pub mfe: Notional,
}

impl RoundTrip {
    /// Returns the mean price of what opened it, rounded at 12 decimals, for display.
    pub fn entry_price(&self) -> Option<Price> {
        exact::per_unit(self.entry_value, self.quantity)
    }

    /// Returns the mean price of what closed it, rounded at 12 decimals, for display.
    pub fn exit_price(&self) -> Option<Price> {
        exact::per_unit(self.exit_value, self.quantity)
    }

    /// Returns realised profit and loss less fees; `None` if a fee was in a third currency.
    pub fn net_pnl(&self) -> Option<Notional> {
        exact::difference(self.realised_pnl, self.fees_in_quote?)
    }

    /// Returns how long it was open.
    pub fn duration(&self) -> Duration {
        self.exit_time.saturating_since(self.entry_time)
    }
}

/// A fee, in its own currency and in the quote currency where that is known.
#[derive(Clone, Debug)]
pub(crate) struct Fee {
    pub(crate) currency: Currency,
    pub(crate) amount: Notional,
    pub(crate) in_quote: Option<Notional>,
}

impl Fee {
    /// Splits the fee into what belongs to `part` of `whole`, and the rest.
    pub(crate) fn split(&self, part: Quantity, whole: Quantity) -> Option<(Self, Self)> {
        let amount = exact::part(self.amount, part, whole)?;
        let in_quote = match self.in_quote {
            Some(fee) => Some(exact::part(fee, part, whole)?),
            None => None,
        };
        let rest_in_quote = match (self.in_quote, in_quote) {
            (Some(fee), Some(part)) => Some(exact::difference(fee, part)?),
            _ => None,
        };
        let rest = exact::difference(self.amount, amount)?;
        let currency = || self.currency.clone();
        Some((
            Self { currency: currency(), amount, in_quote },
            Self { currency: currency(), amount: rest, in_quote: rest_in_quote },
        ))
    }
}

/// A round trip that is still open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenTrip {
    side: Side,
    entry_quantity: Quantity,
    entry_value: Notional,
    exit_value: Notional,
    entry_time: Timestamp,
    realised_pnl: Notional,
    fees: BTreeMap<Currency, Notional>,
    fees_in_quote: Option<Notional>,
    n_fills: u32,
    mae: Notional,
    mfe: Notional,
}

impl OpenTrip {
    pub(crate) fn begin(side: Side, time: Timestamp) -> Self {
        Self {
            side,
            entry_quantity: Quantity::ZERO,
            entry_value: Notional::ZERO,
            exit_value: Notional::ZERO,
            entry_time: time,
            realised_pnl: Notional::ZERO,
            fees: BTreeMap::new(),
            fees_in_quote: Some(Notional::ZERO),
            n_fills: 0,
            mae: Notional::ZERO,
            mfe: Notional::ZERO,
        }
    }

    /// Returns the side: buy is long.
    pub fn side(&self) -> Side {
        self.side
    }

    /// Returns when it was opened.
    pub fn entry_time(&self) -> Timestamp {
        self.entry_time
    }

    /// Returns the profit and loss that partial closes have realised so far.
    pub fn realised_pnl(&self) -> Notional {
        self.realised_pnl
    }

    /// Returns the maximum adverse excursion so far, at most 0.
    pub fn mae(&self) -> Notional {
        self.mae
    }

    /// Returns the maximum favourable excursion so far, at least 0.
    pub fn mfe(&self) -> Notional {
        self.mfe
    }

    pub(crate) fn see(&mut self, unrealised: Notional) {
        self.mae = self.mae.min(unrealised);
        self.mfe = self.mfe.max(unrealised);
    }

    pub(crate) fn enter(&mut self, quantity: Quantity, value: Notional, fee: &Fee) -> Option<()> {
        self.entry_quantity = exact::sum_quantity(self.entry_quantity, quantity)?;
        self.entry_value = exact::sum(self.entry_value, value)?;
        self.pay(fee)
    }

    pub(crate) fn leave(&mut self, value: Notional, realised: Notional, fee: &Fee) -> Option<()> {
        self.exit_value = exact::sum(self.exit_value, value)?;
        self.realised_pnl = exact::sum(self.realised_pnl, realised)?;
        self.pay(fee)
    }

    fn pay(&mut self, fee: &Fee) -> Option<()> {
        self.n_fills = self.n_fills.checked_add(1)?;
        add(&mut self.fees, &fee.currency, fee.amount)?;
        self.fees_in_quote = match (self.fees_in_quote, fee.in_quote) {
            (Some(sum), Some(fee)) => Some(exact::sum(sum, fee)?),
            _ => None,
        };
        Some(())
    }

    pub(crate) fn close(self, instrument: InstrumentId, currency: Currency, time: Timestamp) -> RoundTrip {
        RoundTrip {
            instrument,
            side: self.side,
            currency,
            quantity: self.entry_quantity,
            entry_value: self.entry_value,
            exit_value: self.exit_value,
            entry_time: self.entry_time,
            exit_time: time,
            realised_pnl: self.realised_pnl,
            fees: self.fees,
            fees_in_quote: self.fees_in_quote,
            n_fills: self.n_fills,
            mae: self.mae,
            mfe: self.mfe,
        }
    }
}

/// Adds to an amount by currency; an amount of zero leaves no entry behind.
pub(crate) fn add(amounts: &mut BTreeMap<Currency, Notional>, currency: &Currency, amount: Notional) -> Option<()> {
    let sum = exact::sum(amounts.get(currency).copied().unwrap_or_default(), amount)?;
    if !sum.is_zero() || amounts.contains_key(currency) {
        amounts.insert(currency.clone(), sum);
    }
    Some(())
}

/// Returns the side that a holding is on; `None` if it is zero.
pub(crate) fn side_of(quantity: SignedQuantity) -> Option<Side> {
    match (quantity.is_zero(), quantity.is_negative()) {
        (true, _) => None,
        (false, true) => Some(Side::Sell),
        (false, false) => Some(Side::Buy),
    }
}
