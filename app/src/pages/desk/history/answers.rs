//! The rows of the lists, as REST answers them: times in milliseconds.

use model::{
    decimal::{Notional, Price, Quantity},
    instrument::InstrumentId,
    time::Timestamp,
    trading::{
        account::{AccountId, Currency},
        fill::{Evidence, Fill, FillCause, FillId, Liquidity},
        order::{OrderId, Side},
    },
};
use serde::Deserialize;

/// A closed round trip.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct TripRow {
    /// The instrument.
    pub instrument: InstrumentId,
    /// Buy: it was long.
    pub side: Side,
    /// The currency of its money.
    pub currency: Currency,
    /// Base units opened and closed.
    pub quantity: Quantity,
    /// Mean price of what opened it.
    pub entry_price: Option<Price>,
    /// Mean price of what closed it.
    pub exit_price: Option<Price>,
    /// Time at which it was opened.
    pub entry_time_ms: i64,
    /// Time at which it was closed.
    pub exit_time_ms: i64,
    /// Holding period, in milliseconds.
    pub duration_ms: i64,
    /// Its fees in the quote currency.
    pub fees_in_quote: Option<Notional>,
    /// Profit and loss after fees.
    pub net_pnl: Option<Notional>,
    /// Lowest unrealised profit while it was open.
    pub mae: Notional,
    /// Highest.
    pub mfe: Notional,
    /// Number of its fills.
    pub n_fills: u32,
}

/// A fill.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct FillRow {
    /// Its identity.
    pub fill_id: FillId,
    /// The order.
    pub order_id: OrderId,
    /// The account.
    pub account: AccountId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// Bought or sold.
    pub side: Side,
    /// Quote per base.
    pub price: Price,
    /// Base units.
    pub quantity: Quantity,
    /// The fee.
    pub fee: Notional,
    /// Its currency.
    pub fee_currency: Currency,
    /// Maker or taker.
    pub liquidity: Liquidity,
    /// Time of the event.
    pub time_ms: i64,
}

/// A fill with its evidence.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ProvenFill {
    #[serde(flatten)]
    row: FillRow,
    evidence: ShownEvidence,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct ShownEvidence {
    offset: u64,
    event_time_ms: Option<i64>,
    receive_time_ms: Option<i64>,
    cause: FillCause,
}

impl From<ProvenFill> for Fill {
    fn from(ProvenFill { row, evidence }: ProvenFill) -> Self {
        Self {
            fill_id: row.fill_id,
            order_id: row.order_id,
            account: row.account,
            instrument: row.instrument,
            side: row.side,
            price: row.price,
            quantity: row.quantity,
            fee: row.fee,
            fee_currency: row.fee_currency,
            liquidity: row.liquidity,
            time: Timestamp::from_millis(row.time_ms),
            evidence: Evidence {
                offset: evidence.offset,
                event_time: evidence.event_time_ms.map(Timestamp::from_millis),
                receive_time: evidence.receive_time_ms.map(Timestamp::from_millis),
                cause: evidence.cause,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{format, pages::desk::order_words::why};

    #[test]
    fn a_fill_tells_why() {
        let text = r#"{"fill_id":"17-1","order_id":"17","account":"paper","instrument":"demo:A","side":"buy","price":"100.5",
            "quantity":"2","fee":"0.2","fee_currency":"USD","liquidity":"maker","time_ms":1000,
            "evidence":{"offset":9,"event_time_ms":null,"receive_time_ms":61000,
            "cause":{"trade":{"trade_id":"t5","size":"3","aggressor_side":"sell","queue_before":"1","queue_after":"0"}}}}"#;
        let fill = Fill::from(serde_json::from_str::<ProvenFill>(text).unwrap());
        assert_eq!(
            why(&fill).replace(format::GROUP, " "),
            "It rested at 100.5. A public trade of 3 at this price (sold by its aggressor, id t5) went past the 1 ahead of \
             it; 0 were ahead of it afterwards. Fee as maker: 0.2 USD. Market event 9, received 00:01:01 UTC."
        );
    }
}
