//! Two ways to the same data: the server's stream, and the venue's own socket opened by a worker of this page. Which topic
//! comes by which, and how it changes over without a hole.
//!
//! A topic belongs to the way that filled it last. When the reader wants another source, both are followed until the new one
//! has brought its snapshot; then the old one is given up. So nothing shown disappears, and a way that never delivers
//! takes nothing over. Pure; sockets and workers are `live::socket`'s and `live::direct`'s.

use model::{
    instrument::{InstrumentId, Venue},
    sorted::{SortedMap, SortedSet},
};
use wire::{
    direct::DirectVenue,
    message::{Item, ItemKind},
    topic::Topic,
};

/// A way for market data to this page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The server holds the venue's connections.
    #[default]
    Server,
    /// This browser opens the venue's own socket.
    Direct,
}

impl Source {
    /// Its name, as remembered.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Direct => "direct",
        }
    }
}

/// The venues that the reader wants directly; all others come from the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceChoices(SortedSet<Venue>);

impl SourceChoices {
    /// Reads `binance,kraken`. What is no name is passed over, so that a broken text never stops the page.
    pub fn parse(text: &str) -> Self {
        let is_name = |name: &&str| {
            !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
        };
        Self(text.split(',').filter(is_name).take(MAX_REMEMBERED).map(Venue::new).collect())
    }

    /// The text that [`Self::parse`] reads.
    pub fn to_text(&self) -> String {
        self.0.iter().map(Venue::as_str).collect::<Vec<_>>().join(",")
    }

    /// What the reader wants for a venue.
    pub fn get(&self, venue: &Venue) -> Source {
        if self.0.contains(venue) { Source::Direct } else { Source::Server }
    }

    /// Changes that.
    pub fn set(&mut self, venue: &Venue, mode: Source) {
        match mode {
            Source::Direct => self.0.insert(venue.clone()),
            Source::Server => self.0.remove(venue),
        };
    }
}

/// What to do with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Apply it.
    Apply,
    /// Apply it over what the other way has brought; the topic belongs to this way from now on.
    TakeOver,
    /// Leave it: the topic belongs to the other source.
    Leave,
}

/// Which topics to ask for from which source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscriptions {
    /// Of the server.
    pub server: SortedSet<Topic>,
    /// Of each venue's worker; a venue that is absent needs none.
    pub direct: SortedMap<Venue, SortedSet<Topic>>,
}

impl Subscriptions {
    /// Without the topics of `venue` that have not come by the way they are asked for on: asking for the rest afterwards
    /// brings their snapshots, also of those that were followed for another reason.
    pub fn without_pending(&self, venue: &Venue, router: &SourceRouter) -> Self {
        let is_kept = |topic: &Topic, source: Source| {
            topic.venue() != Some(venue) || router.owners.get(topic).is_none_or(|owner| *owner == source)
        };
        let mut fewer = self.clone();
        fewer.server.retain(|topic| is_kept(topic, Source::Server));
        fewer.direct.values_mut().for_each(|topics| topics.retain(|topic| is_kept(topic, Source::Direct)));
        fewer
    }
}

/// The state of the two ways.
#[derive(Clone, Debug, Default)]
pub struct SourceRouter {
    sources: SourceChoices,
    /// How venues can be had directly.
    plans: SortedMap<Venue, DirectVenue>,
    /// Workers that have stopped working.
    failed: SortedMap<Venue, String>,
    /// By which way what is known of a topic came.
    owners: SortedMap<Topic, Source>,
    /// Followed on both ways.
    pub compared: Option<InstrumentId>,
    /// The name under which a worker of this page plays a tape.
    pub replay: Option<Venue>,
    /// Venues whose worker stays whatever is wanted: it records.
    pub kept: SortedSet<Venue>,
}

impl SourceRouter {
    /// Takes in how venues can be had. Returns the venues whose worker has to begin anew, as it follows other symbols now.
    pub fn set_plans(&mut self, plans: &[DirectVenue]) -> Vec<Venue> {
        let plans: SortedMap<Venue, DirectVenue> =
            plans.iter().map(|plan| (plan.venue.clone(), plan.clone())).collect();
        let changed = self.plans.iter().filter(|(venue, known)| plans.get(*venue) != Some(known));
        let changed: Vec<Venue> = changed.map(|(venue, _)| venue.clone()).collect();
        changed.iter().for_each(|venue| self.disown(venue));
        self.plans = plans;
        changed
    }

    /// How a venue can be had directly.
    pub fn plan(&self, venue: &Venue) -> Option<&DirectVenue> {
        self.plans.get(venue)
    }

    /// Takes in what the reader wants, and which workers have stopped working. Returns the venues that are wanted another source
    /// than before, or again.
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

    /// What the reader wants.
    pub fn sources(&self) -> &SourceChoices {
        &self.sources
    }

    /// What a venue's worker brought belongs to nobody any more: the first snapshot to come is taken.
    pub fn disown(&mut self, venue: &Venue) {
        self.owners.retain(|topic, owner| *owner == Source::Server || topic.venue() != Some(venue));
    }

    /// Why a venue cannot be had directly although the reader wants it, where it cannot.
    pub fn obstacle(&self, venue: &Venue) -> Option<&str> {
        let refusal = self.plans.get(venue).and_then(|plan| plan.refusal.as_deref());
        refusal.or_else(|| self.failed.get(venue).map(String::as_str))
    }

    /// True where an instrument can be had directly.
    pub fn is_open(&self, instrument: &InstrumentId) -> bool {
        let venue = instrument.venue();
        self.obstacle(venue).is_none()
            && self.plans.get(venue).is_some_and(|plan| plan.symbols.iter().any(|known| known == instrument.symbol()))
    }

    /// What to ask for where `demand` is wanted by the page.
    pub fn route(&mut self, demand: &SortedSet<Topic>) -> Subscriptions {
        let compared = self.compared.as_ref().filter(|instrument| self.is_open(instrument));
        let compared = compared.map(|instrument| [Topic::tape(instrument), Topic::quote(instrument)]);
        let is_compared = |topic: &Topic| compared.as_ref().is_some_and(|both| both.contains(topic));
        self.owners.retain(|topic, _| demand.contains(topic) || is_compared(topic));
        let mut routes = Subscriptions::default();
        for topic in demand {
            let (wanted, owner) = (self.wanted(topic), self.owners.get(topic).copied());
            if (wanted, owner) != (Source::Direct, Some(Source::Direct)) {
                routes.server.insert(topic.clone());
            }
            if let Some(venue) = topic.venue()
                && (wanted == Source::Direct || owner == Some(Source::Direct))
            {
                routes.direct.get_or_default(venue.clone()).insert(topic.clone());
            }
        }
        // A venue that is wanted directly keeps its worker on pages that show nothing of it: coming back is instant.
        let kept = self
            .plans
            .keys()
            .filter(|venue| self.sources.get(venue) == Source::Direct && self.obstacle(venue).is_none());
        for venue in kept {
            routes.direct.get_or_default(venue.clone());
        }
        for venue in self.replay.iter().chain(self.kept.iter()) {
            routes.direct.get_or_default(venue.clone());
        }
        for topic in compared.into_iter().flatten() {
            if let Some(venue) = topic.venue() {
                routes.direct.get_or_default(venue.clone()).insert(topic.clone());
            }
            routes.server.insert(topic);
        }
        for topics in routes.direct.values_mut() {
            topics.insert(Topic::STATUS);
        }
        routes
    }

    /// What to do with an item that came by `way`.
    pub fn judge(&mut self, source: Source, item: &Item) -> Ruling {
        let owner = self.owners.get(&item.topic).copied();
        let is_wanted = self.wanted(&item.topic) == source;
        let ruling = match owner {
            Some(owner) if owner == source => Ruling::Apply,
            // The first to come is shown, whichever was wanted: something is better than nothing.
            None if item.kind == ItemKind::Snapshot => Ruling::Apply,
            Some(_) if is_wanted && item.kind == ItemKind::Snapshot => Ruling::TakeOver,
            _ => Ruling::Leave,
        };
        if ruling != Ruling::Leave {
            self.owners.insert(item.topic.clone(), source);
        }
        ruling
    }

    /// By which way what is known of a topic came; `None` where nothing has come.
    pub fn owner(&self, topic: &Topic) -> Option<Source> {
        self.owners.get(topic).copied()
    }

    /// The venues of which something shown comes directly.
    pub fn direct_venues(&self) -> SortedSet<Venue> {
        let direct = self.owners.iter().filter(|(_, owner)| **owner == Source::Direct);
        direct.filter_map(|(topic, _)| topic.venue().cloned()).collect()
    }

    fn wanted(&self, topic: &Topic) -> Source {
        match topic.instrument() {
            Some(instrument) if self.replay.as_ref() == Some(instrument.venue()) => Source::Direct,
            Some(instrument) if self.is_open(instrument) => self.sources.get(instrument.venue()),
            _ => Source::Server,
        }
    }
}

/// Under this name the venues wanted directly stand in the browser's storage.
pub const STORAGE_KEY: &str = "truetape.direct";

const MAX_REMEMBERED: usize = 32;

#[cfg(test)]
mod tests;
