//! The store on real files: commits, lists, restarts, damage, locks, newer forms, backups.
#![allow(clippy::unwrap_used, reason = "tests may unwrap; clippy does not see that this whole file is one")]

use std::{fs, path::Path, time::Duration};

use model::{
    candle::{Candle, Interval},
    decimal::{Notional, Price, Quantity},
    instrument::InstrumentId,
    time::Timestamp,
    trading::{
        account::{AccountId, Currency},
        fill::{Evidence, Fill, FillCause, FillId, Liquidity},
        order::{ClientOrderId, Order, OrderId, OrderRequest, OrderState, OrderType, Side},
        record::Record,
    },
};
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
use store::{
    backup,
    candles::N_KEPT,
    error::{StoreError, Trouble},
    files::{DESK_FILE, Store},
    journal::{Commit, RoundTripRow, Snapshot},
    lists::{Cursor, Filter, Paging, Sort},
};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn instrument() -> InstrumentId {
    InstrumentId::parse("demo:AAABBB").unwrap()
}

fn account(name: &str) -> AccountId {
    AccountId::parse(name).unwrap()
}

/// Odd and even numbers belong to two accounts.
fn account_of(number: u64) -> AccountId {
    account(if number.is_multiple_of(2) { "even" } else { "odd" })
}

fn order(number: u64, state: OrderState) -> Order {
    let name = ClientOrderId::parse(&format!("c-{number}")).unwrap();
    let market = OrderRequest::market(name, instrument(), Side::Buy, Quantity::parse("1.50").unwrap());
    let limit = OrderRequest { kind: OrderType::Limit, price: Price::parse("100.10").ok(), ..market };
    Order { state, ..Order::of_request(limit, OrderId(number), account_of(number), at(1_000 + number as i64)) }
}

fn fill(number: u64) -> Fill {
    Fill {
        fill_id: FillId { order_id: OrderId(number), number: 1 },
        order_id: OrderId(number),
        account: account_of(number),
        instrument: instrument(),
        side: Side::Buy,
        price: Price::parse("100.10").unwrap(),
        quantity: Quantity::parse("1.50").unwrap(),
        fee: Notional::parse("0.15015").unwrap(),
        fee_currency: Currency::new("BBB"),
        liquidity: Liquidity::Maker,
        time: at(2_000 + number as i64),
        evidence: Evidence {
            offset: number,
            event_time: None,
            receive_time: Some(at(1)),
            cause: FillCause::Liquidation { price: Price::parse("1").unwrap() },
        },
    }
}

fn commit(numbers: std::ops::RangeInclusive<u64>) -> Commit {
    let orders: Vec<Order> = numbers.clone().map(|number| order(number, OrderState::Filled)).collect();
    let accepted = orders.iter().map(|order| Record::OrderAccepted(Box::new(order.clone())));
    let filled = numbers.map(|number| Record::Filled(Box::new(fill(number))));
    Commit { time: at(5), records: accepted.chain(filled).collect(), orders, round_trips: Vec::new() }
}

fn paging(limit: u32, cursor: Option<Cursor>) -> Paging {
    Paging { limit, cursor, sort: Sort::Time, is_descending: false }
}

async fn open(folder: &Path) -> Store {
    Store::open(folder).await.unwrap()
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let written = commit(1..=3);
    {
        let mut store = open(folder.path()).await;
        assert_eq!(store.journal.append(&written).await.unwrap(), 6);
        let sampled =
            Record::EquitySampled { account: account("odd"), time: at(9), equity: Notional::parse("10.50").unwrap() };
        let equity = Commit { time: at(9), records: vec![sampled], ..Commit::default() };
        assert_eq!(store.journal.append(&equity).await.unwrap(), 7);
    }
    let mut store = open(folder.path()).await;
    assert_eq!(store.journal.last_seq().await.unwrap(), 7);
    let records = store.journal.records_after(0, 100).await.unwrap();
    assert_eq!(records.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), (1..=7).collect::<Vec<_>>());
    assert_eq!(records.into_iter().map(|(_, record)| record).take(6).collect::<Vec<_>>(), written.records);
    assert_eq!(store.journal.records_after(5, 1).await.unwrap().len(), 1);
    let page = store.lists.fills(&Filter::default(), &paging(10, None)).await.unwrap();
    assert_eq!((page.rows, page.next), (vec![fill(1), fill(2), fill(3)], None));
    let all = at(0)..at(i64::MAX / 1_000_000);
    let equity = store.lists.equity(&account("odd"), all, Duration::ZERO, 10).await.unwrap();
    assert_eq!(equity, [(at(9), "10.50".to_owned())]);
}

#[tokio::test]
async fn equity_is_thinned_to_the_last_sample_of_each_span() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path()).await;
    let sampled = |millis: i64| Record::EquitySampled {
        account: account("odd"),
        time: at(millis),
        equity: Notional::from_mantissa(i128::from(millis), 0).unwrap(),
    };
    let records = [1, 4, 9, 10, 11, 25].map(sampled).to_vec();
    store.journal.append(&Commit { time: at(25), records, ..Commit::default() }).await.unwrap();
    for (times, every_ms, limit, expected) in [
        (0..30, 0, 10, &[1, 4, 9, 10, 11, 25][..]),
        (0..30, 10, 10, &[9, 11, 25]),
        (0..30, 10, 2, &[9, 11]),
        (10..25, 10, 10, &[11]),
        (0..30, 1_000, 10, &[25]),
    ] {
        let times = at(times.start)..at(times.end);
        let equity = store.lists.equity(&account("odd"), times, Duration::from_millis(every_ms), limit).await.unwrap();
        let found: Vec<i64> = equity.iter().map(|(time, _)| time.as_millis()).collect();
        assert_eq!(found, expected, "every {every_ms}");
        assert!(equity.iter().all(|(time, text)| *text == time.as_millis().to_string()), "each with its own amount");
    }
}

#[tokio::test]
async fn a_commit_that_breaks_a_rule_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path()).await;
    store.journal.append(&commit(1..=2)).await.unwrap();
    // A second order of the same name, after a record that would be fine.
    let mut twice = commit(3..=3);
    twice.orders[0].client_order_id = ClientOrderId::parse("c-1").unwrap();
    let error = store.journal.append(&twice).await.unwrap_err();
    assert!(matches!(error, StoreError::Sql(_)), "{error}");
    assert_eq!(error.trouble(), Trouble::Fault, "a fault of the program, not a full disk");
    assert_eq!(store.journal.records_after(0, 100).await.unwrap().len(), 4);
    assert_eq!(store.lists.fills(&Filter::default(), &paging(10, None)).await.unwrap().rows.len(), 2);
    assert_eq!(store.journal.append(&commit(3..=3)).await.unwrap(), 6, "the numbers go on without a hole");
    assert!(store.journal.append(&commit(3..=3)).await.is_err(), "a fill is written once");
}

#[tokio::test]
async fn another_writer_is_told_apart_from_a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path()).await;
    let options = SqliteConnectOptions::new().filename(folder.path().join(DESK_FILE));
    let mut other = options.connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let error = store.journal.append(&commit(1..=1)).await.unwrap_err();
    assert_eq!(error.trouble(), Trouble::Busy, "{error}");
    sqlx::query("COMMIT").execute(&mut other).await.unwrap();
    store.journal.append(&commit(1..=1)).await.unwrap();
}

#[tokio::test]
async fn a_start_reads_what_was_listed() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path()).await;
    store.journal.append(&commit(1..=5)).await.unwrap();
    let fills = store.journal.fills_after(0, 3).await.unwrap();
    assert_eq!(fills.iter().map(|(_, fill)| fill.order_id.0).collect::<Vec<_>>(), [1, 2, 3]);
    let rest = store.journal.fills_after(fills[2].0, 100).await.unwrap();
    assert_eq!(rest.into_iter().map(|(_, fill)| fill).collect::<Vec<_>>(), [fill(4), fill(5)]);
    let orders = store.journal.orders_after(3, 100).await.unwrap();
    assert_eq!(orders, [4, 5].map(|number| (number, order(number as u64, OrderState::Filled))));
    let trip = |body: &str| RoundTripRow {
        account: account("odd"),
        instrument: instrument(),
        side: Side::Buy,
        opened_time: at(1),
        closed_time: at(1),
        net_pnl: Notional::ZERO,
        value: Notional::ZERO,
        body: body.to_owned(),
    };
    let round_trips = vec![trip("second"), trip("first")];
    store.journal.append(&Commit { round_trips, ..Commit::default() }).await.unwrap();
    let expected = ["second", "first"].map(|body| ("odd".to_owned(), body.to_owned()));
    assert_eq!(store.journal.round_trips().await.unwrap(), expected, "in the order in which they were closed");
}

#[tokio::test]
async fn lists_are_filtered_and_paged_without_holes() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path()).await;
    store.journal.append(&commit(1..=25)).await.unwrap();
    let open_order = order(26, OrderState::Open);
    let accepted = Record::OrderAccepted(Box::new(open_order.clone()));
    let more = Commit { records: vec![accepted], orders: vec![open_order.clone()], ..Commit::default() };
    store.journal.append(&more).await.unwrap();
    let (mut seen, mut cursor) = (Vec::new(), None);
    let odd = Filter { account: Some(account("odd")), ..Filter::default() };
    loop {
        let page = store.lists.fills(&odd, &paging(4, cursor)).await.unwrap();
        assert!(page.rows.len() <= 4);
        seen.extend(page.rows.into_iter().map(|fill| fill.order_id.0));
        let Some(next) = page.next else { break };
        cursor = Cursor::parse(&next.to_string());
        assert_eq!(cursor, Some(next), "a cursor is text outside");
    }
    assert_eq!(seen, (1..=25).step_by(2).collect::<Vec<_>>());
    let (mut backwards, mut cursor) = (Vec::new(), None);
    loop {
        let page = Paging { is_descending: true, ..paging(4, cursor) };
        let page = store.lists.fills(&odd, &page).await.unwrap();
        backwards.extend(page.rows.into_iter().map(|fill| fill.order_id.0));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert!(backwards.iter().rev().eq(&seen), "{backwards:?}");
    let open_only = Filter { is_open: Some(true), ..Filter::default() };
    assert_eq!(
        store.lists.orders(&open_only, &paging(10, None)).await.unwrap().rows,
        std::slice::from_ref(&open_order)
    );
    let newest = Paging { is_descending: true, ..paging(1, None) };
    assert_eq!(store.lists.orders(&Filter::default(), &newest).await.unwrap().rows, std::slice::from_ref(&open_order));
    let some = Filter { from: Some(at(2_003)), until: Some(at(2_005)), ..Filter::default() };
    let some = store.lists.fills(&some, &paging(10, None)).await.unwrap();
    assert_eq!(some.rows.iter().map(|fill| fill.order_id.0).collect::<Vec<_>>(), [3, 4]);
    let of_order = Filter { order_id: Some(OrderId(7)), ..Filter::default() };
    assert_eq!(store.lists.fills(&of_order, &paging(10, None)).await.unwrap().rows, [fill(7)]);
    let named = store.lists.order_named(&account("even"), &open_order.client_order_id).await.unwrap();
    assert_eq!(named, Some(open_order.clone()));
    assert_eq!(store.lists.order_named(&account("odd"), &open_order.client_order_id).await.unwrap(), None);
    assert_eq!(store.lists.order(OrderId(26)).await.unwrap(), Some(open_order));
    for bad in ["", "1", "x.1", "7ff8000000000000.1", "1.x", "1.1.1"] {
        assert_eq!(Cursor::parse(bad), None, "{bad}");
    }
}

#[tokio::test]
async fn round_trips_are_sorted_by_their_figures() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path()).await;
    let trip = |number: i64, net: &str| RoundTripRow {
        account: account("paper"),
        instrument: instrument(),
        side: Side::Sell,
        opened_time: at(number),
        closed_time: at(10 + number),
        net_pnl: Notional::parse(net).unwrap(),
        value: Notional::parse("5").unwrap(),
        body: format!("{number}"),
    };
    let round_trips = vec![trip(1, "-3"), trip(2, "7"), trip(3, "-11"), trip(4, "7"), trip(5, "0")];
    store.journal.append(&Commit { round_trips, ..Commit::default() }).await.unwrap();
    let by = async |sort: Sort, is_descending: bool| {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let paging = Paging { limit: 2, cursor, sort, is_descending };
            let page = store.lists.round_trips(&Filter::default(), &paging).await.unwrap();
            seen.extend(page.rows);
            cursor = page.next;
            if cursor.is_none() {
                return seen.join(" ");
            }
        }
    };
    assert_eq!(by(Sort::NetPnl, false).await, "3 1 5 2 4");
    assert_eq!(by(Sort::NetPnl, true).await, "4 2 5 1 3");
    assert_eq!(by(Sort::Time, true).await, "5 4 3 2 1");
    assert_eq!(by(Sort::Value, false).await, "1 2 3 4 5");
}

#[tokio::test]
async fn a_snapshot_of_another_form_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path()).await;
    assert_eq!(store.journal.snapshot(1).await.unwrap(), None);
    for seq in [3, 9] {
        store.journal.put_snapshot(&Snapshot { seq, form: 1, body: "{}".into() }).await.unwrap();
    }
    assert_eq!(store.journal.snapshot(1).await.unwrap().map(|snapshot| snapshot.seq), Some(9));
    assert_eq!(store.journal.snapshot(2).await.unwrap(), None);
}

#[tokio::test]
async fn two_processes_never_share_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let error = Store::open(folder.path()).await.unwrap_err();
    assert!(matches!(&error, StoreError::Locked { .. }) && error.to_string().contains("in use"), "{error}");
    let error = backup::restore(folder.path(), &folder.path().join(DESK_FILE)).await.unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    drop(store);
    open(folder.path()).await;
}

#[tokio::test]
async fn a_newer_or_altered_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).await);
    let path = folder.path().join(DESK_FILE);
    let run = async |sql: &'static str| {
        let mut connection = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    };
    run("UPDATE _sqlx_migrations SET checksum = x'00'").await;
    let error = Store::open(folder.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::Altered { version: 1, .. }), "{error}");
    run("UPDATE _sqlx_migrations SET version = 99 WHERE version = 1").await;
    let error = Store::open(folder.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("newer truetape"), "{error}");
}

#[tokio::test]
async fn a_damaged_file_is_refused_with_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    {
        let mut store = open(folder.path()).await;
        store.journal.append(&commit(1..=200)).await.unwrap();
        store.close().await.unwrap();
    }
    let path = folder.path().join(DESK_FILE);
    let whole = fs::read(&path).unwrap();
    assert!(whole.len() > 20_000, "{}", whole.len());
    let mut damaged = whole.clone();
    damaged[8_000..12_000].fill(0xa5);
    // A page of rows that no start reads.
    let mut inner = whole.clone();
    inner[whole.len() - 4_096..][..64].fill(0xa5);
    let cut_off = whole[..whole.len() - 5_000].to_vec();
    for bytes in [damaged, inner, cut_off, b"not a database, whatever it is called".repeat(400)] {
        fs::write(&path, bytes).unwrap();
        let error = Store::open(folder.path()).await.unwrap_err();
        assert!(matches!(&error, StoreError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains("truetape restore"), "{error}");
        assert!(backup::check(folder.path()).await.is_err());
    }
}

#[tokio::test]
async fn a_backup_during_writes_restores_equal() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copy = other.path().join("desk.backup");
    let mut store = open(folder.path()).await;
    store.journal.append(&commit(1..=10)).await.unwrap();
    let contents = backup::backup(folder.path(), &copy).await.unwrap();
    assert_eq!(contents.n_rows[0], ("journal", 20));
    store.journal.append(&commit(11..=12)).await.unwrap();
    let again = backup::backup(folder.path(), &copy).await.unwrap();
    assert_eq!(again.n_rows[0], ("journal", 24));
    let expected = store.journal.records_after(0, 100).await.unwrap();
    drop(store);

    let (restored, kept) = backup::restore(other.path(), &copy).await.unwrap();
    assert_eq!((restored, kept), (again, None));
    let mut store = open(other.path()).await;
    assert_eq!(store.journal.records_after(0, 100).await.unwrap(), expected);
    drop(store);
    let (_, kept) = backup::restore(other.path(), &copy).await.unwrap();
    assert!(kept.unwrap().exists(), "the replaced file is kept");

    let bad = other.path().join("bad.backup");
    fs::write(&bad, "nothing").unwrap();
    assert!(backup::restore(other.path(), &bad).await.is_err());
    assert!(backup::restore(other.path(), &other.path().join("missing")).await.is_err());
    let mut store = open(other.path()).await;
    assert_eq!(store.journal.records_after(0, 100).await.unwrap(), expected, "a refused backup changes nothing");
}

#[tokio::test]
async fn candles_are_kept_up_to_their_number() {
    let folder = tempfile::tempdir().unwrap();
    let candle = |number: i64, close: &str| {
        let price = |text: &str| Price::parse(text).unwrap();
        Candle {
            open_time: at(number * 900_000),
            open: price("1.0"),
            high: price("3.0"),
            low: price("0.5"),
            close: price(close),
            volume: Quantity::parse("2.50").unwrap(),
            buy_volume: None,
        }
    };
    let mut store = open(folder.path()).await;
    let many: Vec<Candle> = (0..1_005).map(|number| candle(number, "1.5")).collect();
    let mut candles = store.candles.take().unwrap();
    candles.put(&instrument(), Interval::M15, &many).await.unwrap();
    candles.put(&instrument(), Interval::M15, &[candle(1_004, "2.25")]).await.unwrap();
    candles.close().await.unwrap();
    store.close().await.unwrap();
    let mut candles = open(folder.path()).await.candles.take().unwrap();
    let kept = candles.load(&instrument(), Interval::M15).await.unwrap();
    assert_eq!(kept.len(), N_KEPT as usize);
    assert_eq!(kept.last(), Some(&candle(1_004, "2.25")));
    assert_eq!(candles.load(&instrument(), Interval::H1).await.unwrap(), []);
}
