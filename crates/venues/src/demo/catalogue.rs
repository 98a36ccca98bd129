//! The list of the simulated market's instruments: all of them, without a request.

use super::market::{DEFAULT_SEED, DemoMarket};
use crate::catalogue::{CatalogueItem, CatalogueNeeds, CatalogueSource};

pub(crate) const SOURCE: CatalogueSource = CatalogueSource {
    needs: CatalogueNeeds::Nothing,
    is_whole: true,
    requests: Vec::new,
    // There are no answers.
    read: |_, _| Ok(()),
    built_in: |catalogue| {
        for demo in DemoMarket::new(DEFAULT_SEED).instruments() {
            let instrument = demo.instrument();
            let (symbol, base, quote) = (instrument.id.symbol(), &*instrument.base, &*instrument.quote);
            catalogue.push(CatalogueItem { symbol, base, quote, name: "", status: "" });
        }
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_the_whole_market() {
        let catalogue = SOURCE.built_in();
        let first = catalogue.iter().next().unwrap();
        assert_eq!((catalogue.len(), first.symbol, first.base), (20, "BTC-SIM", "BTC-SIM"));
    }
}
