//! Ages and states while the server's wall clock is set back and forth and drifts: in all cases a stream is stale when
//! no data came for the threshold, and never before.

use std::time::Duration;

use market::{View, ViewConfig};
use model::{
    event::{MarketEvent, TradeId},
    proof::Books,
    status::{FeedHealth, StreamState},
    time::{Monotonic, Now, Timestamp},
};
use topics::lane::Lane;

use crate::common::{WALL_MS, id, trade};

/// A wall clock that is occasionally set by up to ten minutes, and runs up to 2 % too fast or too slow in between.
struct WallClock {
    random: u64,
    wall_us: i64,
    at_ms: u64,
    drift_ppm: i64,
}

impl WallClock {
    fn new(seed: u64) -> Self {
        let mut clock = Self { random: seed, wall_us: WALL_MS * 1_000, at_ms: 0, drift_ppm: 0 };
        clock.drift_ppm = clock.draw(40_000) as i64 - 20_000;
        clock
    }

    /// SplitMix64: small, and the same everywhere.
    fn draw(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % below
    }

    fn now(&mut self, at_ms: u64) -> Now {
        let passed_us = i64::try_from((at_ms - self.at_ms) * 1_000).unwrap();
        self.wall_us += passed_us + passed_us * self.drift_ppm / 1_000_000;
        self.at_ms = at_ms;
        Now {
            monotonic: Monotonic::from_zero(Duration::from_millis(at_ms)),
            wall: Timestamp::from_micros(self.wall_us),
        }
    }

    fn set(&mut self) {
        self.wall_us += (self.draw(1_200_001) as i64 - 600_000) * 1_000;
    }
}

const TURN_MS: u64 = 100;
const STALE_MS: u64 = 5_000;

#[test]
fn no_stream_is_called_stale_early_or_late_by_a_set_clock() {
    let (mut n_false_stale, mut n_missed_stale, mut n_sets, mut n_stale, mut n_judged) = (0, 0, 0, 0, 0);
    for seed in 0..500 {
        let mut clock = WallClock::new(seed);
        let mut view = View::new(ViewConfig { stale_after: Duration::from_millis(STALE_MS), history_at_start: None });
        let (health, books) = (FeedHealth { is_connected: true, ..FeedHealth::default() }, Books::new());
        let (mut last_ms, mut next_ms, mut number) = (None, 50, 0);
        for turn in 1..=400_u64 {
            let turn_ms = turn * TURN_MS;
            while next_ms < turn_ms {
                let now = clock.now(next_ms);
                number += 1;
                let kind = trade(TradeId::Sequence(number), 1_000, 1);
                view.apply(&MarketEvent { instrument: id(1), event_time: None, receive_time: now.wall, kind });
                last_ms = Some(next_ms);
                // Mostly a busy stream; sometimes a silence around and beyond the threshold.
                next_ms += if clock.draw(8) == 0 { 4_000 + clock.draw(4_000) } else { 1 + clock.draw(300) };
            }
            // Somewhere between the message and the turn: the worst time.
            if clock.draw(15) == 0 {
                clock.set();
                n_sets += 1;
            }
            let now = clock.now(turn_ms);
            view.turn(Lane::Fast, now, &health, &books);
            let Some(last_ms) = last_ms else { continue };
            let (age_ms, state) = (turn_ms - last_ms, view.statuses(now, &health)[0].state);
            n_judged += 1;
            n_stale += u64::from(state == StreamState::Stale);
            // A receive time is placed within its turn, which limits the accuracy of the age.
            n_false_stale += u64::from(state == StreamState::Stale && age_ms + TURN_MS <= STALE_MS);
            n_missed_stale += u64::from(state == StreamState::Live && age_ms > STALE_MS + TURN_MS);
        }
    }
    assert!(n_sets > 10_000 && n_stale > 10_000 && n_judged > 190_000, "{n_sets} {n_stale} {n_judged}");
    assert_eq!((n_false_stale, n_missed_stale), (0, 0), "false and missed in {n_judged}, {n_stale} of them stale");
}
