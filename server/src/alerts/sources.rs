//! Sources of the data of signals and alerts: ticks from the feeds' desk queues, bars and the desk's events from the
//! hub, as any client would, and the state of all feeds.
//!
//! Not here: what is made of it ([`super::evaluation`]).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use hub::subscriber::{Delivery, DeliveryKind, Subscriber};
use model::{
    candle::Interval, desk_feed::DeskUpdate, instrument::InstrumentId, time::Monotonic, trading::account::AccountId,
};
use topics::{
    channels::{Channel, TopicData},
    lane::Lane,
    topic::Topic,
};

use crate::{
    feed::{desk_feed::DeskReader, directory::Directory, handle::Feeds},
    publish::{self, Publishing, SharedUpdate},
};

/// The instruments and bars that are followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataNeeds {
    /// Instruments whose trades and best levels are read.
    pub instruments: BTreeSet<InstrumentId>,
    /// Bars that are read.
    pub bars: BTreeSet<(InstrumentId, Interval)>,
}

/// Data that came.
#[derive(Debug)]
pub enum Arrival {
    /// Trades, book states and levels by instrument.
    Ticks(Vec<(InstrumentId, Vec<DeskUpdate>)>),
    /// Updates of topics, each with whether it is a whole state.
    Topics(Vec<(SharedUpdate, bool)>),
}

/// The sources.
#[derive(Debug)]
pub struct Sources {
    feeds: Feeds,
    directory: Directory,
    publishing: Publishing,
    subscriber: Option<Subscriber<SharedUpdate>>,
    reader: DeskReader,
    /// Instruments whose ticks come.
    ticking: BTreeSet<InstrumentId>,
    topics: BTreeMap<Topic, Lane>,
    wanted: DataNeeds,
    next_look: Monotonic,
}

impl Sources {
    /// Follows nothing yet.
    pub fn new(feeds: Feeds, directory: Directory, publishing: Publishing) -> Self {
        Self {
            feeds,
            directory,
            publishing,
            subscriber: None,
            reader: DeskReader::new(),
            ticking: BTreeSet::new(),
            topics: BTreeMap::new(),
            wanted: DataNeeds::default(),
            next_look: Monotonic::ZERO,
        }
    }

    /// Returns the feeds.
    pub fn feeds(&self) -> &Feeds {
        &self.feeds
    }

    /// Sets what is followed from now on.
    pub fn want(&mut self, wanted: DataNeeds) {
        if self.wanted != wanted {
            self.wanted = wanted;
            self.next_look = Monotonic::ZERO;
        }
    }

    /// Returns true if bars are followed already, whose whole list will not come by itself.
    pub fn follows(&self, instrument: &InstrumentId, interval: Interval) -> bool {
        self.topics.contains_key(&Topic::candles(interval, instrument))
    }

    /// Returns when [`Self::sync`] is due.
    pub fn next_look(&self) -> Monotonic {
        self.next_look
    }

    /// Notes that an instrument's ticks have ended; it is followed again once there is a feed.
    pub fn ended(&mut self, instrument: &InstrumentId) {
        self.ticking.remove(instrument);
    }

    /// Follows what is wanted and what there is, once a second or after a change of [`Self::want`].
    pub fn sync(&mut self, now: Monotonic) {
        if now < self.next_look {
            return;
        }
        self.next_look = now + LOOK_EVERY;
        self.sync_ticks();
        self.sync_topics();
    }

    fn sync_ticks(&mut self) {
        for gone in self.ticking.difference(&self.wanted.instruments) {
            self.reader.leave(gone);
        }
        self.ticking.retain(|instrument| self.wanted.instruments.contains(instrument));
        for instrument in self.wanted.instruments.difference(&self.ticking.clone()) {
            // A feed that is not there is tried again in a second.
            if self.reader.follow(&self.feeds, std::slice::from_ref(instrument)).is_ok() {
                self.ticking.insert(instrument.clone());
            }
        }
    }

    fn sync_topics(&mut self) {
        let bars = self.wanted.bars.iter().filter(|(instrument, _)| self.directory.contains(instrument));
        let bars = bars.map(|(instrument, interval)| (Topic::candles(*interval, instrument), Lane::Screen));
        let live = |account: &AccountId| !account.is_replay();
        let desk = self.directory.accounts().into_iter().filter(live).flat_map(|account| {
            let channels = [Channel::Events, Channel::Dashboard, Channel::Positions];
            channels.map(|channel| (Topic::desk(channel, &account), Lane::Fast))
        });
        let wanted: BTreeMap<Topic, Lane> = bars.chain(desk).collect();
        if self.subscriber.is_none() {
            // The hub is full or closed: tried again in a second.
            self.subscriber = self.publishing.hub().connect().ok();
            self.publishing.set_own_reader(self.subscriber.is_some());
            self.topics.clear();
        }
        let Some(subscriber) = &self.subscriber else { return };
        for topic in self.topics.keys().filter(|topic| !wanted.contains_key(topic)) {
            subscriber.unsubscribe(&topic.to_string());
        }
        self.topics.retain(|topic, _| wanted.contains_key(topic));
        for (topic, lane) in wanted {
            if self.topics.contains_key(&topic) {
                continue;
            }
            match subscriber.subscribe(&publish::spec(&topic, lane)) {
                Ok(_) => {
                    self.topics.insert(topic, lane);
                }
                Err(error) => tracing::warn!(%topic, %error, "rules get no data of a topic"),
            }
        }
    }

    /// Starts again: everything that is followed comes again from its begin.
    pub fn restart(&mut self) {
        self.subscriber = None;
        self.reader = DeskReader::new();
        self.ticking.clear();
        self.next_look = Monotonic::ZERO;
    }

    /// Waits for data. Cancel-safe.
    pub async fn recv(&mut self) -> Arrival {
        loop {
            let Self { reader, subscriber, .. } = self;
            let ticks = async {
                match reader.recv().await {
                    Some(updates) => updates,
                    None => std::future::pending().await,
                }
            };
            let topics = async {
                match subscriber {
                    Some(subscriber) => subscriber.next_batch(usize::MAX, |_| 0).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                updates = ticks => return Arrival::Ticks(updates),
                batch = topics => match batch {
                    Ok(batch) => return Arrival::Topics(batch.into_iter().map(item).collect()),
                    // Closed: everything is followed again.
                    Err(_) => {
                        self.subscriber = None;
                        self.next_look = Monotonic::ZERO;
                    }
                }
            }
        }
    }
}

fn item(delivery: Delivery<SharedUpdate>) -> (SharedUpdate, bool) {
    (Arc::clone(&delivery.payload), delivery.kind != DeliveryKind::Delta)
}

/// Returns the candles of an update, with their topic's instrument and interval.
pub fn candles(update: &SharedUpdate) -> Option<(&InstrumentId, Interval, &[model::candle::Candle])> {
    let update = update.update();
    match &update.data {
        TopicData::Candles(candles) => Some((update.topic.instrument()?, update.topic.interval()?, &candles.bars)),
        _ => None,
    }
}

/// Interval at which missing feeds are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
