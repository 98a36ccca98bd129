//! Measures durable orders: how many a second one at a time and 64 at once, how long one takes over the stream, and how
//! long a start with many open orders takes.
//!
//! ```text
//! cargo bench -p server --bench durable
//! cargo bench -p server --bench durable -- --binary target/release/truetape --open-orders 10000
//! ```
//!
//! Beside each rate stands its floor, measured in turn with it on the same disk: commits of the same rows to the same kind
//! of file by `crates/store` alone, one order each or 64 each. (Its own bench, `commits`, has raw SQLite as its floor.) The
//! server is a process of its own over the simulated market.
#![allow(clippy::unwrap_used, reason = "a failed measurement ends with its reason")]

#[path = "support/process.rs"]
mod process;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use clap::Parser;
use futures::{SinkExt, StreamExt, stream};
use model::{
    decimal::{Price, Quantity},
    instrument::InstrumentId,
    time::Timestamp,
    trading::{
        account::AccountId,
        order::{ClientOrderId, Order, OrderId, OrderRequest, OrderState, OrderType, Side},
        record::{OrderChange, Record},
    },
};
use serde_json::json;
use store::{
    files::Store,
    journal::{Commit, Journal},
};
use tokio_tungstenite::{connect_async, tungstenite::Message};
use wire::{
    Encoding, decode_server_json, encode_client,
    message::{ClientMessage, CommandRequest, Hello, JsonText, ServerMessage},
};

use crate::process::{Rest, Server};

/// Number and size of the measurements.
#[derive(Debug, Parser)]
struct Arguments {
    /// Turns of all measurements, one after the other.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Orders of each measurement in a turn.
    #[arg(long, default_value_t = 256)]
    orders: usize,
    /// Open orders at the starts.
    #[arg(long, default_value_t = 10_000)]
    open_orders: usize,
    /// Starts.
    #[arg(long, default_value_t = 3)]
    starts: usize,
    /// The server's binary.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_truetape"))]
    binary: String,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

async fn place(rest: &Rest, name: &str) {
    let request = rest.http.post(format!("{}orders", rest.base)).body(body(name).to_string());
    rest.send(request, 201).await;
}

/// Waits for the market, and lifts all limits.
async fn prepare(rest: &Rest) {
    let book = format!("{}book?instrument={INSTRUMENT}&depth=1", rest.base);
    while !rest.http.get(&book).send().await.unwrap().status().is_success() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let request = rest.http.put(format!("{}risk", rest.base)).body(json!({ "limits": {} }).to_string());
    rest.send(request, 200).await;
}

async fn cancel_all(rest: &Rest) {
    rest.send(rest.http.delete(format!("{}orders", rest.base)), 200).await;
}

/// A buy far below the market, which rests.
fn body(name: &str) -> serde_json::Value {
    json!({
        "client_order_id": name, "instrument": INSTRUMENT, "side": "buy", "type": "limit", "quantity": "100.0",
        "price": "0.1000"
    })
}

/// The same order as the desk commits it.
fn commit(first: u64, n_orders: u64) -> Commit {
    let (mut records, mut orders) = (Vec::new(), Vec::new());
    for number in first..first + n_orders {
        let order = order(number);
        records.push(Record::OrderAccepted(Box::new(order.clone())));
        let (order_id, time, change) = (order.order_id, order.created_time, OrderChange::Opened);
        records.push(Record::OrderChanged { order_id, time, change });
        orders.push(Order { state: OrderState::Open, ..order });
    }
    Commit { time: Timestamp::from_millis(1), records, orders, round_trips: Vec::new() }
}

fn order(number: u64) -> Order {
    let name = ClientOrderId::parse(&format!("floor-{number}")).unwrap();
    let instrument = InstrumentId::parse(INSTRUMENT).unwrap();
    let market = OrderRequest::market(name, instrument, Side::Buy, Quantity::parse("100.0").unwrap());
    let limit = OrderRequest { kind: OrderType::Limit, price: Price::parse("0.1000").ok(), ..market };
    let time = Timestamp::from_millis(1_763_668_000_000);
    Order::of_request(limit, OrderId(number), AccountId::parse("paper").unwrap(), time)
}

async fn floor(journal: &mut Journal, next: &mut u64, n_orders: usize, together: u64) -> f64 {
    let begin = Instant::now();
    let n_commits = (n_orders as u64).div_ceil(together);
    for _ in 0..n_commits {
        journal.append(&commit(*next, together)).await.unwrap();
        *next += together;
    }
    (n_commits * together) as f64 / begin.elapsed().as_secs_f64()
}

async fn by_rest(rest: &Rest, name: &str, n_orders: usize, at_once: usize) -> f64 {
    let begin = Instant::now();
    let place = |number: usize| {
        let (rest, name) = (rest.clone(), format!("{name}-{number}"));
        async move { place(&rest, &name).await }
    };
    stream::iter(0..n_orders).map(place).buffer_unordered(at_once).collect::<()>().await;
    let rate = n_orders as f64 / begin.elapsed().as_secs_f64();
    cancel_all(rest).await;
    rate
}

/// Places orders over the stream, one after the other; returns how long each took to its answer.
async fn by_stream(server: &Server, name: &str, n_orders: usize) -> Vec<Duration> {
    let url = format!("{}ws?format=json", server.url.replacen("http", "ws", 1));
    let (mut socket, _response) = connect_async(url).await.unwrap();
    let text =
        |message: &ClientMessage| Message::text(String::from_utf8(encode_client(message, Encoding::Json)).unwrap());
    let hello = ClientMessage::Hello(Hello { protocol: 1, lane_ms: 100, resume: Default::default() });
    socket.send(text(&hello)).await.unwrap();
    let mut times = Vec::new();
    for number in 0..n_orders {
        let command = json!({ "place_order": body(&format!("{name}-{number}")) }).to_string();
        let request = CommandRequest { id: number as u64, key: None, command: JsonText::parse(&command).unwrap() };
        let message = text(&ClientMessage::Command(request));
        let begin = Instant::now();
        socket.send(message).await.unwrap();
        loop {
            let Message::Text(answer) = socket.next().await.unwrap().unwrap() else { continue };
            match decode_server_json(answer.as_str()).unwrap() {
                ServerMessage::Ack(_) => break,
                ServerMessage::Refused(refused) => panic!("{refused:?}"),
                _ => {}
            }
        }
        times.push(begin.elapsed());
        // A person clicks less often than the stream allows.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    times
}

fn show(what: &str, mut rates: Vec<f64>) {
    rates.sort_by(f64::total_cmp);
    println!("{what:<58} {:>9.0} median, {:>9.0} at least", rates[rates.len() / 2], rates[0]);
}

async fn rates(arguments: &Arguments, folder: &Path) {
    let server = Server::start(&arguments.binary, SYMBOL, &folder.join("data"));
    let rest = Rest::new(&server);
    prepare(&rest).await;
    let mut store = Store::open(&folder.join("floor")).await.unwrap();
    let (mut next, mut times) = (1, Vec::new());
    let mut figures: [Vec<f64>; 4] = Default::default();
    for round in 0..arguments.rounds {
        let n_orders = arguments.orders;
        figures[0].push(floor(&mut store.journal, &mut next, n_orders, 1).await);
        figures[1].push(by_rest(&rest, &format!("alone-{round}"), n_orders, 1).await);
        figures[2].push(floor(&mut store.journal, &mut next, 8 * n_orders, 64).await);
        figures[3].push(by_rest(&rest, &format!("many-{round}"), 8 * n_orders, 64).await);
        times.extend(by_stream(&server, &format!("click-{round}"), n_orders / 4).await);
        cancel_all(&rest).await;
    }
    let [alone_floor, alone, many_floor, many] = figures;
    show("commits of one order each, a second", alone_floor);
    show("durable orders by REST one at a time, a second", alone);
    show("orders in commits of 64, a second", many_floor);
    show("durable orders by REST 64 at once, a second", many);
    times.sort_unstable();
    let at = |per_mille: usize| times[(times.len() - 1) * per_mille / 1_000];
    println!("place_order over the stream to its answer: p50 {:?}, p99 {:?}, {} orders", at(500), at(990), times.len());
}

async fn starts(arguments: &Arguments, folder: &Path) {
    let data = folder.join("open");
    let server = Server::start(&arguments.binary, SYMBOL, &data);
    let rest = Rest::new(&server);
    prepare(&rest).await;
    let place = |number: usize| {
        let rest = rest.clone();
        async move { place(&rest, &format!("open-{number}")).await }
    };
    let begin = Instant::now();
    stream::iter(0..arguments.open_orders).map(place).buffer_unordered(64).collect::<()>().await;
    println!("{} orders placed and left open in {:?}", arguments.open_orders, begin.elapsed());
    let mut server = Some(server);
    for _ in 0..arguments.starts {
        drop(server.take());
        let begin = Instant::now();
        let started = Server::start(&arguments.binary, SYMBOL, &data);
        let took = begin.elapsed();
        let rest = Rest::new(&started);
        let request = rest.http.get(format!("{}orders?state=open&limit=1000", rest.base));
        let page: serde_json::Value = serde_json::from_str(&rest.send(request, 200).await).unwrap();
        let n_shown = page.as_array().unwrap().len();
        assert_eq!(n_shown, arguments.open_orders.min(1_000));
        println!("start after a kill with {} open orders: ready after {took:?}", arguments.open_orders);
        server = Some(started);
    }
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let folder = std::env::temp_dir().join(format!("truetape-durable-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    rates(&arguments, &folder).await;
    starts(&arguments, &folder).await;
    std::fs::remove_dir_all(&folder).unwrap();
}

const SYMBOL: &str = "ADA-SIM";
const INSTRUMENT: &str = "demo:ADA-SIM";
