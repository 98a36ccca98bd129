//! Refresh rates of regions: groups, the three presets, and an individual rate for a single region.
//!
//! | group | Live | Balanced | Calm |
//! |---|---|---|---|
//! | shown (the instrument in view) | 33 ms | 500 ms | 2 s |
//! | price | 100 ms | 500 ms | 2 s |
//! | positions | 100 ms | 1 s | 3 s |
//! | risk, status | 100 ms | 1 s | 5 s |
//! | chart | 100 ms | 1 s | on demand |
//! | request | on demand | on demand | on demand |

use std::time::Duration;

use topics::lane::Lane;

/// The group of a region, which determines its pace in a preset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cadence {
    /// Price, book and trades of the instrument in view.
    Shown,
    /// Prices of other instruments.
    Price,
    /// Positions and orders.
    Positions,
    /// Exposure, drawdown, limits.
    Risk,
    /// Feeds, connection, system.
    Status,
    /// Charts.
    Chart,
    /// Loaded on request only, whatever the preset.
    Request,
}

/// A set of paces for all groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// Everything as soon as it arrives.
    #[default]
    Live,
    /// Prices twice a second, the rest once.
    Balanced,
    /// For a second screen: seconds, and charts on demand.
    Calm,
}

/// The refresh pace of one region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// At most once per this duration.
    Every(Duration),
    /// Only on request.
    OnDemand,
}

impl Cadence {
    /// Returns the group's pace in a preset.
    pub fn pace(self, preset: Preset) -> Pace {
        let pace_ms = match (preset, self) {
            (_, Self::Request) => return Pace::OnDemand,
            (Preset::Live, Self::Shown) => 33,
            (Preset::Live, _) => 100,
            (Preset::Balanced, Self::Shown | Self::Price) => 500,
            (Preset::Balanced, _) => 1_000,
            (Preset::Calm, Self::Shown | Self::Price) => 2_000,
            (Preset::Calm, Self::Positions) => 3_000,
            (Preset::Calm, Self::Risk | Self::Status) => 5_000,
            (Preset::Calm, Self::Chart) => return Pace::OnDemand,
        };
        Pace::Every(Duration::from_millis(pace_ms))
    }
}

impl Preset {
    /// All presets, fastest first.
    pub const ALL: [Self; 3] = [Self::Live, Self::Balanced, Self::Calm];

    /// Returns its name in the stored settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Balanced => "balanced",
            Self::Calm => "calm",
        }
    }

    /// Returns its name and description, for a chooser.
    pub fn label(self) -> (&'static str, &'static str) {
        match self {
            Self::Live => ("Live", "prices 33 ms, the rest 100 ms"),
            Self::Balanced => ("Balanced", "prices 500 ms, the rest 1 s"),
            Self::Calm => ("Calm", "prices 2 s, charts on demand"),
        }
    }

    /// Parses a preset from its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == text)
    }
}

impl Pace {
    /// The paces that can be chosen for a single region.
    pub const CHOICES: [Self; 7] = [
        Self::Every(Duration::from_millis(33)),
        Self::Every(Duration::from_millis(100)),
        Self::Every(Duration::from_millis(500)),
        Self::Every(Duration::from_secs(1)),
        Self::Every(Duration::from_secs(2)),
        Self::Every(Duration::from_secs(5)),
        Self::OnDemand,
    ];

    /// Returns the lane for a region's topics: the slowest lane that is fast enough.
    pub fn lane(self) -> Lane {
        match self {
            Self::Every(span) => Lane::from_ms(u32::try_from(span.as_millis()).unwrap_or(u32::MAX)),
            Self::OnDemand => Lane::Slow,
        }
    }

    /// Returns its name in the stored settings: milliseconds or `manual`.
    pub fn name(self) -> String {
        match self {
            Self::Every(span) => span.as_millis().to_string(),
            Self::OnDemand => "manual".to_owned(),
        }
    }

    /// Returns the displayed text: `500 ms`, `2 s`, `manual`.
    pub fn label(self) -> String {
        match self {
            Self::Every(span) if span.subsec_millis() == 0 => format!("{} s", span.as_secs()),
            Self::Every(span) => format!("{} ms", span.as_millis()),
            Self::OnDemand => "manual".to_owned(),
        }
    }

    /// Parses a pace from its name; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::CHOICES.into_iter().find(|pace| pace.name() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(pace_ms: u64) -> Pace {
        Pace::Every(Duration::from_millis(pace_ms))
    }

    #[test]
    fn presets_are_those_of_the_requirements() {
        #[track_caller]
        fn check(cadence: Cadence, expected: [Pace; 3]) {
            assert_eq!(Preset::ALL.map(|preset| cadence.pace(preset)), expected, "{cadence:?}");
        }
        check(Cadence::Price, [every(100), every(500), every(2_000)]);
        check(Cadence::Positions, [every(100), every(1_000), every(3_000)]);
        check(Cadence::Risk, [every(100), every(1_000), every(5_000)]);
        check(Cadence::Status, [every(100), every(1_000), every(5_000)]);
        check(Cadence::Chart, [every(100), every(1_000), Pace::OnDemand]);
        check(Cadence::Request, [Pace::OnDemand; 3]);
    }

    #[test]
    fn names_round_trip() {
        for preset in Preset::ALL {
            assert_eq!(Preset::parse(preset.as_str()), Some(preset));
        }
        for pace in Pace::CHOICES {
            assert_eq!(Pace::parse(&pace.name()), Some(pace));
        }
        let labels = Pace::CHOICES.map(Pace::label);
        assert_eq!(labels, ["33 ms", "100 ms", "500 ms", "1 s", "2 s", "5 s", "manual"]);
        assert_eq!(Pace::parse("50"), None);
        assert_eq!(Preset::parse(""), None);
    }

    #[test]
    fn each_pace_has_its_lane() {
        #[track_caller]
        fn check(pace: Pace, expected: Lane) {
            assert_eq!(pace.lane(), expected, "{pace:?}");
        }
        check(every(33), Lane::Screen);
        check(every(100), Lane::Fast);
        check(every(500), Lane::Medium);
        check(every(2_000), Lane::Slow);
        check(Pace::OnDemand, Lane::Slow);
    }
}
