//! The lists of a replay's account: what its desk remembers, on one page.
//!
//! These are every open order, the newest 1,000 that have ended, the newest 100 fills, every round trip and 10,000
//! samples of the equity. The parameters are those of the lists on disk, without `cursor`.

use std::{ops::Range, time::Duration};

use desk::{desk::Desk, state::AccountState};
use model::{
    decimal::Notional,
    time::Timestamp,
    trading::{fill::Fill, order::Order},
};
use portfolio::round_trip::RoundTrip;
use store::lists::{Filter, Paging, Sort};

use super::super::error::ApiError;

/// Returns the orders of the page.
pub fn orders(desk: &Desk, account: &AccountState, filter: &Filter, paging: &Paging) -> Vec<Order> {
    let state = desk.state();
    let name = &account.account.account;
    let mut orders: Vec<&Order> = state.orders.values().chain(&state.ended).collect();
    orders.sort_by_key(|order| order.order_id);
    let is_wanted = |order: &&Order| {
        order.account == *name
            && filter.instrument.as_ref().is_none_or(|wanted| order.instrument == *wanted)
            && filter.side.is_none_or(|side| order.side == side)
            && filter.order_id.is_none_or(|wanted| order.order_id == wanted)
            && filter.is_open.is_none_or(|is_open| order.state.is_open() == is_open)
            && is_within(filter, order.created_time)
    };
    page(orders.into_iter().filter(is_wanted).cloned(), paging)
}

/// Returns the fills of the page.
pub fn fills(account: &AccountState, filter: &Filter, paging: &Paging) -> Vec<Fill> {
    let is_wanted = |fill: &&Fill| {
        filter.instrument.as_ref().is_none_or(|wanted| fill.instrument == *wanted)
            && filter.side.is_none_or(|side| fill.side == side)
            && filter.order_id.is_none_or(|wanted| fill.order_id == wanted)
            && is_within(filter, fill.time)
    };
    page(account.fills.iter().map(|(_, fill)| fill).filter(is_wanted).cloned(), paging)
}

/// Returns the closed round trips of the page.
pub fn round_trips(account: &AccountState, filter: &Filter, paging: &Paging) -> Vec<RoundTrip> {
    let is_wanted = |trip: &&RoundTrip| {
        filter.instrument.as_ref().is_none_or(|wanted| trip.instrument == *wanted)
            && filter.side.is_none_or(|side| trip.side == side)
            && is_within(filter, trip.exit_time)
    };
    let mut trips: Vec<&RoundTrip> = account.ledger.round_trips().iter().filter(is_wanted).collect();
    match paging.sort {
        Sort::Time => {}
        Sort::NetPnl => trips.sort_by_key(|trip| trip.net_pnl().unwrap_or(trip.realised_pnl)),
        Sort::Value => trips.sort_by_key(|trip| trip.entry_value),
    }
    page(trips.into_iter().cloned(), paging)
}

/// Returns the samples of the equity, oldest first, the last of each span of `every`.
pub fn equity(account: &AccountState, span: Range<Timestamp>, every: Duration, limit: u32) -> Vec<(Timestamp, String)> {
    let every = i64::try_from(every.as_millis()).unwrap_or(i64::MAX).max(1);
    let mut samples: Vec<(Timestamp, Notional)> = Vec::new();
    for (time, equity) in account.samples.iter().filter(|(time, _)| span.contains(time)) {
        let span_of = |time: Timestamp| time.as_millis().div_euclid(every);
        if samples.last().is_some_and(|(last, _)| span_of(*last) == span_of(*time)) {
            samples.pop();
        } else if samples.len() >= limit as usize {
            break;
        }
        samples.push((*time, *equity));
    }
    samples.into_iter().map(|(time, equity)| (time, equity.to_string())).collect()
}

/// Refuses a cursor.
///
/// # Errors
/// There is one.
pub fn check(paging: &Paging) -> Result<(), ApiError> {
    match paging.cursor {
        None => Ok(()),
        Some(_) => {
            let remedy = "a replay's lists have one page; leave it out".to_owned();
            Err(ApiError::BadParameter { parameter: "cursor", remedy })
        }
    }
}

fn is_within(filter: &Filter, time: Timestamp) -> bool {
    filter.from.is_none_or(|from| time >= from) && filter.until.is_none_or(|until| time < until)
}

/// Cuts rows, oldest first, to the page.
fn page<T>(rows: impl DoubleEndedIterator<Item = T>, paging: &Paging) -> Vec<T> {
    let limit = paging.limit as usize;
    if paging.is_descending { rows.rev().take(limit).collect() } else { rows.take(limit).collect() }
}
