//! The times in `quality`: latencies of messages up to the server's publishing, and the venue's clock.
//!
//! A venue's timestamp is read from the venue's clock and the arrival from the server's, so their difference is the
//! latency plus an unknown offset. The fastest message bounds that offset from one side (no latency is below zero); the
//! round trip of a WebSocket ping bounds it from the other (no one-way latency exceeds a round trip), provided that the
//! venue sends messages as soon as it timestamps them. Not here: the latency to the browser and to the paint, which the
//! browser measures.

use model::histogram::Quantiles;
use serde::{Deserialize, Serialize};

use crate::payload::optional_fields;

/// The latencies of one stream or of a whole feed, over the last one to two minutes. Absent in a delta: not changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LatencyData {
    /// From the venue's timestamp to the arrival at the server, relative to the fastest message of the feed in that
    /// time. If `n` is 0, no recent data has arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue: Option<Quantiles>,
    /// From the arrival to the publishing of quotes and books, including the wait for the lane's turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Quantiles>,
}

optional_fields!(LatencyData { venue, server });

/// The venue's clock compared with the server's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VenueClock {
    /// The smallest difference between arrival and timestamp over the last one to two minutes, in microseconds: the
    /// fastest message's latency plus how far the server's clock is ahead of the venue's.
    pub fastest_us: i64,
    /// The shortest of the last round trips of a ping, in microseconds; absent before the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_us: Option<u64>,
}

impl VenueClock {
    /// Returns the assumed latency of the fastest message: half a round trip, in microseconds. `None` without a round
    /// trip.
    pub fn fastest_way_us(&self) -> Option<u64> {
        self.round_trip_us.map(|round_trip_us| round_trip_us / 2)
    }

    /// Returns the server's clock minus the venue's, in microseconds, accurate to [`Self::error_us`]. `None` without a
    /// round trip: then it is at most `fastest_us`, without a lower bound.
    pub fn server_ahead_us(&self) -> Option<i64> {
        let way_us = i64::try_from(self.fastest_way_us()?).unwrap_or(i64::MAX);
        Some(self.fastest_us.saturating_sub(way_us))
    }

    /// Returns the possible error of [`Self::server_ahead_us`] and [`Self::fastest_way_us`], in microseconds: half a
    /// round trip, plus a millisecond because venues' timestamps are whole milliseconds.
    pub fn error_us(&self) -> Option<u64> {
        self.fastest_way_us().map(|way_us| way_us.saturating_add(STAMP_US))
    }
}

/// Venues' timestamps are whole milliseconds.
const STAMP_US: u64 = 1_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn without_a_round_trip_only_one_side_is_known() {
        let clock = VenueClock { fastest_us: 20_000, round_trip_us: None };
        assert_eq!((clock.server_ahead_us(), clock.error_us()), (None, None));
    }

    proptest! {
        #[test]
        fn the_true_offset_lies_within_the_error(
            offset_us in -600_000_000_i64..600_000_000,
            there_us in 0_u64..300_000,
            back_us in 0_u64..300_000,
        ) {
            // The fastest message takes as long as the ping's answer; the venue's timestamp is cut to the millisecond.
            let stamped_us = (1_700_000_000_000_000_i64 - offset_us).div_euclid(1_000) * 1_000;
            let received_us = 1_700_000_000_000_000_i64 + i64::try_from(back_us).unwrap();
            let clock = VenueClock { fastest_us: received_us - stamped_us, round_trip_us: Some(there_us + back_us) };
            let error_us = clock.error_us().unwrap();
            prop_assert!(clock.server_ahead_us().unwrap().abs_diff(offset_us) <= error_us);
            prop_assert!(clock.fastest_way_us().unwrap().abs_diff(back_us) <= error_us);
        }

        #[test]
        fn any_figures_are_taken(fastest_us in any::<i64>(), round_trip_us in prop::option::of(any::<u64>())) {
            let clock = VenueClock { fastest_us, round_trip_us };
            let _ = (clock.server_ahead_us(), clock.error_us(), clock.fastest_way_us());
        }
    }
}
