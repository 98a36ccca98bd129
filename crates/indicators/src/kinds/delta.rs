//! Volume delta.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, no_conflict},
    kind::{Kind, Settings},
    kinds::cvd,
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Delta;

impl Kind for Delta {
    /// The difference, and its share of the volume.
    type Step = (f64, f64);

    const DEFINITION: &'static Definition = &Definition {
        name: "delta",
        title: "Volume delta",
        group: Group::OrderFlow,
        summary: "What aggressive buyers bought in a bar less what aggressive sellers sold, and its share of the volume.",
        formula: "delta = bought - sold; share = 100 × delta / volume; bought + sold = volume",
        origin: "Order-flow practice; the sides are the venue's own, not guessed from prices",
        parameters: &[],
        takes_source: false,
        outputs: &[Output::histogram("delta", "Delta"), Output::hidden("share", "Share")],
        pane: Pane::AROUND_ZERO,
        input: Input::BuyVolume,
        seed: "none",
        zero_cases: "no volume: a share of 0; a bar whose buyers' part is not known has no value",
        lookback: |_| 0,
        convergence: |_| 0,
        conflict: no_conflict,
    };

    fn new(_: &Settings<'_>) -> Self {
        Self
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        let delta = cvd::delta(bar);
        (delta, if bar.volume == 0.0 { 0.0 } else { 100.0 * (delta / bar.volume) })
    }

    #[inline(always)]
    fn values(step: &Self::Step) -> Values {
        Values::of([step.0, step.1])
    }

    #[inline(always)]
    fn commit(&mut self, _: &Self::Step) {}

    fn words(&mut self, _: &mut Words<'_>) {}
}

#[cfg(test)]
mod tests {
    use crate::{
        bar::Bar,
        testing::{bar, check_bars},
    };

    #[test]
    fn bought_less_sold() {
        let bars = [(4.0, Some(3.0)), (4.0, None), (0.0, Some(0.0)), (5.0, Some(1.0))];
        let bars = bars.map(|(volume, buy_volume)| Bar { buy_volume, ..bar(0, 1.0, 1.0, 1.0, volume) });
        check_bars("delta", &bars, &["2 50", "-", "0 0", "-3 -60"]);
    }
}
