//! Publishes the desk's topics: who owns them, and when each lane has its turn.
//!
//! Not here: what a topic holds (`desk::lanes`).

use desk::{
    desk::Desk,
    lanes::{DeskLanes, DeskSource},
    rows::DeskEvent,
};
use model::{
    time::{Monotonic, Now},
    trading::account::AccountId,
};
use topics::lane::LaneClock;

use crate::publish::{Publishing, TopicOwner};

/// Publishes the desk.
#[derive(Debug)]
pub struct Publisher {
    owner: TopicOwner,
    clock: LaneClock,
    lanes: DeskLanes,
}

impl Publisher {
    /// Owns the topics of accounts.
    pub fn new(publishing: &Publishing, now: Monotonic) -> Self {
        Self { owner: publishing.own_as_desk(), clock: LaneClock::new(now), lanes: DeskLanes::default() }
    }

    /// Returns when the next lane has its turn.
    pub fn next(&self) -> Monotonic {
        self.clock.next()
    }

    /// Takes events that are on disk.
    pub fn take(&mut self, events: Vec<(AccountId, DeskEvent)>) {
        self.lanes.take(events);
    }

    /// Makes the turns that are due.
    pub fn turn(&mut self, desk: &Desk, now: Now) {
        for lane in self.clock.take_due(now.monotonic) {
            let mut source = DeskSource { desk, lanes: &mut self.lanes };
            let n_published = self.owner.turn(lane, &mut source, now);
            self.clock.turned(lane, n_published);
        }
    }

    /// Something changed that those who follow closely should see at once.
    pub fn changed(&mut self, now: Monotonic) {
        self.clock.changed(now);
    }
}
