//! Commands to a feed's tap, and the connection from the tap to a writer.
//!
//! Not here: the tap itself (`recording::tap`), the writer and its queue ([`super::writer`]).

use market::View;
use model::time::Now;
use recording::{entry::RawEntry, ring::Window, tap::Sink};
use tokio::sync::oneshot;
use venues::session::Session;

use super::writer::Feeder;

/// The tap of one feed.
pub type Tap = recording::tap::Tap<Feeder>;

/// A command to a tap.
#[derive(Debug)]
pub enum TapCommand {
    /// Records all entries from now on, after a prelude. Replaces a recording that has ended.
    Record(Feeder),
    /// Returns the last half minute; `None` if nothing was kept.
    Window(oneshot::Sender<Option<Window>>),
}

impl TapCommand {
    /// Carries out the command.
    pub fn carry_out(self, tap: &mut Tap, session: &dyn Session, view: &View, now: Now) {
        match self {
            Self::Record(feeder) => tap.record(feeder, session, view, now),
            Self::Window(reply) => {
                // Sending fails only if the caller is gone.
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
