//! The ledger against a second bookkeeping that shares nothing with it: whole numbers of a fixed unit, written as plain
//! sums over the list of fills, with no positions, no costs and no decimals.
//!
//! Money is in units of 10⁻¹², quantities of 10⁻⁴, prices of 10⁻². Not here: what a single fill does (unit tests).

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use std::collections::BTreeMap;

use model::{
    decimal::{Notional, Price, Quantity, Rate, SignedQuantity},
    instrument::InstrumentId,
    time::Timestamp,
    trading::{
        account::{Account, AccountId, AccountKind, Currency, FeeRates},
        fill::{Evidence, Fill, FillCause, FillId, Liquidity},
        order::{OrderId, Side},
    },
};
use portfolio::{
    claim::Claim,
    claims::Claims,
    conversion::{LiveRate, Rates},
    exposure::AccountView,
    ledger::{Applied, Ledger},
    market::{Mark, Market},
    pair::{Pair, Terms},
    valuation::{Valuation, start_value},
};
use proptest::prelude::*;

/// Two instruments, each in a currency of its own; the second one's fees may come in its base asset.
const PAIRS: [(&str, &str, &str); 2] = [("a:BTCUSDT", "BTC", "USDT"), ("b:ETHEUR", "ETH", "EUR")];
const START: i128 = 1_000_000 * UNIT;
/// Of money, 10⁻¹² each.
const UNIT: i128 = 1_000_000_000_000;
/// Units of money in a quantity's unit times a price's.
const VALUE_UNIT: i128 = 1_000_000;

/// A fill in whole numbers.
#[derive(Clone, Debug)]
struct Row {
    pair_idx: usize,
    is_buy: bool,
    quantity: i128,
    price: i128,
    fee: i128,
}

impl Row {
    fn signed(&self) -> i128 {
        if self.is_buy { self.quantity } else { -self.quantity }
    }
}

fn row() -> impl Strategy<Value = Row> {
    let fields = (0..2_usize, any::<bool>(), 1..50_000_i128, 1..10_000_000_i128, -1_000..100_000_i128);
    fields.prop_map(|(pair_idx, is_buy, quantity, price, fee)| Row {
        pair_idx,
        is_buy,
        quantity,
        price,
        fee: fee * 1_000,
    })
}

fn instrument(pair_idx: usize) -> InstrumentId {
    InstrumentId::parse(PAIRS[pair_idx].0).unwrap()
}

fn pair(pair_idx: usize) -> Pair {
    Pair::new(PAIRS[pair_idx].1, PAIRS[pair_idx].2)
}

fn account(kind: AccountKind) -> Account {
    let start = ["USDT", "EUR", "BTC"].map(|code| (Currency::new(code), Notional::from_mantissa(START, 12).unwrap()));
    Account {
        account: AccountId::parse("main").unwrap(),
        kind,
        currency: Currency::new("USDT"),
        start: start.into_iter().collect(),
        max_leverage: 5,
        time_zone: "UTC".into(),
        opened_time: Timestamp::EPOCH,
    }
}

fn fill(idx: usize, row: &Row) -> Fill {
    let order_id = OrderId(idx as u64 / 2 + 1);
    let price = Price::from_mantissa(row.price, 2).unwrap();
    Fill {
        fill_id: FillId { order_id, number: idx as u32 % 2 + 1 },
        order_id,
        account: AccountId::parse("main").unwrap(),
        instrument: instrument(row.pair_idx),
        side: if row.is_buy { Side::Buy } else { Side::Sell },
        price,
        quantity: Quantity::from_mantissa(row.quantity, 4).unwrap(),
        fee: Notional::from_mantissa(row.fee, 12).unwrap(),
        fee_currency: pair(row.pair_idx).quote,
        liquidity: Liquidity::Maker,
        time: Timestamp::from_millis(idx as i64),
        evidence: Evidence { offset: 1, event_time: None, receive_time: None, cause: FillCause::Liquidation { price } },
    }
}

fn ledger(kind: AccountKind, rows: &[Row]) -> Ledger {
    let mut ledger = Ledger::open(&account(kind));
    for (idx, row) in rows.iter().enumerate() {
        let applied = ledger.apply(&fill(idx, row), &pair(row.pair_idx)).unwrap();
        assert!(matches!(applied, Applied::Booked(_)));
    }
    ledger
}

fn market(marks: [i128; 2]) -> Market {
    let mut market = Market {
        rates: Rates {
            live: vec![
                LiveRate {
                    base: Currency::new("EUR"),
                    quote: Currency::new("USDT"),
                    price: Price::from_mantissa(125, 2).unwrap(),
                    source: "c:EURUSDT".into(),
                },
                LiveRate {
                    base: Currency::new("BTC"),
                    quote: Currency::new("USDT"),
                    price: Price::from_mantissa(marks[0], 2).unwrap(),
                    source: "a:BTCUSDT".into(),
                },
            ],
            parity: Vec::new(),
        },
        ..Market::default()
    };
    for (pair_idx, mark) in marks.into_iter().enumerate() {
        let price = Price::from_mantissa(mark, 2);
        market.marks.insert(instrument(pair_idx), Mark { bid: price, ask: price, last: None });
        let fees = FeeRates { maker: Rate::ZERO, taker: Rate::from_mantissa(1, 3).unwrap() };
        market.terms.insert(instrument(pair_idx), Terms { pair: pair(pair_idx), fees });
    }
    market
}

/// Units of money.
fn units(amount: Notional) -> i128 {
    assert!(amount.scale() <= 12, "{amount} has more than 12 decimals");
    amount.mantissa() * 10_i128.pow(12 - amount.scale())
}

fn quantity_units(held: SignedQuantity) -> i128 {
    assert!(held.scale() <= 4);
    held.mantissa() * 10_i128.pow(4 - held.scale())
}

/// The sums over one instrument's rows.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    held: i128,
    flow: i128,
    fees: i128,
}

fn sums(rows: &[Row], pair_idx: usize) -> Sums {
    rows.iter().filter(|row| row.pair_idx == pair_idx).fold(Sums::default(), |sums, row| Sums {
        held: sums.held + row.signed(),
        flow: sums.flow - row.signed() * row.price * VALUE_UNIT,
        fees: sums.fees + row.fee,
    })
}

/// Average cost in fractions of 10⁻¹⁸, rounded down: only near the exact figure, but by another way.
fn realised_nearly(rows: &[Row], pair_idx: usize) -> i128 {
    const FINE: i128 = 1_000_000;
    let (mut held, mut cost, mut realised) = (0_i128, 0_i128, 0_i128);
    for row in rows.iter().filter(|row| row.pair_idx == pair_idx) {
        let mut left = row.signed();
        if held != 0 && held.signum() != left.signum() {
            let closed = left.abs().min(held.abs()) * held.signum();
            let part = cost / held * closed + cost % held * closed / held;
            realised += closed * row.price * VALUE_UNIT * FINE - part;
            (held, cost, left) = (held - closed, cost - part, left + closed);
        }
        held += left;
        cost += left * row.price * VALUE_UNIT * FINE;
    }
    realised / FINE
}

fn kinds() -> impl Strategy<Value = AccountKind> {
    prop_oneof![Just(AccountKind::Cash), Just(AccountKind::Margin)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn positions_and_cash_are_sums_over_the_fills(rows in prop::collection::vec(row(), 0..60)) {
        let (cash, margin) = (ledger(AccountKind::Cash, &rows), ledger(AccountKind::Margin, &rows));
        for (pair_idx, (_, base, quote)) in PAIRS.into_iter().enumerate() {
            let expected = sums(&rows, pair_idx);
            for ledger in [&cash, &margin] {
                let held = ledger.position(&instrument(pair_idx)).map(|position| position.quantity()).unwrap_or_default();
                prop_assert_eq!(quantity_units(held), expected.held);
                let fees = ledger.fees().get(&Currency::new(quote)).copied().unwrap_or_default();
                prop_assert_eq!(units(fees), expected.fees);
            }
            prop_assert_eq!(units(cash.balance(&Currency::new(quote))), START + expected.flow - expected.fees);
            let start = if base == "BTC" { START } else { 0 };
            prop_assert_eq!(units(cash.balance(&Currency::new(base))), start + expected.held * (UNIT / 10_000));
        }
    }

    #[test]
    fn realised_and_unrealised_less_fees_are_the_gain_to_the_last_digit(
        rows in prop::collection::vec(row(), 0..60), marks in [1..10_000_000_i128, 1..10_000_000_i128], kind in kinds(),
    ) {
        let ledger = ledger(kind, &rows);
        for (pair_idx, (_, _, quote)) in PAIRS.into_iter().enumerate() {
            let expected = sums(&rows, pair_idx);
            // The equity in this currency by cash flow: what came in and went out, and what is held at the mark.
            let gain = expected.flow - expected.fees + expected.held * marks[pair_idx] * VALUE_UNIT;
            let (mut realised, mut unrealised) = (0, 0);
            if let Some(position) = ledger.position(&instrument(pair_idx)) {
                realised = units(position.realised_pnl());
                unrealised = units(position.unrealised_pnl(Price::from_mantissa(marks[pair_idx], 2).unwrap()).unwrap());
            }
            prop_assert_eq!(realised + unrealised - expected.fees, gain);
            if kind == AccountKind::Margin {
                prop_assert_eq!(units(ledger.balance(&Currency::new(quote))) + unrealised, START + gain);
            }
            prop_assert!((realised - realised_nearly(&rows, pair_idx)).abs() <= rows.len() as i128);
        }
    }

    #[test]
    fn the_equity_is_cash_and_holdings_at_their_marks(
        rows in prop::collection::vec(row(), 0..40), marks in [1..10_000_000_i128, 1..10_000_000_i128], kind in kinds(),
    ) {
        let (account, ledger, market) = (account(kind), ledger(kind, &rows), market(marks));
        let none = Claims::default();
        let view = AccountView { account: &account, ledger: &ledger, claims: none.view(), market: &market };
        let valuation = Valuation::of(&view);
        let gains = [0, 1].map(|pair_idx| {
            let expected = sums(&rows, pair_idx);
            expected.flow - expected.fees + expected.held * marks[pair_idx] * VALUE_UNIT
        });
        // One euro is 1.25 USDT: a quarter more, which 10⁻¹² holds. A margin account's rounded costs take it further.
        let start = START + START * 5 / 4 + START / 100 * marks[0];
        let expected = start + gains[0] + gains[1] * 5 / 4;
        let tolerance = if kind == AccountKind::Cash { 0 } else { 2 };
        prop_assert!(valuation.is_complete());
        prop_assert!((units(valuation.equity) - expected).abs() <= tolerance, "{} {}", valuation.equity, expected);
        prop_assert_eq!(units(start_value(&view).unwrap()), start);
        // The totals tell the same story as the lines.
        let parts = units(valuation.realised_pnl) + units(valuation.unrealised_pnl) - units(valuation.fees);
        prop_assert!((units(valuation.equity) - start - parts).abs() <= 6);
    }

    #[test]
    fn locked_funds_are_a_function_of_the_open_orders(rows in prop::collection::vec(row(), 0..30)) {
        let (account, ledger, market) = (account(AccountKind::Cash), ledger(AccountKind::Cash, &[]), market([1, 1]));
        let mut claims = Claims::default();
        rows.iter().zip(1..).for_each(|(row, id)| claims.replace(OrderId(id), Some(Claim {
            order_id: Some(OrderId(id)),
            instrument: instrument(row.pair_idx),
            side: if row.is_buy { Side::Buy } else { Side::Sell },
            quantity: Quantity::from_mantissa(row.quantity, 4).unwrap(),
            limit_price: Price::from_mantissa(row.price, 2),
            stop_price: None,
            reduce_only: false,
            bracket: None,
            is_held: false,
        })));
        let mut expected: BTreeMap<&str, i128> = BTreeMap::new();
        for row in &rows {
            let (_, base, quote) = PAIRS[row.pair_idx];
            let value = row.quantity * row.price * VALUE_UNIT;
            let (code, amount) = if row.is_buy { (quote, value + value / 1_000) } else { (base, row.quantity * (UNIT / 10_000)) };
            *expected.entry(code).or_default() += amount;
        }
        let view = AccountView { account: &account, ledger: &ledger, claims: claims.view(), market: &market };
        let locked = view.locked().unwrap();
        let found: BTreeMap<&str, i128> = locked.iter().map(|(code, amount)| (code.as_str(), units(*amount))).collect();
        prop_assert_eq!(found, expected);
        for (currency, balance) in ledger.balances() {
            let free = units(view.free(&currency).unwrap());
            prop_assert_eq!(free + units(locked.get(&currency).copied().unwrap_or_default()), units(balance));
        }
    }

    /// Twice the same, and in pieces the same as at once: what a restart from a snapshot relies on.
    #[test]
    fn a_ledger_from_a_snapshot_is_the_same(rows in prop::collection::vec(row(), 0..40), cut in 0..40_usize, kind in kinds()) {
        let whole = ledger(kind, &rows);
        let mut resumed = ledger(kind, &rows[..cut.min(rows.len())]);
        let json = serde_json::to_string(&resumed).unwrap();
        let trips = resumed.round_trips().to_vec();
        resumed = serde_json::from_str(&json).unwrap();
        prop_assert!(resumed.restore_round_trips(trips));
        // The journal after a snapshot may begin before it.
        for (idx, row) in rows.iter().enumerate() {
            let is_new = idx >= cut;
            let applied = resumed.apply(&fill(idx, row), &pair(row.pair_idx)).unwrap();
            prop_assert_eq!(matches!(applied, Applied::Booked(_)), is_new);
        }
        prop_assert_eq!(resumed, whole);
    }

    /// A closed trip's realised profit is its proceeds less its cost, however often it was rounded in between.
    #[test]
    fn round_trips_add_up(rows in prop::collection::vec(row(), 0..60)) {
        let ledger = ledger(AccountKind::Margin, &rows);
        let mut realised = BTreeMap::new();
        for trip in ledger.round_trips() {
            let (entry, exit) = (units(trip.entry_value), units(trip.exit_value));
            let gain = if trip.side == Side::Buy { exit - entry } else { entry - exit };
            prop_assert_eq!(units(trip.realised_pnl), gain);
            prop_assert_eq!(units(trip.net_pnl().unwrap()), gain - units(trip.fees_in_quote.unwrap()));
            prop_assert!(trip.mae <= Notional::ZERO && trip.mfe >= Notional::ZERO && trip.n_fills >= 2);
            *realised.entry(trip.currency.clone()).or_insert(0) += gain;
        }
        for position in ledger.positions().values() {
            let open = position.trip().map(|trip| units(trip.realised_pnl())).unwrap_or_default();
            let closed = realised.get(&position.pair().quote).copied().unwrap_or_default();
            prop_assert_eq!(closed + open, units(position.realised_pnl()));
        }
    }
}
