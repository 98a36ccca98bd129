//! Figures at the edge of what a decimal holds are refused or left out, never a panic, and never half booked.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use model::{
    decimal::{Notional, Price, Quantity, Rate},
    instrument::InstrumentId,
    time::Timestamp,
    trading::{
        account::{Account, AccountId, AccountKind, Currency, FeeRates, RiskLimits},
        fill::{Evidence, Fill, FillCause, FillId, Liquidity},
        order::{OrderId, Side},
        record::Record,
    },
};
use portfolio::{
    claim::Claim,
    claims::Claims,
    conversion::{LiveRate, Rates},
    exposure::AccountView,
    ledger::Ledger,
    limit_use::used,
    liquidation::liquidation,
    market::{Mark, Market},
    pair::{Pair, Terms},
    risk::{Pace, check},
    sizing::fixed_risk_quantity,
    standing::Standing,
    statistics::{History, Statistics, curve::EquityPoint},
    valuation::Valuation,
};
use proptest::prelude::*;

const MAX_MANTISSA: i128 = 79_228_162_514_264_337_593_543_950_335;

/// Any decimal, the largest ones and those with the most digits often.
fn decimal() -> impl Strategy<Value = (i128, u32)> {
    let mantissa =
        prop_oneof![-1_000_000..1_000_000_i128, -MAX_MANTISSA..MAX_MANTISSA, Just(MAX_MANTISSA), Just(1), Just(0)];
    (mantissa, prop_oneof![Just(0), Just(28), 0..=28_u32])
}

fn price((mantissa, scale): (i128, u32)) -> Price {
    Price::from_mantissa(mantissa, scale).unwrap()
}

fn quantity((mantissa, scale): (i128, u32)) -> Quantity {
    Quantity::from_mantissa(mantissa.abs(), scale).unwrap()
}

fn notional((mantissa, scale): (i128, u32)) -> Notional {
    Notional::from_mantissa(mantissa, scale).unwrap()
}

fn rate((mantissa, scale): (i128, u32)) -> Rate {
    Rate::from_mantissa(mantissa, scale).unwrap()
}

fn id() -> AccountId {
    AccountId::parse("main").unwrap()
}

fn instrument() -> InstrumentId {
    InstrumentId::parse("a:BQ").unwrap()
}

fn fill(idx: usize, side: Side, figures: [(i128, u32); 3], fee_currency: &str) -> Fill {
    let order_id = OrderId(idx as u64 + 1);
    let price = price(figures[0]);
    Fill {
        fill_id: FillId { order_id, number: 1 },
        order_id,
        account: id(),
        instrument: instrument(),
        side,
        price,
        quantity: quantity(figures[1]),
        fee: notional(figures[2]),
        fee_currency: Currency::new(fee_currency),
        liquidity: Liquidity::Taker,
        time: Timestamp::from_nanos(i64::MIN + idx as i64),
        evidence: Evidence { offset: 1, event_time: None, receive_time: None, cause: FillCause::Liquidation { price } },
    }
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// FLOX #476: thirteen figures were silently wrong, fees of large amounts among them.
    #[test]
    fn nothing_panics_and_an_error_changes_nothing(
        fills in prop::collection::vec((side(), [decimal(), decimal(), decimal()], prop_oneof![Just("Q"), Just("B"), Just("F")]), 0..8),
        figures in prop::collection::vec(decimal(), 12),
        claims in prop::collection::vec((side(), decimal(), prop::option::of(decimal()), any::<bool>()), 0..4),
        is_cash: bool, max_leverage: u32,
    ) {
        let currency = Currency::new("U");
        let account = Account {
            account: id(),
            kind: if is_cash { AccountKind::Cash } else { AccountKind::Margin },
            currency: currency.clone(),
            start: [(Currency::new("Q"), notional(figures[0]))].into(),
            max_leverage,
            time_zone: "UTC".into(),
            opened_time: Timestamp::EPOCH,
        };
        let mut ledger = Ledger::open(&account);
        for (idx, (side, figures, fee_currency)) in fills.into_iter().enumerate() {
            let before = ledger.clone();
            if ledger.apply(&fill(idx, side, figures, fee_currency), &Pair::new("B", "Q")).is_err() {
                prop_assert_eq!(&ledger, &before);
            }
            ledger.mark(&instrument(), price(figures[2]));
        }
        let mut market = Market {
            rates: Rates {
                live: vec![LiveRate {
                    base: Currency::new("Q"), quote: currency.clone(), price: price(figures[1]), source: String::new(),
                }],
                ..Rates::default()
            },
            ..Market::default()
        };
        let mark = Mark { bid: Some(price(figures[2])), ask: Some(price(figures[3])), last: None };
        market.marks.insert(instrument(), mark);
        let fees = FeeRates { maker: rate(figures[4]), taker: rate(figures[4]) };
        market.terms.insert(instrument(), Terms { pair: Pair::new("B", "Q"), fees });
        let claims: Vec<Claim> = claims.into_iter().zip(1..).map(|((side, size, limit, reduce_only), id)| Claim {
            order_id: Some(OrderId(id)), instrument: instrument(), side, quantity: quantity(size),
            limit_price: limit.map(price), stop_price: None, reduce_only, bracket: None, is_held: false,
        }).collect();
        let mut open = Claims::default();
        claims.iter().for_each(|claim| open.replace(claim.order_id.unwrap(), Some(claim.clone())));
        let view = AccountView { account: &account, ledger: &ledger, claims: open.view(), market: &market };
        let mut standing = Standing::new(id());
        for (number, figure) in figures[5..8].iter().enumerate() {
            let day_start = Timestamp::from_millis(number as i64 * 86_400_000);
            let equity = notional(*figure);
            standing.apply(&Record::DayBegan { account: id(), day_start, equity, time: day_start });
        }
        let limits = RiskLimits {
            max_order_value: Some(notional(figures[8])),
            price_collar_bps: Some(max_leverage),
            max_position_value: Some(notional(figures[9])),
            max_gross_exposure: Some(notional(figures[9])),
            max_leverage: Some(rate(figures[10])),
            max_open_orders: Some(9),
            max_orders_per_second: Some(1),
            max_daily_loss: Some(notional(figures[11])),
            max_drawdown: Some(rate(figures[11])),
        };
        let (pace, now) = (Pace::default(), Timestamp::from_nanos(i64::MAX));
        let valuation = Valuation::of(&view);
        let _ = liquidation(&view, &valuation);
        let _ = used(&limits, &view, &standing, &pace, now);
        for claim in &claims {
            let _ = check(claim, &view, &limits, &standing, &pace, now);
            let _ = check(&Claim { order_id: None, ..claim.clone() }, &view, &RiskLimits::default(), &standing, &pace, now);
        }
        let _ = fixed_risk_quantity(
            notional(figures[0]), rate(figures[1]), rate(figures[2]), price(figures[3]), price(figures[4]), quantity(figures[5]),
        );
        let statistics = Statistics::of(&History {
            currency: &currency,
            start: EquityPoint { time: Timestamp::from_nanos(i64::MIN), equity: notional(figures[0]) },
            days: standing.days(),
            round_trips: ledger.round_trips(),
            rates: &market.rates,
            open_spans: &ledger.open_spans(now),
            traded: Some(notional(figures[1])),
            now,
        });
        // Writing NaN would make it null.
        prop_assert!(!serde_json::to_string(&statistics).unwrap().contains("null"));
    }
}
