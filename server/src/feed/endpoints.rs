//! Each venue's endpoint: its addresses, and the REST budget shared by its feed and by pages in direct mode.
//!
//! A feed's session keeps its own weight budget; its requests are counted here as well, so that pages get the rest of
//! half the venue's limit. A `Retry-After` applies to everyone: until it has passed, a feed's request is not made but
//! answered with 429 at once. Not here: the paths that pages may request (`http::venues`), making requests
//! ([`super::http`]).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use model::time::{Monotonic, Timestamp};
use venues::{
    budget::{Budget, Permit},
    registry::{self, VenueInfo},
    session::SessionConfig,
};

use super::http::{HttpClient, TokenHeader};
use crate::{clock::Clock, config::VenueConfig};

/// A venue's REST budget. Clones share it.
#[derive(Clone, Debug)]
pub struct SharedBudget {
    // Locked for a sum or two, never across an await.
    budget: Arc<Mutex<Budget>>,
    /// No connection is opened before: kept here so that a feed that starts again keeps to it.
    held_until: Arc<Mutex<Option<Monotonic>>>,
    clock: Clock,
}

impl SharedBudget {
    /// Creates a budget; the venue allows the weight `limit` per minute.
    pub fn new(limit: u32, clock: Clock) -> Self {
        Self { budget: Arc::new(Mutex::new(Budget::new(limit))), held_until: Arc::default(), clock }
    }

    /// Returns the current time.
    pub fn wall_time(&self) -> Timestamp {
        self.clock.now().wall
    }

    /// Notes that the venue has asked for no connection before `until`.
    pub fn hold_connections(&self, until: Timestamp) {
        let now = self.clock.now();
        let until = now.monotonic + until.saturating_since(now.wall);
        let mut held = self.held_until.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Some(held.map_or(until, |known| known.max(until)));
    }

    /// Returns how long no connection may be opened, if the venue has asked for a wait that is longer than `after`.
    pub fn connection_wait(&self, after: Duration) -> Option<Duration> {
        let held = *self.held_until.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = held?.saturating_since(self.clock.now().monotonic);
        // A session counts in the same seconds, a moment earlier.
        Some(wait).filter(|wait| *wait > after + HOLD_TOLERANCE)
    }

    /// Counts a request of a feed, whose session has weighed it already. Returns the time of the request.
    ///
    /// # Errors
    /// The time to wait, as the venue has asked everyone.
    pub fn note(&self, weight: u32) -> Result<Monotonic, Duration> {
        let now = self.clock.now().monotonic;
        let mut budget = self.lock();
        match budget.open_until().filter(|until| now < *until) {
            Some(until) => Err(until.saturating_since(now)),
            None => {
                budget.spend(weight, now);
                Ok(now)
            }
        }
    }

    /// Counts a request of a page, if it may be made now. Returns the time of the request.
    ///
    /// # Errors
    /// The time to wait.
    pub fn ask(&self, weight: u32) -> Result<Monotonic, Duration> {
        let now = self.clock.now().monotonic;
        match self.lock().acquire(weight, now) {
            Permit::Granted => Ok(now),
            Permit::At(later) => Err(later.saturating_since(now)),
            Permit::AfterProbe => Err(PROBE_WAIT),
        }
    }

    /// Notes the answer to the request made at `asked_at`.
    pub fn answered(&self, asked_at: Monotonic, status: u16, retry_after: Option<Duration>, used_weight: Option<u32>) {
        let now = self.clock.now().monotonic;
        self.lock().answered(asked_at, status, retry_after, used_weight, now);
    }

    /// Notes that the request made at `asked_at` got no answer.
    pub fn unanswered(&self, asked_at: Monotonic) {
        let now = self.clock.now().monotonic;
        self.lock().unanswered(asked_at, now);
    }

    fn lock(&self) -> MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The addresses, configuration and REST client of one venue.
#[derive(Clone, Debug)]
pub struct VenueEndpoint {
    /// The venue's description and capabilities.
    pub info: &'static VenueInfo,
    /// The configured addresses and deadlines.
    pub config: VenueConfig,
    /// Makes requests to the venue's REST API.
    pub http: HttpClient,
}

impl VenueEndpoint {
    /// Returns the WebSocket address without stream paths; empty if the venue has none.
    pub fn ws_url(&self) -> &str {
        self.config.ws_url.as_deref().unwrap_or(self.info.default_ws_url)
    }

    /// Returns true if the history comes from a second service that is configured by its address or its token.
    pub fn has_history(&self) -> bool {
        self.info.history.is_some() && (self.config.history_url.is_some() || self.config.token.is_some())
    }

    /// Returns why a page may not follow the venue by itself, in words; `None` if it may.
    pub fn refusal(&self) -> Option<&'static str> {
        let capabilities = self.info.capabilities;
        if capabilities.needs_token {
            Some("this venue asks for a token, which a page would show to everyone: the server's stream is used")
        } else if !capabilities.may_be_opened_from_browser {
            Some("this venue takes no connections from browsers: the server's stream is used")
        } else {
            None
        }
    }
}

/// The endpoints of all venues, followed or not. Clones share them.
#[derive(Clone, Debug)]
pub struct VenueEndpoints(Arc<Endpoints>);

#[derive(Debug)]
struct Endpoints {
    client: reqwest::Client,
    clock: Clock,
    /// Locked for a look-up or a replacement, never across an await.
    by_venue: RwLock<BTreeMap<&'static str, Arc<VenueEndpoint>>>,
}

impl VenueEndpoints {
    /// Creates the endpoints of all built-in venues; `config` returns a venue's configuration, all share `client`.
    pub fn new(client: &reqwest::Client, clock: Clock, config: impl Fn(&str) -> VenueConfig) -> Self {
        let endpoints = Endpoints { client: client.clone(), clock, by_venue: RwLock::default() };
        let made = registry::venues().map(|info| (info.name, Arc::new(endpoints.make(info, config(info.name), None))));
        let by_venue = RwLock::new(made.collect());
        Self(Arc::new(Endpoints { by_venue, ..endpoints }))
    }

    /// Returns a venue's endpoint, as it is configured now.
    pub fn find(&self, venue: &str) -> Option<Arc<VenueEndpoint>> {
        self.0.by_venue.read().unwrap_or_else(PoisonError::into_inner).get(venue).cloned()
    }

    /// Gives a venue's endpoint another configuration. Requests that are under way end as they began; what the venue allows
    /// stays counted.
    pub fn configure(&self, venue: &str, config: VenueConfig) {
        let mut by_venue = self.0.by_venue.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(endpoint) = by_venue.get_mut(venue) {
            *endpoint = Arc::new(self.0.make(endpoint.info, config, Some(&endpoint.http)));
        }
    }
}

impl Endpoints {
    /// Makes a venue's endpoint, with the budgets of an earlier one.
    fn make(&self, info: &'static VenueInfo, config: VenueConfig, earlier: Option<&HttpClient>) -> VenueEndpoint {
        let default_url = Some(info.default_rest_url).filter(|url| !url.is_empty());
        let base = config.rest_url.clone().or_else(|| default_url.map(str::to_owned));
        let budget = earlier.map(HttpClient::budget).cloned().unwrap_or_else(|| {
            // A session that is never started: it only provides the venue's limit.
            let session = registry::open(info.name, &SessionConfig::default());
            let limit = session.map_or(LEAST_LIMIT, |session| session.weight_per_minute());
            SharedBudget::new(limit, self.clock)
        });
        let header = Some(info.token_header).filter(|header| !header.is_empty());
        let token = header.zip(config.token.as_ref()).map(|(name, token)| TokenHeader::new(name, "", token));
        let mut http = HttpClient::new(self.client.clone(), base, token, budget);
        if let Some(source) = &info.history {
            let url = config.history_url.clone().unwrap_or_else(|| source.default_url.to_owned());
            let header = |token| TokenHeader::new(source.token_header, source.token_prefix, token);
            let token = config.token.as_ref().map(header);
            let known = earlier.and_then(HttpClient::history).map(HttpClient::budget).cloned();
            let budget = known.unwrap_or_else(|| SharedBudget::new(source.weight_per_minute, self.clock));
            http = http.with_history(source.path, HttpClient::new(self.client.clone(), Some(url), token, budget));
        }
        VenueEndpoint { info, config, http }
    }
}

/// The wait while a trial request is in flight: its answer comes within seconds.
const PROBE_WAIT: Duration = Duration::from_secs(1);
/// The longest time between a session's decision and its execution.
const HOLD_TOLERANCE: Duration = Duration::from_millis(500);
/// The limit of a venue whose session cannot be opened.
const LEAST_LIMIT: u32 = 2;

#[cfg(test)]
mod tests {
    use venues::session::{HttpRequest, RequestId};

    use super::*;

    #[test]
    fn a_retry_after_holds_for_feed_and_pages() {
        let budget = SharedBudget::new(6_000, Clock::start());
        let asked_at = budget.note(50).unwrap();
        assert!(budget.ask(50).is_ok());
        budget.answered(asked_at, 429, Some(Duration::from_secs(30)), None);
        for waits in [budget.note(1), budget.ask(1)] {
            let wait = waits.unwrap_err();
            assert!(wait > Duration::from_secs(29) && wait <= Duration::from_secs(30), "{wait:?}");
        }
    }

    #[test]
    fn connections_keep_to_a_stated_wait_after_a_new_start_too() {
        let budget = SharedBudget::new(6_000, Clock::start());
        assert_eq!(budget.connection_wait(Duration::ZERO), None);
        let in_seconds = |seconds| budget.wall_time() + Duration::from_secs(seconds);
        budget.hold_connections(in_seconds(30));
        budget.hold_connections(in_seconds(5));
        let wait = budget.clone().connection_wait(Duration::ZERO).unwrap();
        assert!(wait > Duration::from_secs(29) && wait <= Duration::from_secs(30), "{wait:?}");
        assert_eq!(budget.connection_wait(Duration::from_secs(30)), None);
        assert!(budget.ask(1).is_ok(), "REST has its own limits");
    }

    #[test]
    fn pages_get_what_the_feed_leaves() {
        let budget = SharedBudget::new(200, Clock::start());
        assert!(budget.note(90).is_ok());
        assert!(budget.ask(10).is_ok());
        assert!(budget.ask(10).is_err());
        // The feed's session has checked its own budget: it is not delayed here.
        assert!(budget.note(10).is_ok());
    }

    /// Starts a service that answers with the request's method, path and authorization.
    async fn echo() -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let say = |request: axum::extract::Request| async move {
            let key = request.headers().get("authorization").map_or("no key", |value| value.to_str().unwrap());
            format!("{} {} {key}", request.method(), request.uri())
        };
        tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(say)).await });
        format!("http://{address}")
    }

    #[tokio::test]
    async fn history_has_an_address_of_its_own_and_the_token_for_itself() {
        let (node, graph) = (echo().await, echo().await);
        let config = VenueConfig {
            rest_url: Some(node),
            history_url: Some(format!("{graph}/v3")),
            token: Some(crate::config::token::Token::new("k3y").unwrap()),
            ..VenueConfig::default()
        };
        let tls = crate::tls::client_config().unwrap();
        let client = crate::feed::http::client(&tls).unwrap();
        let endpoints = VenueEndpoints::new(&client, Clock::start(), |_| config.clone());
        let info = registry::venues().find(|info| info.history.is_some()).unwrap();
        let endpoint = endpoints.find(info.name).unwrap();
        let ask = |path: &'static str| {
            let endpoint = Arc::clone(&endpoint);
            let request = HttpRequest {
                id: RequestId(1),
                path: path.into(),
                query: Vec::new(),
                weight: 1,
                body: Some("{}".to_owned()),
            };
            async move { endpoint.http.clone().get(request).await.result.unwrap().body().to_string() }
        };
        assert_eq!(ask(info.history.unwrap().path).await, "POST /v3 Bearer k3y");
        assert_eq!(ask("/").await, "POST / no key");
        let passed = endpoint.http.pass("/", &[], 1).await.unwrap();
        assert_eq!(passed.body().as_str(), "GET / no key");
        assert!(endpoint.has_history());
        let bare = VenueEndpoints::new(&client, Clock::start(), |_| VenueConfig::default());
        assert!(registry::venues().all(|info| !bare.find(info.name).unwrap().has_history()));
    }

    #[test]
    fn another_configuration_keeps_what_was_counted() {
        let tls = crate::tls::client_config().unwrap();
        let client = crate::feed::http::client(&tls).unwrap();
        let endpoints = VenueEndpoints::new(&client, Clock::start(), |_| VenueConfig::default());
        let (name, shared) = (registry::venues().find(|info| info.history.is_some()).unwrap().name, endpoints.clone());
        let before = endpoints.find(name).unwrap();
        for http in [&before.http, before.http.history().unwrap()] {
            let asked_at = http.budget().note(1).unwrap();
            http.budget().answered(asked_at, 429, Some(Duration::from_secs(30)), None);
        }
        let rest_url = Some("http://127.0.0.1:9".to_owned());
        endpoints.configure(name, VenueConfig { rest_url: rest_url.clone(), ..VenueConfig::default() });
        let after = shared.find(name).unwrap();
        assert_eq!((after.http.base(), &after.config.rest_url), (rest_url.as_deref(), &rest_url));
        assert!(after.http.budget().note(1).is_err(), "the venue has asked to wait");
        assert!(after.http.history().unwrap().budget().note(1).is_err(), "and so has its history");
        assert_ne!(before.http.base(), rest_url.as_deref(), "requests under way keep theirs");
    }

    #[test]
    fn every_venue_has_a_door() {
        let tls = crate::tls::client_config().unwrap();
        let client = crate::feed::http::client(&tls).unwrap();
        let endpoints = VenueEndpoints::new(&client, Clock::start(), |_| VenueConfig::default());
        for info in registry::venues() {
            let endpoint = endpoints.find(info.name).unwrap();
            let is_open = info.capabilities.may_be_opened_from_browser && !info.capabilities.needs_token;
            assert_eq!(endpoint.refusal().is_none(), is_open, "{}", info.name);
            assert_eq!(endpoint.ws_url(), info.default_ws_url);
        }
        assert!(endpoints.find("nowhere").is_none());
    }
}
