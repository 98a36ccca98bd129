//! Security headers: on every answer, and the stricter policy for everything that is not the page.

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

/// The layer that adds the headers. The page sets its own content policy, because its scripts need a nonce.
pub async fn add_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in &EVERYWHERE {
        headers.insert(name.clone(), HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(NOT_A_PAGE));
    response
}

/// The page's content policy.
///
/// WebAssembly needs `'wasm-unsafe-eval'`; the script that starts it is inline and carries the nonce. `connect-src`
/// names our socket because older Safari does not count `ws:` as `'self'`. Rows of data set their own width
/// (`style` attributes), which can carry no script.
pub fn page_policy(nonce: &str, host: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; \
         style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self' ws://{host} wss://{host}; \
         manifest-src 'self'; worker-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    )
}

static EVERYWHERE: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];
const NOT_A_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";
