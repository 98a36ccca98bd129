//! The server behind the reverse proxies that `docs/remote-access.md` describes: real programs, with the configuration
//! printed there, below the root and below a path, stripped and kept, in clear text and over TLS.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod caller;
mod proxy;
mod server;

use std::time::Duration;

use self::{
    caller::Caller,
    proxy::{APACHE, CADDY, HAPROXY, Kind, NGINX, Route, Running},
    server::Server,
};

#[tokio::test]
async fn nginx_passes_everything_on() {
    passes_everything_on(&NGINX).await;
}

#[tokio::test]
async fn caddy_passes_everything_on() {
    passes_everything_on(&CADDY).await;
}

#[tokio::test]
async fn haproxy_passes_everything_on() {
    passes_everything_on(&HAPROXY).await;
}

#[tokio::test]
async fn apache_passes_everything_on() {
    passes_everything_on(&APACHE).await;
}

#[tokio::test]
async fn pings_keep_sockets_open() {
    for kind in [&NGINX, &CADDY, &HAPROXY, &APACHE] {
        let Some(folder) = kind.folder() else { continue };
        // The same relation as that of the ping and the time-out in real life, in a twentieth of the time.
        let route = Route { prefix: "/", is_kept: false, is_secure: false, idle: Duration::from_secs(3) };
        let port = proxy::free_port();
        let server = Server::start(&[port], Duration::from_millis(1_250));
        let proxy = Running::start(kind, &folder, route, port, server.port);
        let caller = Caller::new(&proxy, "127.0.0.1");
        let mut socket = caller.socket("ws?format=json").await;
        let lasted = socket.stays_open_for(route.idle * 2).await;
        assert!(lasted, "{}: the connection was cut", kind.name);
        assert!(socket.ask("{\"type\":\"ping\",\"t\":7}").await.contains("\"t\":7"), "{}", kind.name);
    }
    let default = ::server::config::StreamConfig::default().ping;
    assert!(default <= Duration::from_secs(30), "proxies cut a silent connection after 60 s");
}

async fn passes_everything_on(kind: &Kind) {
    let Some(folder) = kind.folder() else { return };
    let routes: Vec<(Route, u16)> = [("/", false), ("/desk/live/", false), ("/desk/live/", true)]
        .into_iter()
        .flat_map(|(prefix, is_kept)| [false, true].map(|is_secure| (prefix, is_kept, is_secure)))
        .map(|(prefix, is_kept, is_secure)| {
            let route = Route { prefix, is_kept, is_secure, idle: Duration::from_secs(60) };
            (route, proxy::free_port())
        })
        .collect();
    let ports: Vec<u16> = routes.iter().map(|(_, port)| *port).collect();
    let server = Server::start(&ports, Duration::from_secs(25));
    for (idx, (route, port)) in routes.into_iter().enumerate() {
        let proxy = Running::start(kind, &folder, route, port, server.port);
        let place = format!("{} {route:?}", kind.name);
        // Of an address of its own, so that the limits of one do not reach the next.
        let caller = Caller::new(&proxy, &format!("127.0.{}.2", idx + 1));
        check_pages(&caller, &place).await;
        check_files(&caller, &place).await;
        assert_eq!(caller.get("api/v1/status").await.status, 200, "{place}");
        assert_eq!(caller.get("api/v1/nothing").await.status, 404, "{place}");
        let mut socket = caller.socket("ws?format=json").await;
        let welcome = socket.ask("{\"type\":\"hello\",\"protocol\":1,\"lane_ms\":100}").await;
        assert!(welcome.contains("\"type\":\"welcome\""), "{place}: {welcome}");
        let neighbour = Caller::new(&proxy, &format!("127.0.{}.3", idx + 1));
        check_addresses(&caller, &neighbour, &place).await;
    }
}

async fn check_pages(caller: &Caller, place: &str) {
    for page in ["", "markets", "?symbol=demo:ADA-SIM"] {
        let answer = caller.get(page).await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{place} {page}");
        assert!(answer.text.contains(&format!("href=\"assets/{}/truetape.js\"", server::HASH)), "{place} {page}");
        for attribute in ["href=\"/", "src=\"/", "import(\"/"] {
            assert!(!answer.text.contains(attribute), "{place} {page}: an address that begins at the root");
        }
    }
    assert_eq!(caller.get("nothing").await.status, 404, "{place}");
}

async fn check_files(caller: &Caller, place: &str) {
    let script = caller.get(&format!("assets/{}/truetape.js", server::HASH)).await;
    assert_eq!((script.status, script.text.as_str()), (200, server::SCRIPT), "{place}");
    assert_eq!(script.header("cache-control"), "public, max-age=31536000, immutable", "{place}");
    let icon = caller.get("favicon.svg").await;
    assert_eq!((icon.status, icon.header("cache-control")), (200, "no-cache"), "{place}");
    assert!(!icon.header("etag").is_empty(), "{place}");
    let missing = caller.get("assets/0123456789abcdef/truetape.js").await;
    assert_eq!((missing.status, missing.header("content-type")), (404, "application/json"), "{place}");
}

/// One address uses up its requests, whatever it claims; its neighbour behind the same proxy has its own.
async fn check_addresses(caller: &Caller, neighbour: &Caller, place: &str) {
    assert!(is_limited_within(1_000, caller, &[]).await, "{place}: no limit");
    // Another address would have more requests than these.
    for claim in [("x-forwarded-for", "127.77.0.1"), ("forwarded", "for=127.77.0.2")] {
        assert!(is_limited_within(50, caller, &[claim]).await, "{place}: {claim:?} was believed");
    }
    assert!(!is_limited_within(1, neighbour, &[]).await, "{place}: two callers count as one");
}

/// Returns true if one of the next requests is refused because its address has made too many.
async fn is_limited_within(n_requests: usize, caller: &Caller, headers: &[(&'static str, &str)]) -> bool {
    for _ in 0..n_requests {
        let answer = caller.get_with("api/v1/venues/binance/rest?path=/api/v3/depth&weight=1", headers).await;
        if answer.text.contains("too many requests from this address") {
            return true;
        }
    }
    false
}
