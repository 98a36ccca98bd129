//! A recording over real sockets: subscriptions, order, the depth procedure, REST answers, the venue's limits.

use std::time::Duration;

use crate::common::{
    Came, Client, DEPTH, LocalBook, SYMBOL, TICKER, TRADE, config, get, held, post, recorded, recording,
};
use serde_json::{Value, json};
use venue_sim::{AtEnd, Sim, SimConfig, Speed, StartWhen, config::Limits};

#[tokio::test]
async fn a_combined_connection_gets_its_streams_verbatim_and_in_order() {
    let text = recording(400);
    let sim = Sim::start(config(&text)).await.unwrap();
    let mut client = Client::connect(&sim, &format!("/stream?streams={DEPTH}/{TRADE}")).await;
    let (depths, trades) = (recorded(&text, DEPTH), recorded(&text, TRADE));
    for (depth, trade) in depths.iter().zip(&trades) {
        for (stream, data) in [(DEPTH, depth), (TRADE, trade)] {
            assert_eq!(client.text().await, format!(r#"{{"stream":"{stream}","data":{data}}}"#));
        }
    }
    assert_eq!(client.within(Duration::from_millis(50)).await, Came::Nothing);
    let state = get(&sim, "/control/state").await.json();
    assert_eq!(
        (&state["finished"], &state["position"], &state["n_frames"]),
        (&json!(true), &json!(1_200), &json!(1_200))
    );
    assert_eq!((&state["n_clients"], &state["n_frames_sent"]), (&json!(1), &json!(800)));
}

#[tokio::test]
async fn subscriptions_are_acknowledged_and_followed() {
    let text = recording(50);
    let sim = held(&text).await;
    let mut client = Client::connect(&sim, "/ws").await;
    client.send(&format!(r#"{{"method":"SUBSCRIBE","params":["{TRADE}","{TICKER}"],"id":7}}"#)).await;
    assert_eq!(client.text().await, r#"{"id":7,"result":null}"#);
    client.send(&format!(r#"{{"method":"UNSUBSCRIBE","params":["{TICKER}"],"id":"a1"}}"#)).await;
    assert_eq!(client.json().await, json!({"result": null, "id": "a1"}));
    client.send(r#"{"method":"LIST_SUBSCRIPTIONS","id":3}"#).await;
    assert_eq!(client.json().await, json!({"result": [TRADE], "id": 3}));
    client.send(r#"{"method":"NONSENSE","id":4}"#).await;
    let refused = client.json().await;
    assert_eq!((&refused["code"], &refused["id"]), (&json!(2), &json!(4)));
    sim.resume();
    assert_eq!(client.texts(50).await, recorded(&text, TRADE));
    assert_eq!(client.within(Duration::from_millis(30)).await, Came::Nothing);
}

#[tokio::test]
async fn the_depth_procedure_leads_to_the_oracles_book() {
    let text = recording(300);
    let sim = held(&text).await;
    let mut client = Client::connect(&sim, &format!("/ws/{DEPTH}")).await;
    // The snapshot of the recording, before any frame has been played.
    let body = get(&sim, &format!("/api/v3/depth?symbol={SYMBOL}&limit=1000")).await.json();
    assert_eq!((&body["lastUpdateId"], &body["bids"][1]), (&json!(103), &json!(["9.50000000", "2.00000000"])));
    let mut book = LocalBook::snapshot(&body);
    sim.resume();
    for _ in 0..300 {
        book.apply(&client.json().await);
    }
    let own = get(&sim, &format!("/control/book?symbol={SYMBOL}")).await.json();
    assert_eq!(book, LocalBook::snapshot(&own));
    assert_eq!((book.id, &own["n_gaps"]), (1_000, &json!(0)));
    // A later snapshot is the oracle's own book, and an earlier book is still available.
    let later = get(&sim, &format!("/api/v3/depth?symbol={SYMBOL}&limit=5000")).await.json();
    assert_eq!(LocalBook::snapshot(&later), book);
    let mut middle = LocalBook::snapshot(&body);
    recorded(&text, DEPTH).iter().take(150).for_each(|event| middle.apply(&serde_json::from_str(event).unwrap()));
    let own = get(&sim, &format!("/control/book?symbol={SYMBOL}&at={}", middle.id)).await.json();
    assert_eq!(LocalBook::snapshot(&own), middle);
    let top = get(&sim, &format!("/control/top?symbol={SYMBOL}")).await.json();
    assert_eq!((&top["bid"], &top["ask"]), (&later["bids"][0], &later["asks"][0]));
    assert_eq!((&top["bookTicker"]["u"], &top["bookTicker"]["bid"][0]), (&json!(1_000), &json!("9.92000000")));
}

#[tokio::test]
async fn bars_and_trades_hold_what_was_played() {
    let text = recording(30);
    let sim = held(&text).await;
    let ask = async |path: &str| get(&sim, &format!("/api/v3/{path}")).await;
    assert_eq!(ask(&format!("trades?symbol={SYMBOL}")).await.json(), json!([]));
    let mut client = Client::connect(&sim, &format!("/ws/{TRADE}")).await;
    sim.resume();
    let trades: Vec<Value> = client.texts(30).await.iter().map(|text| serde_json::from_str(text).unwrap()).collect();

    // Thirty trades ten seconds apart from 1,700,000,000 s (20 s into a minute): 4 + 6·4 + 2.
    let rows = ask(&format!("klines?symbol={SYMBOL}&interval=1m")).await.json();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 6);
    assert_eq!(rows.iter().map(|row| row[8].as_u64().unwrap()).collect::<Vec<_>>(), [4, 6, 6, 6, 6, 2]);
    assert_eq!(rows[0][0], 1_699_999_980_000_i64);
    assert_eq!((&rows[1][1], &rows[5][4]), (&trades[4]["p"], &trades[29]["p"]));
    assert_eq!(rows[0].as_array().unwrap().len(), 12);
    let newest = ask(&format!("klines?symbol={SYMBOL}&interval=1m&limit=2")).await.json();
    assert_eq!(newest.as_array().unwrap()[..], rows[4..]);
    let bars = get(&sim, &format!("/control/candles?symbol={SYMBOL}&interval=1m")).await.json();
    assert_eq!(bars["bars"][1], json!([rows[1][0], rows[1][1], rows[1][2], rows[1][3], rows[1][4], rows[1][5]]));

    let listed = ask(&format!("trades?symbol={SYMBOL}&limit=3")).await.json();
    assert_eq!(
        (&listed[2]["id"], &listed[2]["price"], &listed[2]["isBuyerMaker"]),
        (&json!(529), &trades[29]["p"], &trades[29]["m"])
    );
    assert_eq!(ask(&format!("aggTrades?symbol={SYMBOL}&limit=1")).await.json()[0]["q"], trades[29]["q"]);
    let day = ask(&format!("ticker/24hr?symbol={SYMBOL}")).await.json();
    assert_eq!((&day["openPrice"], &day["lastPrice"], &day["count"]), (&trades[0]["p"], &trades[29]["p"], &json!(30)));
    assert_eq!(ask("ticker/24hr").await.json().as_array().unwrap().len(), 1);
    assert_eq!(ask("time").await.json()["serverTime"], 1_700_000_290_000_i64);
}

#[tokio::test]
async fn symbols_are_worked_out_and_errors_are_the_venues() {
    let sim = held(&recording(30)).await;
    let info = get(&sim, "/api/v3/exchangeInfo").await;
    let entry = info.json()["symbols"][0].clone();
    assert_eq!((&entry["baseAsset"], &entry["quoteAsset"]), (&json!("AAA"), &json!("USDT")));
    assert_eq!(
        (&entry["filters"][0]["tickSize"], &entry["filters"][1]["stepSize"]),
        (&json!("0.01000000"), &json!("0.01000000"))
    );
    assert_eq!(info.headers["x-mbx-used-weight-1m"], "20");
    for (path, status, code) in [
        ("depth?symbol=NONE", 400, -1121),
        ("depth", 400, -1102),
        ("klines?symbol=AAAUSDT&interval=7m", 400, -1120),
        ("klines?symbol=AAAUSDT", 400, -1102),
        ("trades?symbol=AAAUSDT&limit=x", 400, -1100),
        ("exchangeInfo?symbol=NONE", 400, -1121),
        ("ticker/24hr?symbol=NONE", 400, -1121),
        ("nothing", 404, -1),
    ] {
        let answer = get(&sim, &format!("/api/v3/{path}")).await;
        assert_eq!((answer.status, answer.json()["code"].as_i64()), (status, Some(code)), "{path}");
    }
    assert_eq!(get(&sim, "/api/v3/exchangeInfo?symbols=%5B%22AAAUSDT%22%5D").await.status, 200);
    let requests = get(&sim, "/control/requests?after=1").await.json();
    assert_eq!(
        (&requests["requests"][0]["path"], &requests["requests"][0]["status"]),
        (&json!("/api/v3/depth"), &json!(400))
    );
    assert_eq!(get(&sim, "/control/book?symbol=NONE").await.status, 404);
}

#[tokio::test]
async fn steps_can_be_chosen_and_a_recorded_list_goes_before_all() {
    let mut steps = venue_sim::config::Steps::default();
    steps.choose_tick("AAAUSDT=0.1").unwrap();
    steps.choose_lot("AAAUSDT=0.00001").unwrap();
    let sim = Sim::start(SimConfig { steps: steps.clone(), ..config(&recording(3)) }).await.unwrap();
    let filters = get(&sim, "/api/v3/exchangeInfo").await.json()["symbols"][0]["filters"].clone();
    assert_eq!((&filters[0]["tickSize"], &filters[1]["stepSize"]), (&json!("0.10000000"), &json!("0.00001000")));
    let body = json!({"symbols": [{"symbol": "AAAUSDT", "recorded": true}]}).to_string();
    let listed = json!({"t": "http", "url": "https://x/api/v3/exchangeInfo", "data": body});
    let sim = Sim::start(SimConfig { steps, ..config(&format!("{}{listed}\n", recording(3))) }).await.unwrap();
    assert_eq!(get(&sim, "/api/v3/exchangeInfo").await.json()["symbols"][0]["recorded"], true);
}

#[tokio::test]
async fn used_weight_is_counted_and_refused_past_the_limit() {
    let limits = Limits { weight_per_min: Some(50), ..Limits::default() };
    let sim = Sim::start(SimConfig { limits, ..config(&recording(1)) }).await.unwrap();
    let path = format!("/api/v3/depth?symbol={SYMBOL}&limit=1000");
    let first = get(&sim, &path).await;
    assert_eq!((first.status, first.headers["x-mbx-used-weight-1m"].as_str()), (200, "50"));
    let second = get(&sim, &path).await;
    assert_eq!((second.status, second.json()["code"].as_i64()), (429, Some(-1003)));
    assert!(second.headers["retry-after"].parse::<u64>().unwrap() > 50);
}

#[tokio::test]
async fn too_many_messages_and_streams_are_refused() {
    let sim = held(&recording(1)).await;
    let mut client = Client::connect(&sim, "/ws").await;
    for number in 0..6 {
        client.send(&format!(r#"{{"method":"LIST_SUBSCRIPTIONS","id":{number}}}"#)).await;
    }
    client.texts(5).await;
    assert_eq!(client.next().await, Came::Closed(Some(1008)));

    let mut client = Client::connect(&sim, "/ws").await;
    let names: Vec<String> = (0..1_025).map(|number| format!("s{number}@trade")).collect();
    client.send(&json!({"method": "SUBSCRIBE", "params": names, "id": 1}).to_string()).await;
    assert_eq!(client.json().await["code"], 2);
    client.send(&json!({"method": "SUBSCRIBE", "params": names[..1_024], "id": 2}).to_string()).await;
    assert_eq!(client.json().await["result"], Value::Null);
}

#[tokio::test]
async fn connection_attempts_are_limited_and_connections_do_not_live_for_ever() {
    let limits = Limits {
        connects_per_5_min: Some(2),
        lifetime: Some(Duration::from_millis(60)),
        ping_every: Duration::from_millis(20),
        ..Limits::default()
    };
    let sim = Sim::start(SimConfig { limits, start: StartWhen::Resumed, ..config(&recording(1)) }).await.unwrap();
    let mut client = Client::connect(&sim, "/ws").await;
    assert_eq!(client.next().await, Came::Closed(Some(1001)));
    Client::connect(&sim, "/ws").await;
    let refused = tokio_tungstenite::connect_async(format!("{}/ws", sim.ws_url)).await;
    assert!(refused.unwrap_err().to_string().contains("429"));
}

#[tokio::test]
async fn a_client_that_never_answers_pings_is_cut() {
    let limits = Limits {
        ping_every: Duration::from_millis(20),
        pong_within: Duration::from_millis(500),
        messages_per_s: None,
        ..Limits::default()
    };
    let sim = Sim::start(SimConfig { limits, start: StartWhen::Resumed, ..config(&recording(1)) }).await.unwrap();
    // Reading answers pings, so this one stays open ...
    let mut polite = Client::connect(&sim, "/ws").await;
    // ... and this one, which does not read, is closed meanwhile.
    let mut rude = Client::connect(&sim, "/ws").await;
    assert_eq!(polite.within(Duration::from_millis(900)).await, Came::Nothing);
    assert_eq!(rude.next().await, Came::Closed(Some(1008)));
}

#[tokio::test]
async fn properties_change_the_envelope() {
    let text = recording(3);
    let sim = held(&text).await;
    let mut client = Client::connect(&sim, &format!("/ws/{TRADE}")).await;
    client.send(r#"{"method":"SET_PROPERTY","params":["combined",true],"id":1}"#).await;
    assert_eq!(client.json().await["result"], Value::Null);
    client.send(r#"{"method":"GET_PROPERTY","params":["combined"],"id":2}"#).await;
    assert_eq!(client.json().await["result"], true);
    sim.resume();
    assert_eq!(client.json().await["stream"], TRADE);
}

#[tokio::test]
async fn the_timeline_waits_pauses_and_begins_again() {
    // Forty seconds: the pause falls in the middle however slow the machine.
    let text = recording(4_000);
    let sim = Sim::start(SimConfig { speed: Speed::Times(1.0), ..config(&text) }).await.unwrap();
    assert_eq!(sim.state()["playing"], false);
    let mut client = Client::connect(&sim, &format!("/ws/{TRADE}")).await;
    assert_eq!(client.text().await, recorded(&text, TRADE)[0]);
    assert_eq!(post(&sim, "/control/pause", "").await.json()["playing"], false);
    while client.within(Duration::from_millis(30)).await != Came::Nothing {}
    let stood = sim.state()["position"].clone();
    assert!(stood.as_u64().unwrap() < 12_000, "{stood}");
    post(&sim, "/control/resume", "").await;
    assert!(matches!(client.next().await, Came::Text(_)));
    post(&sim, "/control/restart", "").await;
    while let Came::Text(_) = client.next().await {}
    assert_eq!((sim.state()["playing"].as_bool(), sim.state()["n_restarts"].as_u64()), (Some(false), Some(1)));
    let mut again = Client::connect(&sim, &format!("/ws/{TRADE}")).await;
    assert_eq!(again.texts(40).await, recorded(&text, TRADE)[..40]);
}

#[tokio::test]
async fn a_looping_tape_disconnects_and_starts_over() {
    let text = recording(20);
    let sim = Sim::start(SimConfig { at_end: AtEnd::Loop, ..config(&text) }).await.unwrap();
    for round in 0..2 {
        let mut client = Client::connect(&sim, &format!("/ws/{TRADE}")).await;
        let mut seen = Vec::new();
        let end = loop {
            match client.next().await {
                Came::Text(text) => seen.push(text),
                end => break end,
            }
        };
        assert_eq!(end, Came::Closed(Some(1012)), "round {round}");
        assert!(recorded(&text, TRADE).starts_with(&seen));
        assert_eq!(sim.book(SYMBOL, None, 1).unwrap()["lastUpdateId"], 103);
    }
}

#[tokio::test]
async fn sent_frames_are_stamped() {
    let sim = Sim::start(SimConfig { is_stamping: true, ..config(&recording(5)) }).await.unwrap();
    let mut client = Client::connect(&sim, &format!("/ws/{DEPTH}")).await;
    client.texts(5).await;
    let sent = get(&sim, "/control/sent?after=2").await.json();
    let sent = sent["sent"].as_array().unwrap();
    assert_eq!(sent.len(), 3);
    assert_eq!((&sent[0]["seq"], &sent[0]["stream"], &sent[0]["id"]), (&json!(3), &json!(DEPTH), &json!(109)));
    assert!(sent[0]["sent_us"].as_i64().unwrap() > 1_700_000_000_000_000);
}

#[tokio::test]
async fn nothing_is_left_running() {
    let sim = held(&recording(5)).await;
    let address = sim.address;
    let mut client = Client::connect(&sim, &format!("/ws/{DEPTH}")).await;
    assert!(sim.n_tasks() >= 3);
    sim.stop().await;
    assert_eq!(client.next().await, Came::Closed(None));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    let dropped = held(&recording(5)).await;
    let mut client = Client::connect(&dropped, &format!("/ws/{DEPTH}")).await;
    drop(dropped);
    assert_eq!(client.next().await, Came::Closed(None));
}
