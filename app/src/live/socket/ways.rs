//! The two ways in the shell: workers started and ended, items of both judged, and what is asked for kept in line.

use model::sorted::{SortedMap, SortedSet};
use std::time::Duration;

use ::model::{instrument::Venue, time::Now};
use leptos::prelude::*;
use wasm_bindgen::JsValue;
use web_sys::MessageEvent;
use wire::{data::TopicData, direct::DirectVenue, lane::Lane, message::Item, topic::Topic};

use super::{Driver, Shared, recordings};
use crate::live::{
    browser,
    cross_check::CrossCheck,
    direct::{DirectWorker, WorkerMessage},
    link::Input,
    source::{Ruling, STORAGE_KEY, Source, Subscriptions},
};

/// What the worker of a replay is called; no venue has that name.
pub(super) const REPLAY: &str = "replay";

impl Shared {
    /// Follows what the reader wants of the two ways, and what the server says of them.
    pub(super) fn follow_ways(&self) {
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
            let offers = live.offers.get();
            {
                let Ok(mut driver) = shared.0.try_borrow_mut() else { return };
                for venue in driver.router.set_plans(&offers) {
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

    /// What the page wants now.
    pub(super) fn set_demand(&self, demand: SortedSet<Topic>, lane: Option<Lane>) {
        {
            let Ok(mut driver) = self.0.try_borrow_mut() else { return };
            driver.lane = lane.unwrap_or(driver.lane);
            let known = std::mem::replace(&mut driver.demand, demand);
            let is_gone =
                |topic: &&Topic| !driver.demand.contains(*topic) && driver.router.owner(topic) == Some(Source::Direct);
            // Of what came from the server the link says so itself.
            let gone: Vec<&Topic> = known.iter().filter(is_gone).collect();
            driver.live.model.try_update_value(|model| gone.into_iter().for_each(|topic| model.forget(topic)));
        }
        self.reroute(&[]);
    }

    /// Asks each way for what it is to bring; of `changed` venues anew, so that snapshots come.
    pub(super) fn reroute(&self, changed: &[Venue]) {
        let steps = {
            let Ok(mut driver) = self.0.try_borrow_mut() else { return };
            let driver = &mut *driver;
            let routes = driver.router.route(&driver.demand);
            let without = |fewer: Option<Subscriptions>, venue: &Venue| {
                Some(fewer.as_ref().unwrap_or(&routes).without_pending(venue, &driver.router))
            };
            let fewer = changed.iter().fold(None, without);
            [fewer, Some(routes)]
        };
        for routes in steps.into_iter().flatten() {
            self.settle_workers(&routes.direct);
            self.give(Input::Wants(routes.server));
        }
        self.want_frame();
    }

    /// The same once the stack has unwound.
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
                    let Some(plan) = driver.router.plan(venue) else { continue };
                    match self.start_worker(plan, driver.lane) {
                        Some(worker) => drop(driver.workers.insert(venue.clone(), worker)),
                        None => failed.push(venue.clone()),
                    }
                }
                if let Some(worker) = driver.workers.get_mut(venue) {
                    worker.want(topics, driver.lane);
                }
            }
            driver.tell_ways();
        }
        failed.iter().for_each(|venue| self.worker_failed(venue, "this browser does not run workers"));
    }

    fn start_worker(&self, plan: &DirectVenue, lane: Lane) -> Option<DirectWorker> {
        let plan_text = serde_json::to_string(plan).ok()?;
        let first = JsValue::from_str(&format!(r#"{{"follow":{plan_text}}}"#));
        self.make_worker(&plan.venue, first, lane)
    }

    /// A worker under a name, which is told `first` at first.
    pub(super) fn make_worker(&self, name: &Venue, first: JsValue, lane: Lane) -> Option<DirectWorker> {
        let (heard, lost) = (self.clone(), self.clone());
        let (venue, lost_venue) = (name.clone(), name.clone());
        DirectWorker::start(
            first,
            lane,
            move |event: MessageEvent| heard.worker_said(&venue, &event.data()),
            move |words: &str| lost.worker_failed(&lost_venue, words),
        )
    }

    fn worker_said(&self, venue: &Venue, data: &JsValue) {
        let Ok(mut driver) = self.0.try_borrow_mut() else { return };
        let driver = &mut *driver;
        let venue = driver.named(venue);
        let items = match driver.workers.get_mut(&venue).map(|worker| worker.hear(data)) {
            Some(WorkerMessage::Items(items)) => items,
            Some(WorkerMessage::Other(said)) => return recordings::pass_on(venue, said),
            Some(WorkerMessage::Nothing) | None => return,
        };
        driver.apply_direct(&venue, items, browser::now());
        driver.tick_slowly();
        driver.want_frame();
        if std::mem::take(&mut driver.is_way_changed) {
            self.reroute_soon();
        }
    }

    /// Gives a worker up; the effect that follows the failures asks the server for what it brought.
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
        let words = format!("the direct feed has stopped working ({words}): the server's stream is used");
        live.failures.update(|failures| drop(failures.insert(venue.clone(), words)));
    }
}

impl Driver {
    /// The name of what a worker carries: a replay's has one once its recording is open.
    fn named(&self, worker: &Venue) -> Venue {
        let replay = self.router.replay.as_ref().filter(|_| worker.as_str() == REPLAY);
        replay.unwrap_or(worker).clone()
    }

    /// Applies what the server sent, as far as it concerns what is shown.
    pub(super) fn apply_server(&mut self, items: Vec<Item>, now: Now) {
        let mut has_status = false;
        for item in items {
            has_status |= item.topic == Topic::STATUS;
            self.apply_from(Source::Server, item, now);
        }
        if has_status && self.follows_others() {
            self.is_list_old = true;
        }
    }

    fn apply_direct(&mut self, venue: &Venue, items: Vec<Item>, now: Now) {
        for item in items {
            match item.data {
                TopicData::Status(data) => {
                    self.live.model.try_update_value(|model| model.apply_worker_status(venue, item.kind, data, now));
                }
                _ => self.apply_from(Source::Direct, item, now),
            }
        }
    }

    fn apply_from(&mut self, source: Source, item: Item, now: Now) {
        let ruling = self.router.judge(source, &item);
        self.live.model.try_update_value(|model| {
            if let Some(check) = &mut model.cross_check {
                check.take(source, &item, now);
            }
            if ruling != Ruling::Leave {
                model.apply_from(source, ruling, item, now);
            }
        });
        if ruling == Ruling::TakeOver {
            self.is_way_changed = true;
            self.tell_ways();
        }
    }

    /// The model learns which source counts.
    fn tell_ways(&self) {
        let workers = self.workers.keys().cloned().collect();
        let direct = self.router.direct_venues();
        self.live.model.try_update_value(|model| model.set_direct(&workers, direct));
    }
}
