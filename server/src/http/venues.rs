//! `GET /api/v1/venues/{venue}/rest?path=/…&weight=…&…`: a proxy to a venue's REST, which pages in direct mode may not
//! call themselves.
//!
//! Only paths that the venue's own session requests, only `GET`, only venues without a token, bounded in time, size and
//! rate, within the weight budget that pages share with the server's own feed, and never during a `Retry-After`. The
//! venue's answer is passed on unchanged, with its `Retry-After` and its count of used weight (`X-Used-Weight`). Not
//! here: checking callers ([`super::guard`]).

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Extension,
    body::Body,
    extract::{Query, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use venues::{registry, session::HttpAnswer};

use super::{
    accept::Peer,
    api_router::ApiRouter,
    error::ApiError,
    error_code::ErrorCode,
    operation::{Content, Needs, Operation, Shape, Tag, optional, required},
    parameters::PathParameter,
};
use crate::{
    clock::Clock,
    feed::{
        endpoints::{VenueEndpoint, VenueEndpoints},
        http::PassFailure,
    },
    limits::{MAX_CALLERS, bucket::Rate, rates::Rates, subscriber, whole_seconds},
};

/// Returns the route of the proxy.
pub fn routes() -> ApiRouter {
    ApiRouter::default().operation(
        Operation::get("/api/v1/venues/{venue}/rest", Needs::VIEWER, Tag::Feeds, "A request to a venue's REST")
            .text(
                "For pages in direct mode. Only paths that the venue's own session requests. Further query parameters are \
                 passed on, and so is the venue's answer, whatever its status.",
            )
            .path("venue", "The venue.", Shape::text(MAX_SHOWN))
            .query([
                required("path", "The path at the venue.", Shape::text(MAX_PARAMETER_BYTES)),
                optional(
                    "weight",
                    "Its weight in the venue's request limit.",
                    Shape::number(1..=1_000, Some(UNSTATED_WEIGHT as usize)),
                ),
            ])
            .answer_of(200, "The venue's answer.", vec![Content::other("application/json")])
            .header("x-used-weight", "The venue's count of used weight, if it sends one.")
            .errors(&[
                ErrorCode::UnknownVenue,
                ErrorCode::NotPassedOn,
                ErrorCode::PathNotAllowed,
                ErrorCode::AskLater,
                ErrorCode::VenueUnreachable,
            ]),
        pass,
    )
}

/// The venues' endpoints, with a rate limit for each caller. Clones share both.
#[derive(Clone, Debug)]
pub struct RestProxy {
    endpoints: VenueEndpoints,
    clock: Clock,
    // Locked for a look-up, never across an await.
    callers: Arc<Mutex<Rates<IpAddr>>>,
}

impl RestProxy {
    /// Creates a proxy without any callers yet.
    pub fn new(endpoints: VenueEndpoints, clock: Clock) -> Self {
        Self { endpoints, clock, callers: Arc::new(Mutex::new(Rates::new(MAX_CALLERS))) }
    }

    /// Returns a venue's endpoint.
    pub fn find(&self, venue: &str) -> Option<Arc<VenueEndpoint>> {
        self.endpoints.find(venue)
    }

    /// Counts a request of `caller` against its rate limit.
    fn admit(&self, caller: IpAddr) -> Result<(), ApiError> {
        let now = self.clock.now().monotonic;
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        callers.take(&subscriber(caller), RATE, now).map_err(|wait| ApiError::AskLater {
            reason: "too many requests from this address",
            wait_s: whole_seconds(wait),
        })
    }
}

/// Makes a page's request to the venue.
pub async fn pass(
    State(endpoints): State<RestProxy>,
    PathParameter(venue): PathParameter,
    peer: Option<Extension<Peer>>,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let endpoint = endpoints.find(&venue).ok_or_else(|| ApiError::UnknownVenue {
        venue: venue.chars().take(MAX_SHOWN).collect(),
        available: registry::venues().map(|info| info.name).collect::<Vec<_>>().join(", "),
    })?;
    let asked = PageRequest::read(&endpoint, parameters)?;
    endpoints.admit(peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(Peer(address))| address))?;
    let answer =
        endpoint.http.pass(&asked.path, &asked.query, asked.weight).await.map_err(|failure| match failure {
            PassFailure::Wait(wait) => {
                ApiError::AskLater { reason: "the venue's request limit is used up", wait_s: whole_seconds(wait) }
            }
            PassFailure::Busy => ApiError::AskLater { reason: "too many requests are waiting", wait_s: 1 },
            PassFailure::NoAnswer(failure) => ApiError::VenueUnreachable { detail: failure.detail },
        })?;
    Ok(passed_on(&answer.lend()))
}

/// A page's checked request.
#[derive(Debug, PartialEq, Eq)]
struct PageRequest {
    path: String,
    query: Vec<(String, String)>,
    weight: u32,
}

impl PageRequest {
    fn read(endpoint: &VenueEndpoint, parameters: Vec<(String, String)>) -> Result<Self, ApiError> {
        let info = endpoint.info;
        if let Some(reason) = endpoint.refusal() {
            return Err(ApiError::NotPassedOn { venue: info.name, reason });
        }
        let (mut path, mut weight, mut query) = (None, UNSTATED_WEIGHT, Vec::new());
        for (name, value) in parameters {
            match name.as_str() {
                "path" => path = Some(value),
                "weight" => {
                    let remedy = || "write a whole number from 1 to 1000".to_owned();
                    let stated = value.parse().ok().filter(|weight| (1..=1_000).contains(weight));
                    weight = stated.ok_or_else(|| ApiError::BadParameter { parameter: "weight", remedy: remedy() })?;
                }
                _ if query.len() >= MAX_PARAMETERS || name.len() + value.len() > MAX_PARAMETER_BYTES => {
                    let remedy =
                        format!("at most {MAX_PARAMETERS} further parameters of {MAX_PARAMETER_BYTES} bytes each");
                    return Err(ApiError::BadParameter { parameter: "query", remedy });
                }
                _ => query.push((name, value)),
            }
        }
        let path = path.ok_or_else(|| ApiError::BadParameter {
            parameter: "path",
            remedy: format!("write path=/…; allowed are {}", info.rest_paths.join(", ")),
        })?;
        if !info.allows_path(&path) {
            return Err(ApiError::PathNotAllowed { venue: info.name, allowed: info.rest_paths.join(", ") });
        }
        Ok(Self { path, query, weight })
    }
}

fn passed_on(answer: &HttpAnswer<'_>) -> Response {
    let mut response = Response::new(Body::from(answer.body.to_owned()));
    // Browsers act on redirects and informational statuses; for the page they are failures.
    *response.status_mut() = StatusCode::from_u16(answer.status)
        .ok()
        .filter(|status| status.is_success() || status.is_client_error() || status.is_server_error())
        .unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    // Regardless of the venue's content type: only our session reads the answer, and no browser may run it.
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(wait) = answer.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
    }
    if let Some(weight) = answer.used_weight {
        headers.insert(USED_WEIGHT, HeaderValue::from(weight));
    }
    response
}

const USED_WEIGHT: HeaderName = HeaderName::from_static("x-used-weight");
/// The weight of a request that does not state one: that of a whole book.
const UNSTATED_WEIGHT: u32 = 50;
const MAX_PARAMETERS: usize = 16;
/// Enough for a list of a hundred symbols.
const MAX_PARAMETER_BYTES: usize = 4_096;
/// A page that opens requests book, bars and statistics of each followed symbol, a few at a time.
const RATE: Rate = Rate { per_second: 10, burst: 150 };
const MAX_SHOWN: usize = 64;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::VenueConfig;

    fn endpoints() -> VenueEndpoints {
        let client = crate::feed::http::client(&crate::tls::client_config().unwrap()).unwrap();
        VenueEndpoints::new(&client, Clock::start(), |_| VenueConfig::default())
    }

    fn read(parameters: &[(&str, &str)]) -> Result<PageRequest, &'static str> {
        let endpoints = endpoints();
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        PageRequest::read(&endpoints.find("binance").unwrap(), parameters).map_err(|error| error.kind().1)
    }

    #[test]
    fn only_what_a_session_asks_for_is_passed_on() {
        let asked =
            read(&[("path", "/api/v3/depth"), ("symbol", "BTCUSDT"), ("weight", "5"), ("limit", "100")]).unwrap();
        let query = [("symbol", "BTCUSDT"), ("limit", "100")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(asked, PageRequest { path: "/api/v3/depth".into(), query: query.to_vec(), weight: 5 });
        assert_eq!(read(&[("path", "/api/v3/depth")]).unwrap().weight, UNSTATED_WEIGHT);
        let long = "x".repeat(MAX_PARAMETER_BYTES);
        let many: Vec<(&str, &str)> = [("path", "/api/v3/depth")].into_iter().chain([("a", "b"); 17]).collect();
        for (parameters, code) in [
            (&[][..], "bad_parameter"),
            (&[("path", "/api/v3/order")], "path_not_allowed"),
            (&[("path", "/api/v3/depth/")], "path_not_allowed"),
            (&[("path", "/api/v3/depth?symbol=A")], "path_not_allowed"),
            (&[("path", "/api/v3/depth#")], "path_not_allowed"),
            (&[("path", "//evil.example/api/v3/depth")], "path_not_allowed"),
            (&[("path", "@evil.example/api/v3/depth")], "path_not_allowed"),
            (&[("path", "/api/v3/depth"), ("weight", "0")], "bad_parameter"),
            (&[("path", "/api/v3/depth"), ("weight", "x")], "bad_parameter"),
            (&[("path", "/api/v3/depth"), ("symbol", &long)], "bad_parameter"),
            (&many, "bad_parameter"),
        ] {
            assert_eq!(read(parameters).unwrap_err(), code, "{parameters:?}");
        }
    }

    #[test]
    fn venues_with_a_token_are_not_passed_on() {
        let endpoints = endpoints();
        for info in registry::venues().filter(|info| info.capabilities.needs_token) {
            let path = info.rest_paths.first().copied().unwrap_or("/").to_owned();
            let refused =
                PageRequest::read(&endpoints.find(info.name).unwrap(), vec![("path".into(), path)]).unwrap_err();
            assert_eq!(refused.kind().1, "not_passed_on", "{}", info.name);
        }
    }

    #[test]
    fn each_caller_has_a_rate() {
        let doorway = RestProxy::new(endpoints(), Clock::start());
        let [first, second] = [1, 2].map(|last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)));
        let n_admitted = (0..RATE.burst + 50).filter(|_| doorway.admit(first).is_ok()).count();
        assert!((RATE.burst as usize..RATE.burst as usize + 20).contains(&n_admitted), "{n_admitted}");
        assert!(doorway.admit(second).is_ok());
    }

    #[test]
    fn an_answer_is_passed_on_without_what_makes_browsers_act() {
        let answer = |status| HttpAnswer {
            status,
            retry_after: Some(Duration::from_secs(7)),
            used_weight: Some(31),
            body: "<script>",
        };
        for (status, expected) in [(200, 200), (429, 429), (503, 503), (301, 502), (101, 502), (999, 502)] {
            let response = passed_on(&answer(status));
            assert_eq!(response.status().as_u16(), expected, "{status}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
            assert_eq!(
                (&response.headers()["retry-after"], &response.headers()["x-used-weight"]),
                (&"7".parse().unwrap(), &"31".parse().unwrap())
            );
        }
    }
}
