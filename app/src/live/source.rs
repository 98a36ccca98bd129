//! Two sources of the same data: the server's stream, and the venue's own socket opened by a worker of this page. Decides
//! which topic comes from which source, and how it switches without a gap.
//!
//! A topic is owned by the source that last delivered it. When the reader chooses another source, both are followed until
//! the new one has delivered its snapshot; then the old one is dropped. So nothing shown disappears, and a source that
//! never delivers takes nothing over. Pure; sockets and workers are `live::socket`'s and `live::direct`'s.

use model::{
    instrument::{InstrumentId, Venue},
    sorted::{SortedMap, SortedSet},
    trading::account::AccountId,
};
use topics::{subject::Subject, topic::Topic};
use wire::{
    direct::DirectEntry,
    message::{Update, UpdateKind},
};

/// A source of market data for this page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The server holds the venue's connections.
    #[default]
    Server,
    /// This browser opens the venue's own socket.
    Direct,
}

impl Source {
    /// The source's name in storage and tests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Direct => "direct",
        }
    }
}

/// The venues that the reader wants to reach directly; all others come from the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceChoices(SortedSet<Venue>);

impl SourceChoices {
    /// Parses `binance,kraken`. Invalid entries are skipped, so that a broken text never stops the page.
    pub fn parse(text: &str) -> Self {
        let is_name = |name: &&str| {
            !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
        };
        Self(text.split(',').filter(is_name).take(MAX_REMEMBERED).map(Venue::new).collect())
    }

    /// Returns the text that [`Self::parse`] reads.
    pub fn to_text(&self) -> String {
        self.0.iter().map(Venue::as_str).collect::<Vec<_>>().join(",")
    }

    /// Returns the source that the reader chose for a venue.
    pub fn get(&self, venue: &Venue) -> Source {
        if self.0.contains(venue) { Source::Direct } else { Source::Server }
    }

    /// Chooses a venue's source.
    pub fn set(&mut self, venue: &Venue, source: Source) {
        match source {
            Source::Direct => self.0.insert(venue.clone()),
            Source::Server => self.0.remove(venue),
        };
    }
}

/// The handling of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Apply it.
    Apply,
    /// Apply it over the other source's data; the topic belongs to this source from now on.
    TakeOver,
    /// Ignore it: the topic belongs to the other source.
    Leave,
}

/// The topics to request from each source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscriptions {
    /// Topics from the server.
    pub server: SortedSet<Topic>,
    /// Topics from each venue's worker; a venue that is absent needs none.
    pub direct: SortedMap<Venue, SortedSet<Topic>>,
}

impl Subscriptions {
    /// Returns these subscriptions without the topics of `venue` that their source has not delivered: subscribing to
    /// those afterwards brings their snapshots, even if they were followed for another reason.
    pub fn without_pending(&self, venue: &Venue, router: &SourceRouter) -> Self {
        let is_kept = |topic: &Topic, source: Source| {
            !belongs(topic, venue) || router.owners.get(topic).is_none_or(|owner| *owner == source)
        };
        let mut fewer = self.clone();
        fewer.server.retain(|topic| is_kept(topic, Source::Server));
        fewer.direct.values_mut().for_each(|topics| topics.retain(|topic| is_kept(topic, Source::Direct)));
        fewer
    }
}

/// Routes topics to sources: the reader's choice, what is possible, and which source owns each topic.
#[derive(Clone, Debug, Default)]
pub struct SourceRouter {
    sources: SourceChoices,
    /// The venues that the server follows, and how each can be reached directly.
    direct_venues: SortedMap<Venue, DirectEntry>,
    /// Workers that have stopped working.
    failed: SortedMap<Venue, String>,
    /// The source that delivered each topic.
    owners: SortedMap<Topic, Source>,
    /// The instrument followed from both sources.
    pub compared: Option<InstrumentId>,
    /// The venue name under which a worker of this page plays a recording.
    pub replay: Option<Venue>,
    /// Venues whose worker stays although no topic needs it: it records.
    pub kept: SortedSet<Venue>,
}

impl SourceRouter {
    /// Sets how venues can be reached directly. Returns the venues whose worker must restart, as it follows other
    /// symbols now.
    pub fn set_direct_venues(&mut self, venues: &[DirectEntry]) -> Vec<Venue> {
        let venues: SortedMap<Venue, DirectEntry> =
            venues.iter().map(|direct| (direct.venue.clone(), direct.clone())).collect();
        let changed = self.direct_venues.iter().filter(|(venue, known)| venues.get(*venue) != Some(known));
        let changed: Vec<Venue> = changed.map(|(venue, _)| venue.clone()).collect();
        changed.iter().for_each(|venue| self.disown(venue));
        self.direct_venues = venues;
        changed
    }

    /// Returns how a venue can be reached directly.
    pub fn direct_venue(&self, venue: &Venue) -> Option<&DirectEntry> {
        self.direct_venues.get(venue)
    }

    /// Sets the reader's choice, and which workers have stopped. Returns the venues whose source changed, or is
    /// retried.
    pub fn choose(&mut self, sources: SourceChoices, failed: SortedMap<Venue, String>) -> Vec<Venue> {
        let changed = self.sources.0.difference(&sources.0).chain(sources.0.difference(&self.sources.0));
        let again = self.failed.keys().filter(|venue| !failed.contains_key(*venue));
        let changed: SortedSet<Venue> = changed.chain(again).cloned().collect();
        for venue in failed.keys().filter(|venue| !self.failed.contains_key(*venue)).cloned().collect::<Vec<_>>() {
            // Its topics come from the server, whose snapshots are on their way.
            self.disown(&venue);
        }
        (self.sources, self.failed) = (sources, failed);
        changed.into_iter().collect()
    }

    /// Returns the reader's choice.
    pub fn sources(&self) -> &SourceChoices {
        &self.sources
    }

    /// Drops a worker's ownership of its venue's topics: the first snapshot to arrive is used.
    pub fn disown(&mut self, venue: &Venue) {
        self.owners.retain(|topic, owner| *owner == Source::Server || !belongs(topic, venue));
    }

    /// Returns why a venue cannot be reached directly; `None` if it can.
    pub fn obstacle(&self, venue: &Venue) -> Option<&str> {
        let refusal = self.direct_venues.get(venue).and_then(|direct| direct.refusal.as_deref());
        refusal.or_else(|| self.failed.get(venue).map(String::as_str))
    }

    /// Returns true if an instrument can be followed directly.
    pub fn is_open(&self, instrument: &InstrumentId) -> bool {
        let venue = instrument.venue();
        self.obstacle(venue).is_none()
            && self
                .direct_venues
                .get(venue)
                .is_some_and(|direct| direct.symbols.iter().any(|known| known == instrument.symbol()))
    }

    /// Returns the subscriptions that deliver `demand`.
    pub fn route(&mut self, demand: &SortedSet<Topic>) -> Subscriptions {
        let compared = self.compared.as_ref().filter(|instrument| self.is_open(instrument));
        let compared = compared.map(|instrument| [Topic::tape(instrument), Topic::quote(instrument)]);
        let is_compared = |topic: &Topic| compared.as_ref().is_some_and(|both| both.contains(topic));
        self.owners.retain(|topic, _| demand.contains(topic) || is_compared(topic));
        let mut subscriptions = Subscriptions::default();
        for topic in demand {
            let (wanted, owner) = (self.wanted(topic), self.owners.get(topic).copied());
            if (wanted, owner) != (Source::Direct, Some(Source::Direct)) {
                subscriptions.server.insert(topic.clone());
            }
            if let Some(venue) = topic.venue().or_else(|| self.replay_of_account(topic))
                && (wanted == Source::Direct || owner == Some(Source::Direct))
            {
                subscriptions.direct.get_or_default(venue.clone()).insert(topic.clone());
            }
        }
        // A venue chosen to be direct keeps its worker on pages that show nothing of it: returning is instant.
        let kept = self
            .direct_venues
            .keys()
            .filter(|venue| self.sources.get(venue) == Source::Direct && self.obstacle(venue).is_none());
        for venue in kept {
            subscriptions.direct.get_or_default(venue.clone());
        }
        for venue in self.replay.iter().chain(self.kept.iter()) {
            subscriptions.direct.get_or_default(venue.clone());
        }
        for topic in compared.into_iter().flatten() {
            if let Some(venue) = topic.venue() {
                subscriptions.direct.get_or_default(venue.clone()).insert(topic.clone());
            }
            subscriptions.server.insert(topic);
        }
        for topics in subscriptions.direct.values_mut() {
            topics.insert(Topic::STATUS);
        }
        subscriptions
    }

    /// Decides how to handle an update from `source`.
    pub fn judge(&mut self, source: Source, update: &Update) -> Ruling {
        let owner = self.owners.get(&update.topic).copied();
        let is_wanted = self.wanted(&update.topic) == source;
        let ruling = match owner {
            Some(owner) if owner == source => Ruling::Apply,
            // The first snapshot to arrive is shown, whichever source was chosen: any data is better than none.
            None if update.kind == UpdateKind::Snapshot => Ruling::Apply,
            Some(_) if is_wanted && update.kind == UpdateKind::Snapshot => Ruling::TakeOver,
            _ => Ruling::Leave,
        };
        if ruling != Ruling::Leave {
            self.owners.insert(update.topic.clone(), source);
        }
        ruling
    }

    /// Returns the source that delivered a topic; `None` if nothing has arrived.
    pub fn owner(&self, topic: &Topic) -> Option<Source> {
        self.owners.get(topic).copied()
    }

    /// Returns the venues of which at least one shown topic comes directly.
    pub fn shown_directly(&self) -> SortedSet<Venue> {
        let direct = self.owners.iter().filter(|(_, owner)| **owner == Source::Direct);
        direct.filter_map(|(topic, _)| topic.venue().cloned()).collect()
    }

    fn wanted(&self, topic: &Topic) -> Source {
        match topic.instrument() {
            Some(instrument) if self.replay.as_ref() == Some(instrument.venue()) => Source::Direct,
            Some(instrument) if self.is_open(instrument) => self.sources.get(instrument.venue()),
            None if self.replay_of_account(topic).is_some() => Source::Direct,
            _ => Source::Server,
        }
    }

    /// Returns the venue name of this page's replay for the topics of its account.
    fn replay_of_account(&self, topic: &Topic) -> Option<&Venue> {
        self.replay.as_ref().filter(|venue| venue.is_replay() && is_of_replay(topic))
    }
}

/// Returns true for the topics of a venue; those of the replay's account belong to whatever replay there is.
fn belongs(topic: &Topic, venue: &Venue) -> bool {
    topic.venue() == Some(venue) || (venue.is_replay() && is_of_replay(topic))
}

fn is_of_replay(topic: &Topic) -> bool {
    match topic.subject() {
        Subject::Account(name) => AccountId::parse(name).is_ok_and(|account| account.is_replay()),
        _ => false,
    }
}

/// The key of [`SourceChoices`] in the browser's storage.
pub const STORAGE_KEY: &str = "truetape.direct";

const MAX_REMEMBERED: usize = 32;

#[cfg(test)]
mod tests;
