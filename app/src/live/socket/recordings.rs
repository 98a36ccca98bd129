//! Requests about recordings and replays to the workers: to the one that plays a recording and to those that follow a
//! venue, and their answers.
//!
//! Not here: the requests and answers themselves (`live::recorder::own`).

use std::{cell::RefCell, rc::Rc, time::Duration};

use ::model::instrument::Venue;
use leptos::prelude::set_timeout;
use wasm_bindgen::JsValue;

use super::{Shared, workers::REPLAY};

/// Receives a worker's venue and its message.
type Hear = dyn Fn(&Venue, &JsValue);

thread_local! {
    /// The page's one connection, once there is one.
    static PAGE: RefCell<Option<Shared>> = const { RefCell::new(None) };
    /// The listener for worker messages about recordings and replays.
    static HEARER: RefCell<Option<Rc<Hear>>> = const { RefCell::new(None) };
}

/// Sets the page's connection.
pub(super) fn put(shared: &Shared) {
    PAGE.with_borrow_mut(|page| *page = Some(shared.clone()));
}

/// Passes a worker's message to the listener once the stack has unwound; `null` for a worker that is gone.
pub(super) fn pass_on(venue: Venue, message: JsValue) {
    if let Some(hear) = HEARER.with_borrow(Option::clone) {
        set_timeout(move || hear(&venue, &message), Duration::ZERO);
    }
}

/// Sends all worker messages except the stream's to `hear` from now on; `null` for a worker that has stopped.
pub(in crate::live) fn listen(hear: impl Fn(&Venue, &JsValue) + 'static) {
    HEARER.set(Some(Rc::new(hear)));
}

/// The workers, as used for recordings and replays.
pub(in crate::live) struct RecordingRequests(Shared);

impl RecordingRequests {
    /// Returns the workers of this page; `None` before it has connected.
    pub(in crate::live) fn of_page() -> Option<Self> {
        PAGE.with_borrow(Option::clone).map(Self)
    }

    /// Sends a message to a venue's worker; false if there is none.
    pub(in crate::live) fn tell(&self, venue: &Venue, text: &str) -> bool {
        let Ok(driver) = self.0.0.try_borrow() else { return false };
        let worker = driver.workers.get(venue);
        worker.inspect(|worker| worker.post(&JsValue::from_str(text))).is_some()
    }

    /// Returns the venue name of the recording that this page plays, once it is open.
    pub(in crate::live) fn playing(&self) -> Option<Venue> {
        let driver = self.0.0.try_borrow().ok()?;
        driver.router.replay.clone().filter(Venue::is_replay)
    }

    /// Starts a worker that plays a recording, with `first` as its first message; an earlier one ends. False if the
    /// browser cannot run workers.
    pub(in crate::live) fn open(&self, first: JsValue) -> bool {
        self.close();
        let name = Venue::new(REPLAY);
        let Some(worker) = self.0.make_worker(&name, first) else { return false };
        if let Ok(mut driver) = self.0.0.try_borrow_mut() {
            driver.router.replay = Some(name.clone());
            driver.workers.insert(name, worker);
        }
        true
    }

    /// Assigns the topics of the recording's instruments, which have this venue name, to that worker.
    pub(in crate::live) fn claim(&self, venue: &Venue) {
        let is_new = {
            let Ok(mut driver) = self.0.0.try_borrow_mut() else { return };
            let driver = &mut *driver;
            let earlier = driver.router.replay.clone().filter(|earlier| earlier != venue);
            let worker = earlier.and_then(|earlier| driver.workers.remove(&earlier));
            worker.map(|worker| {
                driver.workers.insert(venue.clone(), worker);
                driver.router.replay = Some(venue.clone());
            })
        };
        if is_new.is_some() {
            self.0.reroute(&[]);
        }
    }

    /// Ends the worker of the replay.
    pub(in crate::live) fn close(&self) {
        let is_gone = {
            let Ok(mut driver) = self.0.0.try_borrow_mut() else { return };
            let driver = &mut *driver;
            driver.router.replay.take().map(|venue| {
                driver.router.disown(&venue);
                driver.workers.remove(&venue);
            })
        };
        if is_gone.is_some() {
            self.0.reroute(&[]);
        }
    }

    /// Keeps a venue's worker running whichever source is chosen, or stops keeping it.
    pub(in crate::live) fn keep(&self, venue: &Venue, is_kept: bool) {
        let is_changed = {
            let Ok(mut driver) = self.0.0.try_borrow_mut() else { return };
            let kept = &mut driver.router.kept;
            if is_kept { kept.insert(venue.clone()) } else { kept.remove(venue) }
        };
        if is_changed {
            self.0.reroute(&[]);
        }
    }
}
