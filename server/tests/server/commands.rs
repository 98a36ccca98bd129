//! One road for commands: the same result, refusals and keys over the stream and by REST.

use model::access::Role;
use serde_json::{Value, json};
use server::{
    access::caller::Caller,
    commands::{CommandFailure, CommandRouter},
    feed,
    serve::Server,
    tls,
};
use wire::{
    Encoding,
    command::{Command, CommandResult, FeedSymbols},
    message::{ClientMessage, CommandRequest, RefusalCode, ServerMessage},
};

use crate::client::{Client, demo_server};

fn demo(symbols: &[&str]) -> FeedSymbols {
    FeedSymbols { symbols: symbols.iter().map(ToString::to_string).collect(), venue: "demo".to_owned() }
}

/// Gives a command over the stream and returns its answer.
async fn give(client: &mut Client, id: u64, key: Option<&str>, command: &Command) -> ServerMessage {
    let request = CommandRequest { id, key: key.map(str::to_owned), command: command.to_text() };
    client.say(&ClientMessage::Command(request)).await;
    client.until(|message| matches!(message, ServerMessage::Ack(_) | ServerMessage::Refused(_))).await
}

/// Starts a feed by REST and returns status and body.
async fn start_by_rest(server: &Server, symbols: &FeedSymbols, key: Option<&str>) -> (u16, Value) {
    let client = feed::http::client(&tls::client_config().unwrap()).unwrap();
    let mut request = client
        .post(format!("{}api/v1/feeds", server.url()))
        .header("content-type", "application/json")
        .body(json!(symbols).to_string());
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

#[track_caller]
fn check_result(answer: &ServerMessage, command: &Command, expected: CommandResult) {
    let ServerMessage::Ack(ack) = answer else { panic!("{answer:?}") };
    assert_eq!(command.result(&ack.result), Ok(expected));
}

#[track_caller]
fn check_refusal(answer: &ServerMessage, code: RefusalCode) {
    let ServerMessage::Refused(refused) = answer else { panic!("{answer:?}") };
    assert_eq!(refused.code, code, "{}", refused.message);
}

#[tokio::test]
async fn a_repeated_command_is_done_once_and_answered_the_same() {
    let server = demo_server(|_| {}).await;
    let mut client = Client::greet(&server, Encoding::Binary).await;
    let start = Command::StartFeed(demo(&["BTC-SIM"]).into());
    let running = || CommandResult::StartFeed(demo(&["ADA-SIM", "XRP-SIM", "BTC-SIM"]));
    check_result(&give(&mut client, 1, Some("k1"), &start).await, &start, running());
    // The connection is lost, and the same command comes over another one, or by REST.
    drop(client);
    let mut client = Client::greet(&server, Encoding::Json).await;
    check_result(&give(&mut client, 1, Some("k1"), &start).await, &start, running());
    let (status, body) = start_by_rest(&server, &demo(&["BTC-SIM"]), Some("k1")).await;
    assert_eq!((status, body), (200, json!(running())));
    // Without the key it is another command, and nothing is left to do.
    check_refusal(&give(&mut client, 2, None, &start).await, RefusalCode::AlreadyRunning);
    let (status, body) = start_by_rest(&server, &demo(&["BTC-SIM"]), None).await;
    assert_eq!((status, &body["error"]["code"]), (409, &json!("already_running")));
}

#[tokio::test]
async fn a_key_names_one_command() {
    let server = demo_server(|_| {}).await;
    let mut client = Client::greet(&server, Encoding::Json).await;
    let start = Command::StartFeed(demo(&["BTC-SIM"]).into());
    assert!(matches!(give(&mut client, 1, Some("k1"), &start).await, ServerMessage::Ack(_)));
    let other = Command::StopFeed(demo(&["BTC-SIM"]));
    check_refusal(&give(&mut client, 2, Some("k1"), &other).await, RefusalCode::KeyReused);
    let (status, body) = start_by_rest(&server, &demo(&["ETH-SIM"]), Some("k1")).await;
    assert_eq!((status, &body["error"]["code"]), (409, &json!("key_reused")));
    check_refusal(&give(&mut client, 3, Some("has space"), &other).await, RefusalCode::BadMessage);
    check_refusal(&give(&mut client, 4, Some(&"k".repeat(65)), &other).await, RefusalCode::BadMessage);
    let (status, body) = start_by_rest(&server, &demo(&["ETH-SIM"]), Some(&"k".repeat(65))).await;
    assert_eq!((status, &body["error"]["parameter"]), (400, &json!("idempotency-key")));
    // A refusal is repeated, too.
    let nothing = Command::StopFeed(demo(&["DOGE-SIM"]));
    for id in 5..7 {
        check_refusal(&give(&mut client, id, Some("k2"), &nothing).await, RefusalCode::NotRunning);
    }
}

#[tokio::test]
async fn a_command_under_way_is_not_begun_again() {
    let server = demo_server(|_| {}).await;
    let router: &CommandRouter = server.commands();
    let start = || router.run(Caller::OWNER, Some("k1".to_owned()), Command::StartFeed(demo(&["BTC-SIM"]).into()));
    // Begun again at once they would meet: the second would be refused as already running.
    let (first, second) = tokio::join!(start(), start());
    assert_eq!((first.is_ok(), first.unwrap()), (true, second.unwrap()));
}

#[tokio::test]
async fn a_role_too_low_is_refused_before_anything_is_done() {
    let server = demo_server(|_| {}).await;
    let stop = Command::StopFeed(demo(&[]));
    for role in [Role::Viewer, Role::Trader] {
        let refused = server.commands().run(Caller { role, ..Caller::OWNER }, None, stop.clone()).await.unwrap_err();
        assert!(matches!(&*refused, CommandFailure::Forbidden { command: "stop_feed", needed: Role::Admin }));
    }
    assert_eq!(server.feeds().status().connections.len(), 1, "still running");
}
