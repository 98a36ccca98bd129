//! Each fault as a client sees it, while the oracle's book stays right.

use std::time::{Duration, Instant};

use crate::common::{
    Came, Client, DEPTH, LocalBook, SYMBOL, TICKER, TRADE, config, fault, get, held, post, recorded, recording,
};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use venue_sim::{RunningSim, Sim, SimConfig};

const SHORT: Duration = Duration::from_millis(60);

/// Returns the trades a client receives under a fault active from the start.
async fn trades_under(text: &str, spec: &str) -> (RunningSim, Client, Vec<String>) {
    let sim = held(text).await;
    sim.fault(fault(spec));
    let mut client = Client::connect(&sim, &format!("/stream?streams={TRADE}/{TICKER}")).await;
    sim.resume();
    let mut seen = Vec::new();
    loop {
        match client.within(Duration::from_millis(250)).await {
            Came::Text(text) if text.contains(TRADE) => seen.push(text),
            Came::Text(_) => {}
            Came::Nothing if sim.state()["finished"] == false => {}
            _ => break,
        }
    }
    (sim, client, seen)
}

fn ids(frames: &[String]) -> Vec<u64> {
    frames.iter().map(|text| serde_json::from_str::<Value>(text).unwrap()["data"]["t"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn dropped_doubled_and_swapped_frames() {
    let text = recording(5);
    let (sim, _client, seen) = trades_under(&text, "drop:stream=@trade").await;
    assert_eq!(ids(&seen), [501, 502, 503, 504]);
    assert_eq!(sim.state()["faults"], json!([]));
    let (_sim, _client, seen) = trades_under(&text, "duplicate:stream=@trade,count=2").await;
    assert_eq!(ids(&seen), [500, 500, 501, 501, 502, 503, 504]);
    let (_sim, _client, seen) = trades_under(&text, "reorder:stream=@trade,distance=2").await;
    assert_eq!(ids(&seen), [501, 502, 500, 503, 504]);
}

#[tokio::test]
async fn faults_by_chance_repeat_with_their_seed() {
    let text = recording(300);
    let run = async |seed: u64| {
        let (_sim, _client, seen) =
            trades_under(&text, &format!("drop:stream=@trade,probability=0.2,seed={seed}")).await;
        ids(&seen)
    };
    let (first, again, other) = (run(1).await, run(1).await, run(2).await);
    assert!((200..280).contains(&first.len()), "{}", first.len());
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[tokio::test]
async fn broken_frames_are_broken_and_the_rest_is_whole() {
    let text = recording(6);
    for (mode, is_json) in [("json", false), ("type", true), ("field", true)] {
        let (_sim, _client, seen) = trades_under(&text, &format!("corrupt:stream=@trade,mode={mode}")).await;
        assert_eq!(seen.iter().filter(|text| text.ends_with('}')).count(), if is_json { 6 } else { 5 }, "{mode}");
        let first = serde_json::from_str::<Value>(&seen[0]);
        assert_eq!(first.is_ok(), is_json, "{mode}");
        if let Ok(first) = first {
            let data = &first["data"];
            assert!(["p", "q"].iter().any(|key| !data[*key].is_string()), "{mode} {first}");
        }
        assert_eq!(ids(&seen[1..]), [501, 502, 503, 504, 505]);
    }
    // A text frame that is not UTF-8 ends the connection, as the WebSocket standard requires.
    let sim = held(&text).await;
    sim.fault(fault("corrupt:stream=@trade,mode=utf8"));
    let mut client = Client::connect(&sim, &format!("/ws/{TRADE}")).await;
    sim.resume();
    assert!(matches!(client.next().await, Came::Failed(why) if why.contains("UTF-8") || why.contains("utf-8")));
}

#[tokio::test]
async fn the_oracle_is_right_whatever_clients_get() {
    let text = recording(200);
    let (sim, _client, _) = trades_under(&text, "drop:probability=0.5,seed=3").await;
    let mut book = LocalBook::snapshot(&get(&sim, &format!("/control/book?symbol={SYMBOL}&at=0")).await.json());
    recorded(&text, DEPTH).iter().for_each(|event| book.apply(&serde_json::from_str(event).unwrap()));
    assert_eq!(LocalBook::snapshot(&sim.book(SYMBOL, None, 99).unwrap()), book);
}

#[tokio::test]
async fn a_stalled_connection_stays_open_and_silent() {
    let text = recording(5);
    let sim = held(&text).await;
    let mut client = Client::connect(&sim, &format!("/ws/{TRADE}")).await;
    client.send(r#"{"method":"LIST_SUBSCRIPTIONS","id":1}"#).await;
    client.text().await;
    let state = post(&sim, "/control/fault", r#"{"kind":"stall","existing_only":true}"#).await.json();
    assert_eq!(state["faults"][0]["fault"]["kind"], "stall");
    // Not even messages are answered.
    client.send(r#"{"method":"LIST_SUBSCRIPTIONS","id":2}"#).await;
    let mut newcomer = Client::connect(&sim, &format!("/ws/{TRADE}")).await;
    sim.resume();
    assert_eq!(newcomer.texts(5).await, recorded(&text, TRADE));
    assert_eq!(client.within(SHORT).await, Came::Nothing);
    assert_eq!(sim.state()["n_clients"], 2);
    sim.fault(fault("none"));
    assert_eq!(client.json().await["id"], 2);
    assert_eq!(client.within(SHORT).await, Came::Nothing);
}

#[tokio::test]
async fn a_stall_may_leave_answers_and_pings() {
    let text = recording(5);
    let sim = held(&text).await;
    sim.fault(fault("stall:mode=pings"));
    let mut client = Client::connect(&sim, &format!("/ws/{TRADE}")).await;
    client.send(r#"{"method":"LIST_SUBSCRIPTIONS","id":1}"#).await;
    assert_eq!(client.json().await["id"], 1);
    sim.resume();
    assert_eq!(client.within(SHORT).await, Came::Nothing);
    assert_eq!(sim.state()["finished"], true);
}

#[tokio::test]
async fn connections_are_closed_and_refused() {
    let sim = held(&recording(5)).await;
    let mut client = Client::connect(&sim, "/ws").await;
    post(&sim, "/control/fault", r#"{"kind":"close","code":1001,"reason":"going away"}"#).await;
    assert_eq!(client.next().await, Came::Closed(Some(1001)));
    let mut client = Client::connect(&sim, "/ws").await;
    sim.fault(fault("close"));
    assert_eq!(client.next().await, Came::Closed(None));

    sim.fault(fault("refuse:count=1"));
    let refused = connect_async(format!("{}/ws", sim.ws_url)).await.unwrap_err();
    assert!(refused.to_string().contains("503"), "{refused}");
    Client::connect(&sim, "/ws").await;
    sim.fault(fault("refuse:mode=tcp,duration_ms=60000,count=1"));
    assert!(connect_async(format!("{}/ws", sim.ws_url)).await.is_err());
    Client::connect(&sim, "/ws").await;
}

#[tokio::test]
async fn rest_is_limited_slow_and_wrong_on_demand() {
    let sim =
        Sim::start(SimConfig { faults: vec![fault("rest_429:count=1,retry_after_s=60")], ..config(&recording(5)) })
            .await
            .unwrap();
    let path = format!("/api/v3/depth?symbol={SYMBOL}");
    let limited = get(&sim, &path).await;
    assert_eq!((limited.status, limited.headers["retry-after"].as_str()), (429, "60"));
    assert_eq!(limited.json()["code"], -1003);
    assert_eq!(get(&sim, &path).await.status, 429);
    let state = sim.state();
    assert_eq!((&state["n_requests"], &state["n_requests_inside_retry_after"]), (&json!(2), &json!(1)));
    let log = get(&sim, "/control/requests").await.json();
    assert_eq!(
        (&log["requests"][0]["is_inside_retry_after"], &log["requests"][1]["is_inside_retry_after"]),
        (&json!(false), &json!(true))
    );

    sim.fault(fault("none"));
    sim.fault(fault("rest_429:code=418,retry_after_s=120,count=1,path=klines"));
    assert_eq!(get(&sim, &path).await.status, 200);
    assert_eq!(get(&sim, &format!("/api/v3/klines?symbol={SYMBOL}&interval=1m")).await.status, 418);

    sim.fault(fault("rest_slow:delay_ms=150,count=1"));
    let begun = Instant::now();
    assert_eq!(get(&sim, &path).await.status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(150));
    for code in [403, 451, 500, 503] {
        sim.fault(fault(&format!("rest_error:code={code},count=1")));
        assert_eq!(get(&sim, &path).await.status, code);
    }
    assert_eq!(get(&sim, &path).await.status, 200);
}

#[tokio::test]
async fn unusable_faults_are_refused() {
    let sim = held(&recording(1)).await;
    for body in ["", "{}", r#"{"kind":"melt"}"#, r#"{"kind":"drop","probability":7}"#, "drop:chance=1"] {
        assert_eq!(post(&sim, "/control/fault", body).await.status, 400, "{body}");
    }
    assert_eq!(sim.state()["faults"], json!([]));
}
