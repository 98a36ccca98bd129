//! Checks callers: on every request and upgrade, compares `Host` and `Origin` with the names the server accepts.
//!
//! Listening on loopback keeps other machines out, but not other sites in the same browser: any page can call
//! `http://127.0.0.1:3000` (cross-site WebSocket hijacking), and a host name that resolves to 127.0.0.1 makes the
//! server look like part of that page's site (DNS rebinding). `Origin` reveals the first, `Host` the second. Names are
//! compared whole, never in part.
//!
//! | header | plain request | WebSocket handshake |
//! |---|---|---|
//! | `Host` missing, twice, or foreign | 403 | 403 |
//! | `Origin` foreign, `null`, or twice | 403 | 403 |
//! | `Origin` missing | passes | passes only if `Host` is a loopback name |
//!
//! Browsers omit `Origin` on plain `GET`, but other sites cannot read the answer. They always send it with a WebSocket
//! handshake, so a handshake without it comes from a program. Programs on this machine may read the stream as they may
//! read the API; through a proxy's name they must send an `Origin`.
//!
//! The names of proxies are those of the newest configuration. A stream that is open goes on when its name is removed.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, header},
    middleware::Next,
    response::Response,
};

use super::error::ApiError;
use crate::config::Live;

/// The host names that the server accepts.
#[derive(Clone, Debug)]
pub struct Hosts(Arc<Names>);

#[derive(Debug)]
struct Names {
    /// Loopback names with our port.
    loopback: BTreeSet<String>,
    /// True if the server speaks TLS itself: its pages are `https` then.
    has_tls: bool,
    /// Names of the server's own certificate.
    certified: BTreeSet<String>,
    /// `server.allowed_hosts`: names of reverse proxies, which may use TLS.
    live: Live,
}

impl Hosts {
    /// Accepts the loopback names with the port of `listen`, the names that the server is `certified` for, and those of the
    /// newest configuration.
    pub fn new(listen: SocketAddr, certified: &[String], has_tls: bool, live: impl Into<Live>) -> Self {
        let port = listen.port();
        let own = listen.to_string();
        let mut loopback: BTreeSet<String> =
            ["localhost", "127.0.0.1", "[::1]"].iter().map(|name| format!("{name}:{port}")).chain([own]).collect();
        // Browsers omit the default port.
        let default_port = if has_tls { 443 } else { 80 };
        if port == default_port {
            let suffix = format!(":{port}");
            let bare: Vec<String> =
                loopback.iter().filter_map(|name| name.strip_suffix(&suffix)).map(str::to_owned).collect();
            loopback.extend(bare);
        }
        let certified = certified.iter().map(|name| name.to_ascii_lowercase()).collect();
        Self(Arc::new(Names { loopback, has_tls, certified, live: live.into() }))
    }

    /// Checks a request's headers.
    ///
    /// # Errors
    /// [`ApiError::ForeignCaller`] with the header at fault.
    pub fn check(&self, headers: &HeaderMap, authority: Option<&str>, kind: RequestKind) -> Result<(), ApiError> {
        let foreign_host = || ApiError::ForeignCaller { header: "Host" };
        let foreign_origin = || ApiError::ForeignCaller { header: "Origin" };
        let host = single(headers, header::HOST).map_err(|()| foreign_host())?.ok_or_else(foreign_host)?;
        // Software may prefer a full address in the request line to `Host`: both must be ours.
        for name in [Some(host.as_str()), authority].into_iter().flatten() {
            let name = name.to_ascii_lowercase();
            if !self.0.loopback.contains(&name) && !self.0.is_public(&name) {
                return Err(foreign_host());
            }
        }
        match single(headers, header::ORIGIN).map_err(|()| foreign_origin())? {
            Some(origin) if self.is_own_origin(&origin) => Ok(()),
            Some(_) => Err(foreign_origin()),
            None if kind == RequestKind::WebSocket && !self.0.loopback.contains(&host.to_ascii_lowercase()) => {
                Err(foreign_origin())
            }
            None => Ok(()),
        }
    }

    fn is_own_origin(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        match origin.split_once("://") {
            // A page of the other scheme under a loopback name is not ours.
            Some(("http", host)) => (!self.0.has_tls && self.0.loopback.contains(host)) || self.0.is_public(host),
            Some(("https", host)) => (self.0.has_tls && self.0.loopback.contains(host)) || self.0.is_public(host),
            _ => false,
        }
    }
}

impl Names {
    /// Returns true for a name, in small letters, under which others reach the server.
    fn is_public(&self, name: &str) -> bool {
        let config = self.live.config();
        self.certified.contains(name) || config.server.allowed_hosts.iter().any(|allowed| allowed == name)
    }
}

/// The kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// A plain HTTP request.
    Plain,
    /// A WebSocket handshake.
    WebSocket,
}

/// The layer that refuses foreign callers before any handler or upgrade.
pub async fn refuse_foreign(State(hosts): State<Hosts>, request: Request, next: Next) -> Result<Response, ApiError> {
    // By path and by header: a request that could become a WebSocket is checked as one.
    let is_socket = request.uri().path() == "/ws" || request.headers().contains_key(header::UPGRADE);
    let kind = if is_socket { RequestKind::WebSocket } else { RequestKind::Plain };
    hosts.check(request.headers(), request.uri().authority().map(|authority| authority.as_str()), kind)?;
    Ok(next.run(request).await)
}

/// Returns a header's only value; an error if there are several or the value is not text.
fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<String>, ()> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else { return Ok(None) };
    match (first.to_str(), values.next()) {
        (Ok(text), None) => Ok(Some(text.to_owned())),
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::config::Config;

    fn allowing(hosts: &[&str]) -> Config {
        let mut config = Config::default();
        config.server.allowed_hosts = hosts.iter().map(ToString::to_string).collect();
        config
    }

    fn verdict(host: &[&str], origin: &[&str], kind: RequestKind) -> Result<(), &'static str> {
        let hosts = Hosts::new(
            "127.0.0.1:3000".parse().unwrap(),
            &[],
            false,
            allowing(&["recordings.example", "recordings.example:8443"]),
        );
        let mut headers = HeaderMap::new();
        for (name, values) in [(header::HOST, host), (header::ORIGIN, origin)] {
            headers.extend(values.iter().map(|value| (name.clone(), HeaderValue::from_str(value).unwrap())));
        }
        hosts.check(&headers, None, kind).map_err(|error| match error {
            ApiError::ForeignCaller { header } => header,
            _ => "another error",
        })
    }

    #[track_caller]
    fn check(host: &[&str], origin: &[&str], plain: Result<(), &str>, socket: Result<(), &str>) {
        assert_eq!(verdict(host, origin, RequestKind::Plain), plain, "plain {host:?} {origin:?}");
        assert_eq!(verdict(host, origin, RequestKind::WebSocket), socket, "socket {host:?} {origin:?}");
    }

    #[test]
    fn own_pages_pass() {
        for (host, origin) in [
            ("127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("localhost:3000", "http://localhost:3000"),
            ("LocalHost:3000", "HTTP://LOCALHOST:3000"),
            ("[::1]:3000", "http://[::1]:3000"),
            ("recordings.example", "https://recordings.example"),
            ("recordings.example:8443", "https://recordings.example:8443"),
            // A proxy that rewrites Host, and one that keeps it.
            ("127.0.0.1:3000", "https://recordings.example"),
            ("recordings.example", "http://recordings.example"),
        ] {
            check(&[host], &[origin], Ok(()), Ok(()));
        }
    }

    #[test]
    fn foreign_hosts_are_refused() {
        for host in [
            &[][..],
            &["127.0.0.1"],
            &["127.0.0.1:3001"],
            &["localhost"],
            &["localhost.:3000"],
            &["localhost:3000.evil.example"],
            &["evil.example:3000"],
            &["127.0.0.1.evil.example:3000"],
            &["evil-recordings.example"],
            &["recordings.example.evil.example"],
            &["recordings.example:443"],
            &["0.0.0.0:3000"],
            &["2130706433:3000"],
            &["[::ffff:127.0.0.1]:3000"],
            &["user@127.0.0.1:3000"],
            &["127.0.0.1:3000", "127.0.0.1:3000"],
            &["127.0.0.1:3000", "evil.example"],
        ] {
            check(host, &[], Err("Host"), Err("Host"));
            check(host, &["http://127.0.0.1:3000"], Err("Host"), Err("Host"));
        }
    }

    #[test]
    fn foreign_origins_are_refused() {
        for origin in [
            &["null"][..],
            &[""],
            &["http://evil.example"],
            &["http://evil.example:3000"],
            &["http://127.0.0.1"],
            &["http://127.0.0.1:3001"],
            &["https://127.0.0.1:3000"],
            &["ws://127.0.0.1:3000"],
            &["127.0.0.1:3000"],
            &["http://127.0.0.1:3000/"],
            &["http://127.0.0.1:3000.evil.example"],
            &["http://evil-recordings.example"],
            &["https://recordings.example.evil.example"],
            &["http://user@127.0.0.1:3000"],
            &["file://"],
            &["http://127.0.0.1:3000", "http://evil.example"],
        ] {
            check(&["127.0.0.1:3000"], origin, Err("Origin"), Err("Origin"));
        }
    }

    #[test]
    fn a_missing_origin_opens_sockets_on_loopback_only() {
        check(&["127.0.0.1:3000"], &[], Ok(()), Ok(()));
        check(&["localhost:3000"], &[], Ok(()), Ok(()));
        check(&["recordings.example"], &[], Ok(()), Err("Origin"));
    }

    #[test]
    fn the_request_line_counts_too() {
        let hosts = Hosts::new("127.0.0.1:80".parse().unwrap(), &[], false, Config::default());
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("127.0.0.1"))]);
        assert!(hosts.check(&headers, Some("127.0.0.1"), RequestKind::Plain).is_ok());
        assert!(hosts.check(&headers, Some("evil.example"), RequestKind::Plain).is_err());
    }
}
