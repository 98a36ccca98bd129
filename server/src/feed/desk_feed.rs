//! Carries desk updates from feed tasks to their readers: one bounded queue per instrument, one reader for many.
//!
//! [`Feeds::subscribe_desk`] returns a [`DeskReader`]; dropping it ends its subscriptions. When a feed is stopped or
//! its symbols change, each of its instruments ends with [`DeskUpdate::Ended`] and can be followed again. Not here:
//! producing the updates and handling a full queue (`market::desk_feed`), deciding when an instrument may be traded
//! (`model::desk_feed`).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use market::desk_feed::{DeskQueue, DeskSink};
use model::{desk_feed::DeskUpdate, instrument::InstrumentId};
use tokio::sync::Notify;

use super::{error::FeedError, handle::Feeds};

/// The queues that one reader shares with its feeds.
#[derive(Debug, Default)]
struct Inbox {
    /// Locked for a push or a drain, never across an await.
    slots: Mutex<Slots>,
    /// Notified when an empty queue gets an update. There is one reader, so a stored permit is enough.
    wake: Notify,
}

#[derive(Debug, Default)]
struct Slots {
    /// With the subscription's number, so that an earlier feed's sender cannot write into a later one's queue.
    queues: BTreeMap<InstrumentId, (u64, DeskQueue)>,
    n_subscriptions: u64,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader of the desk updates of several instruments.
#[derive(Debug, Default)]
pub struct DeskReader(Arc<Inbox>);

impl DeskReader {
    /// Follows nothing yet.
    pub fn new() -> Self {
        Self(Arc::default())
    }

    /// Follows more instruments. Skips those followed already and those whose end has not been read.
    ///
    /// # Errors
    /// No feed follows an instrument, or its feed is busy; the instruments before it are then followed.
    pub fn follow(&self, feeds: &Feeds, instruments: &[InstrumentId]) -> Result<(), FeedError> {
        for instrument in instruments {
            let feed = feeds.find(instrument)?;
            let Some(sender) = self.open(instrument) else { continue };
            if let Err(error) = feed.desk(sender) {
                self.leave(instrument);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Ends a subscription and drops its unread updates.
    pub fn leave(&self, instrument: &InstrumentId) {
        self.0.lock().queues.remove(instrument);
    }

    /// Waits for updates and returns all of them by instrument, each instrument's in order. `None` if no instrument
    /// is followed any more. Cancel-safe.
    pub async fn recv(&mut self) -> Option<Vec<(InstrumentId, Vec<DeskUpdate>)>> {
        loop {
            {
                let mut slots = self.0.lock();
                let mut updates = Vec::new();
                slots.queues.retain(|instrument, (_, queue)| {
                    if !queue.is_empty() {
                        updates.push((instrument.clone(), queue.drain()));
                    }
                    !queue.is_over()
                });
                if !updates.is_empty() {
                    return Some(updates);
                }
                if slots.queues.is_empty() {
                    return None;
                }
            }
            self.0.wake.notified().await;
        }
    }

    fn open(&self, instrument: &InstrumentId) -> Option<DeskSender> {
        let mut slots = self.0.lock();
        if slots.queues.contains_key(instrument) {
            return None;
        }
        slots.n_subscriptions += 1;
        let number = slots.n_subscriptions;
        slots.queues.insert(instrument.clone(), (number, DeskQueue::default()));
        Some(DeskSender { inbox: self.0.clone(), instrument: instrument.clone(), number })
    }
}

impl Drop for DeskReader {
    fn drop(&mut self) {
        // The feeds find no queue and drop their senders.
        self.0.lock().queues.clear();
    }
}

/// A feed's end of one subscription. Dropping it ends the subscription, even if the feed's task panics.
#[derive(Debug)]
pub struct DeskSender {
    inbox: Arc<Inbox>,
    instrument: InstrumentId,
    number: u64,
}

impl DeskSender {
    /// Returns the subscription's instrument.
    pub fn instrument(&self) -> &InstrumentId {
        &self.instrument
    }
}

impl DeskSink for DeskSender {
    fn with_queue(&mut self, push: impl FnOnce(&mut DeskQueue)) -> bool {
        let mut slots = self.inbox.lock();
        let Some((_, queue)) = slots.queues.get_mut(&self.instrument).filter(|(number, _)| *number == self.number)
        else {
            return false;
        };
        let was_empty = queue.is_empty();
        push(queue);
        let is_filled = was_empty && !queue.is_empty();
        drop(slots);
        if is_filled {
            self.inbox.wake.notify_one();
        }
        true
    }
}

impl Drop for DeskSender {
    fn drop(&mut self) {
        let _is_read = self.with_queue(DeskQueue::end);
    }
}

#[cfg(test)]
mod tests {
    use market::desk_feed::DeskFeeds;
    use model::{
        decimal::{Price, Quantity},
        desk_feed::StateCause,
        event::{AggressorSide, MarketEvent, MarketEventKind, Trade, TradeId},
        proof::{BookState, Books},
        time::Timestamp,
    };

    use super::*;

    fn id(symbol: &str) -> InstrumentId {
        InstrumentId::parse(&format!("demo:{symbol}")).unwrap()
    }

    fn trade(instrument: &InstrumentId) -> MarketEvent {
        let trade = Trade {
            id: TradeId::Sequence(1),
            price: Price::parse("1").unwrap(),
            size: Quantity::parse("1").unwrap(),
            aggressor_side: AggressorSide::Unknown,
        };
        let (instrument, receive_time) = (instrument.clone(), Timestamp::EPOCH);
        MarketEvent { instrument, event_time: None, receive_time, kind: MarketEventKind::Trade(trade) }
    }

    /// Creates a feed that sends one instrument's updates to a new reader.
    fn connected(symbol: &str) -> (DeskReader, DeskFeeds<DeskSender>) {
        let (reader, mut desk) = (DeskReader::new(), DeskFeeds::default());
        let sender = reader.open(&id(symbol)).unwrap();
        desk.subscribe(id(symbol), sender, &Books::new());
        (reader, desk)
    }

    async fn next(reader: &mut DeskReader) -> Vec<DeskUpdate> {
        reader.recv().await.unwrap().remove(0).1
    }

    #[tokio::test]
    async fn a_reader_sleeps_until_there_is_something() {
        let (mut reader, mut desk) = connected("A");
        let first = next(&mut reader).await;
        assert!(matches!(first.as_slice(), [DeskUpdate::BookState(state)] if state.cause == StateCause::Subscribed
                && state.state == BookState::Empty));
        let mut waiting = Box::pin(reader.recv());
        assert!(futures::poll!(waiting.as_mut()).is_pending());
        desk.apply(&trade(&id("A")));
        desk.apply(&trade(&id("A")));
        let futures::task::Poll::Ready(Some(updates)) = futures::poll!(waiting.as_mut()) else { panic!("awake") };
        assert_eq!((updates.len(), updates[0].1.len()), (1, 2));
    }

    #[tokio::test]
    async fn the_end_of_a_task_is_the_end_of_its_subscriptions() {
        let (mut reader, mut desk) = connected("A");
        desk.apply(&trade(&id("A")));
        drop(desk);
        let last = next(&mut reader).await;
        assert!(matches!(last.as_slice(), [_, DeskUpdate::Trade(_), DeskUpdate::Ended]), "{last:?}");
        assert!(reader.recv().await.is_none());
    }

    #[tokio::test]
    async fn a_feed_forgets_a_reader_that_is_gone() {
        let (reader, mut desk) = connected("A");
        drop(reader);
        desk.turn(&Books::new());
        assert!(desk.is_empty());
    }

    #[tokio::test]
    async fn an_earlier_subscription_writes_nothing_into_a_later_one() {
        let (mut reader, mut earlier) = connected("A");
        reader.leave(&id("A"));
        let mut later = reader.open(&id("A")).unwrap();
        assert!(reader.open(&id("A")).is_none(), "followed already");
        earlier.apply(&trade(&id("A")));
        drop(earlier);
        assert!(later.with_queue(|queue| assert!(queue.is_empty())));
        drop(later);
        assert_eq!(next(&mut reader).await, [DeskUpdate::Ended]);
    }
}
