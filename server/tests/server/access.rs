//! Logins over real sockets: every route as every role, sessions that end everywhere, limits, TLS.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Instant};

use axum::{
    body::Body,
    http::{Request, Version},
};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use model::access::Role;
use reqwest::{Client as Http, StatusCode, header};
use serde_json::{Value, json};
use server::{
    access::{Access, AccessParts, Origin, caller::Caller},
    clock::Clock,
    config::{AccessConfig, Config, access::Login},
    http::{api, operation::Needs},
    serve::Server,
    shutdown::Shutdown,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};
use topics::channels::Channel;

use crate::client::{PATIENCE, demo_config};

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Requests with JSON.
pub(crate) trait WithJson {
    fn with_json(self, body: &Value) -> Self;
}

impl WithJson for reqwest::RequestBuilder {
    fn with_json(self, body: &Value) -> Self {
        self.header(header::CONTENT_TYPE, "application/json").body(body.to_string())
    }
}

/// The JSON of an answer; null if it is none.
pub(crate) async fn json_of(answer: reqwest::Response) -> Value {
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default()
}

/// A configuration with a folder of its own.
pub(crate) fn config(folder: &tempfile::TempDir) -> Config {
    let mut config = demo_config();
    config.server.data_dir = folder.path().to_owned();
    config.access.login = Login::Always;
    config
}

pub(crate) async fn with_users(server: &Server) {
    let access = server.access();
    for (name, role) in [("ada", Role::Admin), ("tom", Role::Trader), ("vera", Role::Viewer)] {
        access.add_user(&Caller::OWNER, name, role, PASSWORD).await.unwrap();
    }
}

/// A server with an admin, a trader and a viewer.
pub(crate) async fn server() -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(config(&folder)).await.unwrap();
    with_users(&server).await;
    (server, folder)
}

pub(crate) fn http() -> Http {
    Http::builder()
        .redirect(reqwest::redirect::Policy::none())
        .tls_backend_preconfigured(trusting(None))
        .build()
        .unwrap()
}

/// A configuration of TLS that trusts one certificate alone.
pub(crate) fn trusting(pem: Option<&[u8]>) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    if let Some(pem) = pem {
        roots.add(rustls::pki_types::pem::PemObject::from_pem_slice(pem).unwrap()).unwrap();
    }
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

pub(crate) async fn log_in(server: &Server, user: &str, password: &str) -> reqwest::Response {
    let body = json!({ "user": user, "password": password });
    http().post(format!("{}api/v1/session", server.url())).with_json(&body).send().await.unwrap()
}

/// Logs in and returns the cookie.
pub(crate) async fn cookie_of(server: &Server, user: &str) -> String {
    let answer = log_in(server, user, PASSWORD).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let set = answer.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    set.split(';').next().unwrap().to_owned()
}

async fn socket(server: &Server, name: &str, value: &str) -> Result<WebSocketStream<TcpStream>, u16> {
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let mut request = format!("ws://{}/ws?format=json", server.address()).into_client_request().unwrap();
    request.headers_mut().insert(header::HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap());
    match client_async(request, stream).await {
        Ok((mut socket, _)) => {
            let hello = json!({ "type": "hello", "protocol": 1 }).to_string();
            futures::SinkExt::send(&mut socket, Message::text(hello)).await.unwrap();
            Ok(socket)
        }
        Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

/// Waits for the end of a socket; returns its close code.
async fn end_of(socket: &mut WebSocketStream<TcpStream>) -> u16 {
    let reading = async {
        loop {
            match futures::StreamExt::next(socket).await {
                Some(Ok(Message::Close(frame))) => return frame.map_or(0, |frame| frame.code.into()),
                Some(Ok(_)) => {}
                _ => return 0,
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap()
}

/// Every route is refused to whoever is below its role, and to nobody else.
#[tokio::test]
async fn every_route_needs_what_its_table_says() {
    let (server, _folder) = server().await;
    let mut tokens = BTreeMap::from([(None, None)]);
    for (name, role) in [("vera", Role::Viewer), ("tom", Role::Trader), ("ada", Role::Admin)] {
        let user = model::access::UserName::parse(name).unwrap();
        let token = server.access().add_token_of(&Caller::OWNER, &user, "walk", role, None).await.unwrap();
        tokens.insert(Some(role), Some(token.secret.reveal().to_owned()));
    }
    let mut n_walked = 0;
    for route in api().operations() {
        let path = route.path.replace(['{', '}'], "");
        for (role, token) in &tokens {
            let mut request = http().request(route.method.clone(), format!("{}{}", server.url(), &path[1..]));
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let answer = request.send().await.unwrap();
            let status = answer.status();
            let body: Value = json_of(answer).await;
            let is_refused = (status == StatusCode::UNAUTHORIZED && body["error"]["code"] == "not_logged_in")
                || (status == StatusCode::FORBIDDEN && body["error"]["code"] == "forbidden");
            let expected = match (route.access, role) {
                (Needs::Public, _) => false,
                (Needs::Role(_), None) => true,
                (Needs::Role(needed), Some(role)) => *role < needed,
            };
            assert_eq!(is_refused, expected, "{} {} as {role:?}: {status} {body}", route.method, route.path);
            n_walked += 1;
        }
    }
    println!("{n_walked} routes and roles");
}

/// The table of `docs/security.md`.
#[test]
fn the_documented_table_is_that_of_the_code() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/security.md");
    let known = std::fs::read_to_string(file).unwrap();
    let (begin, end) = ("<!-- routes: begin -->\n", "<!-- routes: end -->");
    let (head, rest) = known.split_once(begin).unwrap();
    let (_, tail) = rest.split_once(end).unwrap();
    let api = api();
    let mut lines: Vec<String> = api
        .operations()
        .iter()
        .map(|route| format!("| `{}` | {} | {} |\n", route.path, route.method, route.access.as_str()))
        .collect();
    lines.sort();
    let commands = wire::command::AnyCommand::roles();
    let commands: String = commands.iter().map(|(name, role)| format!("| `{name}` | {role} |\n")).collect();
    let topics: BTreeMap<&str, Role> = Channel::ALL.map(|channel| (channel.as_str(), channel.needs())).into();
    let topics: String = topics.iter().map(|(name, role)| format!("| `{name}` | {role} |\n")).collect();
    let table = format!(
        "| path | method | needs |\n|---|---|---|\n{}\n| command | needs |\n|---|---|\n{commands}\n| topics of | needs \
         |\n|---|---|\n{topics}",
        lines.concat()
    );
    let wanted = format!("{head}{begin}{table}{end}{tail}");
    if std::env::var("INSTA_UPDATE").as_deref() == Ok("always") {
        std::fs::write(file, &wanted).unwrap();
    }
    assert!(known == wanted, "docs/security.md differs from the code: run this test with INSTA_UPDATE=always");
}

#[tokio::test]
async fn a_login_opens_the_api_and_its_end_closes_the_sockets() {
    let (server, _folder) = server().await;
    let cookie = cookie_of(&server, "tom").await;
    assert_eq!(socket(&server, "cookie", "truetape-1=nonsense").await.unwrap_err(), 401);
    let mut open = socket(&server, "cookie", &cookie).await.unwrap();
    let me: Value =
        json_of(http().get(format!("{}api/v1/session", server.url())).header("cookie", &cookie).send().await.unwrap())
            .await;
    assert_eq!(me, json!({ "login": "needed", "user": "tom", "role": "trader" }));
    let since = Instant::now();
    let logout =
        http().delete(format!("{}api/v1/session", server.url())).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(logout.status(), StatusCode::OK);
    assert!(logout.headers()[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(end_of(&mut open).await, 3505);
    println!("from the logout to the closed socket: {} ms", since.elapsed().as_millis());
    assert_eq!(socket(&server, "cookie", &cookie).await.unwrap_err(), 401, "the old cookie opens nothing");
}

/// Sockets close when their session ends: by a password, a role, a revocation, or a change by another process.
#[tokio::test]
async fn every_way_to_end_a_session_closes_its_sockets() {
    let (server, folder) = server().await;
    let admin = cookie_of(&server, "ada").await;
    let change = |body: Value| {
        let request =
            http().patch(format!("{}api/v1/users/vera", server.url())).header("cookie", &admin).with_json(&body);
        async move { assert_eq!(request.send().await.unwrap().status(), StatusCode::NO_CONTENT) }
    };
    let mut open = socket(&server, "cookie", &cookie_of(&server, "vera").await).await.unwrap();
    change(json!({ "role": "trader" })).await;
    assert_eq!(end_of(&mut open).await, 3505, "another role");
    let mut open = socket(&server, "cookie", &cookie_of(&server, "vera").await).await.unwrap();
    change(json!({ "password": "four other unrelated words" })).await;
    assert_eq!(end_of(&mut open).await, 3505, "another password");

    let wish = http()
        .post(format!("{}api/v1/tokens", server.url()))
        .header("cookie", &admin)
        .with_json(&json!({ "label": "bot", "scope": "viewer", "days": 1 }));
    let made: Value = json_of(wish.send().await.unwrap()).await;
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let mut open = socket(&server, "authorization", &bearer).await.unwrap();
    // The command line, in another process.
    let shutdown = Shutdown::default();
    let parts = AccessParts {
        live: AccessConfig::default().into(),
        data_dir: folder.path().to_owned(),
        is_private: true,
        has_file: true,
        port: 0,
        clock: Clock::start(),
    };
    let elsewhere = Access::start(parts, &shutdown).await.unwrap();
    let since = Instant::now();
    elsewhere.remove_token(&Caller::OWNER, made["token_id"].as_str().unwrap()).await.unwrap();
    assert_eq!(end_of(&mut open).await, 3505, "revoked elsewhere");
    println!("from a revocation elsewhere to the closed socket: {} ms", since.elapsed().as_millis());
    let mut open = socket(&server, "cookie", &cookie_of(&server, "tom").await).await.unwrap();
    elsewhere.remove_user(&Caller::OWNER, "tom").await.unwrap();
    assert_eq!(end_of(&mut open).await, 3505, "the user is gone");
    assert_eq!(log_in(&server, "tom", PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    shutdown.begin();
    shutdown.finish().await;
}

/// Whoever changes the own password goes on with a new secret; all other sessions end.
#[tokio::test]
async fn an_own_password_is_changed_with_a_new_session() {
    let (server, _folder) = server().await;
    let (here, there) = (cookie_of(&server, "tom").await, cookie_of(&server, "tom").await);
    assert_ne!(here, there, "each login has a secret of its own");
    let put = |old: &str, new: &str| {
        let body = json!({ "old": old, "new": new });
        http().put(format!("{}api/v1/password", server.url())).header("cookie", &here).with_json(&body).send()
    };
    assert_eq!(put("wrong", "four other unrelated words").await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(put(PASSWORD, "password").await.unwrap().status(), StatusCode::BAD_REQUEST, "too weak");
    let changed = put(PASSWORD, "four other unrelated words").await.unwrap();
    assert_eq!(changed.status(), StatusCode::OK);
    let new = changed.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    for (cookie, status) in [(&here, 401), (&there, 401), (&new, 200)] {
        let answer =
            http().get(format!("{}api/v1/status", server.url())).header("cookie", cookie).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
    }
}

/// Ten attempts an account, then nothing is hashed; a session that is open stays open.
#[tokio::test]
async fn guessing_is_limited_and_says_how_long() {
    let (server, _folder) = server().await;
    let cookie = cookie_of(&server, "tom").await;
    for _ in 0..10 {
        assert_eq!(log_in(&server, "tom", "wrong").await.status(), StatusCode::UNAUTHORIZED);
    }
    let answer = log_in(&server, "tom", PASSWORD).await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = answer.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=900).contains(&wait), "{wait}");
    let status = http().get(format!("{}api/v1/status", server.url())).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(status.status(), StatusCode::OK);
    assert_eq!(log_in(&server, "vera", PASSWORD).await.status(), StatusCode::OK, "others can log in");
}

/// Without users, everything waits for the code that the server printed; with it, the first admin is logged in.
#[tokio::test]
async fn the_first_user_needs_the_printed_code() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(config(&folder)).await.unwrap();
    let set_up = |code: String| {
        let body = json!({ "code": code, "user": "ada", "password": PASSWORD });
        http().post(format!("{}api/v1/setup", server.url())).with_json(&body).send()
    };
    let code = server.access().set_up_code().unwrap().unwrap();
    let page = http().get(server.url()).header("accept", "text/html").send().await.unwrap();
    assert_eq!(page.status(), StatusCode::UNAUTHORIZED);
    assert!(page.text().await.unwrap().contains("Set-up code"));
    assert_eq!(set_up("AAAA-BBBB-CCCC".to_owned()).await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(log_in(&server, "ada", PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(set_up(code.to_lowercase()).await.unwrap().status(), StatusCode::OK);
    assert_eq!(set_up(code).await.unwrap().status(), StatusCode::FORBIDDEN, "once");
    assert_eq!(log_in(&server, "ada", PASSWORD).await.status(), StatusCode::OK);
    assert_eq!(server.access().set_up_code().unwrap(), None);
}

/// The form of the login page: it leads back to the page that was asked for.
#[tokio::test]
async fn people_log_in_with_a_form() {
    let (server, _folder) = server().await;
    let address = format!("{}markets?symbol=demo%3AADA-SIM", server.url());
    let page = http().get(&address).header("accept", "text/html").send().await.unwrap();
    assert_eq!(
        (page.status(), page.headers()["referrer-policy"].to_str().unwrap()),
        (StatusCode::UNAUTHORIZED, "same-origin")
    );
    let text = page.text().await.unwrap();
    assert!(text.contains("value=\"/markets?symbol=demo%3AADA-SIM\""), "{text}");
    let submit = |password: &'static str| {
        let form =
            format!("user=tom&password={}&next=%2Fmarkets%3Fsymbol%3Ddemo%253AADA-SIM", password.replace(' ', "+"));
        let request =
            http().post(format!("{}login", server.url())).header("origin", server.url().trim_end_matches('/'));
        request.header("content-type", "application/x-www-form-urlencoded").body(form).send()
    };
    let wrong = submit("wrong").await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    assert!(wrong.text().await.unwrap().contains("Name, password or code is wrong."));
    let right = submit(PASSWORD).await.unwrap();
    assert_eq!(right.status(), StatusCode::SEE_OTHER);
    assert_eq!(right.headers()[header::LOCATION], "./markets?symbol=demo%3AADA-SIM");
    let cookie = right.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap();
    let page = http().get(&address).header("accept", "text/html").header("cookie", cookie).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.text().await.unwrap().contains("data-role=\"trader\""));
}

/// A server on loopback without users is open, until the first one is added: then its sockets end.
#[tokio::test]
async fn the_first_user_ends_the_open_door() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&folder);
    config.access.login = Login::Auto;
    let server = Server::start(config).await.unwrap();
    let mut open = socket(&server, "x-nothing", "x").await.unwrap();
    let add = |role: &str| {
        let body = json!({ "name": "ada", "role": role, "password": PASSWORD });
        http().post(format!("{}api/v1/users", server.url())).with_json(&body).send()
    };
    assert_eq!(add("viewer").await.unwrap().status(), StatusCode::BAD_REQUEST, "nobody could change anything then");
    assert_eq!(add("admin").await.unwrap().status(), StatusCode::CREATED);
    assert_eq!(end_of(&mut open).await, 3505);
    assert_eq!(add("admin").await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

/// The file alone opens nothing: it has neither passwords nor secrets of sessions and tokens.
#[tokio::test]
async fn the_database_holds_no_secret() {
    let (server, folder) = server().await;
    let cookie = cookie_of(&server, "tom").await;
    let user = model::access::UserName::parse("tom").unwrap();
    let token = server.access().add_token_of(&Caller::OWNER, &user, "bot", Role::Viewer, None).await.unwrap();
    let secrets = [PASSWORD, cookie.split_once('=').unwrap().1, token.secret.reveal()];
    for entry in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        let bytes = std::fs::read(entry.path()).unwrap();
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{} has a secret", entry.path().display());
        }
    }
}

/// The audit log has every action, with the user and the address, and without secrets.
#[tokio::test]
async fn the_audit_log_tells_who_did_what() {
    let (server, _folder) = server().await;
    let admin = cookie_of(&server, "ada").await;
    assert_eq!(log_in(&server, "tom", "not the password").await.status(), StatusCode::UNAUTHORIZED);
    let stop =
        http().delete(format!("{}api/v1/feeds/demo", server.url())).header("cookie", &admin).send().await.unwrap();
    assert_eq!(stop.status(), StatusCode::OK);
    // Read at once: what was done before the request is there.
    let request = http().get(format!("{}api/v1/audit", server.url())).header("cookie", &admin);
    let lines: Value = json_of(request.send().await.unwrap()).await;
    let of = |line: &Value| {
        let text = |key: &str| line[key].as_str().unwrap_or("-").to_owned();
        (text("action"), text("user"), text("address"), text("detail"))
    };
    let actions: Vec<_> = lines["audit"].as_array().unwrap().iter().map(of).collect();
    let here = "127.0.0.1".to_owned();
    let line = |action: &str, user: &str, address: &str, detail: &str| {
        (action.to_owned(), user.to_owned(), address.to_owned(), detail.to_owned())
    };
    assert_eq!(actions[0], line("stop_feed", "ada", &here, ""));
    assert_eq!(actions[1], line("login_failed", "-", &here, "tom"));
    assert_eq!(actions[2], line("login", "ada", &here, ""));
    assert_eq!(actions[3], line("add_user", "-", "-", "vera, viewer"));
}

/// Gets an address of the server as browsers do, over HTTP/2.
async fn get_over_http2(server: &Server, path: &str, cookie: &str, mut tls: rustls::ClientConfig) -> String {
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let socket = TcpStream::connect(server.address()).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("127.0.0.1").unwrap();
    let socket = TlsConnector::from(Arc::new(tls)).connect(name, socket).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(socket)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get(format!("{}{path}", server.url())).header(header::COOKIE, cookie).body(Body::empty());
    let answer = sender.send_request(request.unwrap()).await.unwrap();
    assert_eq!((answer.status(), answer.version()), (StatusCode::OK, Version::HTTP_2));
    String::from_utf8(axum::body::to_bytes(Body::new(answer.into_body()), usize::MAX).await.unwrap().into()).unwrap()
}

/// Over TLS: HTTP/2, a cookie of this host alone, and nothing in the clear on the same port.
#[tokio::test]
async fn tls_is_the_servers_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&folder);
    config.tls.self_signed = true;
    let server = Server::start(config).await.unwrap();
    with_users(&server).await;
    assert!(server.url().starts_with("https://"));
    let pem = std::fs::read(folder.path().join("tls/self-signed.pem")).unwrap();
    let client = Http::builder().tls_backend_preconfigured(trusting(Some(&pem))).build().unwrap();
    let body = json!({ "user": "tom", "password": PASSWORD });
    let answer = client.post(format!("{}api/v1/session", server.url())).with_json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let set = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(set.starts_with("__Host-truetape-") && set.ends_with("; Secure"), "{set}");
    let cookie = set.split(';').next().unwrap();
    for (path, title) in [("", "Truetape"), ("markets?sort=name", "Markets · Truetape")] {
        let html = get_over_http2(&server, path, cookie, trusting(Some(&pem))).await;
        assert!(html.contains(&format!("<title>{title}</title>")), "{path}: {html:.2000}");
    }
    let plain = http().get(format!("http://{}/healthz", server.address())).send().await;
    assert!(plain.is_err(), "{plain:?}");
}

/// A login takes as long for a name that nobody has: both hash. Printed, as times on a busy machine prove nothing.
#[tokio::test]
async fn an_unknown_user_takes_as_long() {
    let (server, _folder) = server().await;
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..8_u8 {
        for (name, times) in ["tom", "nobody-has-this"].into_iter().zip(&mut times) {
            let origin = Origin { address: [10, 0, 0, round].into(), agent: String::new() };
            let since = Instant::now();
            assert!(server.access().login(name, "wrong", None, &origin).await.is_err());
            times.push(since.elapsed());
        }
    }
    let [known, unknown] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    println!("a failed login, median: {known:?} of a known user, {unknown:?} of an unknown one");
    // Without a hash it would be a thousand times quicker.
    assert!(unknown * 4 > known, "{known:?} {unknown:?}");
}

/// Beyond loopback, only with TLS.
#[test]
fn passwords_do_not_cross_a_network_in_the_clear() {
    let load = |flags: &[(&'static str, &'static str, &str)]| {
        let flags = flags.iter().map(|(flag, key, text)| (*flag, *key, (*text).to_owned())).collect();
        server::config::load(&server::config::Sources { flags, ..server::config::Sources::of_process() })
            .map_err(|error| error.to_string())
    };
    let listen = ("--listen", "server.listen", "0.0.0.0:3000");
    let error = load(&[listen]).unwrap_err();
    assert!(error.contains("0.0.0.0:3000") && error.contains("tls.self_signed"), "{error}");
    assert!(load(&[listen, ("--tls-self-signed", "tls.self_signed", "true")]).is_ok());
    assert!(load(&[listen, ("--behind-proxy", "server.trusted_proxies", "10.0.0.1")]).is_ok());
    let _: SocketAddr = load(&[("--listen", "server.listen", "127.0.0.1:0")]).unwrap().server.listen;
}
