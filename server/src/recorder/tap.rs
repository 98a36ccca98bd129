//! What others want of a feed's tap, and its entries on their way to a writer.
//!
//! Not here: the tap itself (`recording::tap`), the queue and its end ([`super::writer`]).

use market::View;
use model::time::Now;
use recording::{entry::RawEntry, ring::Window, tap::Sink};
use tokio::sync::oneshot;
use venues::session::Session;

use super::writer::Feeder;

/// The hook of one feed.
pub type Tap = recording::tap::Tap<Feeder>;

/// What others want of a tap.
#[derive(Debug)]
pub enum TapCommand {
    /// Hand everything over from now on, after what must be known first. Replaces a recording that has ended.
    Record(Feeder),
    /// Say what the last half minute was; `None` where nothing was kept.
    Window(oneshot::Sender<Option<Window>>),
}

impl TapCommand {
    /// Does it.
    pub fn carry_out(self, tap: &mut Tap, session: &dyn Session, view: &View, now: Now) {
        match self {
            Self::Record(feeder) => tap.record(feeder, session, view, now),
            Self::Window(reply) => {
                // Nobody waits any more where this fails.
                let _unheard = reply.send(tap.window(now));
            }
        }
    }
}

impl Sink for Feeder {
    fn entry(&mut self, entry: RawEntry) {
        Self::entry(self, entry);
    }

    fn wants_part(&self) -> bool {
        Self::wants_part(self)
    }

    fn part(&mut self, prelude: Vec<RawEntry>) {
        Self::part(self, prelude);
    }

    fn is_over(&self) -> bool {
        Self::is_over(self)
    }
}
