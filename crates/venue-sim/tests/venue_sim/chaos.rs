//! The fault-injecting proxy: each kind of fault as a client sees it, and that a seed decides.

use std::time::{Duration, Instant};

use crate::common::{Came, Client, TRADE, fault, get, held, recorded, recording, request};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::{connect_async, tungstenite::Message};
use venue_sim::{
    RunningSim, Sim, SimConfig, Source, Speed,
    chaos::{Chaos, ChaosConfig, RunningChaos, plan::ChaosKind},
};

const SHORT: Duration = Duration::from_millis(150);

async fn started(sim: &RunningSim, seed: u64, faults: &[&str]) -> RunningChaos {
    let faults = faults.iter().map(|text| text.parse().unwrap()).collect();
    Chaos::start(ChaosConfig { faults, ..ChaosConfig::new(&sim.ws_url, seed) }).await.unwrap()
}

async fn client(chaos: &RunningChaos) -> Client {
    Client(connect_async(format!("{}/ws/{TRADE}", chaos.ws_url)).await.unwrap().0)
}

/// Returns everything a client receives of a recording's trades, until silence or the end.
async fn seen(text: &str, seed: u64, faults: &[&str]) -> (RunningChaos, Vec<String>, Came) {
    let sim = held(text).await;
    let chaos = started(&sim, seed, faults).await;
    let mut client = client(&chaos).await;
    sim.resume();
    let mut texts = Vec::new();
    loop {
        match client.within(Duration::from_millis(400)).await {
            Came::Text(text) => texts.push(text),
            end => return (chaos, texts, end),
        }
    }
}

#[tokio::test]
async fn without_faults_nothing_is_changed() {
    let text = recording(300);
    let (chaos, texts, end) = seen(&text, 1, &[]).await;
    assert_eq!((texts, end), (recorded(&text, TRADE), Came::Nothing));
    assert_eq!(chaos.state()["n_frames"], 300);
}

#[tokio::test]
async fn a_seed_decides_and_no_clock_does() {
    let text = recording(400);
    let faults =
        ["drop:rate=0.05", "duplicate:rate=0.05", "reorder:rate=0.05,window=6", "flip:rate=0.05", "truncate:rate=0.02"];
    let (one, first, _) = seen(&text, 7, &faults).await;
    let (two, again, _) = seen(&text, 7, &faults).await;
    let (_, other, _) = seen(&text, 8, &faults).await;
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert_eq!(one.state()["done"], two.state()["done"]);
    for kind in [ChaosKind::Drop, ChaosKind::Duplicate, ChaosKind::Reorder, ChaosKind::Flip, ChaosKind::Truncate] {
        assert!(one.n_done(kind) > 2, "{}", one.state());
    }
}

#[tokio::test]
async fn each_harm_to_frames() {
    let text = recording(12);
    let own = recorded(&text, TRADE);
    let (_, texts, _) = seen(&text, 1, &["drop:at=2"]).await;
    assert_eq!(texts, [&own[..2], &own[3..]].concat());
    let (_, texts, _) = seen(&text, 1, &["duplicate:every=12"]).await;
    assert_eq!(texts, [&own[..], &own[11..]].concat());
    let (_, texts, _) = seen(&text, 1, &["reorder:at=0,window=1"]).await;
    assert_eq!(texts[..3], [own[1].clone(), own[0].clone(), own[2].clone()]);
    let (_, texts, _) = seen(&text, 1, &["flip:at=3"]).await;
    let n_other = texts[3].bytes().zip(own[3].bytes()).filter(|(left, right)| left != right).count();
    assert_eq!((texts.len(), n_other, texts[3].len()), (12, 1, own[3].len()));
    let (_, texts, _) = seen(&text, 1, &["truncate:at=3"]).await;
    assert!(texts[3].len() < own[3].len() && own[3].starts_with(&texts[3]));
    let (chaos, texts, _) = seen(&text, 1, &["split:rate=1"]).await;
    assert_eq!(texts, own, "fragments make up the message");
    assert_eq!(chaos.n_done(ChaosKind::Split), 12);
    let (_, texts, end) = seen(&text, 1, &["cut:at=5"]).await;
    assert_eq!((texts, end), (own[..5].to_vec(), Came::Closed(None)));
    let begun = Instant::now();
    let (_, texts, _) = seen(&text, 1, &["delay:at=5,ms=300"]).await;
    assert_eq!(texts, own);
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

/// Returns whether a ping is answered soon.
async fn is_answered(client: &mut Client) -> bool {
    client.0.send(Message::Ping(b"x".as_slice().into())).await.unwrap();
    let answer = async {
        while let Some(Ok(message)) = client.0.next().await {
            if matches!(message, Message::Pong(_)) {
                return true;
            }
        }
        false
    };
    tokio::time::timeout(SHORT, answer).await.unwrap_or(false)
}

#[tokio::test]
async fn a_stall_answers_pings_and_a_black_hole_does_not() {
    let sim = held(&recording(6)).await;
    let chaos = started(&sim, 1, &[]).await;
    let mut client = client(&chaos).await;
    assert!(is_answered(&mut client).await);
    let control = async |spec: &str| request(chaos.address, "POST", "/chaos/faults", spec).await;
    assert_eq!(control("stall:now=true,ms=60000").await.status, 200);
    sim.resume();
    assert_eq!(client.within(SHORT).await, Came::Nothing);
    assert!(is_answered(&mut client).await, "the connection looks alive");
    assert_eq!(control("blackhole:now=true,ms=60000").await.status, 200);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!is_answered(&mut client).await, "nothing at all comes");
    control("").await;
    client.texts(6).await;
    assert_eq!(chaos.state()["done"], json!({"stall": 1, "blackhole": 1}));
    control("cut:now=true").await;
    assert_eq!(client.next().await, Came::Closed(None));
    assert_eq!(control("explode:rate=1").await.status, 400);
    let state: Value = serde_json::from_str(&request(chaos.address, "GET", "/chaos/state", "").await.body).unwrap();
    assert_eq!(
        (&state["done"]["cut"], &state["faults"][0]["kind"], &state["seed"]),
        (&json!(1), &json!("cut"), &json!(1))
    );
    let (_, texts, _) = seen(&recording(6), 1, &["stall:at=2,ms=200"]).await;
    assert_eq!(texts.len(), 6, "what was silent comes afterwards");
}

#[tokio::test]
async fn requests_pass_or_are_refused_late_or_broken_off() {
    let sim = held(&recording(6)).await;
    let chaos = started(&sim, 1, &[]).await;
    let ask = async || request(chaos.address, "GET", "/api/v3/exchangeInfo?symbol=AAAUSDT", "").await;
    assert_eq!(ask().await.json(), get(&sim, "/api/v3/exchangeInfo?symbol=AAAUSDT").await.json());
    let set = |spec: &str| chaos.set(vec![spec.parse().unwrap()]).unwrap();
    set("rest_429:rate=1,retry_after_s=9,path=exchangeInfo");
    let refused = ask().await;
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (429, "9"));
    assert_eq!(request(chaos.address, "GET", "/api/v3/ping", "").await.status, 200);
    set("rest_error:rate=1,code=503");
    assert_eq!(ask().await.status, 503);
    set("rest_slow:rate=1,ms=200");
    let begun = Instant::now();
    assert_eq!(ask().await.status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(200));
    set("rest_drop:rate=1");
    let broken = ask().await;
    assert!(broken.body.len() < 4_096 && broken.headers["content-length"] == "4096", "{broken:?}");
    assert_eq!(chaos.state()["done"], json!({"rest_429": 1, "rest_error": 1, "rest_slow": 1, "rest_drop": 1}));
    assert_eq!(sim.n_requests(), 4, "the refused ones never got through");
    assert!(chaos.set(vec![]).is_ok());
}

#[tokio::test]
async fn a_refused_hand_shake_is_passed_on_and_nothing_is_left_running() {
    let sim = held(&recording(6)).await;
    let chaos = started(&sim, 1, &[]).await;
    sim.fault(fault("refuse:count=1"));
    let refused = connect_async(format!("{}/ws/{TRADE}", chaos.ws_url)).await.unwrap_err();
    assert!(refused.to_string().contains("503"), "{refused}");
    let mut client = client(&chaos).await;
    let address = chaos.address;
    chaos.stop().await;
    assert_eq!(client.next().await, Came::Closed(None));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn any_protocol_passes() {
    let source = Source::Demo { seed: 5, start: None };
    let sim = Sim::start(SimConfig { speed: Speed::Times(10.0), ..SimConfig::new("kraken", source) }).await.unwrap();
    let chaos = started(&sim, 3, &["drop:rate=0.1"]).await;
    let mut client = Client(connect_async(format!("{}/v2", chaos.ws_url)).await.unwrap().0);
    client.send(r#"{"method":"subscribe","params":{"channel":"trade","symbol":["BTC/SIM"]}}"#).await;
    client.texts(100).await;
    assert!(chaos.n_done(ChaosKind::Drop) > 2);
}
