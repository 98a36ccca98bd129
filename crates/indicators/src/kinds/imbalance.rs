//! Order book imbalance.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    values::Values,
    window::{Sum, Window, WindowStep},
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Imbalance {
    n: f64,
    window: Window<Sum>,
}

impl Kind for Imbalance {
    type Step = (WindowStep, f64);

    const DEFINITION: &'static Definition = &Definition {
        name: "imbalance",
        title: "Book imbalance",
        group: Group::OrderFlow,
        summary: "The bids' share less the asks' share of the size on the best levels: 1 is all bids, -1 is all asks.",
        formula: "mean((bids - asks) / (bids + asks), n), of the book at the end of each bar",
        origin: "Cao, Hansch and Wang, The Information Content of an Open Limit-Order Book, Journal of Futures Markets 29, 2009",
        parameters: &[Parameter::bars("length", "Length", 1.0, 1.0)],
        takes_source: false,
        outputs: &[Output::histogram("imbalance", "Imbalance")],
        pane: Pane::Own { levels: &[0.0], range: Some((-1.0, 1.0)) },
        input: Input::Book,
        seed: "none: the first value is that of a full window",
        zero_cases: "an empty book: 0; a bar without a verified book has no value and is passed over",
        lookback: |parameters| count(parameters, 0) - 1,
        convergence: |parameters| count(parameters, 0) - 1,
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        Self { n: settings.number(0), window: Window::new(settings.count(0)) }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        let step = self.window.step(bar.book.map_or(f64::NAN, |book| book.imbalance));
        (step, step.total / self.n)
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(step.1)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.window.commit(&step.0);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.window.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_books;

    #[test]
    fn a_mean_of_books() {
        let books = [Some((0.5, 1.0, 0.0)), None, Some((-0.5, 1.0, 0.0)), Some((1.0, 1.0, 0.0))];
        check_books("imbalance", &books, &["0.5", "-", "-0.5", "1"]);
        check_books("imbalance(2)", &books, &["-", "-", "0", "0.25"]);
    }
}
