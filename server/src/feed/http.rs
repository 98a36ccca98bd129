//! REST requests to a venue: `GET`, or `POST` if there is a body, only to its configured address, bounded in time, size
//! and number.
//!
//! Not here: a feed's weights, retries and `Retry-After`, which its session handles, and the budget it shares with
//! pages ([`super::endpoints`]).

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use model::time::{Monotonic, Timestamp};
use reqwest::{
    Client, Response, Url,
    header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER},
    redirect,
};
use rustls::ClientConfig;
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use venues::{
    budget::{LONGEST_WAIT, stated_wait},
    session::{HttpAnswer, HttpFailure, HttpRequest, RequestId},
};

use crate::{
    config::token::Token,
    feed::{endpoints::SharedBudget, socket::USER_AGENT},
    in_words::in_words,
};

/// Makes requests to one venue. Clones share connections and the limit.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: Client,
    base: Option<String>,
    token: Option<TokenHeader>,
    permits: Arc<Semaphore>,
    budget: SharedBudget,
    /// The path that is redirected to the history service, and that service's client.
    history: Option<(&'static str, Arc<HttpClient>)>,
}

/// The header that carries a token.
#[derive(Clone, Debug)]
pub struct TokenHeader {
    name: &'static str,
    prefix: &'static str,
    token: Token,
}

impl TokenHeader {
    /// Creates a header whose value is `prefix` followed by the token.
    pub fn new(name: &'static str, prefix: &'static str, token: &Token) -> Self {
        Self { name, prefix, token: token.clone() }
    }
}

/// Why a page's request has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassFailure {
    /// The venue may not be asked for this long.
    Wait(Duration),
    /// Too many requests are waiting.
    Busy,
    /// The venue was asked but did not answer.
    NoAnswer(HttpFailure),
}

/// A finished request.
#[derive(Debug)]
pub struct Done {
    /// The request's id.
    pub id: RequestId,
    /// The complete answer, or why there is none.
    pub result: Result<Answer, HttpFailure>,
}

/// An answer that owns its body.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    used_weight: Option<u32>,
    body: Utf8Bytes,
}

impl Answer {
    /// Returns the body; clones of it are cheap.
    pub fn body(&self) -> &Utf8Bytes {
        &self.body
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Creates the answer "too many requests", like the venue's own.
    fn wait(wait: Duration) -> Self {
        // Whole seconds, rounded up: a request slightly too early would open the breaker again.
        let retry_after = Some(Duration::from_secs(wait.as_secs() + 1));
        Self { status: 429, retry_after, used_weight: None, body: Utf8Bytes::default() }
    }

    /// Returns the answer in the form that sessions take.
    pub fn lend(&self) -> HttpAnswer<'_> {
        HttpAnswer {
            status: self.status,
            retry_after: self.retry_after,
            used_weight: self.used_weight,
            body: self.body.as_str(),
        }
    }
}

/// Creates the client that all feeds share.
///
/// # Errors
/// The TLS configuration is not usable.
pub fn client(tls: &Arc<ClientConfig>) -> anyhow::Result<Client> {
    let client = Client::builder()
        .tls_backend_preconfigured(ClientConfig::clone(tls))
        .user_agent(USER_AGENT)
        // A redirect could lead anywhere, and no venue needs one.
        .redirect(redirect::Policy::none())
        // Sockets do not use proxies either; with half a feed behind one, the venue would see two addresses.
        .no_proxy()
        .connect_timeout(CONNECT_TIME)
        .timeout(TOTAL_TIME)
        .pool_max_idle_per_host(MAX_AT_ONCE)
        .build()?;
    Ok(client)
}

impl HttpClient {
    /// Creates a client for one venue; `base` is its REST address without paths, `None` if it has none.
    pub fn new(client: Client, base: Option<String>, token: Option<TokenHeader>, budget: SharedBudget) -> Self {
        Self { client, base, token, permits: Arc::new(Semaphore::new(MAX_AT_ONCE)), budget, history: None }
    }

    /// Redirects requests for `path` to `history`, which has its own address, token and budget.
    #[must_use]
    pub fn with_history(self, path: &'static str, history: Self) -> Self {
        Self { history: Some((path, Arc::new(history))), ..self }
    }

    /// Returns the limits shared by everything that goes to the venue.
    pub fn budget(&self) -> &SharedBudget {
        &self.budget
    }

    /// Returns the history service's client, if there is one.
    pub fn history(&self) -> Option<&Self> {
        self.history.as_ref().map(|(_, history)| history.as_ref())
    }

    /// Returns the venue's REST address without paths.
    pub fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }

    /// Makes one request as soon as a slot is free; always ends, at the latest when the request times out.
    pub async fn get(self, mut request: HttpRequest) -> Done {
        let id = request.id;
        let client = match &self.history {
            Some((path, history)) if request.path == *path => {
                request.path = "".into();
                history.as_ref()
            }
            _ => &self,
        };
        let result = match client.permits.acquire().await {
            Ok(_permit) => match client.budget.note(request.weight) {
                Ok(asked_at) => client.settled(asked_at, client.fetch(request).await),
                // The venue has asked to wait: the feed gets the same answer without a request.
                Err(wait) => Ok(Answer::wait(wait)),
            },
            Err(_closed) => Err(failure("stopped")),
        };
        Done { id, result }
    }

    /// Makes a page's request as soon as a slot is free, if the budget allows it then. Never sends the venue's token.
    ///
    /// # Errors
    /// The budget does not allow it, no slot became free, or there was no answer.
    pub async fn pass(&self, path: &str, query: &[(String, String)], weight: u32) -> Result<Answer, PassFailure> {
        let turn = tokio::time::timeout(TURN_TIME, self.permits.acquire()).await;
        let Ok(Ok(_permit)) = turn else { return Err(PassFailure::Busy) };
        let no_answer = |error| PassFailure::NoAnswer(failure(error));
        let base = self.base.as_deref().ok_or_else(|| no_answer("the venue has no REST address".to_owned()))?;
        let mut url = Url::parse(&format!("{base}{path}")).map_err(|error| no_answer(error.to_string()))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let asked_at = self.budget.ask(weight).map_err(PassFailure::Wait)?;
        let asked = async {
            let response = self.client.get(url).send().await.map_err(|error| failure(Cause(error.without_url())))?;
            read(response, MAX_PASSED_BODY, self.budget.wall_time()).await
        };
        self.settled(asked_at, asked.await).map_err(PassFailure::NoAnswer)
    }

    /// Reports a request's result to the shared budget.
    fn settled(&self, asked_at: Monotonic, result: Result<Answer, HttpFailure>) -> Result<Answer, HttpFailure> {
        match &result {
            Ok(answer) => self.budget.answered(asked_at, answer.status, answer.retry_after, answer.used_weight),
            Err(_) => self.budget.unanswered(asked_at),
        }
        result
    }

    async fn fetch(&self, request: HttpRequest) -> Result<Answer, HttpFailure> {
        let base = self.base.as_deref().ok_or_else(|| failure("the venue has no REST address"))?;
        let mut url = Url::parse(&format!("{base}{}", request.path)).map_err(failure)?;
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        let call = match request.body {
            None => self.client.get(url),
            Some(body) => self.client.post(url).header(CONTENT_TYPE, "application/json").body(body),
        };
        let call = match &self.token {
            Some(TokenHeader { name, prefix, token }) => call.header(*name, format!("{prefix}{}", token.reveal())),
            None => call,
        };
        // Errors would otherwise include the address with its query.
        let response = call.send().await.map_err(|error| failure(Cause(error.without_url())))?;
        read(response, MAX_BODY, self.budget.wall_time()).await
    }
}

async fn read(mut response: Response, max_body: usize, now: Timestamp) -> Result<Answer, HttpFailure> {
    let status = response.status().as_u16();
    let in_header = retry_after(response.headers(), now);
    let used_weight = USED_WEIGHT
        .iter()
        .find_map(|name| number(response.headers(), name))
        .and_then(|weight| u32::try_from(weight).ok());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(Cause(error.without_url())))? {
        if body.len() + chunk.len() > max_body {
            return Err(failure(format!("the answer is larger than {} MiB", max_body >> 20)));
        }
        body.extend_from_slice(&chunk);
    }
    let body = String::from_utf8(body).map_err(|_| failure("the answer is not UTF-8"))?;
    let may_state_wait = status >= 400 || body.len() <= SHORT_BODY;
    let retry_after = in_header.max(Some(&body).filter(|_| may_state_wait).and_then(|body| stated_wait(body, now)));
    Ok(Answer { status, retry_after, used_weight, body: body.into() })
}

/// Returns the wait that a venue asks for in `Retry-After`, as seconds or as a date; at most [`LONGEST_WAIT`].
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds.ceil().min(LONGEST_WAIT.as_secs_f64())).ok();
    }
    let date = |text: &str| httpdate::parse_http_date(text).ok();
    let until = date(text)?;
    let now = UNIX_EPOCH + Duration::from_nanos(u64::try_from(now.as_nanos()).unwrap_or(0));
    // Our clock may differ from the venue's, which counts: the later of both is never too early.
    let venue_now = headers.get(DATE).and_then(|value| date(value.to_str().ok()?));
    let waits = [Some(now), venue_now].into_iter().flatten().filter_map(|now| until.duration_since(now).ok());
    Some(waits.max().unwrap_or_default().min(LONGEST_WAIT))
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

fn failure(detail: impl ToString) -> HttpFailure {
    HttpFailure { detail: detail.to_string() }
}

/// An error's root cause: the library's own message is only "error sending request".
struct Cause(reqwest::Error);

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_timeout() { f.write_str("no answer in time") } else { f.write_str(&in_words(&self.0)) }
    }
}

const CONNECT_TIME: Duration = Duration::from_secs(10);
const TOTAL_TIME: Duration = Duration::from_secs(10);
/// Refusals with a good status are this short.
const SHORT_BODY: usize = 500;
/// A venue's list of all instruments is some 15 MB.
const MAX_BODY: usize = 64 << 20;
/// A page requests single symbols: some 70 kB for a book, less for bars.
const MAX_PASSED_BODY: usize = 8 << 20;
/// The longest that a page's request waits for a slot.
const TURN_TIME: Duration = Duration::from_secs(5);
/// Concurrent requests, as for snapshots and history at start-up; more would only exceed the venue's limits.
const MAX_AT_ONCE: usize = 4;
/// Headers in which venues report how much of the limit is used.
const USED_WEIGHT: &[&str] = &["x-mbx-used-weight-1m", "x-mbx-used-weight"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_counts_by_the_venues_clock_too() {
        let dates = [(RETRY_AFTER, "Wed, 21 Oct 2026 07:28:00 GMT"), (DATE, "Wed, 21 Oct 2026 07:20:00 GMT")];
        let headers = HeaderMap::from_iter(dates.map(|(name, date)| (name, date.parse().unwrap())));
        assert_eq!(retry_after(&headers, Timestamp::from_millis(1_792_567_600_000)), Some(Duration::from_secs(480)));
    }

    #[test]
    fn no_venue_is_shut_for_longer_than_a_day() {
        #[track_caller]
        fn check(text: &str, seconds: Option<u64>) {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            let now = Timestamp::from_millis(1_792_567_600_000);
            assert_eq!(retry_after(&headers, now).map(|wait| wait.as_secs()), seconds, "{text}");
        }
        check("0", Some(0));
        check("30", Some(30));
        check("86400", Some(86_400));
        check("86401", Some(86_400));
        check("99999999999", Some(86_400));
        check("99999999999999999999999", Some(86_400));
        check("1.5", Some(2));
        check("-1", None);
        check("soon", None);
        // It is Wed, 21 Oct 2026 07:26:40 GMT, in all three forms that HTTP allows.
        check("Wed, 21 Oct 2026 07:28:00 GMT", Some(80));
        check("Wednesday, 21-Oct-26 07:28:00 GMT", Some(80));
        check("Wed Oct 21 07:28:00 2026", Some(80));
        check("Wed, 21 Oct 2026 07:26:00 GMT", Some(0));
        check("Mon, 21 Oct 2126 07:28:00 GMT", Some(86_400));
    }
}
