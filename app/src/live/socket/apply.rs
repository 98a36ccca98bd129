//! The entry of all data into the model: updates of the server's stream and of the venues' workers, filtered by source
//! (`live::source`). Not here: how they arrive (`socket`, `workers`).

use leptos::prelude::UpdateValue;
use model::{instrument::Venue, time::Now};
use topics::{channels::TopicData, topic::Topic};
use wire::message::Update;

use super::Driver;
use crate::live::source::{Ruling, Source};

impl Driver {
    /// Applies the updates of the server's stream.
    pub(super) fn apply_server(&mut self, updates: Vec<Update>, now: Now) {
        let mut has_status = false;
        for update in updates {
            has_status |= update.topic == Topic::STATUS;
            self.apply_from(Source::Server, update, now);
        }
        if has_status && self.follows_others() {
            self.is_list_old = true;
        }
    }

    /// Applies the updates of a venue's worker.
    pub(super) fn apply_direct(&mut self, venue: &Venue, updates: Vec<Update>, now: Now) {
        for update in updates {
            match update.data {
                TopicData::Status(data) => {
                    self.live.model.try_update_value(|model| model.apply_worker_status(venue, update.kind, data, now));
                }
                _ => self.apply_from(Source::Direct, update, now),
            }
        }
    }

    fn apply_from(&mut self, source: Source, update: Update, now: Now) {
        let was_direct = self.router.owner(&update.topic) == Some(Source::Direct);
        let ruling = self.router.judge(source, &update);
        // A replay's first snapshot takes nothing over: the server never had its topics.
        let is_first_direct = source == Source::Direct && !was_direct && ruling != Ruling::Leave;
        self.live.model.try_update_value(|model| {
            if let Some(check) = &mut model.cross_check {
                check.take(source, &update, now);
            }
            if ruling != Ruling::Leave {
                model.apply_from(source, ruling, update, now);
            }
        });
        if ruling == Ruling::TakeOver || is_first_direct {
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
