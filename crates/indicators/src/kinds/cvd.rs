//! Cumulative volume delta.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, no_conflict},
    kind::{Kind, Settings},
    session::{SESSION, Session},
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Cvd {
    session: Session,
    total: f64,
}

impl Kind for Cvd {
    /// The session, and the total in it.
    type Step = (i64, f64);

    const DEFINITION: &'static Definition = &Definition {
        name: "cvd",
        title: "Cumulative volume delta",
        group: Group::OrderFlow,
        summary: "What aggressive buyers have bought less what aggressive sellers have sold, since the session began.",
        formula: "sum(bought - sold), over the session's bars so far; bought + sold = volume",
        origin: "Order-flow practice; the sides are the venue's own, not guessed from prices",
        parameters: &[SESSION],
        takes_source: false,
        outputs: &[Output::line("cvd", "CVD")],
        pane: Pane::AROUND_ZERO,
        input: Input::BuyVolume,
        seed: "0 before the first bar of the session; sessions are counted from Monday, midnight UTC",
        zero_cases: "a bar whose buyers' part is not known has no value and adds nothing",
        lookback: |_| 0,
        convergence: |_| usize::MAX,
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        Self { session: Session::new(settings.number(0)), total: 0.0 }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        let session = self.session.of(bar.open_ms);
        let before = if session == self.session.current { self.total } else { 0.0 };
        (session, before + delta(bar))
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(step.1)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        (self.session.current, self.total) = *step;
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.session.words(words);
        words.float(&mut self.total);
    }
}

/// Returns base units bought less sold by aggressors; NaN if that is not known.
#[inline(always)]
pub(crate) fn delta(bar: &Bar) -> f64 {
    bar.buy_volume.map_or(f64::NAN, |bought| bought - (bar.volume - bought))
}

#[cfg(test)]
mod tests {
    use crate::{
        bar::Bar,
        testing::{bar, check_bars},
    };

    #[test]
    fn a_total_in_its_session() {
        let bars = [(58, Some(3.0)), (59, None), (59, Some(1.0)), (60, Some(2.0))];
        let bars = bars.map(|(minute, buy_volume)| Bar { buy_volume, ..bar(minute, 1.0, 1.0, 1.0, 4.0) });
        check_bars("cvd(1)", &bars, &["2", "-", "0", "0"]);
        check_bars("cvd(0)", &bars, &["2", "-", "0", "0"]);
        check_bars("cvd(1)", &bars[2..], &["-2", "0"]);
        check_bars("cvd(0)", &bars[2..], &["-2", "-2"]);
    }
}
