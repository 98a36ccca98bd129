//! Where all data enters the model: items of the server's stream and of the venues' workers, each as far as its source
//! counts (`live::source`). Not here: how they arrive (`socket`, `workers`).

use leptos::prelude::UpdateValue;
use model::{instrument::Venue, time::Now};
use topics::{channels::TopicData, topic::Topic};
use wire::message::Item;

use super::Driver;
use crate::live::source::{Ruling, Source};

impl Driver {
    /// Applies the items of the server's stream.
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

    /// Applies the items of a venue's worker.
    pub(super) fn apply_direct(&mut self, venue: &Venue, items: Vec<Item>, now: Now) {
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
            self.is_source_changed = true;
            self.note_sources();
        }
    }

    /// Tells the model which venues are shown from which source.
    pub(super) fn note_sources(&self) {
        let workers = self.workers.keys().cloned().collect();
        let direct = self.router.shown_directly();
        self.live.model.try_update_value(|model| model.set_direct(&workers, direct));
    }
}
