//! Both runs of a plan, by the conservative and by the optimistic model of the queue, and the picture of their equity.

use broker::QueueModel;
use chart::{
    curves::{Curve, Look, draw_curves},
    theme::Theme,
};
use model::{recording_entry::RecordingEntry, time::Timestamp};
use plotters::prelude::{IntoDrawingArea, SVGBackend};
use serde::Serialize;

use crate::{
    plan::Plan,
    report::RunReport,
    run::{BacktestError, Run},
};

/// Two runs that take the same recording entry by entry.
pub struct BothRuns {
    conservative: Run,
    optimistic: Run,
}

impl BothRuns {
    /// Prepares both runs.
    ///
    /// # Errors
    /// The plan's venue is not known.
    pub fn new(plan: &Plan) -> Result<Self, BacktestError> {
        let run = |queue| Run::new(plan, queue);
        Ok(Self { conservative: run(QueueModel::Conservative)?, optimistic: run(QueueModel::Optimistic)? })
    }

    /// Takes the next entry of the recording.
    ///
    /// # Errors
    /// The desk refuses the strategy, or contradicts itself.
    pub fn entry(&mut self, entry: &RecordingEntry<'_>) -> Result<(), BacktestError> {
        self.conservative.entry(entry)?;
        self.optimistic.entry(entry)
    }

    /// Returns the recording's clock.
    pub fn now(&self) -> Timestamp {
        self.conservative.now()
    }

    /// Returns the number of fills of the run that has more.
    pub fn n_fills(&self) -> usize {
        self.conservative.n_fills().max(self.optimistic.n_fills())
    }

    /// Returns both reports.
    ///
    /// # Errors
    /// The recording never told the instrument's steps.
    pub fn finish(self) -> Result<Bounds, BacktestError> {
        Ok(Bounds { conservative: self.conservative.finish()?, optimistic: self.optimistic.finish()? })
    }
}

/// Both results. The truth is between them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bounds {
    /// Orders that left the queue ahead of ours, other than by a trade, were behind it.
    pub conservative: RunReport,
    /// They were ahead of it.
    pub optimistic: RunReport,
}

impl Bounds {
    /// Returns both, the conservative one first.
    pub fn reports(&self) -> [&RunReport; 2] {
        [&self.conservative, &self.optimistic]
    }

    /// Leaves out fills, round trips and equity: totals and statistics stay.
    pub fn shorten(&mut self) {
        for report in [&mut self.conservative, &mut self.optimistic] {
            report.fills.clear();
            report.equity.clear();
            report.round_trips.clear();
        }
    }

    /// Returns the equity of both as an SVG; the same results give the same bytes.
    pub fn equity_svg(&self) -> String {
        let points = |report: &RunReport| -> Vec<(i64, f64)> {
            report.equity.iter().map(|(millis, equity)| (*millis, equity.to_f64_lossy())).collect()
        };
        let (conservative, optimistic) = (points(&self.conservative), points(&self.optimistic));
        let theme = Theme::LIGHT;
        let curves = [
            Curve { name: "optimistic", rgb: theme.up, points: &optimistic },
            Curve { name: "conservative", rgb: theme.down, points: &conservative },
        ];
        let caption = format!("Equity in {}", self.conservative.totals.currency);
        let look = Look { theme, font_family: "sans-serif", caption: &caption, decimals: 2 };
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            let drawn = draw_curves(&area, SIZE, &curves, &look).is_ok() && area.present().is_ok();
            debug_assert!(drawn, "a string takes everything");
        }
        svg
    }
}

/// Width and height of the picture in pixels.
const SIZE: (u32, u32) = (960, 420);
