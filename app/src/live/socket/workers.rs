//! The venues' workers: started and ended as the reader chooses sources, and their subscriptions kept consistent with
//! that choice. Not here: applying their updates (`apply`).

use model::sorted::{SortedMap, SortedSet};
use std::time::Duration;

use ::model::instrument::Venue;
use leptos::prelude::*;
use topics::{lane::Lane, topic::Topic};
use wasm_bindgen::JsValue;
use web_sys::MessageEvent;
use wire::direct::DirectEntry;

use super::{Driver, Shared, recordings};
use crate::live::{
    browser,
    cross_check::CrossCheck,
    direct::{DirectWorker, WorkerMessage},
    link::Input,
    source::{STORAGE_KEY, Source, Subscriptions},
};

/// The name of a replay's worker; no venue has it.
pub(super) const REPLAY: &str = "replay";

impl Shared {
    /// Follows the reader's choice of sources, and which venues can be reached directly.
    pub(super) fn follow_sources(&self) {
        let live = self.0.borrow().live;
        let shared = self.clone();
        Effect::new(move |_| {
            let (sources, failures) = (live.sources.get(), live.failures.get());
            let changed = {
                let Ok(mut driver) = shared.0.try_borrow_mut() else { return };
                if *driver.router.sources() != sources {
                    browser::store(STORAGE_KEY, &sources.to_text());
                }
                driver.router.choose(sources, failures)
            };
            shared.reroute(&changed);
        });
        let shared = self.clone();
        Effect::new(move |_| {
            let venues = live.direct_venues.get();
            {
                let Ok(mut driver) = shared.0.try_borrow_mut() else { return };
                for venue in driver.router.set_direct_venues(&venues) {
                    driver.workers.remove(&venue);
                }
            }
            shared.reroute(&[]);
        });
        let shared = self.clone();
        Effect::new(move |_| {
            let compared = live.compared.get();
            {
                let Ok(mut driver) = shared.0.try_borrow_mut() else { return };
                driver.router.compared.clone_from(&compared);
            }
            live.model.try_update_value(|model| {
                model.cross_check = compared.map(|instrument| CrossCheck::new(instrument, browser::now()));
            });
            shared.reroute(&[]);
        });
    }

    /// Sets the topics requested by the page, each on its lane.
    pub(super) fn set_demand(&self, demand: SortedMap<Topic, Lane>) {
        {
            let Ok(mut driver) = self.0.try_borrow_mut() else { return };
            let known = std::mem::replace(&mut driver.demand, demand);
            let is_gone = |topic: &&Topic| {
                !driver.demand.contains_key(*topic) && driver.router.owner(topic) == Some(Source::Direct)
            };
            // For topics from the server the link reports this itself.
            let gone: Vec<&Topic> = known.keys().filter(is_gone).collect();
            driver.live.model.try_update_value(|model| gone.into_iter().for_each(|topic| model.forget(topic)));
        }
        self.reroute(&[]);
    }

    /// Subscribes to each source's topics; again for `changed` venues, so that snapshots come.
    pub(super) fn reroute(&self, changed: &[Venue]) {
        let steps = {
            let Ok(mut driver) = self.0.try_borrow_mut() else { return };
            let driver = &mut *driver;
            let routes = driver.router.route(&driver.demand.keys().cloned().collect());
            let without = |fewer: Option<Subscriptions>, venue: &Venue| {
                Some(fewer.as_ref().unwrap_or(&routes).without_pending(venue, &driver.router))
            };
            let fewer = changed.iter().fold(None, without);
            [fewer, Some(routes)]
        };
        for routes in steps.into_iter().flatten() {
            self.settle_workers(&routes.direct);
            let Ok(wants) = self.0.try_borrow().map(|driver| driver.on_lanes(&routes.server)) else { return };
            self.give(Input::Wants(wants));
        }
        self.want_frame();
    }

    /// Reroutes once the stack has unwound.
    pub(super) fn reroute_soon(&self) {
        let shared = self.clone();
        set_timeout(move || shared.reroute(&[]), Duration::ZERO);
    }

    fn settle_workers(&self, wanted: &SortedMap<Venue, SortedSet<Topic>>) {
        let mut failed = Vec::new();
        {
            let Ok(mut driver) = self.0.try_borrow_mut() else { return };
            let driver = &mut *driver;
            driver.workers.retain(|venue, _| wanted.contains_key(venue));
            for (venue, topics) in wanted {
                if !driver.workers.contains_key(venue) {
                    let Some(direct) = driver.router.direct_venue(venue) else { continue };
                    match self.start_worker(direct) {
                        Some(worker) => drop(driver.workers.insert(venue.clone(), worker)),
                        None => failed.push(venue.clone()),
                    }
                }
                let wants = driver.on_lanes(topics);
                if let Some(worker) = driver.workers.get_mut(venue) {
                    worker.want(wants);
                }
            }
            driver.note_sources();
        }
        failed.iter().for_each(|venue| self.worker_failed(venue, "this browser cannot run workers"));
    }

    fn start_worker(&self, direct: &DirectEntry) -> Option<DirectWorker> {
        let first = JsValue::from_str(&format!(r#"{{"follow":{}}}"#, direct.text));
        self.make_worker(&direct.venue, first)
    }

    /// Starts a worker under a name with `first` as its first message.
    pub(super) fn make_worker(&self, name: &Venue, first: JsValue) -> Option<DirectWorker> {
        let (on_message, on_error) = (self.clone(), self.clone());
        let (venue, lost_venue) = (name.clone(), name.clone());
        DirectWorker::start(
            first,
            move |event: MessageEvent| on_message.on_worker_message(&venue, &event.data()),
            move |words: &str| on_error.worker_failed(&lost_venue, words),
        )
    }

    fn on_worker_message(&self, venue: &Venue, data: &JsValue) {
        let Ok(mut driver) = self.0.try_borrow_mut() else { return };
        let driver = &mut *driver;
        let venue = driver.named(venue);
        let updates = match driver.workers.get_mut(&venue).map(|worker| worker.hear(data)) {
            Some(WorkerMessage::Updates(updates)) => updates,
            Some(WorkerMessage::Other(message)) => return recordings::pass_on(venue, message),
            Some(WorkerMessage::Nothing) | None => return,
        };
        driver.apply_direct(&venue, updates, browser::now());
        driver.tick_slowly();
        driver.want_frame();
        if std::mem::take(&mut driver.is_source_changed) {
            self.reroute_soon();
        }
    }

    /// Discards a worker; the effect that follows the failures requests its topics from the server.
    fn worker_failed(&self, venue: &Venue, words: &str) {
        leptos::logging::warn!("the worker of {venue} has stopped: {words}");
        let live = {
            let Ok(mut driver) = self.0.try_borrow_mut() else { return };
            let venue = driver.named(venue);
            driver.workers.remove(&venue);
            let is_replay = driver.router.replay.as_ref() == Some(&venue);
            recordings::pass_on(venue, JsValue::NULL);
            if is_replay {
                return;
            }
            driver.live
        };
        let words = format!("the direct connection stopped working ({words}); the server's stream is used");
        live.failures.update(|failures| drop(failures.insert(venue.clone(), words)));
    }
}

impl Driver {
    /// Returns the topics with their lanes; one that no region requests, as it is compared, has that of 100 ms.
    fn on_lanes(&self, topics: &SortedSet<Topic>) -> SortedMap<Topic, Lane> {
        topics.iter().map(|topic| (topic.clone(), self.demand.get(topic).copied().unwrap_or_default())).collect()
    }

    /// Returns the venue of a worker's data: a replay's worker has one once its recording is open.
    fn named(&self, worker: &Venue) -> Venue {
        let replay = self.router.replay.as_ref().filter(|_| worker.as_str() == REPLAY);
        replay.unwrap_or(worker).clone()
    }
}
