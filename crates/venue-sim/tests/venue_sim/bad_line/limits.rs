//! Tests that a client is never banned: a venue's rate limits are respected, wherever they are stated and however
//! often.
//!
//! A venue's REST answers correctly, or with 429, 418, 403 or 503, or never; connections open and stay silent, so that
//! everything is requested again and again. The venue does the counting: what it receives and when. Not here: the
//! budget's own arithmetic (`src/budget.rs`).

use std::{borrow::Cow, collections::BTreeMap};

use model::{candle::Interval, event::HistoryRequest, instrument::InstrumentId, time::Timestamp};
use venue_sim::{
    SimConfig, Source,
    bars::{Bar, BarQuery, Print},
    exchange::Exchange,
    ladder::Ladder,
    market::{Market, Pair, Played},
};
use venues::{
    demo::market::{slot_at, slot_time},
    kit::backoff::Jitter,
    session::{ConnectionId, HttpRequest, Input, Output, RequestId},
};

use super::{
    ladder::below,
    simulated,
    size::size,
    support::{EPOCH_MS, Rig, listed},
};

/// Each venue, and the weight it allows per minute (for a node that states none: the value we assume).
const VENUES: [(&str, u32); 5] =
    [("binance", 6_000), ("coinbase", 600), ("finnhub", 60), ("kraken", 60), ("uniswap", 1_200)];

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Good,
    /// Refused with this status and `Retry-After` in seconds.
    Refused(u16, Option<u64>),
    Unanswered,
}

/// Counts of the venue's received requests and messages.
#[derive(Clone, Debug, Default)]
struct Count {
    fates: BTreeMap<String, u64>,
    n_requests: u64,
    n_messages: u64,
    /// Requests while the venue was closed to us, and second requests while a probe was in flight.
    n_too_soon: u64,
    n_second_probes: u64,
    n_probes: u64,
    /// The largest share of a minute's weight, and the most messages on a connection in a second, by venue.
    share: BTreeMap<&'static str, f64>,
    messages: BTreeMap<&'static str, usize>,
}

/// The venue's gate in one run: it counts, refuses, and lets the simulated venue answer.
struct Gate<'a> {
    venue: &'static str,
    limit: u32,
    symbols: Vec<String>,
    rig: Rig,
    exchange: &'a mut Exchange,
    random: Jitter,
    count: &'a mut Count,
    /// Failing requests in a hundred.
    trouble: u64,
    answers: Vec<(u64, HttpRequest, Fate)>,
    weights: Vec<(u64, u32)>,
    messages: BTreeMap<ConnectionId, Vec<u64>>,
    opening: Vec<(u64, ConnectionId)>,
    /// No request may come before.
    shut_until: u64,
    /// Paths of candles that were refused, and until when none may be requested.
    forbidden: BTreeMap<String, u64>,
    /// The next request is the probe that tests whether the venue is open again.
    is_probe_due: bool,
    probe: Option<(RequestId, u64)>,
    /// Consecutive answered failures.
    n_failed: u32,
}

impl Gate<'_> {
    fn serve(&mut self) {
        for (at, output) in self.rig.drain() {
            match output {
                Output::Connect { connection, after, .. } => {
                    self.opening.push((at + u64::try_from(after.as_millis()).unwrap() + 50, connection));
                }
                Output::Send(connection, _) => {
                    let times = self.messages.entry(connection).or_default();
                    times.push(at);
                    let n_in_second = times.iter().rev().take_while(|then| at - **then < 1_000).count();
                    self.count.n_messages += 1;
                    let most = self.count.messages.entry(self.venue).or_default();
                    *most = (*most).max(n_in_second);
                }
                Output::Http(request) => self.see(at, request),
                Output::Close(_) | Output::Event(_) => {}
            }
        }
    }

    fn see(&mut self, at: u64, request: HttpRequest) {
        self.count.n_requests += 1;
        let is_forbidden = self.forbidden.get(request.path.as_ref()).is_some_and(|until| at < *until);
        self.count.n_too_soon += u64::from(at < self.shut_until || is_forbidden);
        let is_probe_lost = self.probe.is_some_and(|(_, sent_at)| at - sent_at >= PATIENCE_MS);
        if std::mem::take(&mut self.is_probe_due) || is_probe_lost {
            self.probe = Some((request.id, at));
            self.count.n_probes += 1;
        } else if self.probe.is_some() {
            self.count.n_second_probes += 1;
        }
        self.weights.push((at, request.weight));
        let in_minute = self.weights.iter().rev().take_while(|(then, _)| at - then < 60_000);
        let (n_in_minute, used) = in_minute.fold((0, 0), |(n, sum), (_, weight)| (n + 1, sum + weight));
        // A request heavier than the whole share is sent alone.
        if n_in_minute > 1 {
            let share = f64::from(used) / f64::from(self.limit);
            let most = self.count.share.entry(self.venue).or_default();
            *most = most.max(share);
        }
        let fate = if below(&mut self.random, 100) >= self.trouble {
            Fate::Good
        } else {
            match below(&mut self.random, 8) {
                0 => Fate::Refused(429, Some(7)),
                1 => Fate::Refused(429, None),
                2 => Fate::Refused(418, Some(120)),
                3 => Fate::Refused(403, None),
                4..=6 => Fate::Refused(503, None),
                _ => Fate::Unanswered,
            }
        };
        *self.count.fates.entry(format!("{fate:?}")).or_default() += 1;
        // Some answers come long after their request: beside a probe, the success of such a request proves nothing.
        let longest = if below(&mut self.random, 20) == 0 { 14_000 } else { 900 };
        let due = at + 20 + below(&mut self.random, longest);
        self.answers.push((due, request, fate));
    }

    fn answer(&mut self, request: &HttpRequest, fate: Fate) {
        let now = self.rig.now_ms;
        let is_probe = self.probe.is_some_and(|(id, _)| id == request.id);
        let is_beside_probe = self.probe.is_some_and(|(id, _)| request.id < id);
        let shut_for = match fate {
            Fate::Good => None,
            Fate::Refused(_, Some(retry_after_s)) => Some(retry_after_s * 1_000),
            // We choose the wait if the venue does not state one.
            Fate::Refused(429, None) => Some(60_000),
            // One kind of request is refused, and the others are not.
            Fate::Refused(403, None) => {
                if ["/klines", "/candles", "/candle", "/OHLC"].iter().any(|end| request.path.ends_with(end)) {
                    self.forbidden.insert(request.path.to_string(), now + 120_000);
                }
                None
            }
            Fate::Refused(503, None) if !is_beside_probe => {
                self.n_failed += 1;
                (is_probe || self.n_failed >= 5).then_some(5_000)
            }
            Fate::Refused(..) => None,
            Fate::Unanswered => return,
        };
        if !matches!(fate, Fate::Refused(503, _)) && !is_beside_probe {
            self.n_failed = 0;
        }
        self.probe.take_if(|_| is_probe);
        if let Some(shut_for) = shut_for {
            self.shut_until = self.shut_until.max(now + shut_for);
            self.is_probe_due = true;
            self.probe = None;
        }
        match fate {
            Fate::Refused(status, retry_after_s) => self.rig.answer(request.id, status, retry_after_s, "{}"),
            Fate::Good | Fate::Unanswered => {
                let body = self.good(request);
                self.rig.answer(request.id, 200, None, &body);
            }
        }
    }

    fn good(&mut self, request: &HttpRequest) -> String {
        let now = self.rig.now();
        self.exchange.market_mut().advance(slot_at(now.wall));
        let (status, body) = simulated::answer(self.exchange, request, now);
        assert_eq!(status, 200, "{} {request:?}: {body}", self.venue);
        body
    }

    fn step(&mut self) {
        self.rig.run(STEP_MS);
        self.serve();
        let now = self.rig.now_ms;
        for (_, connection) in self.opening.extract_if(.., |(due, _)| *due <= now).collect::<Vec<_>>() {
            self.rig.input(Input::Connected(connection));
        }
        for (_, request, fate) in self.answers.extract_if(.., |(due, ..)| *due <= now).collect::<Vec<_>>() {
            self.answer(&request, fate);
            self.serve();
        }
        if below(&mut self.random, 8) == 0 {
            let symbol = &self.symbols[usize::try_from(below(&mut self.random, self.symbols.len() as u64)).unwrap()];
            let instrument = InstrumentId::parse(&format!("{}:{symbol}", self.venue)).unwrap();
            let interval =
                [Interval::M1, Interval::M5, Interval::H1][usize::try_from(below(&mut self.random, 3)).unwrap()];
            self.rig.input(Input::HistoryRequest(HistoryRequest { instrument, interval, n_bars: 300 }));
        }
        self.serve();
    }
}

/// The venue over a market with some symbols and little data, so that many answers are cheap; a chain has swaps.
fn exchange(venue: &str) -> Exchange {
    let limits = simulated::limits(venue);
    if venue == "uniswap" {
        let source = Source::Demo { seed: 5, start: Some(Timestamp::from_millis(EPOCH_MS)) };
        return Exchange::open(&SimConfig { limits, ..SimConfig::new(venue, source) }).unwrap();
    }
    let symbol = |number: usize| match venue {
        "binance" => format!("A{number}BBB"),
        "coinbase" => format!("A{number}-USD"),
        "kraken" => format!("A{number}/USD"),
        _ => format!("X:A{number}"),
    };
    let small = Small::new((0..MOST_SYMBOLS).map(symbol));
    Exchange::new(venue, Box::new(small), limits, None).unwrap()
}

/// The first symbols of a venue.
fn symbols(venue: &str, exchange: &Exchange, n_symbols: usize) -> Vec<String> {
    if venue == "uniswap" {
        return vec![format!("0xb001{:036x}", 0)];
    }
    exchange.market().pairs().iter().take(n_symbols).map(|pair| pair.symbol.clone()).collect()
}

/// A market in which every symbol has one row a side, one trade and one bar, newer at each step.
struct Small {
    pairs: Vec<Pair>,
    ladder: Ladder,
    step: u64,
}

impl Small {
    fn new(symbols: impl Iterator<Item = String>) -> Self {
        let pair = |symbol: String| Pair {
            base: symbol.chars().take(3).collect(),
            quote: "USD".to_owned(),
            symbol,
            price_decimals: 2,
            quantity_decimals: 3,
        };
        let row = |price: &str| [(price.to_owned(), "1.000".to_owned())];
        Self { pairs: symbols.map(pair).collect(), ladder: Ladder::of(&row("100.00"), &row("101.00")), step: 0 }
    }
}

impl Market for Small {
    fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    fn ladder(&self, _: &str) -> Option<Cow<'_, Ladder>> {
        Some(Cow::Borrowed(&self.ladder))
    }

    fn update_id(&self, _: &str) -> u64 {
        self.step
    }

    fn now(&self) -> Timestamp {
        slot_time(self.step)
    }

    fn advance(&mut self, step: u64) -> Option<Played> {
        self.step = step;
        None
    }

    fn prints(&self, _: &str, _: usize) -> Vec<Print> {
        vec![simulated::print(self.step, self.now())]
    }

    fn bars(&self, _: &str, _: &BarQuery) -> Vec<Bar> {
        vec![simulated::bar(self.now())]
    }

    fn day(&self, _: &str) -> Option<Bar> {
        Some(simulated::bar(self.now()))
    }
}

#[test]
fn no_request_inside_retry_after_half_the_weight_and_one_probe() {
    let n_runs = size(500, 10_000) as u64;
    let mut count = Count::default();
    let mut exchanges = VENUES.map(|(venue, _)| exchange(venue));
    for seed in 0..n_runs {
        let idx = usize::try_from(seed % 5).unwrap();
        let ((venue, limit), exchange) = (VENUES[idx], &mut exchanges[idx]);
        let mut random = Jitter::new(seed);
        let symbols = symbols(venue, exchange, usize::try_from(1 + below(&mut random, MOST_SYMBOLS as u64)).unwrap());
        let lent: Vec<&str> = symbols.iter().map(String::as_str).collect();
        let rig = Rig::of(venue, &listed(&lent));
        // The limit that the server divides between its own session and the pages.
        assert_eq!(rig.session.weight_per_minute(), limit, "{venue}");
        let trouble = [0, 2, 10, 40][usize::try_from(below(&mut random, 4)).unwrap()];
        let mut gate = Gate {
            venue,
            limit,
            symbols,
            rig,
            exchange,
            random,
            count: &mut count,
            trouble,
            answers: Vec::new(),
            weights: Vec::new(),
            messages: BTreeMap::new(),
            opening: Vec::new(),
            forbidden: BTreeMap::new(),
            shut_until: 0,
            is_probe_due: false,
            probe: None,
            n_failed: 0,
        };
        for _ in 0..RUN_MS / STEP_MS {
            gate.step();
        }
    }
    println!(
        "{n_runs} runs of {} s: {} requests {:?}, {} too soon; {} probes, {} requests beside one; largest share of a minute's \
         weight {:.3?}; {} messages, at most in a second {:?}",
        RUN_MS / 1_000,
        count.n_requests,
        count.fates,
        count.n_too_soon,
        count.n_probes,
        count.n_second_probes,
        count.share,
        count.n_messages,
        count.messages
    );
    assert_eq!((count.n_too_soon, count.n_second_probes), (0, 0));
    assert!(count.n_probes > n_runs / 2 && count.fates.len() == 7, "{count:?}");
    assert!(count.share.values().all(|share| *share <= 0.5), "{:?}", count.share);
    // For venues with a stated limit. Finnhub states none, and gets at most ten.
    for (venue, n_messages) in &count.messages {
        assert!(*n_messages <= if *venue == "finnhub" { 10 } else { 4 }, "{venue} {n_messages}");
    }
}

/// Maximum symbols that a session follows.
const MOST_SYMBOLS: usize = 24;
const STEP_MS: u64 = 250;
/// Virtual length of a run.
const RUN_MS: u64 = 300_000;
/// No session times out sooner than this.
const PATIENCE_MS: u64 = 15_000;
