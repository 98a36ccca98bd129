//! The settings of a running server by REST: changed without a restart, kept over one, refused as a whole, never a secret.

use std::{fs, path::Path, time::Instant};

use model::access::{Role, UserName};
use reqwest::Method;
use serde_json::{Value, json};
use server::{
    access::caller::Caller,
    config::{
        Base, Sources,
        description::{Kind, SETTINGS},
    },
    feed,
    serve::Server,
    tls, venue_list,
};
use wire::{
    Encoding,
    message::{RefusalCode, ServerMessage},
};

use crate::client::{Client, PATIENCE};

pub(crate) const SETTINGS_PATH: &str = "api/v1/configuration";

/// A server over the simulated market with a file of settings, its folder, and one variable.
pub(crate) async fn server(folder: &Path, more: &str) -> Server {
    server_with(folder, "demo=ADA-SIM", more).await
}

/// As [`server`], with another feed.
pub(crate) async fn server_with(folder: &Path, feed: &str, more: &str) -> Server {
    let file = folder.join("truetape.toml");
    let text = format!(
        "feeds = [{feed:?}]\n[server]\nlisten = \"127.0.0.1:0\"\ndata_dir = {folder:?}\n[desk]\nenabled = false\n{more}"
    );
    fs::write(&file, text).unwrap();
    let variables = vec![("TRUETAPE__STREAM__MAX_TOPICS".to_owned(), "77".to_owned())];
    let sources = Sources { file: Some(file), variables, known_venues: venue_list::known(), ..Sources::default() };
    Server::start(Base::read(sources).unwrap().load().unwrap()).await.unwrap()
}

pub(crate) async fn stop(server: Server) {
    server.shutdown().begin();
    server.shutdown().finish().await;
}

pub(crate) struct Asker<'a> {
    pub(crate) server: &'a Server,
    pub(crate) token: Option<String>,
}

impl Asker<'_> {
    /// Sends a request and returns status and text.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        revision: Option<&str>,
    ) -> (u16, String) {
        let client = feed::http::client(&tls::client_config().unwrap()).unwrap();
        let mut request = client.request(method, format!("{}{path}", self.server.url()));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        if let Some(revision) = revision {
            request = request.header("if-match", revision);
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn read(&self) -> Value {
        let (status, text) = self.ask(Method::GET, SETTINGS_PATH, None, None).await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) async fn change(&self, settings: Value) -> (u16, Value) {
        let body = json!({ "settings": settings });
        let (status, text) = self.ask(Method::PATCH, SETTINGS_PATH, Some(body), None).await;
        (status, serde_json::from_str(&text).unwrap())
    }
}

pub(crate) fn owner(server: &Server) -> Asker<'_> {
    Asker { server, token: None }
}

fn of<'a>(report: &'a Value, key: &str) -> &'a Value {
    report["settings"].as_array().unwrap().iter().find(|setting| setting["key"] == key).unwrap()
}

/// Sends more messages than a new limit allows; returns true if one was refused.
async fn is_limited(client: &mut Client) -> bool {
    for _ in 0..30 {
        client.say_text(r#"{"type":"ping","t":1}"#).await;
    }
    let mut n_pongs = 0;
    let answer = client.until(|message| {
        n_pongs += usize::from(matches!(message, ServerMessage::Pong(_)));
        n_pongs == 30 || matches!(message, ServerMessage::Refused(_))
    });
    matches!(answer.await, ServerMessage::Refused(refused) if refused.code == RefusalCode::RateLimited)
}

#[tokio::test]
async fn a_change_holds_for_new_connections_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = server(folder.path(), "").await;
    let mut before = Client::greet(&first, Encoding::Json).await;
    let wanted = json!({ "stream.messages_per_second": 1, "stream.messages_burst": 10, "desk.protection_bps": 100 });
    let (status, report) = owner(&first).change(wanted).await;
    assert_eq!(status, 200, "{report}");
    assert_eq!(of(&report, "stream.messages_burst")["source"], "page");
    let protection = of(&report, "desk.protection_bps");
    assert_eq!((&protection["is_pending"], &protection["running"]), (&json!(true), &json!(200)));
    let mut after = Client::greet(&first, Encoding::Json).await;
    assert!(is_limited(&mut after).await, "a new connection has the new limit");
    assert!(!is_limited(&mut before).await, "an older one keeps its own");
    stop(first).await;

    let second = server(folder.path(), "").await;
    let report = owner(&second).read().await;
    assert_eq!(of(&report, "stream.messages_burst")["value"], 10);
    assert_eq!(of(&report, "desk.protection_bps")["value"], 100);
    assert_eq!(of(&report, "desk.protection_bps")["is_pending"], false);
    stop(second).await;
}

#[tokio::test]
async fn times_of_logins_and_limits_of_recordings_change_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), "").await;
    let (status, _) = owner(&server).change(json!({ "access.idle_minutes": 6, "recordings.max_age_days": 3 })).await;
    assert_eq!(status, 200);
    assert_eq!(server.access().times().idle.as_secs(), 360);
    let (_, list) = owner(&server).ask(Method::GET, "api/v1/recordings", None, None).await;
    assert_eq!(serde_json::from_str::<Value>(&list).unwrap()["max_age_days"], 3);
    stop(server).await;
}

#[tokio::test]
async fn a_value_that_cannot_be_used_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), "").await;
    let before = owner(&server).read().await;
    let wanted = json!({ "stream.ping_ms": 1, "stream.max_topics": 5, "stream.queue_bytes": 5_000_000 });
    let (status, error) = owner(&server).change(wanted).await;
    assert_eq!((status, &error["error"]["code"]), (400, &json!("bad_settings")));
    let faults = error["error"]["settings"].as_array().unwrap();
    let fault = |key: &str| faults.iter().find(|fault| fault["key"] == key).unwrap();
    assert_eq!(fault("stream.ping_ms")["value"], "1");
    assert_eq!(fault("stream.ping_ms")["remedy"], "write a whole number from 100 to 600000");
    let locked = fault("stream.max_topics")["remedy"].as_str().unwrap();
    assert!(locked.contains("TRUETAPE__STREAM__MAX_TOPICS") && locked.contains("change it there"), "{locked}");
    assert_eq!(faults.len(), 2, "one each");
    assert_eq!(owner(&server).read().await, before);
    stop(server).await;
}

#[tokio::test]
async fn two_admins_do_not_overwrite_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), "").await;
    let owner = owner(&server);
    let revision = owner.read().await["revision"].as_str().unwrap().to_owned();
    let change = async |ping_ms: u64| {
        let body = json!({ "settings": { "stream.ping_ms": ping_ms } });
        owner.ask(Method::PATCH, SETTINGS_PATH, Some(body), Some(&revision)).await
    };
    assert_eq!(change(20_000).await.0, 200);
    let (status, text) = change(30_000).await;
    assert_eq!(status, 412);
    assert!(text.contains("revision_mismatch") && text.contains("have changed since you read them"), "{text}");
    assert_eq!(of(&owner.read().await, "stream.ping_ms")["value"], 20_000);
    stop(server).await;
}

#[tokio::test]
async fn only_admins_change_settings_and_no_answer_has_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), "[access]\nlogin = \"always\"").await;
    let access = server.access();
    let mut askers = Vec::new();
    for (name, role) in [("ada", Role::Admin), ("tom", Role::Trader), ("vera", Role::Viewer)] {
        access.add_user(&Caller::OWNER, name, role, "correct horse battery staple").await.unwrap();
        let user = UserName::parse(name).unwrap();
        let token = access.add_token_of(&Caller::OWNER, &user, "test", role, None).await.unwrap();
        askers.push(Asker { server: &server, token: Some(token.secret.reveal().to_owned()) });
    }
    let secret = "s3cret-of-the-venue";
    let body = json!({ "settings": { "venues.finnhub.token": secret, "stream.ping_ms": 30_000 } });
    let routes = [
        (Method::GET, SETTINGS_PATH.to_owned()),
        (Method::PATCH, SETTINGS_PATH.to_owned()),
        (Method::POST, format!("{SETTINGS_PATH}/check")),
        (Method::GET, format!("{SETTINGS_PATH}/export")),
    ];
    let (admin, others) = askers.split_first().unwrap();
    for (method, path) in &routes {
        let body = (method != Method::GET).then(|| body.clone());
        for other in others {
            let (status, _) = other.ask(method.clone(), path, body.clone(), None).await;
            assert_eq!(status, 403, "{method} {path}");
        }
        let (status, text) = admin.ask(method.clone(), path, body, None).await;
        assert_eq!(status, 200, "{method} {path}: {text}");
        assert!(!text.contains(secret), "{method} {path}: {text}");
    }
    let report = admin.read().await;
    let token = of(&report, "venues.finnhub.token");
    assert_eq!(
        (&token["is_set"], &token["value"], &token["applies"]),
        (&json!(true), &Value::Null, &json!("new_feed"))
    );
    // The log is written by a task of its own.
    let begun = Instant::now();
    let audit = loop {
        let (_, audit) = admin.ask(Method::GET, "api/v1/audit", None, None).await;
        if audit.contains("stream.ping_ms: 25000 to 30000") && audit.contains("venues.finnhub.token: set") {
            break audit;
        }
        assert!(begun.elapsed() < PATIENCE, "{audit}");
        tokio::task::yield_now().await;
    };
    assert!(!audit.contains(secret), "{audit}");
    stop(server).await;
}

#[tokio::test]
async fn a_kept_symbol_is_forgotten_without_stopping_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), "").await;
    let owner = owner(&server);
    let keep = json!({ "venue": "demo", "symbols": ["ADA-SIM"], "keep": true });
    assert_eq!(owner.ask(Method::POST, "api/v1/feeds", Some(keep), None).await.0, 200);
    let is_kept = async || owner.ask(Method::GET, "api/v1/feeds", None, None).await.1.contains("\"is_kept\":true");
    assert!(is_kept().await);
    assert_eq!(owner.ask(Method::DELETE, "api/v1/feeds/demo/kept?symbols=ADA-SIM", None, None).await.0, 204);
    assert!(!is_kept().await);
    let (_, feeds) = owner.ask(Method::GET, "api/v1/feeds", None, None).await;
    assert!(feeds.contains("ADA-SIM"), "it is still followed: {feeds}");
    stop(server).await;
}

/// The table of `docs/configuration.md`.
#[test]
fn the_documented_settings_are_those_of_the_code() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
    let known = fs::read_to_string(file).unwrap();
    let (begin, end) = ("<!-- settings: begin -->\n", "<!-- settings: end -->");
    let (head, rest) = known.split_once(begin).unwrap();
    let (_, tail) = rest.split_once(end).unwrap();
    let line = |setting: &server::config::description::Description| {
        let form = match setting.kind {
            Kind::Number { min, max } => format!("{min} to {max} {}", setting.unit).trim_end().to_owned(),
            Kind::Text => "text".to_owned(),
            Kind::Flag => "true or false".to_owned(),
            Kind::Choice(words) => words.join(", "),
            Kind::List => "list of texts".to_owned(),
            Kind::Secret => "secret".to_owned(),
        };
        format!("| `{}` | {}. {} | {form} | {} |\n", setting.key, setting.title, setting.help, setting.applies.words())
    };
    let lines: String = SETTINGS.iter().map(line).collect();
    let table = format!("| key | meaning | written as | a change takes effect |\n|---|---|---|---|\n{lines}");
    let wanted = format!("{head}{begin}{table}{end}{tail}");
    if std::env::var("INSTA_UPDATE").as_deref() == Ok("always") {
        fs::write(file, &wanted).unwrap();
    }
    assert!(known == wanted, "docs/configuration.md differs from the code: run this test with INSTA_UPDATE=always");
}
