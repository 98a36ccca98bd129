//! Realised volatility.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings, count},
    values::Values,
    window::{Sum, Window, WindowStep},
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Rv {
    /// Bars a year over bars in the window.
    scale: f64,
    /// NaN before the first bar.
    last: f64,
    squares: Window<Sum>,
}

impl Kind for Rv {
    type Step = (f64, Option<WindowStep>, f64);

    const DEFINITION: &'static Definition = &Definition {
        name: "rv",
        title: "Realised volatility",
        group: Group::OrderFlow,
        summary: "The size of the price's movements from bar to bar, in percent a year.",
        formula: "100 × √(sum(ln(p / p[-1])², n) × bars a year / n), a year of 365 days",
        origin: "Andersen, Bollerslev, Diebold and Labys, Modeling and Forecasting Realized Volatility, Econometrica 71, 2003",
        parameters: &[Parameter::bars("length", "Length", 20.0, 1.0)],
        takes_source: true,
        outputs: &[Output::line("rv", "Realised volatility")],
        pane: Pane::FREE,
        input: Input::Price,
        seed: "none: the first value is that of a full window",
        zero_cases: "no movement: 0; a price that is not positive has no logarithm: no value while it is in the window",
        lookback: |parameters| count(parameters, 0),
        convergence: |parameters| count(parameters, 0),
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let bars_a_year = YEAR_SECONDS / settings.interval.duration().as_secs_f64();
        let n = settings.count(0);
        Self { scale: bars_a_year / n as f64, last: f64::NAN, squares: Window::new(n) }
    }

    #[inline(always)]
    fn step(&self, _: &Bar, price: f64) -> Self::Step {
        if self.last.is_nan() {
            return (price, None, f64::NAN);
        }
        let change = if price > 0.0 && self.last > 0.0 { libm::log(price / self.last) } else { f64::NAN };
        let squares = self.squares.step(change * change);
        (price, Some(squares), 100.0 * (squares.total * self.scale).sqrt())
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(step.2)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.last = step.0;
        if let Some(squares) = &step.1 {
            self.squares.commit(squares);
        }
    }

    fn words(&mut self, words: &mut Words<'_>) {
        words.float(&mut self.last);
        self.squares.words(words);
    }
}

const YEAR_SECONDS: f64 = 365.0 * 86_400.0;

#[cfg(test)]
mod tests {
    use crate::testing::check_closes;

    #[test]
    fn movements_in_percent_a_year() {
        // A bar of a minute that moves by e^0.001: 100 × 0.001 × √525600.
        let closes = [1.0, 0.001_f64.exp(), 1.0];
        check_closes("rv(2)", &closes, &["-", "-", "72.498276"]);
        check_closes("rv(1)", &[2.0, 2.0], &["-", "0"]);
        check_closes("rv(1)", &[2.0, 0.0, 2.0, 2.0], &["-", "-", "-", "0"]);
    }
}
