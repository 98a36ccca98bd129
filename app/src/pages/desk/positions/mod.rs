//! The Positions page: what is held and what is ordered, each with what can be done about it.

pub mod exits;
pub mod holdings;
pub mod orders;

use desk::rows::OrderRow;
use leptos::prelude::*;
use model::instrument::InstrumentId;
use topics::channels::Channel;

use crate::{
    cadence::Cadence,
    live::{Live, model::LiveModel},
    pages::{
        FragmentSpec,
        desk::{
            head::DeskHead,
            positions::{holdings::HoldingsPanel, orders::OrdersPanel},
            rows::read_rows,
        },
    },
};

/// The regions of this page.
pub const FRAGMENTS: &[FragmentSpec] = &[
    FragmentSpec { name: "positions-held", cadence: Cadence::Positions },
    FragmentSpec { name: "positions-orders", cadence: Cadence::Positions },
];

/// The page.
#[component]
pub fn PositionsPage() -> impl IntoView {
    view! {
        <div class="desk-page" data-testid="positions">
            <DeskHead title="Positions"/>
            <HoldingsPanel/>
            <OrdersPanel/>
        </div>
    }
}

/// Returns the account's open orders, newest first.
///
/// # Errors
/// A row of another form.
pub fn open_orders(model: &LiveModel) -> Result<Option<Vec<OrderRow>>, String> {
    let Some(rows) = read_rows::<OrderRow>(model, Channel::Orders, |_| true)? else { return Ok(None) };
    let mut open: Vec<OrderRow> =
        rows.into_iter().map(|(_, row)| row).filter(|row| row.order.state.is_open()).collect();
    open.sort_by_key(|row| std::cmp::Reverse(row.order.order_id));
    Ok(Some(open))
}

/// Returns the decimals of an instrument's prices and sizes; zero, which loses no digit, while they are not known.
pub fn decimals(live: Live, id: &InstrumentId) -> (u32, u32) {
    live.instruments()
        .with(|list| list.find(id).map(|found| (found.price_decimals(), found.size_decimals())))
        .unwrap_or_default()
}
