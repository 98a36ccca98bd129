//! Checks made once a second: equity, days, loss limits, margin, and samples for the equity curve.

use std::time::Duration;

use model::{
    time::Timestamp,
    trading::{
        account::AccountId,
        fill::{Evidence, Fill, FillCause, FillId, Liquidity},
        order::{OrderId, OrderState},
        record::{OrderChange, Record},
        refusal::{DenyCode, Refusal},
    },
};
use portfolio::{
    conversion::LiveRate,
    liquidation::{Closing, Liquidation, liquidation},
    valuation::Valuation,
};

use crate::desk::{Desk, excursions::PRICES_EVERY};

impl Desk {
    pub(super) fn watch(&mut self, now: Timestamp) {
        self.next_watch = now + WATCH_EVERY;
        self.take_rates();
        let is_sample_due = now >= self.next_sample;
        if is_sample_due {
            self.next_sample = next_multiple(now, SAMPLE_EVERY);
        }
        if now >= self.next_prices {
            self.next_prices = next_multiple(now, PRICES_EVERY);
            self.all_prices_seen(now);
        }
        let names: Vec<AccountId> = self.state.accounts.keys().cloned().collect();
        for name in names {
            self.watch_account(&name, is_sample_due, now);
        }
    }

    fn watch_account(&mut self, name: &AccountId, is_sample_due: bool, now: Timestamp) {
        let Some(account) = self.state.accounts.get(name) else { return };
        let valued = self.view(account, |view| {
            let valuation = Valuation::of(view);
            let due = liquidation(view, &valuation).ok().flatten();
            (valuation.complete_equity(), due)
        });
        let (Ok(equity), due) = valued else { return };
        let (day_start, _) = self.config.calendar.day(&account.account.time_zone, now);
        let is_new_day = account.standing.day().is_none_or(|day| day.day_start < day_start);
        let breach = account.standing.breach(&account.limits, equity, &account.account.currency);
        let is_reduced = account.standing.reduce_only().is_some();
        if is_new_day {
            self.emit(Record::DayBegan { account: name.clone(), day_start, equity, time: now });
        }
        if is_new_day || is_sample_due {
            self.emit(Record::EquitySampled { account: name.clone(), time: now, equity });
        }
        if let Some(cause) = breach.filter(|_| !is_reduced && !is_new_day) {
            self.emit(Record::ReduceOnly { account: name.clone(), cause: Some(cause), time: now });
        }
        if let Some(due) = due {
            self.liquidate(name, &due, now);
        }
    }

    /// Takes the rates between currencies from what is followed.
    fn take_rates(&mut self) {
        let rates = self
            .market
            .terms
            .iter()
            .filter_map(|(id, terms)| LiveRate::of(id, &terms.pair, self.market.marks.get(id)?));
        self.market.rates.live = rates.chain(self.other_rates.iter().cloned()).collect();
    }

    /// Closes everything of an account that cannot be carried any more, at the marks.
    fn liquidate(&mut self, name: &AccountId, due: &Liquidation, now: Timestamp) {
        let reason = || {
            let message = format!(
                "the equity {} was not above the maintenance margin {}: all positions were closed",
                due.equity, due.maintenance_margin
            );
            Refusal::new(DenyCode::Liquidated, message).with(due.maintenance_margin, due.equity)
        };
        let own = self.state.orders.values().filter(|order| order.account == *name);
        let own: Vec<OrderId> = own.map(|order| order.order_id).collect();
        for order_id in own {
            self.broker.cancel(order_id, reason(), now);
            self.drain_broker();
        }
        for closing in &due.closings {
            self.close_at_mark(name, closing, &reason(), now);
        }
    }

    fn close_at_mark(&mut self, name: &AccountId, closing: &Closing, reason: &Refusal, now: Timestamp) {
        let Closing { instrument, side, quantity, price } = closing;
        let request = self.market_order("liquidation", instrument, *side, *quantity);
        let order = self.unsubmitted(&request, name.clone(), now);
        let order_id = order.order_id;
        let fees = self.config.broker.fees_of(instrument.venue());
        let value = price.checked_mul(*quantity);
        let (Some(fee), Some(terms)) =
            (value.and_then(|value| value.share(fees.taker, FEE_DECIMALS)), self.market.terms.get(instrument).cloned())
        else {
            return;
        };
        self.prices_seen(instrument, now);
        self.seen.remove(instrument);
        self.emit(Record::OrderAccepted(Box::new(order)));
        self.emit(Record::OrderChanged { order_id, time: now, change: OrderChange::Opened });
        self.emit(Record::Filled(Box::new(Fill {
            fill_id: FillId { order_id, number: 1 },
            order_id,
            account: name.clone(),
            instrument: instrument.clone(),
            side: *side,
            price: *price,
            quantity: *quantity,
            fee,
            fee_currency: terms.pair.quote,
            liquidity: Liquidity::Taker,
            time: now,
            evidence: Evidence {
                offset: 0,
                event_time: None,
                receive_time: None,
                cause: FillCause::Liquidation { price: *price },
            },
        })));
        let held = self.state.accounts.get(name).and_then(|account| account.ledger.position(instrument));
        let held = held.map(|position| position.quantity()).unwrap_or_default();
        self.broker.set_position(name, instrument, held);
        self.emit(Record::ReduceOnly { account: name.clone(), cause: Some(reason.clone()), time: now });
        debug_assert!(self.state.order(order_id).is_none_or(|order| order.state == OrderState::Filled));
    }
}

/// Returns the first multiple of `span` since the epoch after `now`.
fn next_multiple(now: Timestamp, span: Duration) -> Timestamp {
    let nanos = i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
    Timestamp::from_nanos(now.as_nanos() - now.as_nanos().rem_euclid(nanos)) + span
}

/// Interval at which equity is computed.
const WATCH_EVERY: Duration = Duration::from_secs(1);
/// Interval at which it is stored for the curve.
const SAMPLE_EVERY: Duration = Duration::from_secs(15 * 60);
const FEE_DECIMALS: u32 = 8;
