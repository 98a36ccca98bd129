//! Short constructors for the tests of this crate. Compiled for tests only.

use std::collections::BTreeMap;

use model::{
    decimal::{Notional, Price, Quantity, Rate},
    instrument::InstrumentId,
    time::Timestamp,
    trading::{
        account::{Account, AccountId, AccountKind, Currency, FeeRates},
        fill::{Evidence, Fill, FillCause, FillId, Liquidity},
        order::{OrderId, Side},
    },
};

use crate::{
    claim::Claim,
    claims::Claims,
    ledger::Ledger,
    market::{Mark, Market},
    pair::{Pair, Terms},
};

pub(crate) fn notional(text: &str) -> Notional {
    Notional::parse(text).unwrap()
}

pub(crate) fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

pub(crate) fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).unwrap()
}

pub(crate) fn rate(text: &str) -> Rate {
    Rate::parse(text).unwrap()
}

pub(crate) fn currency(code: &str) -> Currency {
    Currency::new(code)
}

pub(crate) fn instrument(symbol: &str) -> InstrumentId {
    InstrumentId::parse(&format!("demo:{symbol}")).unwrap()
}

pub(crate) fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

/// A fill of `demo:BQ` without a fee; its time is the order's number in seconds.
pub(crate) fn fill(order_id: u64, number: u32, side: Side, size: &str, at: &str) -> Fill {
    let order_id = OrderId(order_id);
    Fill {
        fill_id: FillId { order_id, number },
        order_id,
        account: AccountId::parse("main").unwrap(),
        instrument: instrument("BQ"),
        side,
        price: price(at),
        quantity: quantity(size),
        fee: Notional::ZERO,
        fee_currency: currency("Q"),
        liquidity: Liquidity::Taker,
        time: seconds(i64::try_from(order_id.0).unwrap()),
        evidence: Evidence {
            offset: order_id.0,
            event_time: None,
            receive_time: None,
            cause: FillCause::Liquidation { price: price(at) },
        },
    }
}

/// The account `main` in `Q`, opened with these amounts.
pub(crate) fn account(kind: AccountKind, max_leverage: u32, start: &[(&str, &str)]) -> Account {
    Account {
        account: AccountId::parse("main").unwrap(),
        kind,
        currency: currency("Q"),
        start: start.iter().map(|(code, amount)| (currency(code), notional(amount))).collect::<BTreeMap<_, _>>(),
        max_leverage,
        time_zone: "UTC".into(),
        opened_time: Timestamp::EPOCH,
    }
}

/// An open limit order of `demo:BQ` with that id.
pub(crate) fn claim(order_id: u64, side: Side, size: &str, at: &str) -> Claim {
    Claim {
        order_id: Some(OrderId(order_id)),
        instrument: instrument("BQ"),
        side,
        quantity: quantity(size),
        limit_price: Some(price(at)),
        stop_price: None,
        reduce_only: false,
        bracket: None,
        is_held: false,
    }
}

/// The same as a market order.
pub(crate) fn market_claim(order_id: u64, side: Side, size: &str) -> Claim {
    Claim { limit_price: None, ..claim(order_id, side, size, "1") }
}

/// The open orders with these claims; each has its own id.
pub(crate) fn claims_of(list: &[Claim]) -> Claims {
    let mut claims = Claims::default();
    list.iter().for_each(|claim| claims.replace(claim.order_id.unwrap(), Some(claim.clone())));
    claims
}

/// A market of `demo:BQ` with these best prices, and a fee of a tenth of a per cent.
pub(crate) fn market(bid: &str, ask: &str) -> Market {
    let mut market = Market::default();
    add_instrument(&mut market, "BQ", ("B", "Q"), Some((bid, ask)));
    market
}

/// Adds an instrument; without prices, they are not known.
pub(crate) fn add_instrument(market: &mut Market, symbol: &str, pair: (&str, &str), prices: Option<(&str, &str)>) {
    let fees = FeeRates { maker: Rate::ZERO, taker: rate("0.001") };
    market.terms.insert(instrument(symbol), Terms { pair: Pair::new(pair.0, pair.1), fees });
    if let Some((bid, ask)) = prices {
        let mark = Mark { bid: Some(price(bid)), ask: Some(price(ask)), last: None };
        market.marks.insert(instrument(symbol), mark);
    }
}

/// The ledger of an account after fills of `demo:BQ` (side, quantity, price), without fees.
pub(crate) fn booked(account: &Account, fills: &[(Side, &str, &str)]) -> Ledger {
    let mut ledger = Ledger::open(account);
    for (idx, (side, size, at)) in fills.iter().enumerate() {
        ledger.apply(&fill(idx as u64 + 1, 1, *side, size, at), &Pair::new("B", "Q")).unwrap();
    }
    ledger
}
