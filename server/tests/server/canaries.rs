//! Secrets that sing: each goes in through every way there is, errors too, with the most talkative log; none comes out.
//!
//! Searched are the log, figures, documents, lists, what commands print, and every file of the data folder. In the database
//! are by design, and named in `docs/security.md`: secrets of channels and of one-time codes. Not here: recordings, which are
//! of real venues (`secrets`).

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::{
    access::{WithJson, http, json_of},
    desk::process::{Process, serve, truetape, words},
};

/// Typed, sent or configured here; others are made by the server.
const PASSWORD: &str = "canary1 horse battery staple";
const MISTYPED: &str = "canary2-mistyped-password";
const SET_UP_CODE: &str = "CANR-Y3XX-YYYY";
const VENUE_TOKEN: &str = "canary4-venue-token";
const QUERY_TOKEN: &str = "canary5-token-in-an-address";
const BASIC: &str = "Y2FuYXJ5NjpiYXNpYy1sb2dpbg";
const PROXY_HEADER: &str = "canary7-proxy-header";
const WEBHOOK_PATH: &str = "canary8-webhook-path";
const WEBHOOK_KEY: &str = "Y2FuYXJ5OXdlYmhvb2trZXk";
const BOT_TOKEN: &str = "123456:canary10-bot-token-abcdefghij";
const MAIL_PASSWORD: &str = "canary11-mail-password";

/// A client that is logged in.
struct Caller {
    url: String,
    cookie: String,
}

impl Caller {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        http().request(method, format!("{}{path}", self.url)).header("cookie", &self.cookie)
    }

    async fn json(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let answer = self.request(method, path).with_json(&body).send().await.unwrap();
        (answer.status(), json_of(answer).await)
    }

    async fn log_in(url: &str, body: Value) -> Option<Self> {
        let answer = http().post(format!("{url}api/v1/session")).with_json(&body).send().await.unwrap();
        let cookie = answer.headers().get(header::SET_COOKIE)?.to_str().unwrap().split(';').next().unwrap().to_owned();
        Some(Self { url: url.to_owned(), cookie })
    }
}

/// Adds an admin as people do: the password comes on standard input.
pub(crate) fn add_user(folder: &Path) {
    let mut child = truetape(&["user", "add", "ada", "--data-dir"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("{PASSWORD}\n").as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

/// Channels whose servers do not answer, and a test of each, whose words people see.
async fn channels(caller: &Caller) -> String {
    let kinds = [
        (
            "hook",
            json!({ "webhook": {
            "url": format!("http://127.0.0.1:9/{WEBHOOK_PATH}?token={WEBHOOK_PATH}"),
            "secret": format!("whsec_{WEBHOOK_KEY}="),
        } }),
        ),
        ("chat", json!({ "telegram": { "chat_id": "-100123", "token": BOT_TOKEN, "api": "http://127.0.0.1:9" } })),
        (
            "mail",
            json!({ "email": {
            "server": "127.0.0.1", "port": 9, "tls": "none", "user": "desk", "password": MAIL_PASSWORD,
            "from": "desk@example.com", "to": ["ada@example.com"],
        } }),
        ),
    ];
    let mut said = String::new();
    for (channel_id, kind) in kinds {
        let channel = json!({ "channel_id": channel_id, "name": channel_id, "allows_private": true, "kind": kind });
        let save = json!({ "save_channel": { "channel": channel } });
        let (status, row) = caller.json(Method::POST, "api/v1/alerts", save).await;
        assert_eq!(status, StatusCode::OK, "{row}");
        // The address is a setting that admins see in the form; nothing else of it is shown.
        said.push_str(&row.to_string().replace(WEBHOOK_PATH, ""));
        let test = json!({ "test_channel": { "channel_id": channel_id } });
        let (_, tested) = caller.json(Method::POST, "api/v1/alerts", test).await;
        said.push_str(&tested.to_string());
    }
    said
}

/// Secrets in every place where somebody might put one by mistake.
async fn mistakes(caller: &Caller, token: &str) {
    let url = &caller.url;
    assert!(Caller::log_in(url, json!({ "user": "ada", "password": MISTYPED })).await.is_none());
    assert!(Caller::log_in(url, json!({ "user": MISTYPED, "password": MISTYPED })).await.is_none());
    for body in [
        format!("{{\"user\":\"ada\",\"password\":\"{PASSWORD}\""),
        format!("{{\"user\":\"ada\",\"passwort\":\"{PASSWORD}\"}}"),
        format!("{{\"user\":\"ada\",\"password\":[\"{PASSWORD}\"]}}"),
    ] {
        let request = http().post(format!("{url}api/v1/session")).header("content-type", "application/json").body(body);
        assert!(request.send().await.unwrap().status().is_client_error());
    }
    let form = format!("user=ada&password={MISTYPED}&next=%2F");
    let request = http().post(format!("{url}login")).header("origin", url.trim_end_matches('/'));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let set_up = json!({ "code": SET_UP_CODE, "user": "eve", "password": PASSWORD });
    assert_eq!(caller.json(Method::POST, "api/v1/setup", set_up).await.0, StatusCode::FORBIDDEN);
    let change = json!({ "old": MISTYPED, "new": "canary1 horse battery stapler" });
    assert_eq!(caller.json(Method::PUT, "api/v1/password", change).await.0, StatusCode::UNAUTHORIZED);
    for path in ["api/v1/status", "api/v1/orders", "metrics", "no-such-page", "assets/0123456789abcdef/x.js", "ws"] {
        for query in [format!("?token={QUERY_TOKEN}"), format!("?token={token}")] {
            let request = http().get(format!("{url}{path}{query}"));
            let _refused = request
                .header("authorization", format!("Basic {BASIC}"))
                .header("cookie", format!("other={QUERY_TOKEN}"))
                .header("x-forwarded-for", PROXY_HEADER)
                .header("forwarded", format!("for={PROXY_HEADER}"))
                .header("x-api-key", QUERY_TOKEN)
                .send()
                .await
                .unwrap();
        }
    }
    // A socket with each, which says what nobody should say.
    for (name, value) in [("authorization", format!("Bearer {token}")), ("cookie", caller.cookie.clone())] {
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        let mut request = format!("ws://{address}/ws?format=json&token={QUERY_TOKEN}").into_client_request().unwrap();
        request.headers_mut().insert(header::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let Ok((mut socket, _)) = tokio_tungstenite::client_async(request, stream).await else { continue };
        let hello = json!({ "type": "hello", "protocol": 1, "token": QUERY_TOKEN }).to_string();
        futures::SinkExt::send(&mut socket, hello.into()).await.unwrap();
        let _answer = futures::StreamExt::next(&mut socket).await;
    }
}

/// Everything that an admin can read, and what commands print.
async fn everything_said(caller: &Caller, folder: &Path) -> String {
    let mut said = String::new();
    for path in [
        "metrics",
        "api/v1/openapi.json",
        "api/v1/asyncapi.json",
        "api/v1/audit?limit=1000",
        "api/v1/sessions",
        "api/v1/tokens",
        "api/v1/users",
        "api/v1/totp",
        "api/v1/alerts",
        "api/v1/rules",
        "api/v1/system",
        "api/v1/status",
        "api/v1/direct",
        "api/v1/history?instrument=demo:ADA-SIM",
        "api/v1/recordings",
        "account",
    ] {
        let answer = caller.request(Method::GET, path).header("accept", "*/*").send().await.unwrap();
        said.push_str(&answer.text().await.unwrap());
    }
    let doctor = ["doctor", "--json", "--venue", "demo=ADA-SIM", "--listen", "127.0.0.1:0"];
    for arguments in [&["config", "show"][..], &["config", "check"], &doctor, &["user", "list"]] {
        let mut command: Command = truetape(arguments);
        let output = command.arg("--data-dir").arg(folder).env(VENUE_VARIABLE, VENUE_TOKEN).output().unwrap();
        said.push_str(&words(&output));
    }
    said
}

/// Every file below a folder.
pub(crate) fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_of(&path) } else { vec![path] }).collect()
}

pub(crate) fn has(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|part| part == secret.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_comes_out_anywhere() {
    let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = other.path().join("log");
    add_user(data.path());
    let mut command = serve(data.path());
    command
        .env("RUST_LOG", "trace,hyper=trace,reqwest=trace,rustls=trace,lettre=trace,sqlx=trace,tungstenite=trace")
        .env("TRUETAPE__ACCESS__LOGIN", "always")
        .env(VENUE_VARIABLE, VENUE_TOKEN)
        .stderr(fs::File::create(&log).unwrap());
    let server = Process::of(command);

    let login = json!({ "user": "ada", "password": PASSWORD });
    let caller = Caller::log_in(&server.url, login).await.unwrap();
    let wish = json!({ "label": "bot", "scope": "viewer", "days": 1 });
    let (_, made) = caller.json(Method::POST, "api/v1/tokens", wish).await;
    let token = made["token"].as_str().unwrap().to_owned();
    let (_, codes) = caller.json(Method::POST, "api/v1/totp", json!({ "password": PASSWORD })).await;
    let (_, wrong) = caller.json(Method::PUT, "api/v1/totp", json!({ "code": "no code" })).await;
    let mut said = wrong.to_string();
    mistakes(&caller, &token).await;
    said.push_str(&channels(&caller).await);
    said.push_str(&everything_said(&caller, data.path()).await);
    drop(server);

    let cookie = caller.cookie.split_once('=').unwrap().1;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let recovery_code = text(&codes["recovery_codes"][0]);
    let totp_secret = text(&codes["secret"]);
    // Those that are nowhere at all, and those that the database has to have.
    let never = [
        PASSWORD,
        MISTYPED,
        SET_UP_CODE,
        VENUE_TOKEN,
        QUERY_TOKEN,
        BASIC,
        PROXY_HEADER,
        cookie,
        &token,
        &recovery_code,
    ];
    let kept = [WEBHOOK_KEY, BOT_TOKEN, MAIL_PASSWORD, WEBHOOK_PATH, &totp_secret];
    let log = fs::read_to_string(&log).unwrap();
    assert!(log.contains("listening"), "{log}");
    for secret in never.into_iter().chain(kept) {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "the log has {secret}: {line:?}");
        let place = said.find(secret).map(|at| said[..at].chars().rev().take(300).collect::<Vec<_>>());
        let before = place.map(|chars| chars.into_iter().rev().collect::<String>());
        assert!(before.is_none(), "{secret} was said after: {before:?}");
    }
    for file in files_of(data.path()) {
        let bytes = fs::read(&file).unwrap();
        let is_database = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("truetape.db"));
        let wanted = if is_database { &[][..] } else { &kept[..] };
        for secret in never.iter().chain(wanted) {
            assert!(!has(&bytes, secret), "{} has {secret}", file.display());
        }
    }
}

const VENUE_VARIABLE: &str = "TRUETAPE__VENUES__FINNHUB__TOKEN";
