//! Notices, causes of the health and addresses of channels that concern only those who run the server reach them alone.
//!
//! Not here: the table of routes and topics (`access`).

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use model::access::{Role, UserName};
use reqwest::{Client as Http, Method, StatusCode};
use serde_json::{Value, json};
use server::{access::caller::Caller, serve::Server};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use topics::{
    channels::{Channel, TopicData, operations::OperationsData, system::SystemData},
    subject::SubjectKind,
    topic::Topic,
};
use wire::{
    Encoding,
    message::{Epoch, Position, RefusalCode, Refused, ServerMessage},
};

use crate::{
    access::{WithJson, config, http, json_of, trusting, with_users},
    client::{Client, PATIENCE, demo_config},
};

/// A token of each user, with all of its rights.
pub(crate) async fn tokens(server: &Server) -> [(Role, String); 3] {
    let mut tokens = Vec::new();
    for (name, role) in [("vera", Role::Viewer), ("tom", Role::Trader), ("ada", Role::Admin)] {
        let user = UserName::parse(name).unwrap();
        let token = server.access().add_token_of(&Caller::OWNER, &user, "audience", role, None).await.unwrap();
        tokens.push((role, token.secret.reveal().to_owned()));
    }
    tokens.try_into().unwrap()
}

fn operations(client: &Client) -> OperationsData {
    match client.state.get(&Topic::OPERATIONS) {
        Some(TopicData::Operations(operations)) => operations.clone(),
        _ => OperationsData::default(),
    }
}

fn system(client: &Client) -> SystemData {
    match client.state.get(&Topic::SYSTEM) {
        Some(TopicData::System(system)) => system.clone(),
        _ => SystemData::default(),
    }
}

/// Follows what admins are shown until its notice is there.
async fn until_noticed(client: &mut Client) -> String {
    let answer = client.subscribe(1, &["operations"]).await;
    assert!(matches!(answer, ServerMessage::Subscribed(_)), "{answer:?}");
    loop {
        match operations(client).notice {
            Some(notice) => return notice,
            None => drop(client.next().await.unwrap()),
        }
    }
}

fn assert_forbidden(answer: &ServerMessage) {
    let is_forbidden = |refused: &Refused| {
        refused.code == RefusalCode::Forbidden && refused.message.ends_with(" needs the role admin")
    };
    assert!(matches!(answer, ServerMessage::Refused(refused) if is_forbidden(refused)), "{answer:?}");
}

/// A broken file of kept instruments: whoever runs the server can do something about it, and nobody else.
#[tokio::test]
async fn a_notice_for_admins_is_in_no_stream_of_others() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("followed.json"), "{").unwrap();
    let server = Server::start(config(&folder)).await.unwrap();
    with_users(&server).await;
    for (role, token) in tokens(&server).await {
        let (mut client, _) = Client::with_token(&server, &token, BTreeMap::new()).await;
        if role == Role::Admin {
            let notice = until_noticed(&mut client).await;
            assert!(notice.contains("followed.json") && notice.contains("cannot be read"), "{notice}");
        } else {
            // Neither alone, nor among others, nor as something that was followed before.
            assert_forbidden(&client.subscribe(1, &["operations"]).await);
            assert_forbidden(&client.subscribe(2, &["system", "operations"]).await);
            let position = Position { epoch: Epoch::new("any"), offset: 1, lane_ms: None };
            let (_, answers) =
                Client::with_token(&server, &token, BTreeMap::from([(Topic::OPERATIONS, position)])).await;
            assert_forbidden(&answers[1]);
        }
        client.subscribe(3, &["system"]).await;
        client.advance("system", 2).await;
        assert_eq!(system(&client).notice, None, "{role}");
    }
}

/// Whoever uses a server where nobody logs in runs it.
#[tokio::test]
async fn the_owner_of_an_open_server_is_shown_its_notices() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("followed.json"), "{").unwrap();
    let mut config = demo_config();
    config.server.data_dir = folder.path().to_owned();
    let server = Server::start(config).await.unwrap();
    for encoding in [Encoding::Json, Encoding::Binary] {
        let mut client = Client::greet(&server, encoding).await;
        assert!(until_noticed(&mut client).await.contains("cannot be read"));
    }
}

/// The end of the certificate is a cause of the health; others are told that there is one.
#[tokio::test]
async fn the_health_names_the_certificate_to_admins() {
    let folder = tempfile::tempdir().unwrap();
    let day = Duration::from_secs(86_400);
    let mut params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.not_before = (SystemTime::now() - day).into();
    params.not_after = (SystemTime::now() + day * 9 + day / 2).into();
    let key = rcgen::KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    let [cert_file, key_file] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&cert_file, &pem).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let mut config = config(&folder);
    (config.tls.cert, config.tls.key) = (Some(cert_file), Some(key_file));
    let server = Server::start(config).await.unwrap();
    with_users(&server).await;
    let http = Http::builder().tls_backend_preconfigured(trusting(Some(pem.as_bytes()))).build().unwrap();
    let report = async |token: &str| -> Value {
        let answer = http.get(format!("{}api/v1/system", server.url())).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        json_of(answer).await
    };
    let [(_, viewer), (_, trader), (_, admin)] = tokens(&server).await;
    let looked = async {
        while report(&admin).await["causes"].as_array().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looked).await.unwrap();
    let certificate = "the server's certificate expires in 9 days";
    for (token, expected) in [
        (&admin, certificate),
        (&trader, "the server needs attention: its admins see why"),
        (&viewer, "the server needs attention: its admins see why"),
    ] {
        let report = report(token).await;
        assert_eq!((&report["health"], &report["causes"]), (&"degraded".into(), &json!([expected])));
    }
}

/// In the path of the webhook, in a query, and in a path of the receiver's that it repeats by itself.
const SECRETS: [&str; 3] = ["T0PSECRET", "B0TSECRET", "K3YSECRET"];
const RECEIVER: &str = "ada.lovelace@example.com";
const CHAT: &str = "-1009912345678";

/// A receiver that refuses every request and repeats its first line, as many programs do.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 16 << 10];
            let n_bytes = stream.read(&mut request).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&request[..n_bytes]).into_owned();
            let body = format!("cannot {}", text.lines().next().unwrap_or_default());
            let head =
                format!("HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _gone = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    address
}

/// Everything that a caller reads about channels and deliveries, by REST and on the stream.
async fn read_everything(server: &Server, token: &str) -> String {
    let mut said = String::new();
    for path in ["alerts", "rules", "alert_channels", "system", "status", "history?instrument=demo:ADA-SIM"] {
        let request = http().get(format!("{}api/v1/{path}", server.url())).bearer_auth(token);
        said.push_str(&request.send().await.unwrap().text().await.unwrap());
    }
    let (mut client, _) = Client::with_token(server, token, BTreeMap::new()).await;
    let of_server = Channel::ALL.into_iter().filter(|channel| channel.subject_kind() == SubjectKind::Server);
    let mut n_expected = 0;
    for (id, channel) in (1..).zip(of_server) {
        let answer = client.subscribe(id, &[channel.as_str()]).await;
        n_expected += usize::from(matches!(answer, ServerMessage::Subscribed(_)));
    }
    while client.state.len() < n_expected {
        client.next().await.unwrap();
    }
    for data in client.state.values() {
        said.push_str(&serde_json::to_string(data).unwrap());
    }
    said
}

/// A webhook, a chat and mail with an alert under way: whoever may not change them reads the host, and admins the addresses.
#[tokio::test]
async fn addresses_of_channels_are_for_those_who_may_change_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&folder);
    config.desk.enabled = true;
    let server = Server::start(config).await.unwrap();
    with_users(&server).await;
    let [(_, viewer), (_, trader), (_, admin)] = tokens(&server).await;
    let receiver = echo().await;
    let command = async |body: Value| {
        let request = http().request(Method::POST, format!("{}api/v1/alerts", server.url())).bearer_auth(&admin);
        let answer = request.with_json(&body).send().await.unwrap();
        let (status, body) = (answer.status(), json_of(answer).await);
        assert_eq!(status, StatusCode::OK, "{body}");
    };
    let [path, piece, query] = SECRETS;
    let url = format!("http://{receiver}/services/{path}/{piece}?token={query}");
    let key = "whsec_MDEyMzQ1Njc4OWFiY2RlZg==";
    let login = json!({ "server": "127.0.0.1", "port": 9, "tls": "none", "from": RECEIVER, "to": [RECEIVER] });
    let kinds = [
        ("hook", json!({ "webhook": { "url": url, "secret": key } })),
        ("chat", json!({ "telegram": { "chat_id": CHAT, "token": format!("1:{}", "a".repeat(20)), "api": url } })),
        ("mail", json!({ "email": login })),
    ];
    let names = kinds.each_ref().map(|(name, _)| *name);
    for (name, kind) in kinds {
        let channel = json!({ "channel_id": name, "name": name, "allows_private": true, "kind": kind });
        command(json!({ "save_channel": { "channel": channel } })).await;
    }
    let rule = json!({ "rule_id": "up", "name": "Up", "instrument": "demo:ADA-SIM", "channels": names,
                       "conditions": [{ "kind": "price_above", "level": "0.0001" }], "frequency": { "kind": "once" } });
    command(json!({ "save_alert": { "rule": rule } })).await;
    // Until the receiver's words are in the history: to the webhook it said them.
    let delivered = async {
        while !read_everything(&server, &viewer).await.contains("HTTP 400 cannot POST (hidden)") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, delivered).await.unwrap();
    let host = format!("http://{receiver}/…");
    for token in [&viewer, &trader] {
        let said = read_everything(&server, token).await;
        for secret in SECRETS.iter().chain(&[RECEIVER, CHAT]) {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
        for shown in [host.as_str(), "…@example.com", "a chat"] {
            assert!(said.contains(shown), "{shown} in {said}");
        }
        let (mut client, _) = Client::with_token(&server, token, BTreeMap::new()).await;
        assert_forbidden(&client.subscribe(1, &["alert_channels"]).await);
    }
    let said = read_everything(&server, &admin).await;
    for address in SECRETS.iter().chain(&[RECEIVER, CHAT]) {
        // Once by REST, once on the stream.
        assert!(said.matches(address).count() >= 2, "{address} in {said}");
    }
    assert!(!said.contains(key), "{said}");
}
