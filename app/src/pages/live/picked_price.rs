//! The price that a reader picks with a click in the book, the tape or the chart, for the order ticket to fill in.
//!
//! In the first load, since book and tape are: tiny, and it knows nothing of the ticket (`pages::desk::ticket`).

use leptos::{ev, prelude::*};
use model::{decimal::Price, instrument::InstrumentId};
use wasm_bindgen::JsCast;

/// The price picked last, until the ticket takes it.
#[derive(Clone, Copy, Debug, Default)]
pub struct PickedPrice(RwSignal<Option<(InstrumentId, Price)>>);

impl PickedPrice {
    /// Picks a price of an instrument. It need not be a multiple of the tick size.
    pub fn pick(self, instrument: InstrumentId, price: Price) {
        self.0.set(Some((instrument, price)));
    }

    /// Takes the price; tracked. `None` if there is none, or it is another instrument's.
    pub fn take(self, instrument: &InstrumentId) -> Option<Price> {
        self.0.track();
        let (of, price) = self.0.try_update_untracked(Option::take)??;
        (of == *instrument).then_some(price)
    }

    /// Picks the price of the table row that was clicked: the first figure of the row. For one listener on a whole table.
    pub fn pick_row(self, instrument: Option<InstrumentId>, event: &ev::MouseEvent) {
        let row = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let row = row.and_then(|element| element.closest("[role=row]").ok().flatten());
        let figure = row.and_then(|row| row.query_selector("[data-value]").ok().flatten());
        let price = figure.and_then(|figure| Price::parse(&figure.get_attribute("data-value")?).ok());
        if let Some((instrument, price)) = instrument.zip(price) {
            self.pick(instrument, price);
        }
    }
}

/// Provides the picked price to the Live page.
pub fn provide_picked_price() {
    provide_context(PickedPrice::default());
}

/// Returns the picked price of this page.
pub fn use_picked_price() -> PickedPrice {
    use_context().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_taken_once_and_for_its_instrument_only() {
        let owner = Owner::new();
        owner.with(|| {
            let picked = PickedPrice::default();
            let (one, other) = (InstrumentId::parse("demo:A").unwrap(), InstrumentId::parse("demo:B").unwrap());
            let price = Price::parse("61602.50").unwrap();
            assert_eq!(picked.take(&one), None);
            picked.pick(one.clone(), price);
            assert_eq!((picked.take(&one), picked.take(&one)), (Some(price), None));
            picked.pick(one, price);
            assert_eq!(picked.take(&other), None);
        });
    }
}
