//! A simulated venue in this process, over a market whose books walk at random: no sockets, and time is an argument.
//!
//! The market is the truth that a session's book is compared with ([`super::ladder`]); the simulator's [`Exchange`]
//! encodes it. Not here: faults on the way ([`super::line`]).

use std::{
    borrow::Cow,
    collections::VecDeque,
    marker::PhantomData,
    sync::{Arc, Mutex, MutexGuard},
};

use model::time::{Now, Timestamp};
use venue_sim::{
    SimConfig, Source,
    bars::{Bar, BarQuery, Print},
    config::Limits,
    exchange::{self, Exchange},
    ladder::{Ladder, Row},
    market::{Market, Pair, Played},
};
use venues::{kit::backoff::Jitter, session::HttpRequest};

use super::{
    ladder::{Sides, below, first_book, text, walk},
    support::EPOCH_MS,
    venue::Venue,
};

/// Books remembered for each symbol: one more than a mirror lags behind.
const REMEMBERED: usize = 4;
/// One, as the simulator writes it.
const ONE: i128 = 1_000_000_000_000;

/// A venue and its truth.
pub(crate) struct Simulated<V: Venue> {
    pub(crate) exchange: Exchange,
    truth: Arc<Mutex<Truth>>,
    random: Jitter,
    n_steps: u64,
    venue: PhantomData<V>,
}

/// The two books of the venue.
struct Truth {
    random: Jitter,
    sides: [Sides; 2],
    ids: [u64; 2],
    /// Number and rows of each symbol's last books, the newest last.
    past: [VecDeque<(u64, Ladder)>; 2],
    /// The index of the last changed book.
    changed: usize,
    now: Timestamp,
    /// During a REST request: how many changes the mirror is behind, and the number of the request.
    rest: Option<(usize, u64)>,
}

impl<V: Venue> Simulated<V> {
    pub(crate) fn new(mut random: Jitter) -> Self {
        let truth = Truth {
            random: Jitter::new(random.next_u64()),
            sides: [first_book(), first_book()],
            ids: V::FIRST_IDS,
            past: [0, 1].map(|symbol| VecDeque::from([(V::FIRST_IDS[symbol], ladder::<V>(&first_book()))])),
            changed: 0,
            now: Timestamp::EPOCH,
            rest: None,
        };
        let truth = Arc::new(Mutex::new(truth));
        let market = Box::new(Walk::<V>::new(truth.clone()));
        let limits = Limits { book_rows: V::DEPTH, ..limits(V::NAME) };
        let exchange = Exchange::new(V::NAME, market, limits, None).unwrap();
        Self { exchange, truth, random, n_steps: 0, venue: PhantomData }
    }

    fn truth(&self) -> MutexGuard<'_, Truth> {
        self.truth.lock().unwrap()
    }

    /// Returns the current books.
    pub(crate) fn books(&self) -> [Sides; 2] {
        self.truth().sides.clone()
    }

    /// Changes a book. Returns its update id.
    pub(crate) fn step(&mut self, now: Now) -> u64 {
        self.n_steps += 1;
        self.exchange.handle(exchange::Input::Step(self.n_steps), now);
        let truth = self.truth();
        truth.ids[truth.changed]
    }

    /// Returns status and body of the answer to a REST request. One snapshot in four comes from a mirror that may lag,
    /// one in twenty fails.
    pub(crate) fn answer(&mut self, request: &HttpRequest, now: Now) -> (u16, String) {
        let mut lag = 0;
        if request.path.ends_with("/depth") {
            if below(&mut self.random, 20) == 0 {
                return (503, String::new());
            }
            if below(&mut self.random, 4) == 0 {
                lag = usize::try_from(below(&mut self.random, REMEMBERED as u64)).unwrap();
            }
        }
        {
            let mut truth = self.truth();
            // Newer with each request, but not so new that a trade would be missing on the connection.
            truth.now = Timestamp::from_millis(EPOCH_MS + i64::try_from(request.id.0).unwrap());
            truth.rest = Some((lag, request.id.0));
        }
        let answer = answer(&mut self.exchange, request, now);
        self.truth().rest = None;
        answer
    }
}

/// Returns a venue's limits without those on a client's messages: the sessions' own limits are tested elsewhere.
pub(crate) fn limits(venue: &str) -> Limits {
    SimConfig::new(venue, Source::Text(String::new())).limits.lifted()
}

/// Returns a venue's answer to a session's request.
pub(crate) fn answer(exchange: &mut Exchange, request: &HttpRequest, now: Now) -> (u16, String) {
    let parameters = request.query.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
    let asked = exchange::HttpRequest {
        path: request.path.to_string(),
        parameters: parameters.collect(),
        headers: [("x-finnhub-token".to_owned(), "any".to_owned())].into(),
        body: request.body.clone().unwrap_or_default(),
    };
    let answer = exchange.http(&asked, now).unwrap_or_else(|| panic!("no answer at {}", request.path));
    while exchange.poll().is_some() {}
    (answer.status, answer.body)
}

/// The books as a market of the simulator: trades and days only by REST, where they are newer with each request.
struct Walk<V> {
    truth: Arc<Mutex<Truth>>,
    pairs: Vec<Pair>,
    venue: PhantomData<fn() -> V>,
}

impl<V: Venue> Walk<V> {
    fn new(truth: Arc<Mutex<Truth>>) -> Self {
        let pair = |symbol: &str| {
            let (base, quote) = symbol.split_once(['/', '-']).unwrap_or_else(|| symbol.split_at(3));
            Pair {
                symbol: symbol.to_owned(),
                base: base.to_owned(),
                quote: quote.to_owned(),
                price_decimals: V::DECIMALS.0 as usize,
                quantity_decimals: V::DECIMALS.1 as usize,
            }
        };
        Self { truth, pairs: V::SYMBOLS.iter().map(|symbol| pair(symbol)).collect(), venue: PhantomData }
    }

    fn truth(&self) -> MutexGuard<'_, Truth> {
        self.truth.lock().unwrap()
    }

    /// Reads the book that is shown now.
    fn shown<T>(&self, symbol: &str, take: impl FnOnce(&(u64, Ladder)) -> T) -> Option<T> {
        let truth = self.truth();
        let past = &truth.past[V::SYMBOLS.iter().position(|known| *known == symbol)?];
        let lag = truth.rest.map_or(0, |(lag, _)| lag);
        past.iter().rev().nth(lag).or(past.front()).map(take)
    }

    /// Returns the clock, during a REST request.
    fn rest_now(&self) -> Option<Timestamp> {
        let truth = self.truth();
        truth.rest.map(|_| truth.now)
    }
}

/// Creates a trade with this number.
pub(crate) fn print(id: u64, time: Timestamp) -> Print {
    Print { id, price: 4 * ONE, quantity: 12 * ONE, time_ms: time.as_millis(), is_buyer_maker: true }
}

/// Creates the bar of the minute.
pub(crate) fn bar(now: Timestamp) -> Bar {
    Bar {
        open_ms: now.as_millis().div_euclid(60_000) * 60_000,
        open: 3 * ONE,
        high: 5 * ONE,
        low: 2 * ONE,
        close: 4 * ONE,
        volume: 9 * ONE,
        quote_volume: 36 * ONE,
        n_trades: 1,
        taker_volume: ONE,
        taker_quote_volume: 4 * ONE,
    }
}

impl<V: Venue> Market for Walk<V> {
    fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    fn ladder(&self, symbol: &str) -> Option<Cow<'_, Ladder>> {
        self.shown(symbol, |(_, ladder)| Cow::Owned(ladder.clone()))
    }

    fn update_id(&self, symbol: &str) -> u64 {
        self.shown(symbol, |(id, _)| *id).unwrap_or(0)
    }

    fn now(&self) -> Timestamp {
        self.truth().now
    }

    fn advance(&mut self, _: u64) -> Option<Played> {
        let mut truth = self.truth();
        let Truth { random, sides, ids, past, changed, .. } = &mut *truth;
        let symbol = usize::from(below(random, 2) == 1);
        let changes = walk(random, &mut sides[symbol]);
        ids[symbol] += changes.len() as u64;
        *changed = symbol;
        past[symbol].push_back((ids[symbol], ladder::<V>(&sides[symbol])));
        if past[symbol].len() > REMEMBERED {
            past[symbol].pop_front();
        }
        None
    }

    fn prints(&self, _: &str, _: usize) -> Vec<Print> {
        let truth = self.truth();
        truth.rest.map(|(_, number)| print(number, truth.now)).into_iter().collect()
    }

    fn bars(&self, _: &str, _: &BarQuery) -> Vec<Bar> {
        self.rest_now().map(bar).into_iter().collect()
    }

    fn day(&self, _: &str) -> Option<Bar> {
        self.rest_now().map(bar)
    }
}

/// Creates a book with the venue's digits.
fn ladder<V: Venue>(sides: &Sides) -> Ladder {
    let rows = |side: usize| -> Vec<Row> {
        let row =
            |(key, quantity): (&i64, &u64)| (text(key.unsigned_abs(), V::DECIMALS.0), text(*quantity, V::DECIMALS.1));
        sides[side].iter().map(row).collect()
    };
    Ladder::of(&rows(0), &rows(1))
}
