//! Trading on a hand-made recording: fills, jumps, other paces, and what is refused.

use std::time::Duration;

use model::{
    decimal::{Price, Quantity},
    event::{AggressorSide, BookUpdate, Level, Trade, TradeId},
    instrument::{InstrumentId, InstrumentStatus},
    proof::{BookState, TrackedBook},
    time::{Monotonic, Now},
    trading::order::{Order, OrderState},
};
use topics::{
    channels::{Channel, TopicData},
    lane::Lane,
    source::TopicSource,
    topic::Topic,
};

use super::*;

fn id() -> InstrumentId {
    InstrumentId::parse("replay-demo:AAABBB").unwrap()
}

fn instrument() -> Arc<Instrument> {
    Arc::new(Instrument {
        id: id(),
        base: "AAA".into(),
        quote: "USD".into(),
        tick_size: Price::parse("0.01").unwrap(),
        lot_size: Quantity::parse("0.1").unwrap(),
        min_notional: None,
        status: InstrumentStatus::Trading,
        is_simulated: true,
    })
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn level(price: &str, size: &str) -> Level {
    Level { price: Price::parse(price).unwrap(), quantity: Quantity::parse(size).unwrap() }
}

/// A desk with the recording's books.
struct Rig {
    desk: ReplayDesk,
    books: Books,
    n_trades: u64,
}

impl Rig {
    fn new(config: DeskConfig) -> Self {
        let books = Books::from([(id(), TrackedBook::default())]);
        Self { desk: ReplayDesk::new(config, at(1_000)), books, n_trades: 0 }
    }

    /// One whose recording has told the instrument's steps and a book of two levels a side at 1.0 s.
    fn quoted(config: DeskConfig) -> Self {
        let mut rig = Self::new(config);
        rig.event(1_000, MarketEventKind::Instrument(instrument()));
        rig.book(1_000, "99.00", "101.00");
        rig
    }

    fn event(&mut self, millis: i64, kind: MarketEventKind) {
        let event = MarketEvent { instrument: id(), event_time: None, receive_time: at(millis), kind };
        self.desk.event(&event);
        self.desk.entry_end(&self.books);
    }

    fn book(&mut self, millis: i64, bid: &str, ask: &str) {
        let tracked = self.books.get_mut(&id()).unwrap();
        tracked.state = BookState::Live;
        tracked.receive_time = Some(at(millis));
        tracked.book.apply_snapshot(&[level(bid, "5.0")], &[level(ask, "5.0")]);
        let update = BookUpdate::Snapshot { state: BookState::Live, n_bids: 1, n_asks: 1 };
        self.event(millis, MarketEventKind::Book(update));
    }

    fn trade(&mut self, millis: i64, price: &str, size: &str) {
        self.n_trades += 1;
        let Level { price, quantity } = level(price, size);
        let trade = Trade {
            id: TradeId::Sequence(self.n_trades),
            price,
            size: quantity,
            aggressor_side: AggressorSide::Seller,
        };
        self.event(millis, MarketEventKind::Trade(trade));
    }

    fn try_place(&mut self, name: &str, fields: &str) -> Result<Order, Refusal> {
        let text = format!(r#"{{"place_order":{{"client_order_id":"{name}","instrument":"{}",{fields}}}}}"#, id());
        match self.desk.command(serde_json::from_str(&text).unwrap())? {
            DeskReply::Order(order) => Ok(*order),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn place(&mut self, name: &str, fields: &str) -> Order {
        self.try_place(name, fields).unwrap()
    }

    /// Everything that the account has, as text.
    fn shown(&self) -> String {
        let state = self.desk.desk().state();
        let account = &state.accounts[&AccountId::replay()];
        let row = self.desk.desk().account_row(account);
        let parts = (&account.fills, &account.samples, account.account.opened_time, &state.ended, row);
        format!("{} {:?}", serde_json::to_string(&parts).unwrap(), state.orders)
    }

    fn position(&self) -> String {
        let account = &self.desk.desk().state().accounts[&AccountId::replay()];
        account.ledger.position(&id()).map(|position| position.quantity().to_string()).unwrap_or_default()
    }
}

const MARKET: &str = r#""side":"buy","type":"market","quantity":"2.0""#;
const RESTING: &str = r#""side":"buy","type":"limit","quantity":"1.0","price":"99.00""#;

#[test]
fn orders_fill_in_the_recordings_book_with_their_evidence() {
    let mut rig = Rig::quoted(DeskConfig::default());
    let order = rig.place("a", MARKET);
    assert_eq!((order.account.as_str(), order.state, order.created_time), ("replay", OrderState::Filled, at(1_000)));
    let resting = rig.place("b", RESTING);
    // Five were displayed before it.
    rig.trade(1_500, "99.00", "5.0");
    assert_eq!(rig.desk.desk().state().order(resting.order_id).unwrap().state, OrderState::Open);
    rig.trade(1_600, "99.00", "1.5");
    assert_eq!(rig.position(), "3");
    let account = &rig.desk.desk().state().accounts[&AccountId::replay()];
    let fills: Vec<(String, String, Timestamp)> =
        account.fills.iter().map(|(_, fill)| (fill.fill_id.to_string(), fill.price.to_string(), fill.time)).collect();
    assert_eq!(fills, [("1-1".into(), "101.00".into(), at(1_000)), ("2-1".into(), "99.00".into(), at(1_600))]);
    let evidence = serde_json::to_value(&account.fills[1].1.evidence).unwrap();
    assert!(evidence.to_string().contains(r#""1.5""#), "{evidence}");
}

#[test]
fn a_jump_begins_the_account_again() {
    let mut rig = Rig::quoted(DeskConfig::default());
    rig.place("a", MARKET);
    rig.place("b", RESTING);
    rig.desk.jump();
    let refused = rig.try_place("c", MARKET).unwrap_err();
    assert_eq!(refused.code, DenyCode::Unavailable, "{refused}");
    // On the way, nothing is for the desk.
    rig.trade(1_600, "99.00", "50.0");
    rig.desk.begin_again(&[instrument()], &rig.books, at(500));
    let state = rig.desk.desk().state();
    let account = &state.accounts[&AccountId::replay()];
    assert_eq!((state.orders.len(), state.ended.len(), account.fills.len()), (0, 0, 0));
    assert_eq!((account.account.opened_time, rig.position().as_str()), (at(500), ""));
    // The book of then is there at once, and names are free again.
    let order = rig.place("a", MARKET);
    assert_eq!((order.order_id.0, order.state, order.created_time), (1, OrderState::Filled, at(500)));
}

#[test]
fn the_same_commands_give_the_same_at_any_pace() {
    let run = |is_fine: bool| {
        let mut config = DeskConfig::default();
        config.broker.entry_latency = Duration::from_millis(70);
        let mut rig = Rig::quoted(config);
        let mut now = 1_000;
        let mut play_to = |rig: &mut Rig, until: i64| {
            while is_fine && now < until {
                now += 7;
                rig.desk.pass(at(now.min(until)));
            }
            now = until;
            rig.desk.pass(at(until));
        };
        play_to(&mut rig, 1_100);
        rig.place("a", MARKET);
        let fields = r#""side":"sell","type":"limit","quantity":"1.0","price":"105.00","time_in_force":"gtd""#;
        rig.place("b", &format!(r#"{fields},"expire_time_ms":4321"#));
        play_to(&mut rig, 2_000);
        rig.book(2_000, "99.50", "101.50");
        play_to(&mut rig, 2_900);
        rig.place("c", RESTING);
        rig.trade(3_000, "98.00", "3.0");
        play_to(&mut rig, 7_000);
        rig.book(7_000, "103.00", "104.00");
        // Beyond the first regular sample of the equity.
        play_to(&mut rig, 950_000);
        rig.shown()
    };
    let coarse = run(false);
    assert!(coarse.contains("4321000000") || coarse.contains("4321"), "it expired at its time: {coarse}");
    assert!(coarse.contains(r#""101.00""#), "it filled: {coarse}");
    assert_eq!(run(true), coarse);
    assert_eq!(run(true), coarse);
}

#[test]
fn only_recordings_are_traded_and_only_by_the_account_replay() {
    let mut rig = Rig::new(DeskConfig::default());
    let refused = rig.try_place("a", MARKET).unwrap_err();
    assert_eq!(refused.code, DenyCode::UnknownInstrument);
    assert!(refused.message.starts_with("the recording does not tell the steps of "), "{refused}");
    rig.event(1_000, MarketEventKind::Instrument(instrument()));
    assert_eq!(rig.try_place("a", MARKET).unwrap_err().code, DenyCode::NoPrice);
    rig.book(1_000, "99.00", "101.00");
    rig.place("a", r#""account":"replay","side":"buy","type":"market","quantity":"2.0""#);
    for command in [
        r#"{"cancel_order":{"order_id":"1"}}"#,
        r#"{"set_kill_switch":{}}"#,
        r#"{"close_position":{"instrument":"demo:AAABBB"}}"#,
        r#"{"close_position":{"account":"paper","instrument":"replay-demo:AAABBB"}}"#,
    ] {
        let refused = rig.desk.command(serde_json::from_str(command).unwrap()).unwrap_err();
        assert_eq!(refused.code, DenyCode::WrongAccount, "{command}");
    }
}

#[test]
fn its_topics_show_the_account_and_begin_again_with_it() {
    let mut rig = Rig::quoted(DeskConfig::default());
    let topics = [Channel::Orders, Channel::Positions, Channel::Events, Channel::Dashboard]
        .map(|channel| Topic::desk(channel, &AccountId::replay()));
    let start = |rig: &mut Rig| topics.iter().for_each(|topic| rig.desk.topics().start(topic, Lane::Fast));
    start(&mut rig);
    rig.place("b", RESTING);
    rig.place("a", MARKET);
    let now = |rig: &Rig| Now { monotonic: Monotonic::ZERO, wall: rig.desk.now() };
    let published: Vec<Topic> = {
        let now = now(&rig);
        rig.desk.topics().turn(Lane::Fast, now).into_iter().map(|(topic, _)| topic).collect()
    };
    assert_eq!(published.len(), topics.len(), "{published:?}");
    let n_orders = |rig: &mut Rig| match rig.desk.topics().snapshot(&topics[0], Lane::Fast) {
        Some(TopicData::Orders(rows)) => rows.rows.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(n_orders(&mut rig), 2);
    rig.desk.jump();
    rig.desk.begin_again(&[instrument()], &rig.books, at(500));
    start(&mut rig);
    let now = now(&rig);
    assert!(rig.desk.topics().turn(Lane::Fast, now).iter().all(|(topic, _)| topic.channel() == Channel::Dashboard));
    assert_eq!(n_orders(&mut rig), 0);
    let desk = rig.desk.desk();
    let account = &desk.state().accounts[&AccountId::replay()];
    assert_eq!(desk.account_row(account).journal, JournalState::InMemory);
}
