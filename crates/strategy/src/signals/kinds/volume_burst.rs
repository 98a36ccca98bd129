//! The bar's volume is at least a multiple of the mean of the bars before. The bar itself gives the direction: its close
//! above its open (up) or below it (down).
//!
//! Strength: 0.5 at the multiple, 1 at twice that or more.

use model::alert::signal::{self as rule, LookFor, Meaning};

use crate::signals::{
    columns::{Column, Source},
    compile::{Compiler, MAX_BARS},
    error::SignalError,
    kinds::Template,
    leaf::{Leaf, Reach, Reading, share},
    rows::View,
    words,
};

/// A burst.
#[derive(Clone, Debug)]
pub(crate) struct VolumeBurst {
    volume: Column,
    mean: Column,
    factor: f64,
    /// True where a bar counts whichever way it goes.
    is_neutral: bool,
}

impl Leaf for VolumeBurst {
    type Settings = rule::VolumeBurst;

    fn compile(settings: &rule::VolumeBurst, compiler: &mut Compiler<'_>) -> Result<Self, SignalError> {
        let n_bars = compiler.count("n_bars", settings.n_bars, 1..=MAX_BARS)?;
        let factor = compiler.multiple("factor", settings.factor)?;
        let (volume, mean) = (compiler.column(Source::Volume), compiler.column(Source::MeanVolume(n_bars)));
        Ok(Self { volume, mean, factor, is_neutral: settings.meaning == Meaning::Neutral })
    }

    fn meaning(settings: &rule::VolumeBurst) -> Meaning {
        settings.meaning
    }

    fn reading(&self, view: &View<'_>) -> Option<Reading> {
        let (volume, mean) = (view.number(self.volume)?, view.number(self.mean)?);
        let is_burst = mean > 0.0 && volume >= self.factor * mean;
        if self.is_neutral {
            return Some(Reading { up: Some(Reach::when(is_burst)), down: None });
        }
        let bar = view.bar();
        let up = Reach::when(is_burst && bar.close > bar.open);
        let down = Reach::when(is_burst && bar.close < bar.open);
        Some(Reading { up: Some(up), down: Some(down) })
    }

    fn strength(&self, view: &View<'_>) -> f64 {
        let (Some(volume), Some(mean)) = (view.number(self.volume), view.number(self.mean)) else { return 0.0 };
        share(volume, 2.0 * self.factor * mean)
    }

    fn sentence(settings: &rule::VolumeBurst) -> String {
        let (factor, bars) = (words::number(settings.factor), words::bars(settings.n_bars));
        words::with_meaning(format!("the volume is {factor} times the mean of the last {bars}"), settings.meaning)
    }

    fn template() -> Template {
        Template {
            title: "Volume burst",
            summary: "A bar with far more volume than usual.",
            look_for: LookFor::VolumeBurst(rule::VolumeBurst { n_bars: 20, factor: 3.0, meaning: Meaning::Follow }),
        }
    }
}

#[cfg(test)]
mod tests {
    use indicators::bar::Bar;

    use crate::signals::tests::{bar, check, check_refused};

    /// Bars of a volume and a rise each.
    fn bars(volumes: &[(f64, f64)]) -> Vec<Bar> {
        let one = |(idx, (volume, rise)): (usize, &(f64, f64))| bar(idx, 10.0, 12.0, 8.0, 10.0 + rise, *volume);
        volumes.iter().enumerate().map(one).collect()
    }

    #[test]
    fn the_bar_gives_the_direction() {
        let volumes = bars(&[(1.0, 0.0), (1.0, 0.0), (1.0, 0.0), (3.0, 1.0), (9.0, 1.0), (20.0, -1.0), (1.0, 0.0), (40.0, 0.0)]);
        let rule = r#"{"volume_burst":{"n_bars":2,"factor":2}}"#;
        check(rule, &volumes, &["3 buy 0.75", "5 sell 0.83"]);
        let neutral = r#"{"volume_burst":{"n_bars":2,"factor":2,"meaning":"neutral"}}"#;
        check(neutral, &volumes, &["3 neutral 0.75", "7 neutral 0.95"]);
    }

    #[test]
    fn no_volume_before_is_no_burst() {
        let volumes = bars(&[(0.0, 0.0), (0.0, 0.0), (3.0, 1.0)]);
        check(r#"{"volume_burst":{"n_bars":2,"factor":2}}"#, &volumes, &[]);
        let expected = "look_for.factor is 1: write a number above 1, at most 1000";
        check_refused(r#"{"volume_burst":{"n_bars":2,"factor":1}}"#, expected);
    }
}
