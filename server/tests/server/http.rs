//! The router without a socket: every route's answer, the headers on all of them, and who is refused.

use std::convert::Infallible;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, header},
};
use futures::stream;
use hub::{config::HubConfig, hub::Hub};
use model::{instrument::InstrumentId, trading::account::AccountId};
use server::{
    access::{Access, AccessParts},
    alerts::handle::AlertsHandle,
    backtests::Backtests,
    catalogue::{following::Following, kept::Kept, lists::Lists},
    clock::Clock,
    commands::CommandRouter,
    config::{AccessConfig, Config, LimitsConfig, RecordingsConfig, VenueConfig},
    configuration::Configuration,
    desk::{handle::DeskHandle, replay::ReplayDesks},
    feed::{self, directory::Directory, endpoints::VenueEndpoints, handle::Feeds},
    http::{
        AppState, forwarded::TrustedProxies, guard::Hosts, page::OfflinePage, router, stream::StreamContext,
        venues::RestProxy,
    },
    limits::Limits,
    metrics::{Metrics, counters::Counters, reading::Sources},
    notices::Notices,
    places::Places,
    publish::Publishing,
    recorder::{
        library::Library,
        recordings::Recordings,
        replays::{ReplayParts, Replays},
    },
    shutdown::Shutdown,
    system::monitor::{HealthCell, monitor},
    tls,
};
use tower::ServiceExt;
use wire::limits::MAX_CLIENT_MESSAGE_BYTES;

const HOST: &str = "127.0.0.1:3000";

/// A router without feeds; one instrument is expected.
fn app() -> (Router, Shutdown) {
    let (directory, shutdown) = (Directory::default(), Shutdown::default());
    directory.expect(InstrumentId::parse("demo:AAABBB").unwrap());
    let client = feed::http::client(&tls::client_config().unwrap()).unwrap();
    let endpoints = VenueEndpoints::new(&client, Clock::start(), |_| VenueConfig::default());
    let (feeds, _no_supervisor) = Feeds::new(directory.clone());
    let publishing = Publishing::new(Hub::new(HubConfig::default()), Clock::start());
    let library = Library::new(&std::env::temp_dir().join("truetape-no-data"), RecordingsConfig::default());
    let (clock, stopping) = (Clock::start(), shutdown.clone());
    let recordings = Recordings::new(library.clone(), feeds.clone(), clock, Notices::default(), stopping.clone());
    let backtests = Backtests::new(library.clone(), stopping.clone());
    let desks = ReplayDesks::new(None, directory.clone());
    let replays = Replays::new(ReplayParts {
        library,
        feeds: feeds.clone(),
        publishing: publishing.clone(),
        desks: desks.clone(),
        clock,
        shutdown: stopping.clone(),
    });
    let data_dir = std::env::temp_dir().join("truetape-no-data");
    let kept = Kept::open(&data_dir, &Notices::default(), clock.now());
    let following = Following::new(feeds.clone(), Lists::new(endpoints.clone(), clock, stopping.clone()), kept);
    let desk = DeskHandle::closed(desks, AccountId::parse("paper").unwrap());
    let access = AccessParts {
        live: AccessConfig::default().into(),
        data_dir: data_dir.clone(),
        is_private: true,
        has_file: false,
        port: 3_000,
        clock,
    };
    let (access, _log) = Access::new(access).unwrap();
    let commands = CommandRouter::new(
        following.clone(),
        recordings.clone(),
        replays.clone(),
        backtests.clone(),
        desk.clone(),
        AlertsHandle::closed(),
        access.audit().clone(),
        clock,
        stopping,
    );
    let sources = Sources {
        certificate: None,
        clock,
        data_dir,
        desk: desk.clone(),
        feeds: feeds.clone(),
        places: Places::new(Config::default()),
        publishing: publishing.clone(),
        sockets: shutdown.sockets.clone(),
    };
    let counters = Counters::default();
    // Nobody looks: the report is that of a start.
    let (monitor, _looking) =
        monitor(sources.clone(), counters.clone(), HealthCell::default(), shutdown.stopping.clone());
    let state = AppState {
        access: access.clone(),
        alerts: AlertsHandle::closed(),
        backtests,
        commands: commands.clone(),
        configuration: Configuration::new(Config::default().into(), |_| {}),
        desk,
        recordings,
        replays,
        endpoints: RestProxy::new(endpoints, Clock::start()),
        feeds,
        following,
        hosts: Hosts::new(HOST.parse().unwrap(), &["recordings.example".to_owned()], false, Config::default()),
        limits: Limits::new(LimitsConfig::default(), counters.limits.clone(), clock),
        proxies: TrustedProxies::new(Config::default()),
        metrics: Metrics::new(counters.clone(), sources),
        monitor,
        offline: OfflinePage(Config::default().into()),
        shutdown: shutdown.clone(),
        stream: StreamContext {
            publishing,
            directory,
            access,
            commands,
            live: Config::default().into(),
            clock: Clock::start(),
            counters: counters.stream,
            batches: Default::default(),
        },
    };
    (router(state), shutdown)
}

async fn send(app: &Router, method: &str, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn get(app: &Router, path: &str) -> Response<Body> {
    send(app, "GET", path, &[("host", HOST)]).await
}

async fn json(response: Response<Body>) -> serde_json::Value {
    serde_json::from_slice(&to_bytes(response.into_body(), 1 << 20).await.unwrap()).unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn answers_have_stable_codes() {
    let (app, _) = app();
    for (method, path, status, code) in [
        ("GET", "/healthz", 200, None),
        ("GET", "/readyz", 200, None),
        ("GET", "/api/v1/instruments", 200, None),
        ("GET", "/api/v1/status", 200, None),
        ("GET", "/api/v1/candles", 400, Some("bad_parameter")),
        ("GET", "/api/v1/candles?instrument=x", 400, Some("bad_parameter")),
        ("GET", "/api/v1/candles?instrument=demo:AAABBB&interval=2m", 400, Some("bad_parameter")),
        ("GET", "/api/v1/candles?instrument=demo:AAABBB&limit=0", 400, Some("bad_parameter")),
        ("GET", "/api/v1/candles?instrument=demo:AAABBB&limit=501", 400, Some("bad_parameter")),
        ("GET", "/api/v1/candles?instrument=demo:AAABBB&limit=1&limit=2", 400, Some("bad_parameter")),
        ("GET", "/api/v1/candles?instrument=demo:AAABBC", 404, Some("unknown_instrument")),
        ("GET", "/api/v1/book?instrument=demo:AAABBC", 404, Some("unknown_instrument")),
        ("GET", "/api/v1/trades?instrument=demo:AAABBC", 404, Some("unknown_instrument")),
        ("GET", "/api/v1/direct", 200, None),
        ("GET", "/api/v1/venues/nowhere/rest?path=/x", 404, Some("unknown_venue")),
        ("GET", "/api/v1/venues/binance/rest", 400, Some("bad_parameter")),
        ("GET", "/api/v1/venues/binance/rest?path=/api/v3/order", 403, Some("path_not_allowed")),
        ("GET", "/api/v1/venues/binance/rest?path=/api/v3/../sapi", 403, Some("path_not_allowed")),
        ("POST", "/api/v1/venues/binance/rest?path=/api/v3/depth", 405, Some("method_not_allowed")),
        ("GET", "/api/v1/instruments?limit=0", 400, Some("bad_parameter")),
        ("GET", "/api/v1/instruments?venue=nowhere", 404, Some("unknown_venue")),
        ("GET", "/api/v1/signals", 400, Some("bad_parameter")),
        ("GET", "/api/v1/signals?rule=A%20rule", 400, Some("bad_parameter")),
        ("GET", "/api/v1/nothing", 404, Some("not_found")),
        ("GET", "/assets/0123456789abcdef/nothing.js", 404, Some("not_found")),
        ("GET", "/nothing", 404, Some("not_found")),
        ("GET", "/api/v1/venues", 200, None),
        ("GET", "/api/v1/feeds", 200, None),
        ("PUT", "/api/v1/feeds", 405, Some("method_not_allowed")),
        ("POST", "/api/v1/feeds", 400, Some("bad_body")),
        ("DELETE", "/api/v1/feeds/demo", 503, Some("unavailable")),
        ("POST", "/api/v1/status", 405, Some("method_not_allowed")),
        ("DELETE", "/nothing", 405, Some("method_not_allowed")),
        ("POST", "/", 405, Some("method_not_allowed")),
        ("PUT", "/markets", 405, Some("method_not_allowed")),
        ("DELETE", "/api/v1/feeds/%ff", 400, Some("bad_parameter")),
        ("GET", "/api/v1/recordings/%ff", 400, Some("bad_parameter")),
        ("DELETE", "/api/v1/recordings/%c3%28", 400, Some("bad_parameter")),
        ("GET", "/api/v1/venues/%ff/rest?path=/x", 400, Some("bad_parameter")),
        ("GET", "/%ff", 404, Some("not_found")),
        ("GET", "/ws", 426, Some("not_a_websocket")),
        ("GET", "/ws?format=xml", 400, Some("bad_parameter")),
    ] {
        // A proxy may keep its own prefix.
        for path in [path.to_owned(), format!("/any/prefix{path}")] {
            let response = send(&app, method, &path, &[("host", HOST)]).await;
            assert_eq!(response.status(), status, "{method} {path}");
            let body = json(response).await;
            assert_eq!(body["error"]["code"].as_str(), code, "{method} {path}: {body}");
        }
    }
    let body = json(get(&app, "/api/v1/book?instrument=demo:AAABBC").await).await;
    assert_eq!(body["error"]["nearest"], serde_json::json!(["demo:AAABBB"]));
}

#[tokio::test]
async fn every_body_has_the_same_limit() {
    let (app, _) = app();
    for path in [
        "/api/v1/feeds",
        "/api/v1/recordings/start",
        "/api/v1/recordings/stop",
        "/api/v1/recordings/save-last",
        "/api/v1/replay",
    ] {
        let post = async |body: Body| {
            let request = Request::post(path).header("host", HOST).header("content-type", "application/json");
            app.clone().oneshot(request.body(body).unwrap()).await.unwrap()
        };
        let venue = |n_bytes: usize| format!("{{\"venue\":\"{}\"}}", "x".repeat(n_bytes - r#"{"venue":""}"#.len()));
        // Of a known length, and in pieces that say none.
        for body in [
            Body::from(venue(MAX_CLIENT_MESSAGE_BYTES + 1)),
            Body::from_stream(stream::iter([Ok::<_, Infallible>(venue(MAX_CLIENT_MESSAGE_BYTES)), Ok(" ".to_owned())])),
        ] {
            let response = post(body).await;
            assert_eq!(response.status(), 413, "{path}");
            let body = json(response).await;
            assert_eq!(body["error"]["code"], "body_too_large", "{path}");
            assert_eq!(body["error"]["message"], "the body is larger than 65536 bytes", "{path}");
        }
        assert_ne!(post(Body::from(venue(MAX_CLIENT_MESSAGE_BYTES))).await.status(), 413, "{path}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let (app, _) = app();
    for path in ["/", "/healthz", "/api/v1/status", "/nothing", "/ws"] {
        let response = get(&app, path).await;
        let headers = response.headers();
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
    }
    // Data is of the moment: no browser or proxy keeps it.
    for (method, path) in [("GET", "/api/v1/status"), ("GET", "/api/v1/nothing"), ("POST", "/api/v1/feeds")] {
        let response = send(&app, method, path, &[("host", HOST)]).await;
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store", "{method} {path}");
    }
    // Refusals, too.
    let refused = send(&app, "GET", "/", &[("host", "evil.example")]).await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["x-content-type-options"]),
        (403, &"nosniff".parse().unwrap())
    );
}

#[tokio::test]
async fn the_page_runs_only_its_own_scripts() {
    let (app, _) = app();
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let response = send(&app, "GET", "/any/prefix/", &[("host", HOST), ("accept", "text/html")]).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(policy.contains("'wasm-unsafe-eval'") && policy.contains(&format!("ws://{HOST}")), "{policy}");
        assert!(!policy.contains("script-src 'self' 'unsafe-inline'"), "{policy}");
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        let html = text(response).await;
        for script in html.split("<script").skip(1) {
            let tag = script.split('>').next().unwrap();
            assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "a script without the nonce: {tag}");
        }
        assert!(html.contains("href=\"assets/"), "{html:.300}");
        for attribute in ["href=\"/", "src=\"/", "import(\"/"] {
            assert!(!html.contains(attribute), "an address that begins at the root: {html}");
        }
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test]
async fn the_page_of_the_documents_is_text_with_a_style() {
    let (app, _) = app();
    let response = get(&app, "/api/v1/docs").await;
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'self';") && !policy.contains("script"), "{policy}");
    let html = text(response).await;
    for forbidden in ["<script", "<style", " style=", " on", "href=\"/", "href=\"http", "src="] {
        let mut tags = html.split('<').skip(1).map(|tag| format!("<{}", tag.split('>').next().unwrap_or_default()));
        let found = tags.find(|tag| tag.contains(forbidden));
        assert!(found.is_none(), "{forbidden}: {found:?}");
    }
    // Relative, so that the page is right under any sub-path.
    assert!(html.contains("<link rel=\"stylesheet\" href=\"docs.css\">"), "{html:.600}");
    let style = get(&app, "/api/v1/docs.css").await;
    assert_eq!(style.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
    for path in ["/api/v1/openapi.json", "/api/v1/asyncapi.json"] {
        let response = get(&app, path).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json", "{path}");
        assert!(json(response).await.is_object(), "{path}");
    }
}

#[tokio::test]
async fn people_who_are_lost_get_a_page() {
    let (app, _) = app();
    let response = send(&app, "GET", "/nothing/here", &[("host", HOST), ("accept", "text/html,*/*")]).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()[header::CONTENT_TYPE]),
        (404, &"text/html; charset=utf-8".parse().unwrap())
    );
    assert!(text(response).await.contains("<html"));
}

#[tokio::test]
async fn foreign_callers_are_refused_everywhere() {
    let (app, _) = app();
    let paths = ["/", "/api/v1/status", "/api/v1/direct", "/api/v1/venues/nowhere/rest", "/ws", "/healthz", "/nothing"];
    let paths =
        paths.map(str::to_owned).into_iter().chain(["/any/prefix/api/v1/status", "/any/prefix/ws"].map(str::to_owned));
    for path in paths {
        for (host, origin, is_refused) in [
            (Some(HOST), None, false),
            (Some(HOST), Some("http://127.0.0.1:3000"), false),
            (Some("localhost:3000"), Some("http://localhost:3000"), false),
            (Some("recordings.example"), Some("https://recordings.example"), false),
            (Some("recordings.example"), None, path.ends_with("/ws")),
            (None, None, true),
            (Some("evil.example"), None, true),
            (Some("evil.example:3000"), Some("http://evil.example:3000"), true),
            (Some("127.0.0.1:3001"), None, true),
            (Some(HOST), Some("null"), true),
            (Some(HOST), Some("http://evil.example"), true),
            (Some(HOST), Some("https://127.0.0.1:3000"), true),
            (Some(HOST), Some("http://127.0.0.1:3000.evil.example"), true),
        ] {
            let headers: Vec<(&str, &str)> = [("host", host), ("origin", origin)]
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
                .collect();
            let response = send(&app, "GET", &path, &headers).await;
            assert_eq!(response.status() == 403, is_refused, "{path} {headers:?}: {}", response.status());
        }
    }
}

#[tokio::test]
async fn a_shutdown_is_seen_from_outside() {
    let (app, shutdown) = app();
    shutdown.begin();
    assert_eq!(get(&app, "/healthz").await.status(), 200);
    let readyz = get(&app, "/readyz").await;
    assert_eq!((readyz.status().as_u16(), json(readyz).await["status"].as_str()), (503, Some("shutting_down")));
    let socket = get(&app, "/ws").await;
    assert_eq!((socket.status().as_u16(), json(socket).await["error"]["code"].as_str()), (503, Some("shutting_down")));
}

#[tokio::test]
async fn pages_are_compressed_for_those_who_accept_it() {
    let (app, _) = app();
    for path in ["/", "/nothing"] {
        let headers = [("host", HOST), ("accept", "text/html"), ("accept-encoding", "gzip, deflate, br")];
        let plain = to_bytes(send(&app, "GET", path, &headers[..2]).await.into_body(), 1 << 20).await.unwrap();
        assert!(plain.starts_with(b"<!"), "{path}");
        let response = send(&app, "GET", path, &headers).await;
        assert_eq!(response.headers().get(header::CONTENT_ENCODING).unwrap(), "gzip", "{path}");
        assert_eq!(response.headers().get(header::VARY).unwrap(), "accept-encoding", "{path}");
        let packed = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        assert!(packed.starts_with(&[0x1f, 0x8b]) && packed.len() < plain.len() / 2, "{path}: {} bytes", packed.len());
    }
}

#[tokio::test]
async fn small_answers_are_not_packed() {
    let (app, _) = app();
    let headers = [("host", HOST), ("accept-encoding", "gzip")];
    assert!(send(&app, "GET", "/api/v1/status", &headers).await.headers().get(header::CONTENT_ENCODING).is_none());
}
