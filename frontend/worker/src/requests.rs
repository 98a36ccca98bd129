//! REST requests of the worker, which go through the server.
//!
//! Not here: the limit on concurrent requests (`shell`).

use std::time::Duration;

use venues::session::{HttpAnswer, HttpRequest};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, DedicatedWorkerGlobalScope, RequestInit, Response};

/// A REST answer that owns its body.
pub(crate) struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    used_weight: Option<u32>,
    body: String,
}

impl Answer {
    /// Returns the answer for the session.
    pub(crate) fn lend(&self) -> HttpAnswer<'_> {
        HttpAnswer {
            status: self.status,
            retry_after: self.retry_after,
            used_weight: self.used_weight,
            body: &self.body,
        }
    }
}

/// Returns the address of the server's REST proxy; relative to the worker's own address, so that it works under any
/// folder.
pub(crate) fn address(venue: &str, request: &HttpRequest) -> String {
    let escaped = |text: &str| String::from(js_sys::encode_uri_component(text));
    let mut url =
        format!("api/v1/venues/{}/rest?path={}&weight={}", escaped(venue), escaped(&request.path), request.weight);
    for (name, value) in &request.query {
        url.push_str(&format!("&{}={}", escaped(name), escaped(value)));
    }
    url
}

/// Requests the venue through the server.
pub(crate) async fn fetch(scope: &DedicatedWorkerGlobalScope, url: &str) -> Result<Answer, JsValue> {
    let settings = RequestInit::new();
    settings.set_signal(Some(&AbortSignal::timeout_with_u32(REQUEST_TIME_MS)));
    let answer = JsFuture::from(scope.fetch_with_str_and_init(url, &settings)).await?.dyn_into::<Response>()?;
    let header = |name: &str| answer.headers().get(name).ok().flatten()?.trim().parse::<u64>().ok();
    let (retry_after, used_weight) = (header("retry-after"), header("x-used-weight"));
    let body = JsFuture::from(answer.text()?).await?.as_string().unwrap_or_default();
    Ok(Answer {
        status: answer.status(),
        retry_after: retry_after.map(Duration::from_secs),
        used_weight: used_weight.and_then(|weight| u32::try_from(weight).ok()),
        body,
    })
}

/// Returns an error as text.
pub(crate) fn words(error: JsValue) -> String {
    let said = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    said.unwrap_or_else(|| "the server could not be reached".to_owned())
}

/// Longer than the server's timeout for the venue, so that the server's error message arrives.
const REQUEST_TIME_MS: u32 = 20_000;
