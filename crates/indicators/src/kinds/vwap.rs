//! Volume-weighted average price of a session.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane},
    kind::{Kind, Settings},
    session::{SESSION, Session},
    source::typical,
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Vwap {
    session: Session,
    traded: f64,
    volume: f64,
}

/// The sums of the session, and which it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VwapStep {
    session: i64,
    traded: f64,
    volume: f64,
}

impl Kind for Vwap {
    type Step = VwapStep;

    const DEFINITION: &'static Definition = &Definition {
        name: "vwap",
        title: "Volume-weighted average price",
        group: Group::Volume,
        summary: "The average price of all that was traded since the session began.",
        formula: "sum((high + low + close) / 3 × volume) / sum(volume), over the session's bars so far",
        origin: "Berkowitz, Logue and Noser, The Total Cost of Transactions on the NYSE, Journal of Finance 43, 1988",
        parameters: &[SESSION],
        takes_source: false,
        outputs: &[Output::line("vwap", "VWAP")],
        pane: Pane::Overlay,
        input: Input::Volume,
        seed: "the first bar of the session; sessions are counted from Monday, midnight UTC; a session whose first bars \
               are not known starts with the first known one",
        zero_cases: "no volume yet: no value",
        lookback: |_| 0,
        convergence: |_| usize::MAX,
        conflict: |_| None,
    };

    fn new(settings: &Settings<'_>) -> Self {
        Self { session: Session::new(settings.number(0)), traded: 0.0, volume: 0.0 }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        let session = self.session.of(bar.open_ms);
        let (traded, volume) = if session == self.session.current { (self.traded, self.volume) } else { (0.0, 0.0) };
        VwapStep { session, traded: traded + typical(bar) * bar.volume, volume: volume + bar.volume }
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::one(step.traded / step.volume)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        self.session.current = step.session;
        self.traded = step.traded;
        self.volume = step.volume;
    }

    fn words(&mut self, words: &mut Words<'_>) {
        self.session.words(words);
        words.float(&mut self.traded);
        words.float(&mut self.volume);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{bar, check_bars};

    #[test]
    fn a_session_starts_with_its_first_bar() {
        let bars = [
            bar(58, 2.0, 2.0, 2.0, 0.0),
            bar(59, 1.0, 1.0, 1.0, 1.0),
            bar(60, 6.0, 3.0, 3.0, 2.0),
            bar(61, 7.0, 7.0, 7.0, 1.0),
        ];
        check_bars("vwap(1)", &bars, &["-", "1", "4", "5"]);
        check_bars("vwap", &bars, &["-", "1", "3", "4"]);
    }
}
