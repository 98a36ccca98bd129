//! Features of the browser beyond the page itself: notifications, Web Push, locks between tabs, random keys.
//!
//! Called only from effects and event handlers. They are reached by name: some browsers lack some of them, and what is
//! missing is told to the reader. Not here: who uses them (`shell::alerts`, `pages::alerts`).

use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};

use crate::live::browser;

/// State of this page's notifications in the browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NotificationState {
    /// Not known yet.
    #[default]
    Unknown,
    /// They cannot be shown, for this reason.
    Unavailable(&'static str),
    /// The reader has not been asked.
    NotAsked,
    /// They are shown.
    Allowed,
    /// The reader, or the browser for them, has refused them.
    Denied,
}

/// Why a page that was not fetched securely can do less.
const NOT_SECURE: &str = "this page was not loaded over https or from localhost; give the server a certificate that the \
                          browser trusts";

/// Returns whether the browser shows notifications of this page.
pub fn notification_state() -> NotificationState {
    let Some(constructor) = global("Notification") else {
        return NotificationState::Unavailable(match is_secure() {
            true => "this browser has no notifications; on iPhone and iPad add the page to the home screen first",
            false => NOT_SECURE,
        });
    };
    match text(&constructor, "permission").as_deref() {
        Some("granted") => NotificationState::Allowed,
        // Browsers refuse to ask on such pages.
        _ if !is_secure() => NotificationState::Unavailable(NOT_SECURE),
        Some("denied") => NotificationState::Denied,
        _ => NotificationState::NotAsked,
    }
}

/// Asks the reader for notifications: call it on a click. `then` is called with what they said.
pub fn ask_for_notifications(then: impl Fn(NotificationState) + 'static) {
    let asked = global("Notification").and_then(|constructor| call(&constructor, "requestPermission", &[]));
    let answered = Closure::once_into_js(move || then(notification_state()));
    if let Some(asked) = asked {
        call(&asked, "then", &[&answered, &answered]);
    }
}

/// Shows a notification, if the reader has allowed it. A later one with the same `tag` takes its place.
pub fn notify(title: &str, body: &str, tag: &str) {
    let Some(constructor) = global("Notification").filter(|_| notification_state() == NotificationState::Allowed)
    else {
        return;
    };
    let options = Object::new();
    put(&options, "body", &body.into());
    put(&options, "tag", &tag.into());
    put(&options, "icon", &"icon-192.png".into());
    let arguments = Array::of2(&title.into(), &options);
    let shown = constructor.dyn_ref::<Function>().map(|constructor| Reflect::construct(constructor, &arguments));
    // A click brings the page to the front.
    if let Some(Ok(shown)) = shown {
        let focus = Closure::once_into_js(|| drop(window().focus()));
        let _refused = Reflect::set(&shown, &"onclick".into(), &focus);
    }
}

/// Waits until no other tab of this server holds the name, then calls `then` and holds it as long as this tab lives.
/// Returns false where the browser has no locks: then nobody leads.
pub fn lead(name: &str, then: impl FnOnce() + 'static) -> bool {
    let Some(locks) = get(&navigator(), "locks") else { return false };
    let held = Closure::once_into_js(move || {
        then();
        // Never fulfilled: the lock is given up with the tab.
        Promise::new(&mut |_, _| {})
    });
    call(&locks, "request", &[&name.into(), &held]).is_some()
}

/// Returns a new key for signing: `whsec_` and base64.
pub fn signing_key() -> Option<String> {
    let bytes = Uint8Array::new_with_length(24);
    call(&global("crypto")?, "getRandomValues", &[bytes.as_ref()])?;
    let text: String = bytes.to_vec().into_iter().map(char::from).collect();
    Some(format!("whsec_{}", window().btoa(&text).ok()?))
}

/// Returns the reader's time zone (`Europe/Berlin`).
pub fn time_zone() -> String {
    let format = js_sys::Intl::DateTimeFormat::new(&Array::new(), &Object::new());
    text(&format.resolved_options(), "timeZone").unwrap_or_else(|| "UTC".to_owned())
}

/// Returns why this browser cannot get Web Push from this page; `None` where it can.
pub fn push_obstacle() -> Option<&'static str> {
    if !is_secure() {
        return Some(NOT_SECURE);
    }
    if get(&navigator(), "serviceWorker").is_none() {
        return Some("this browser keeps no service worker; private windows often do not");
    }
    if global("PushManager").is_none() {
        return Some(
            "this browser has no Web Push; on iPhone and iPad add the page to the home screen and open it there",
        );
    }
    (notification_state() == NotificationState::Denied)
        .then_some("notifications of this page are blocked; allow them in the browser's settings of this site")
}

/// A browser's subscription at its push service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushSubscription {
    /// The address at the push service.
    pub endpoint: String,
    /// The browser's public key, base64url.
    pub p256dh: String,
    /// Its authentication secret, base64url.
    pub auth: String,
}

/// Subscribes this browser with the server's public key, base64url. Call it on a click.
///
/// # Errors
/// The reason and a remedy, for people.
#[cfg(feature = "browser")]
pub async fn subscribe(server_key: &str) -> Result<PushSubscription, String> {
    use wasm_bindgen_futures::JsFuture;

    let failed = |what: &str| format!("{what} Reload the page and try again.");
    let wait = async |started: Option<JsValue>, what: &str| {
        let promise = started.and_then(|started| started.dyn_into::<Promise>().ok()).ok_or_else(|| failed(what))?;
        JsFuture::from(promise).await.map_err(|error| {
            let words = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
            format!("{what} The browser says: {}", words.unwrap_or_else(|| "nothing".to_owned()))
        })
    };
    if let Some(obstacle) = push_obstacle() {
        return Err(obstacle.to_owned());
    }
    let workers = get(&navigator(), "serviceWorker").ok_or_else(|| failed("There is no service worker."))?;
    let scope = Object::new();
    // Its own folder: it answers no requests of the page.
    put(&scope, "scope", &PUSH_SCOPE.into());
    let what = "The service worker did not start.";
    let registration = wait(call(&workers, "register", &[&PUSH_SCRIPT.into(), scope.as_ref()]), what).await?;
    let manager = get(&registration, "pushManager").ok_or_else(|| failed("This browser has no Web Push."))?;
    let options = Object::new();
    put(&options, "userVisibleOnly", &true.into());
    put(&options, "applicationServerKey", &server_key.into());
    let what = "The browser did not subscribe.";
    let subscription = wait(call(&manager, "subscribe", &[options.as_ref()]), what).await?;
    let json = call(&subscription, "toJSON", &[]).ok_or_else(|| failed(what))?;
    let keys = get(&json, "keys").ok_or_else(|| failed(what))?;
    match (text(&json, "endpoint"), text(&keys, "p256dh"), text(&keys, "auth")) {
        (Some(endpoint), Some(p256dh), Some(auth)) => Ok(PushSubscription { endpoint, p256dh, auth }),
        _ => Err(failed(what)),
    }
}

/// Returns what people call this browser (`Chrome on Linux`).
pub fn browser_label() -> String {
    let agent = text(&navigator(), "userAgent").unwrap_or_default();
    let find = |names: &[(&'static str, &'static str)]| {
        names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    let browser = find(&[("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")]);
    let system = find(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "Mac"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "A browser".to_owned(),
    }
}

/// Registers the service worker that keeps the page's files for a start without the server. Not where the server has
/// switched that off (`data-offline` of the document): there the script in its place removes what there is.
pub fn keep_files() {
    if browser::root_data("offline").as_deref() == Some("off") {
        return;
    }
    // Missing on insecure pages and in some private windows: the page then needs its server to start.
    let workers = get(&navigator(), "serviceWorker");
    let started = workers.and_then(|workers| call(&workers, "register", &[&"service-worker.js".into()]));
    if let Some(started) = started {
        // A browser that refuses has its reasons, and the page goes on without.
        call(&started, "catch", &[&Closure::once_into_js(|_: JsValue| ())]);
    }
}

fn is_secure() -> bool {
    window().is_secure_context()
}

fn navigator() -> JsValue {
    global("navigator").unwrap_or(JsValue::UNDEFINED)
}

fn global(name: &str) -> Option<JsValue> {
    get(&js_sys::global(), name)
}

fn get(of: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(of, &name.into()).ok().filter(|value| !value.is_undefined() && !value.is_null())
}

fn text(of: &JsValue, name: &str) -> Option<String> {
    get(of, name).and_then(|value| value.as_string())
}

fn put(into: &Object, name: &str, value: &JsValue) {
    let _is_extensible = Reflect::set(into, &name.into(), value);
}

fn call(of: &JsValue, name: &str, arguments: &[&JsValue]) -> Option<JsValue> {
    let function: Function = get(of, name)?.dyn_into().ok()?;
    let list: Array = arguments.iter().copied().collect();
    function.apply(of, &list).ok()
}

/// The service worker that shows pushed alerts.
#[cfg(feature = "browser")]
const PUSH_SCRIPT: &str = "push.js";

#[cfg(feature = "browser")]
const PUSH_SCOPE: &str = "push/";
