//! The latency budget: an update's time in four stages from the venue to the paint.

use model::histogram::Quantiles;
use topics::channels::quality::latency::{LatencyData, VenueClock};

use crate::live::stages::BrowserLatency;

/// A stage of an update's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// From the venue's timestamp to the arrival at the server.
    Venue,
    /// From there to publishing, including the wait for the lane's turn.
    Server,
    /// From there to the browser.
    Network,
    /// From there to the painted pixel.
    Paint,
}

impl Stage {
    /// In order of the path.
    pub const ALL: [Self; 4] = [Self::Venue, Self::Server, Self::Network, Self::Paint];

    /// Returns the value for `data-stage`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Venue => "venue",
            Self::Server => "server",
            Self::Network => "network",
            Self::Paint => "paint",
        }
    }

    /// Returns its displayed name.
    pub fn label(self) -> &'static str {
        match self {
            Self::Venue => "Venue to server",
            Self::Server => "In the server",
            Self::Network => "Server to browser",
            Self::Paint => "Browser to paint",
        }
    }
}

/// Recent durations of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageFigures {
    /// The stage.
    pub stage: Stage,
    /// Median, 95th and 99th percentile.
    pub took: Quantiles,
    /// The possible error from comparing two clocks; 0 if one clock measured both ends.
    pub error_us: u64,
    /// True if only the part above the fastest message is known.
    pub is_above_fastest: bool,
}

/// The stages with known durations, in order of the path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// At most one of each.
    pub stages: Vec<StageFigures>,
}

impl Budget {
    /// Builds the budget from the measurements of server and browser; `clock_error_us` is the error of the comparison
    /// between the two.
    pub fn new(
        server: &LatencyData,
        clock: Option<VenueClock>,
        browser: BrowserLatency,
        clock_error_us: Option<u64>,
    ) -> Self {
        let is_known = |took: &Quantiles| took.n > 0;
        let plain = |stage, took: Option<Quantiles>, error_us| {
            took.filter(is_known).map(|took| StageFigures { stage, took, error_us, is_above_fastest: false })
        };
        let way_us = clock.and_then(|clock| clock.fastest_way_us());
        let venue = server.venue.filter(is_known).map(|above| StageFigures {
            stage: Stage::Venue,
            took: shifted(above, way_us.unwrap_or(0)),
            error_us: clock.and_then(|clock| clock.error_us()).unwrap_or(0),
            is_above_fastest: way_us.is_none(),
        });
        let stages = [
            venue,
            plain(Stage::Server, server.server, 0),
            plain(Stage::Network, browser.network, clock_error_us.unwrap_or(0)),
            plain(Stage::Paint, browser.paint, 0),
        ];
        Self { stages: stages.into_iter().flatten().collect() }
    }

    /// Returns the sum of the stages. For the percentiles it exceeds any real total, as not all stages are slow at
    /// once.
    pub fn total(&self) -> Option<Quantiles> {
        let add = |of: fn(&Quantiles) -> u64| {
            self.stages.iter().fold(0_u64, |sum, figures| sum.saturating_add(of(&figures.took)))
        };
        let n = self.stages.iter().map(|figures| figures.took.n).min()?;
        Some(Quantiles {
            p50_us: add(|took| took.p50_us),
            p95_us: add(|took| took.p95_us),
            p99_us: add(|took| took.p99_us),
            n,
        })
    }

    /// Returns each stage's share of the median total, in thousandths; together 1,000 or slightly less.
    pub fn parts(&self) -> Vec<(Stage, u32)> {
        let total_us = self.total().map_or(1, |total| total.p50_us.max(1));
        let part = |figures: &StageFigures| {
            let part = figures.took.p50_us.saturating_mul(1_000) / total_us;
            (figures.stage, u32::try_from(part).unwrap_or(1_000).min(1_000))
        };
        self.stages.iter().map(part).collect()
    }
}

fn shifted(took: Quantiles, by_us: u64) -> Quantiles {
    Quantiles {
        p50_us: took.p50_us.saturating_add(by_us),
        p95_us: took.p95_us.saturating_add(by_us),
        p99_us: took.p99_us.saturating_add(by_us),
        n: took.n,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(millis: u64) -> Option<Quantiles> {
        Some(Quantiles { p50_us: millis * 1_000, p95_us: millis * 2_000, p99_us: millis * 3_000, n: 10 })
    }

    #[test]
    fn the_way_of_the_fastest_message_is_half_a_round_trip() {
        let server = LatencyData { venue: took(2), server: took(50) };
        let browser = BrowserLatency { network: took(1), paint: took(7) };
        let clock = VenueClock { fastest_us: 100_000, round_trip_us: Some(16_000) };
        let budget = Budget::new(&server, Some(clock), browser, Some(2_500));
        let shown: Vec<(Stage, u64, u64, bool)> = budget
            .stages
            .iter()
            .map(|figures| (figures.stage, figures.took.p50_us, figures.error_us, figures.is_above_fastest))
            .collect();
        assert_eq!(
            shown,
            [
                (Stage::Venue, 10_000, 9_000, false),
                (Stage::Server, 50_000, 0, false),
                (Stage::Network, 1_000, 2_500, false),
                (Stage::Paint, 7_000, 0, false)
            ]
        );
        assert_eq!(budget.total().map(|total| (total.p50_us, total.p99_us)), Some((68_000, 188_000)));
        let parts = budget.parts();
        assert_eq!(parts[1], (Stage::Server, 735));
        assert!((990..=1_000).contains(&parts.iter().map(|part| part.1).sum::<u32>()));
    }

    #[test]
    fn what_is_not_known_is_not_made_up() {
        let server = LatencyData { venue: took(2), server: Some(Quantiles::default()) };
        let clock = VenueClock { fastest_us: 100_000, round_trip_us: None };
        let budget = Budget::new(&server, Some(clock), BrowserLatency::default(), None);
        assert_eq!(budget.stages.len(), 1);
        assert_eq!((budget.stages[0].took.p50_us, budget.stages[0].is_above_fastest), (2_000, true));
        assert_eq!(Budget::default().total(), None);
        assert_eq!(Budget::default().parts(), []);
    }
}
