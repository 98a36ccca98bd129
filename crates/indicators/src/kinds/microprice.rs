//! Microprice.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, no_conflict},
    kind::{Kind, Settings},
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Microprice;

impl Kind for Microprice {
    type Step = f64;

    const DEFINITION: &'static Definition = &Definition {
        name: "microprice",
        title: "Microprice",
        group: Group::OrderFlow,
        summary: "The middle of the book, drawn towards the side with less size, where the price is likelier to go.",
        formula: "(bid × ask size + ask × bid size) / (bid size + ask size), of the best levels at the end of the bar",
        origin: "Gatheral and Oomen, Zero-intelligence realized variance estimation, Finance and Stochastics 14, 2010",
        parameters: &[],
        takes_source: false,
        outputs: &[Output::line("microprice", "Microprice")],
        pane: Pane::Overlay,
        input: Input::Book,
        seed: "none",
        zero_cases: "no size on both sides: the middle; a bar without a verified book has no value",
        lookback: |_| 0,
        convergence: |_| 0,
        conflict: no_conflict,
    };

    fn new(_: &Settings<'_>) -> Self {
        Self
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        bar.book.map_or(f64::NAN, |book| book.microprice)
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(*step)
    }

    #[inline(always)]
    fn commit(&mut self, _: &Self::Step) {}

    fn words(&mut self, _: &mut Words<'_>) {}
}

#[cfg(test)]
mod tests {
    use crate::testing::check_books;

    #[test]
    fn the_price_of_the_book() {
        check_books("microprice", &[Some((0.0, 10.25, 0.0)), None], &["10.25", "-"]);
    }
}
