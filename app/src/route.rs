//! The address: the shown page and its parameters, and links that change it without loading a new document.
//!
//! Addresses in the program begin with `/` at the page's own base (`/markets`); in the browser they are relative to the
//! document (`./markets`), because a proxy may serve the page below any path. All pages are one segment long, so the base
//! of the document stays the same whichever of them is shown.
//!
//! A few pages at fixed paths need no more; a router with patterns, nesting and asynchronous routes was an eighth of
//! the first download. Not here: the pages at these paths (`pages` and `shell`).

use leptos::prelude::*;

/// The requested address, path and query; provided by the server to each rendering.
#[derive(Clone, Debug, Default)]
pub struct Address(pub String);

impl Address {
    /// Returns the path, without a trailing slash.
    pub fn path(&self) -> &str {
        parts(&self.0).0
    }
}

/// The current address, accessible to every component.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    path: RwSignal<String>,
    query: RwSignal<String>,
    /// Asks whether the shown page may be left; `None` while nothing would be lost.
    ask: StoredValue<Option<fn() -> bool>>,
}

impl Route {
    fn new(address: &str) -> Self {
        let (path, query) = parts(address);
        Self {
            path: RwSignal::new(path.to_owned()),
            query: RwSignal::new(query.to_owned()),
            ask: StoredValue::new(None),
        }
    }

    /// Returns the path, without a trailing slash.
    pub fn path(self) -> Signal<String> {
        self.path.into()
    }

    /// Returns a parameter of the query, decoded; tracked.
    pub fn parameter(self, name: &str) -> Option<String> {
        self.query.with(|query| parameter(query, name))
    }

    /// Has `may_leave` asked before another page is shown; `None` ends it.
    pub fn ask_before_leaving(self, may_leave: Option<fn() -> bool>) {
        self.ask.set_value(may_leave);
    }

    /// Shows another address of this page and adds it to the browser's history.
    pub fn go(self, address: &str) {
        let is_same_page = self.path.with_untracked(|path| path == parts(address).0);
        if !is_same_page && self.ask.get_value().is_some_and(|may_leave| !may_leave()) {
            return;
        }
        #[cfg(feature = "browser")]
        browser::push(address);
        self.show(address);
    }

    /// Shows another address in place of the current one, which leaves the browser's history.
    pub fn correct(self, address: &str) {
        #[cfg(feature = "browser")]
        browser::replace(address);
        self.show(address);
    }

    fn show(self, address: &str) {
        let (path, query) = parts(address);
        // The query first: the page at the new path reads it.
        for (part, known) in [(query, self.query), (path, self.path)] {
            if known.with_untracked(|known| known != part) {
                known.set(part.to_owned());
            }
        }
    }
}

/// Provides the address to the whole page, and follows the browser's history and links to pages of this program, as
/// determined by `is_page`.
pub fn provide_route(is_page: fn(&str) -> bool) -> Route {
    #[cfg(feature = "browser")]
    let address = browser::address();
    #[cfg(not(feature = "browser"))]
    let address = use_context::<Address>().unwrap_or_default().0;
    let route = Route::new(&address);
    provide_context(route);
    #[cfg(feature = "browser")]
    browser::follow(route, is_page);
    #[cfg(not(feature = "browser"))]
    let _only_browsers_follow_links = is_page;
    route
}

/// Returns the path of the page that the browser shows.
#[cfg(feature = "browser")]
pub fn shown_path() -> String {
    parts(&browser::address()).0.to_owned()
}

/// Returns the address of this page.
pub fn use_route() -> Route {
    use_context().unwrap_or_else(|| Route::new(""))
}

/// A link to another page of this program; marks the shown page.
#[component]
pub fn PageLink(
    /// The path.
    href: &'static str,
    /// Its class.
    #[prop(optional)]
    class: &'static str,
    /// Its title.
    #[prop(optional)]
    title: Option<&'static str>,
    /// Its test id.
    #[prop(optional)]
    testid: Option<&'static str>,
    /// Its content.
    children: Children,
) -> impl IntoView {
    let path = use_route().path();
    let current = move || path.with(|path| path == href).then_some("page");
    view! { <a href=link(href) class=class title=title data-testid=testid aria-current=current>{children()}</a> }
}

/// Returns an address as a link or request of the document.
pub fn link(address: &str) -> String {
    format!(".{address}")
}

/// Returns the address that a path of the browser has in this program; `None` for a path outside the document's folder.
#[cfg_attr(not(feature = "browser"), allow(dead_code, reason = "only browsers have a document; tested everywhere"))]
fn below<'a>(document: &str, path: &'a str) -> Option<&'a str> {
    let (folder, _) = document.rsplit_once('/')?;
    path.strip_prefix(folder).filter(|rest| rest.starts_with('/'))
}

/// Returns path and query of an address.
fn parts(address: &str) -> (&str, &str) {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    match path.trim_end_matches('/') {
        "" => ("/", query),
        path => (path, query),
    }
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| decoded(value))
}

/// Decodes a percent-encoded value; malformed parts stay as they are.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let hex = behind.first_chunk::<2>().and_then(|hex| str::from_utf8(hex).ok());
        let code = hex.filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        (rest, _) = match code {
            Some(byte) => (behind.get(2..).unwrap_or_default(), bytes.push(byte)),
            None => (behind, bytes.push(if *first == b'+' { b' ' } else { *first })),
        };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| value.to_owned())
}

#[cfg(feature = "browser")]
mod browser {
    use leptos::{ev, prelude::*};
    use wasm_bindgen::{JsCast, JsValue};
    use web_sys::{Element, HtmlAnchorElement};

    use super::{Route, below, link, parts};

    pub(super) fn address() -> String {
        let location = window().location();
        let path = location.pathname().unwrap_or_default();
        below(&base(), &path).unwrap_or(&path).to_owned() + &location.search().unwrap_or_default()
    }

    /// Returns the path that the document's relative addresses are resolved with.
    fn base() -> String {
        let base = document().base_uri().ok().flatten().and_then(|base| web_sys::Url::new(&base).ok());
        base.map_or_else(|| "/".to_owned(), |base| base.pathname())
    }

    pub(super) fn push(address: &str) {
        if let Ok(history) = window().history() {
            let _refused = history.push_state_with_url(&JsValue::NULL, "", Some(&link(address)));
        }
    }

    pub(super) fn replace(address: &str) {
        if let Ok(history) = window().history() {
            let _refused = history.replace_state_with_url(&JsValue::NULL, "", Some(&link(address)));
        }
    }

    /// Follows history and links for as long as the document exists.
    pub(super) fn follow(route: Route, is_page: fn(&str) -> bool) {
        let _for_ever = window_event_listener(ev::popstate, move |_| route.show(&address()));
        let _for_ever = window_event_listener(ev::click, move |event| {
            if let Some(address) = own_link(&event, is_page) {
                event.prevent_default();
                route.go(&address);
                window().scroll_to_with_x_and_y(0.0, 0.0);
            }
        });
    }

    /// Returns the address of a plain click on a link to a page of this program; other clicks are left to the browser.
    fn own_link(event: &ev::MouseEvent, is_page: fn(&str) -> bool) -> Option<String> {
        let is_plain = event.button() == 0
            && !(event.default_prevented()
                || event.alt_key()
                || event.ctrl_key()
                || event.meta_key()
                || event.shift_key());
        let target = event.target().filter(|_| is_plain)?.dyn_into::<Element>().ok()?;
        let link = target.closest("a[href]").ok().flatten()?.dyn_into::<HtmlAnchorElement>().ok()?;
        let is_ours = link.origin() == window().location().origin().ok()?
            && link.target().is_empty()
            && !link.has_attribute("download")
            && link.hash().is_empty();
        let address = below(&base(), &link.pathname())?.to_owned() + &link.search();
        (is_ours && is_page(parts(&address).0)).then_some(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_path_and_a_query() {
        for (address, expected) in [
            ("", ("/", "")),
            ("/", ("/", "")),
            ("/markets", ("/markets", "")),
            ("/markets/?a=b/", ("/markets", "a=b/")),
            ("/?symbol=demo:A", ("/", "symbol=demo:A")),
        ] {
            assert_eq!(parts(address), expected, "{address}");
        }
    }

    #[test]
    fn the_documents_folder_is_the_base() {
        for (document, path, expected) in [
            ("/", "/", Some("/")),
            ("/", "/markets", Some("/markets")),
            ("/markets", "/", Some("/")),
            ("/a/b/", "/a/b/", Some("/")),
            ("/a/b/markets", "/a/b/risk", Some("/risk")),
            ("/a/b/markets", "/a/b", None),
            ("/a/b/markets", "/a/bc/risk", None),
            ("/a/b/markets", "/risk", None),
        ] {
            assert_eq!(below(document, path), expected, "{document} {path}");
        }
        assert_eq!((link("/"), link("/markets?a=b")), ("./".to_owned(), "./markets?a=b".to_owned()));
    }

    /// Otherwise moving between pages would change what relative addresses mean.
    #[test]
    fn pages_are_one_segment_long() {
        for page in crate::pages::PAGES {
            assert_eq!(page.path.rfind('/'), Some(0), "{}", page.path);
        }
    }

    #[test]
    fn parameters_are_decoded() {
        let query = "a=1&symbol=coinbase%3ABTC%2dUSD+x&b&bad=%zz%ff&cut=%4";
        for (name, expected) in [
            ("a", Some("1")),
            ("symbol", Some("coinbase:BTC-USD x")),
            ("b", Some("")),
            ("bad", Some("%zz%ff")),
            ("cut", Some("%4")),
            ("c", None),
            ("", None),
        ] {
            assert_eq!(parameter(query, name).as_deref(), expected, "{name}");
        }
    }
}
