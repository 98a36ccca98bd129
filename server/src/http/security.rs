//! Security headers on every answer, with a stricter policy for everything but pages; data is never cached.

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

/// The layer that adds the headers. Pages set their own content policy, because their scripts need a nonce.
pub async fn add_headers(request: Request, next: Next) -> Response {
    let is_data = request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if is_data {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    for (name, value) in &EVERYWHERE {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(NOT_A_PAGE));
    response
}

/// Returns a page's content policy.
///
/// WebAssembly needs `'wasm-unsafe-eval'`; the script that starts it is inline and has the nonce. `connect-src` names
/// our WebSocket because older Safari does not count `ws:` as `'self'`. Rows of data set their own width (`style`
/// attributes), which cannot contain scripts.
pub fn page_policy(nonce: &str, host: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; \
         style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self' ws://{host} wss://{host}; \
         manifest-src 'self'; worker-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// Returns the content policy of the worker's script, which applies to the worker: it may load its program, call this
/// server, and connect to the configured addresses of the venues that pages may follow, and to nothing else.
pub fn worker_policy<'a>(ws_urls: impl Iterator<Item = &'a str>) -> String {
    let mut sources: Vec<String> = ws_urls.filter_map(source).collect();
    sources.sort_unstable();
    sources.dedup();
    let sources = sources.iter().map(|source| format!(" {source}")).collect::<String>();
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'{sources}; \
         frame-ancestors 'none'"
    )
}

/// Returns scheme, host and port of an address: browsers differ in how they match paths in a policy.
fn source(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).ok()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{}{port}", url.scheme(), url.host_str()?))
}

static EVERYWHERE: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];
/// The content policy of the service worker, which applies to it: it may request files of this server.
pub const SERVICE_WORKER_POLICY: &str = "default-src 'none'; connect-src 'self'; frame-ancestors 'none'";
const NOT_A_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worker_reaches_the_configured_venues_alone() {
        let urls =
            ["wss://b.example:9443/proxy", "ws://127.0.0.1:9000", "wss://a.example", "wss://a.example/ws", "", "x"];
        let policy = worker_policy(urls.into_iter());
        assert!(
            policy.contains("connect-src 'self' ws://127.0.0.1:9000 wss://a.example wss://b.example:9443;"),
            "{policy}"
        );
        assert!(worker_policy(std::iter::empty()).contains("connect-src 'self';"));
    }
}
