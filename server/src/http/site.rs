//! The page's files: program, style sheet, icons. A release binary contains them; a debug binary reads a folder.
//!
//! Files are beside their compressed forms (`x.wasm.br`, `x.wasm.gz`), created at build time. Those below `assets/` are in
//! folders named after their content: browsers keep them and never ask again. The others keep their names, so browsers
//! ask every time and get "not modified" by entity tag. `site.json` names the files of this build.

use std::borrow::Cow;

use app::document::Build;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// One file, ready to be sent.
struct File {
    bytes: Cow<'static, [u8]>,
    entity_tag: String,
}

/// Returns the answer with a file of the site; `None` if there is no such file.
pub async fn file(path: &str, headers: &HeaderMap) -> Option<Response> {
    let path = path.trim_start_matches('/');
    if !is_plain(path) {
        return None;
    }
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    for (encoding, extension) in [(Some("br"), ".br"), (Some("gzip"), ".gz"), (None, "")] {
        if encoding.is_some_and(|encoding| !accepts(accepted, encoding)) {
            continue;
        }
        if let Some(file) = read(format!("{path}{extension}")).await {
            return Some(answer(path, encoding, file, headers));
        }
    }
    None
}

/// Returns true for the plain name of a file within the folder. Compressed forms are served under the plain name only.
fn is_plain(path: &str) -> bool {
    !path.is_empty()
        && path
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':', '\0', '%']))
        && !path.ends_with(".br")
        && !path.ends_with(".gz")
}

/// Returns the addresses of the files that a page loads. Without a site they lead nowhere, and the page says that its
/// program did not start.
pub async fn build() -> Build {
    let file = read("site.json".to_owned()).await;
    file.and_then(|file| serde_json::from_slice(&file.bytes).ok()).unwrap_or_default()
}

fn answer(path: &str, encoding: Option<&'static str>, file: File, headers: &HeaderMap) -> Response {
    let is_known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.trim_start_matches("W/") == file.entity_tag);
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let body = match file.bytes {
            Cow::Borrowed(bytes) => Body::from(bytes),
            Cow::Owned(bytes) => Body::from(bytes),
        };
        let mut response = Response::new(body);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
        if let Some(encoding) = encoding {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    };
    let headers = response.headers_mut();
    let caching = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&file.entity_tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// Returns true if the list names the encoding without refusing it (`br;q=0`).
fn accepts(accepted: &str, encoding: &str) -> bool {
    accepted.split(',').any(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        is_named && !parts.any(|part| part.strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0)))
    })
}

#[cfg(not(debug_assertions))]
async fn read(path: String) -> Option<File> {
    #[derive(rust_embed::RustEmbed)]
    #[folder = "../target/site"]
    #[allow_missing = true]
    struct Site;

    let file = Site::get(&path)?;
    let tag: String = file.metadata.sha256_hash().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    Some(File { bytes: file.data, entity_tag: format!("\"{tag}\"") })
}

#[cfg(debug_assertions)]
async fn read(path: String) -> Option<File> {
    let folder = std::env::var_os("TRUETAPE_SITE_DIR").unwrap_or_else(|| "target/site-debug".into());
    let path = std::path::Path::new(&folder).join(path);
    let metadata = tokio::fs::metadata(&path).await.ok().filter(std::fs::Metadata::is_file)?;
    let bytes = tokio::fs::read(&path).await.ok()?;
    let modified =
        metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok()).unwrap_or_default();
    Some(File { bytes: Cow::Owned(bytes), entity_tag: format!("\"{:x}-{:x}\"", modified.as_nanos(), metadata.len()) })
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "ico" => "image/x-icon",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_can_be_refused() {
        assert!(accepts("gzip, deflate, br", "br"));
        assert!(accepts("BR;q=0.5", "br"));
        assert!(!accepts("gzip, br;q=0", "br"));
        assert!(!accepts("brotli", "br"));
        assert!(!accepts("", "br"));
    }

    #[tokio::test]
    async fn a_file_that_is_known_is_not_sent_again() {
        let file = || File { bytes: Cow::Borrowed(b"body{}"), entity_tag: "\"abc\"".to_owned() };
        let fresh = answer("assets/0123456789abcdef/truetape.css", Some("br"), file(), &HeaderMap::new());
        assert_eq!(fresh.status(), StatusCode::OK);
        assert_eq!(fresh.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
        assert_eq!(fresh.headers()[header::CONTENT_ENCODING], "br");
        assert_eq!(
            (&fresh.headers()[header::ETAG], &fresh.headers()[header::VARY]),
            (&"\"abc\"".parse().unwrap(), &"accept-encoding".parse().unwrap())
        );
        for (tags, status) in [("\"abc\"", 304), ("\"x\", W/\"abc\"", 304), ("*", 304), ("\"ab\"", 200), ("abc", 200)] {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(tags))]);
            assert_eq!(answer("a.css", None, file(), &headers).status(), status, "{tags}");
        }
    }

    #[test]
    fn no_name_climbs_out() {
        for path in [
            "",
            "../Cargo.toml",
            "assets/../../Cargo.toml",
            "/etc/passwd",
            ".git/config",
            "assets/0123456789abcdef/truetape.wasm.br",
            "a\\..\\b",
            "%2e%2e/x",
            "c:x",
        ] {
            assert!(!is_plain(path), "{path}");
        }
        for path in ["favicon.svg", "assets/0123456789abcdef/truetape.wasm"] {
            assert!(is_plain(path), "{path}");
        }
    }
}
