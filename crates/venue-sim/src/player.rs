//! The shared timeline: plays the recording's frames when they are due, or the simulated market slot by slot.
//!
//! One task owns the pace; others pause, resume, restart and read the position through [`Timeline`].

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::time::Timestamp;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};
use venues::demo::market::{SLOT_MS, slot_at};

use crate::{
    clients::Ending,
    config::{AtEnd, Source, Speed, StartWhen},
    exchange::Input,
    shared::Shared,
};

/// At full speed the player yields after this many frames.
const FRAMES_BETWEEN_YIELDS: usize = 256;
/// A simulated market that has fallen behind plays at most this many slots before it skips.
const MAX_LATE_SLOTS: u64 = 50;

/// The state of the timeline.
#[derive(Clone, Debug, Default)]
pub(crate) struct Position {
    /// False while waiting for the first subscriber, and while paused.
    pub(crate) is_playing: bool,
    /// True after a pause was requested; a subscriber does not end it.
    pub(crate) is_paused: bool,
    /// True once the last frame was played.
    pub(crate) is_finished: bool,
    /// Frames played, or the number of the last slot.
    pub(crate) position: u64,
    /// The number of restarts.
    pub(crate) n_restarts: u64,
    /// True if a restart was requested; the player carries it out between two frames.
    is_restart_due: bool,
}

impl Position {
    fn before(start: StartWhen) -> Self {
        Self { is_playing: start == StartWhen::Immediately, is_paused: start == StartWhen::Resumed, ..Self::default() }
    }
}

/// The timeline's controls.
#[derive(Debug)]
pub(crate) struct Timeline {
    start: StartWhen,
    position: Mutex<Position>,
    changed: Notify,
}

impl Timeline {
    /// Creates a timeline with the given start.
    pub(crate) fn new(start: StartWhen) -> Self {
        Self { start, position: Mutex::new(Position::before(start)), changed: Notify::new() }
    }

    /// Returns its state.
    pub(crate) fn position(&self) -> Position {
        self.lock().clone()
    }

    /// Notes a subscription.
    pub(crate) fn subscriber_came(&self) {
        self.change(|position| position.is_playing |= !position.is_paused);
    }

    /// Stops the timeline.
    pub(crate) fn pause(&self) {
        self.change(|position| (position.is_playing, position.is_paused) = (false, true));
    }

    /// Resumes the timeline.
    pub(crate) fn resume(&self) {
        self.change(|position| (position.is_playing, position.is_paused) = (true, false));
    }

    /// Requests that all clients are disconnected and the recording restarts.
    pub(crate) fn restart(&self) {
        self.change(|position| position.is_restart_due = true);
    }

    fn change(&self, change: impl FnOnce(&mut Position)) {
        change(&mut self.lock());
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Position> {
        self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Plays until the simulator stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    let played = async {
        let due = shared.exchange().market().due();
        match due {
            Some(due) => play_recording(&shared, &due).await,
            None => play_market(&shared).await,
        }
    };
    shared.stop.run_until_cancelled(played).await;
}

async fn play_recording(shared: &Shared, frames: &[Duration]) {
    let timeline = &shared.timeline;
    loop {
        if timeline.position().is_restart_due {
            restart(shared);
        }
        let begun = timeline.position();
        let Some(&base) = frames.get(begun.position as usize).filter(|_| begun.is_playing) else {
            timeline.changed.notified().await;
            continue;
        };
        let origin = Instant::now();
        // Until a pause, a restart or the end of the recording.
        loop {
            shared.wait_for_room().await;
            let now = timeline.position();
            if !now.is_playing || now.is_restart_due {
                break;
            }
            let frame_idx = now.position as usize;
            let Some(&at) = frames.get(frame_idx) else {
                finish(shared);
                break;
            };
            let due = origin + shared.config.speed.played(at.saturating_sub(base));
            if due > Instant::now() {
                tokio::select! {
                    biased;
                    () = timeline.changed.notified() => {}
                    () = sleep_until(due) => {}
                }
                continue;
            }
            step(shared, now.position, now.position + 1);
            if frame_idx.is_multiple_of(FRAMES_BETWEEN_YIELDS) {
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Advances the venue. The position counts the step after the oracle and before any client gets it.
fn step(shared: &Shared, step: u64, position: u64) {
    let mut exchange = shared.exchange();
    exchange.handle(Input::Step(step), shared.now());
    shared.timeline.lock().position = position;
    shared.carry_out(&mut exchange);
}

fn finish(shared: &Shared) {
    match shared.config.at_end {
        AtEnd::Stop => {
            let mut position = shared.timeline.lock();
            (position.is_playing, position.is_paused, position.is_finished) = (false, true, true);
        }
        AtEnd::Loop => restart(shared),
    }
}

/// Called by the player only: nothing else may change the market's state between two frames.
fn restart(shared: &Shared) {
    shared.handle(Input::Restart);
    shared.clients.end_all(&Ending { code: Some(1012), reason: "service restart".to_owned() });
    let mut position = shared.timeline.lock();
    *position = Position { n_restarts: position.n_restarts + 1, ..Position::before(shared.timeline.start) };
}

async fn play_market(shared: &Shared) {
    let Source::Demo { start, .. } = &shared.config.source else { return };
    let times = match shared.config.speed {
        Speed::Times(times) => times,
        Speed::Max => 1.0,
    };
    let (origin, begun) = (Instant::now(), start.unwrap_or_else(wall_clock));
    let mut last_slot = slot_at(begun).saturating_sub(1);
    loop {
        if shared.timeline.position().is_restart_due {
            restart(shared);
        }
        let elapsed = origin.elapsed().mul_f64(times);
        let slot = slot_at(begun + elapsed);
        for due in (last_slot + 1).max(slot.saturating_sub(MAX_LATE_SLOTS))..=slot {
            if shared.timeline.position().is_playing {
                step(shared, due, due);
            } else {
                // While paused the market continues without output, as on a venue whose feed hangs.
                shared.exchange().market_mut().advance(due);
                shared.timeline.lock().position = due;
            }
        }
        last_slot = slot.max(last_slot);
        let next_ms = (last_slot as i64 + 1) * SLOT_MS;
        let wait = Timestamp::from_millis(next_ms).saturating_since(begun);
        let due = origin + wait.div_f64(times);
        while Instant::now() < due {
            tokio::select! {
                biased;
                () = shared.timeline.changed.notified() => {}
                () = sleep_until(due) => {}
            }
        }
    }
}

/// The wall clock.
pub(crate) fn wall_clock() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
