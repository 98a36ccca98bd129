//! Order-flow imbalance.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    values::Values,
    window::{Sum, Window, WindowStep},
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Ofi(Window<Sum>);

impl Kind for Ofi {
    type Step = WindowStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "ofi",
        title: "Order-flow imbalance",
        group: Group::OrderFlow,
        summary: "Base units that were added to the best bid less those added to the best ask, by orders, cancellations and trades.",
        formula: "sum over n bars, and each change of the best levels in them, of (bid size if bid ≥ bid[-1]) - (bid size[-1] \
                  if bid ≤ bid[-1]) - (ask size if ask ≤ ask[-1]) + (ask size[-1] if ask ≥ ask[-1])",
        origin: "Cont, Kukanov and Stoikov, The Price Impact of Order Book Events, Journal of Financial Econometrics 12, 2014",
        parameters: &[Parameter::bars("length", "Length", 1.0, 1.0)],
        takes_source: false,
        outputs: &[Output::histogram("ofi", "OFI")],
        pane: Pane::AROUND_ZERO,
        input: Input::Book,
        seed: "none: the first value is that of a full window",
        zero_cases: "a bar without a verified book from start to end has no value and is passed over",
        lookback: |parameters| count(parameters, 0) - 1,
        convergence: |parameters| count(parameters, 0) - 1,
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        Self(Window::new(settings.count(0)))
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        self.0.step(bar.book.map_or(f64::NAN, |book| book.flow))
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(step.total)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.0.commit(step);
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.0.words(words);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_books;

    #[test]
    fn a_sum_of_flows() {
        let books = [Some((0.0, 1.0, 5.0)), None, Some((0.0, 1.0, -2.0)), Some((0.0, 1.0, 1.0))];
        check_books("ofi", &books, &["5", "-", "-2", "1"]);
        check_books("ofi(2)", &books, &["-", "-", "3", "-1"]);
    }
}
