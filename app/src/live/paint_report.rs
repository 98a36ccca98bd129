//! Reports once a minute to the server how long updates took to the painted pixel, for its metrics.
//!
//! Counts only: no topics, no times of day. A report that fails is not repeated.

use std::time::Duration;

use leptos::prelude::*;
use model::histogram::DelayCounts;

use crate::live::{Live, browser};

/// Reports while the calling component exists.
pub fn use_paint_reports(live: Live) {
    Effect::new(move |_| {
        let reported_ms = StoredValue::new(0.0);
        let again = set_interval_with_handle(move || report(live, reported_ms), REPORT_EVERY).ok();
        on_cleanup(move || {
            if let Some(again) = again {
                again.clear();
            }
        });
    });
}

fn report(live: Live, reported_ms: StoredValue<f64>) {
    if browser::is_hidden() {
        return;
    }
    let since_ms = reported_ms.get_value();
    let found = live.with_model(|model| model.latency.delays_since(since_ms, model.clock.server_ahead_ms()));
    let Some((delays, last_ms)) = found.filter(|(delays, _)| delays.n() > 0) else { return };
    reported_ms.set_value(last_ms);
    #[cfg(feature = "browser")]
    leptos::task::spawn_local(async move {
        let _lost: Result<DelayCounts, String> = crate::live::rest::post_json("api/v1/paint", &delays).await;
    });
    #[cfg(not(feature = "browser"))]
    let _: DelayCounts = delays;
}

const REPORT_EVERY: Duration = Duration::from_secs(60);
