//! The server's lists, fetched by REST: instruments, venues, and which venues can be reached directly. Fetched after
//! each change of epoch, and when the server follows other instruments or has learned more about them.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};
use wire::direct::DirectEntry;

use super::{Driver, Shared};
use crate::live::{
    browser,
    instruments::InstrumentList,
    kept::{INSTRUMENTS_KEY, VENUES_KEY},
    model::LiveModel,
    venue_list::VenueList,
};

impl Driver {
    /// Fetches until all lists have arrived; an earlier fetch is abandoned.
    pub(super) fn fetch_lists(&mut self, shared: &Shared) {
        self.n_fetches += 1;
        spawn_local(fetch(shared.clone(), self.n_fetches));
    }

    /// Returns true if the server follows other instruments than at the last call, or has described one since.
    pub(super) fn follows_others(&mut self) -> bool {
        let Self { live, described, .. } = self;
        let look = |model: &LiveModel| {
            let Some(status) = model.server_status() else { return false };
            let streams = || status.streams.iter().map(|entry| (&entry.instrument, entry.price_decimals.is_some()));
            let is_same = streams().eq(described.iter().map(|(instrument, is_described)| (instrument, *is_described)));
            if !is_same {
                *described = streams().map(|(instrument, is_described)| (instrument.clone(), is_described)).collect();
            }
            !is_same
        };
        live.model.try_with_value(look).unwrap_or(false)
    }
}

async fn fetch(shared: Shared, number: u32) {
    let Some(live) = shared.0.try_borrow().ok().map(|driver| driver.live) else { return };
    let mut wait = Duration::from_millis(500);
    loop {
        let answers = (ask("api/v1/instruments").await, ask("api/v1/direct").await);
        let venues = ask("api/v1/venues").await;
        if shared.0.try_borrow().map_or(true, |driver| driver.n_fetches != number) {
            return;
        }
        if let (Ok(instruments), Ok(venues)) = (&answers.0, &venues) {
            browser::store(INSTRUMENTS_KEY, instruments);
            browser::store(VENUES_KEY, venues);
        }
        match venues.and_then(|text| VenueList::parse(&text).map_err(|error| error.to_string())) {
            Ok(list) if live.venues.with_untracked(|known| *known != list) => live.venues.set(list),
            Ok(_) => {}
            Err(failure) => live.venues.update(|list| list.failure = Some(failure)),
        }
        let failure = match answers {
            (Ok(instruments), Ok(direct)) => {
                match (InstrumentList::parse(&instruments), DirectEntry::parse_all(&direct)) {
                    (Ok(list), Ok(direct)) => {
                        if live.instruments.with_untracked(|known| *known != list) {
                            live.instruments.set(list);
                        }
                        live.direct_venues.set(direct.into());
                        return;
                    }
                    (Err(error), _) | (_, Err(error)) => error.to_string(),
                }
            }
            (Err(failure), _) | (_, Err(failure)) => failure,
        };
        live.instruments.update(|list| list.failure = Some(failure));
        sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(15));
    }
}

async fn ask(path: &str) -> Result<String, String> {
    match gloo_net::http::Request::get(path).send().await {
        Ok(answer) if answer.ok() => answer.text().await.map_err(|_| "the server's answer was cut off".to_owned()),
        Ok(answer) => Err(format!("the server answered {}", answer.status())),
        // The browser's own words ("TypeError: Failed to fetch") help nobody.
        Err(_) => Err("the server does not answer".to_owned()),
    }
}

async fn sleep(span: Duration) {
    let millis = i32::try_from(span.as_millis()).unwrap_or(i32::MAX);
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        let _handle = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, millis);
    });
    let _done = wasm_bindgen_futures::JsFuture::from(promise).await;
}
