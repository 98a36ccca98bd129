//! Anchored volume-weighted average price.

use crate::{
    bar::Bar,
    definition::{Definition, Group, Input, Output, Pane, Parameter, no_conflict},
    kind::{Kind, Settings},
    source::typical,
    values::Values,
    words::Words,
};

#[derive(Clone, Debug)]
pub(crate) struct Avwap {
    /// The first bar is the one that contains this time.
    anchor_ms: i64,
    length_ms: i64,
    traded: f64,
    volume: f64,
}

impl Kind for Avwap {
    /// Money and base units traded.
    type Step = (f64, f64);

    const DEFINITION: &'static Definition = &Definition {
        name: "avwap",
        title: "Anchored VWAP",
        group: Group::Volume,
        summary: "The average price of all that was traded since a chosen time.",
        formula: "sum((high + low + close) / 3 × volume) / sum(volume), from the bar that contains the anchor on",
        origin: "Brian Shannon, Maximum Trading Gains With Anchored VWAP, 2023",
        parameters: &[Parameter {
            name: "anchor",
            title: "Anchor in milliseconds since 1970 (0: the first bar)",
            default: 0.0,
            min: 0.0,
            // The end of the year 9999.
            max: 253_402_300_799_999.0,
            step: 1.0,
        }],
        takes_source: false,
        outputs: &[Output::line("avwap", "Anchored VWAP")],
        pane: Pane::Overlay,
        input: Input::Volume,
        seed: "the bar that contains the anchor, or the first known one after it",
        zero_cases: "no volume yet: no value",
        lookback: |_| 0,
        convergence: |_| usize::MAX,
        conflict: no_conflict,
    };

    fn new(settings: &Settings<'_>) -> Self {
        let length_ms = i64::try_from(settings.interval.duration().as_millis()).unwrap_or(i64::MAX);
        // Whole and within the parameter's range.
        Self { anchor_ms: settings.number(0) as i64, length_ms, traded: 0.0, volume: 0.0 }
    }

    #[inline(always)]
    fn step(&self, bar: &Bar, _: f64) -> Self::Step {
        if bar.open_ms.saturating_add(self.length_ms) <= self.anchor_ms {
            return (0.0, 0.0);
        }
        (self.traded + typical(bar) * bar.volume, self.volume + bar.volume)
    }

    #[inline(always)]
    fn values((traded, volume): &Self::Step) -> Values {
        Values::one(traded / volume)
    }

    #[inline(always)]
    fn commit(&mut self, step: &Self::Step) {
        (self.traded, self.volume) = *step;
    }

    fn words(&mut self, words: &mut Words<'_>) {
        words.float(&mut self.traded);
        words.float(&mut self.volume);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{bar, check_bars};

    #[test]
    fn the_bar_with_the_anchor_is_the_first() {
        let bars = [bar(0, 1.0, 1.0, 1.0, 1.0), bar(1, 3.0, 3.0, 3.0, 1.0), bar(2, 6.0, 6.0, 6.0, 2.0)];
        check_bars("avwap(61000)", &bars, &["-", "3", "5"]);
        check_bars("avwap", &bars, &["1", "2", "4"]);
    }
}
