//! Measures commits of the journal beside raw SQLite on the same disk with the same settings, in turn: one row with the
//! text of an order's record each, and 64 together.
//!
//! ```text
//! cargo bench -p store --bench commits
//! ```
#![allow(clippy::unwrap_used, reason = "a failed measurement ends with its reason")]

use std::time::Instant;

use model::{
    decimal::{Price, Quantity},
    instrument::InstrumentId,
    time::Timestamp,
    trading::{
        account::AccountId,
        order::{ClientOrderId, Order, OrderId, OrderRequest, OrderState, OrderType, Side},
        record::Record,
    },
};
use sqlx::{
    ConnectOptions, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use store::{
    files::Store,
    journal::{Commit, Journal},
};

const ROUNDS: usize = 7;
const COMMITS: u64 = 200;

fn order(number: u64) -> Order {
    let name = ClientOrderId::parse(&format!("floor-{number}")).unwrap();
    let instrument = InstrumentId::parse("demo:ADA-SIM").unwrap();
    let market = OrderRequest::market(name, instrument, Side::Buy, Quantity::parse("100.0").unwrap());
    let limit = OrderRequest { kind: OrderType::Limit, price: Price::parse("0.1000").ok(), ..market };
    let time = Timestamp::from_millis(1_763_668_000_000);
    let account = AccountId::parse("paper").unwrap();
    Order { state: OrderState::Open, ..Order::of_request(limit, OrderId(number), account, time) }
}

async fn raw(connection: &mut SqliteConnection, body: &str, together: u64) -> f64 {
    let begin = Instant::now();
    for _ in 0..COMMITS {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await.unwrap();
        for _ in 0..together {
            sqlx::query("INSERT INTO rows (body) VALUES (?1)").bind(body).execute(&mut *connection).await.unwrap();
        }
        sqlx::query("COMMIT").execute(&mut *connection).await.unwrap();
    }
    (COMMITS * together) as f64 / begin.elapsed().as_secs_f64()
}

async fn journal(journal: &mut Journal, next: &mut u64, together: u64) -> f64 {
    let begin = Instant::now();
    for _ in 0..COMMITS {
        let orders: Vec<Order> = (*next..*next + together).map(order).collect();
        let records = orders.iter().map(|order| Record::OrderAccepted(Box::new(order.clone()))).collect();
        *next += together;
        let commit = Commit { time: Timestamp::from_millis(1), records, orders, round_trips: Vec::new() };
        journal.append(&commit).await.unwrap();
    }
    (COMMITS * together) as f64 / begin.elapsed().as_secs_f64()
}

fn show(what: &str, mut rates: Vec<f64>) {
    rates.sort_by(f64::total_cmp);
    println!("{what:<48} {:>9.0} median, {:>9.0} at least", rates[rates.len() / 2], rates[0]);
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("raw.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = options.connect().await.unwrap();
    let table = "CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT";
    sqlx::query(table).execute(&mut connection).await.unwrap();
    let body = serde_json::to_string(&Record::OrderAccepted(Box::new(order(1)))).unwrap();
    let mut store = Store::open(folder.path()).await.unwrap();
    let (mut next, mut figures) = (1, [const { Vec::new() }; 4]);
    for _ in 0..ROUNDS {
        figures[0].push(raw(&mut connection, &body, 1).await);
        figures[1].push(journal(&mut store.journal, &mut next, 1).await);
        figures[2].push(raw(&mut connection, &body, 64).await);
        figures[3].push(journal(&mut store.journal, &mut next, 64).await);
    }
    let [one_raw, one, many_raw, many] = figures;
    show("raw SQLite, one row a commit, rows a second", one_raw);
    show("journal, one order a commit, orders a second", one);
    show("raw SQLite, 64 rows a commit, rows a second", many_raw);
    show("journal, 64 orders a commit, orders a second", many);
}
