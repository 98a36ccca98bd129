//! Feeds that follow the settings: what a change of `feeds` and `venues` means for those that run.
//!
//! A running feed takes a new age of stale data. Its session is made of everything else, so that after any other change of
//! its venue it is started again. Not here: starting and stopping feeds (`feed::supervisor`), the list of `feeds` and what
//! readers keep (`catalogue::following`).

use std::sync::Arc;

use model::{access::Role, instrument::Venue};
use tokio_util::sync::CancellationToken;
use venues::registry;

use crate::{
    catalogue::following::Following,
    clock::Clock,
    config::{Config, Live, VenueConfig},
    feed::{control::ControlError, endpoints::VenueEndpoints, handle::Feeds},
    notices::Notices,
};

/// Everything that feeds need to follow the settings.
#[derive(Debug)]
pub struct FeedSettings {
    /// The newest configuration.
    pub live: Live,
    /// The venues' addresses and tokens.
    pub endpoints: VenueEndpoints,
    /// The feeds.
    pub feeds: Feeds,
    /// Follows the symbols of the list.
    pub following: Following,
    /// Tells people what could not be done.
    pub notices: Notices,
    /// The server's clock.
    pub clock: Clock,
}

impl FeedSettings {
    /// Follows every change since `started`, until the server stops.
    pub async fn run(mut self, started: Config, stopping: CancellationToken) {
        let following = async {
            let mut before = Arc::new(started);
            while let Some(newest) = self.live.next().await {
                self.follow(&before, &newest).await;
                before = newest;
            }
        };
        tokio::select! {
            biased;
            () = stopping.cancelled() => {}
            () = following => {}
        }
    }

    async fn follow(&self, before: &Config, newest: &Config) {
        // The venues first: a feed that is added in the same change may need its token.
        let mut failures = self.follow_venues(before, newest).await;
        failures.extend(self.following.change_list(&before.feeds, &newest.feeds).await);
        let Some(failure) = failures.first() else { return self.notices.end(NOTICE) };
        for failure in &failures {
            tracing::warn!(%failure, "a feed does not follow the settings");
        }
        let sentence = format!("A feed does not follow the settings: {failure}");
        self.notices.show(NOTICE, Role::Viewer, sentence, self.clock.now().monotonic);
    }

    async fn follow_venues(&self, before: &Config, newest: &Config) -> Vec<ControlError> {
        let mut failures = Vec::new();
        for name in registry::venues().map(|info| info.name) {
            let (old, new) = (before.venue(name), newest.venue(name));
            let change = VenueChange::between(&old, &new);
            let stale_after = new.stale_after;
            if change != VenueChange::None {
                self.endpoints.configure(name, new);
            }
            let Some(feed) = self.feeds.of_venue(&Venue::new(name)) else { continue };
            match change {
                VenueChange::None => {}
                VenueChange::StaleAfter => feed.set_stale_after(stale_after).await,
                VenueChange::Session => failures.extend(self.feeds.restart(name).await.err()),
            }
        }
        failures
    }
}

/// The reach of a change of a venue's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum VenueChange {
    /// There is none.
    None,
    /// The view takes it.
    StaleAfter,
    /// It takes a new session.
    Session,
}

impl VenueChange {
    fn between(old: &VenueConfig, new: &VenueConfig) -> Self {
        if old == new {
            Self::None
        } else if *old == (VenueConfig { stale_after: old.stale_after, ..new.clone() }) {
            Self::StaleAfter
        } else {
            Self::Session
        }
    }
}

/// The cause of the notice.
const NOTICE: &str = "feed-settings";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::token::Token;

    #[test]
    fn only_the_age_of_stale_data_keeps_the_session() {
        let (old, second) = (VenueConfig::default(), Duration::from_secs(1));
        let stale = VenueConfig { stale_after: second, ..old.clone() };
        for (new, expected) in [
            (old.clone(), VenueChange::None),
            (stale.clone(), VenueChange::StaleAfter),
            (VenueConfig { data_deadline: Some(second), ..old.clone() }, VenueChange::Session),
            (VenueConfig { data_deadline: Some(second), ..stale }, VenueChange::Session),
            (VenueConfig { token: Token::new("s3cret").ok(), ..old.clone() }, VenueChange::Session),
            (VenueConfig { max_attempts: Some(3), ..old.clone() }, VenueChange::Session),
        ] {
            assert_eq!(VenueChange::between(&old, &new), expected, "{new:?}");
        }
    }
}
