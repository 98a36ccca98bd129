//! The checks that every venue must pass with its REST answers.
//!
//! Connections are not available, so a session requests everything, and candles are requested all the time. Not here:
//! valid answers ([`Answers`] and the venues' files).

use model::{
    candle::Interval,
    event::{HistoryRequest, MarketEventKind},
    instrument::InstrumentId,
};
use venues::{
    kit::backoff::Jitter,
    session::{CloseReason, HttpRequest, Input, Output},
};

use super::{
    frames::on_a_small_stack,
    mutation::{DEPTHS, hostile, nested},
    size::size,
    support::{Rig, listed},
};

/// A venue's REST answers.
pub(crate) trait Answers {
    const NAME: &'static str;
    const SYMBOL: &'static str;

    fn answer(request: &HttpRequest) -> String;
}

/// A session without connections, and its requests.
struct Asking {
    rig: Rig,
    waiting: Vec<HttpRequest>,
    n_history_requests: usize,
}

impl Asking {
    fn new<V: Answers>() -> Self {
        Self { rig: Rig::of(V::NAME, &listed(&[V::SYMBOL])), waiting: Vec::new(), n_history_requests: 0 }
    }

    /// Returns the next request; `None` if the session was told that the symbol does not exist and requests nothing
    /// more.
    fn next<V: Answers>(&mut self) -> Option<HttpRequest> {
        for _ in 0..120 {
            for output in self.rig.take() {
                match output {
                    Output::Http(request) => self.waiting.push(request),
                    Output::Connect { connection, .. } => {
                        let reason =
                            CloseReason::CannotConnect { status: None, retry_after: None, detail: "no route".into() };
                        self.rig.input(Input::Closed(connection, reason));
                    }
                    Output::Send(..) | Output::Close(_) | Output::Event(_) => {}
                }
            }
            if let Some(request) = self.waiting.pop() {
                return Some(request);
            }
            let intervals = [Interval::M1, Interval::H1, Interval::S1];
            let interval = intervals[self.n_history_requests % intervals.len()];
            let instrument = InstrumentId::parse(&format!("{}:{}", V::NAME, V::SYMBOL)).unwrap();
            self.rig.input(Input::HistoryRequest(HistoryRequest { instrument, interval, n_bars: 10 }));
            self.n_history_requests += 1;
            self.rig.run(1_000);
        }
        None
    }

    /// Answers; returns how many answers were counted as malformed.
    fn hit(&mut self, request: &HttpRequest, body: &str) -> u64 {
        let before = self.rig.session.health().counters.malformed;
        self.rig.answer(request.id, 200, None, body);
        self.rig.session.health().counters.malformed - before
    }

    /// Checks that trades, prices or candles arrive as soon as the answers are valid.
    fn check_alive<V: Answers>(&mut self) {
        let n_events = |rig: &Rig| {
            let data =
                |kind: &MarketEventKind| !matches!(kind, MarketEventKind::Book(_) | MarketEventKind::Instrument(_));
            rig.events().into_iter().filter(|event| data(&event.kind)).count()
        };
        let before = n_events(&self.rig);
        for _ in 0..60 {
            let request = self.next::<V>().expect("it asks on");
            assert_eq!(self.hit(&request, &V::answer(&request)), 0, "{} {:?}", request.path, request.query);
            if n_events(&self.rig) > before {
                return;
            }
        }
        panic!("nothing comes of good answers");
    }
}

pub(crate) fn a_thousand_hostile_answers_are_counted_and_polling_goes_on<V: Answers>() {
    let n_answers = size(1_000, 100_000);
    let mut random = Jitter::new(7);
    let mut asking = Asking::new::<V>();
    let (mut n_malformed, mut n_ended) = (0, 0);
    for number in 0..n_answers {
        let Some(request) = asking.next::<V>() else {
            // An answer said that the symbol does not exist: that is an answer, and the end.
            asking = Asking::new::<V>();
            n_ended += 1;
            continue;
        };
        let good = V::answer(&request);
        if number % 2 == 0 {
            n_malformed += asking.hit(&request, &hostile(&mut random, &good));
        } else {
            let mut length = usize::try_from(random.next_u64()).unwrap_or(0) % good.len();
            while !good.is_char_boundary(length) {
                length -= 1;
            }
            assert_eq!(asking.hit(&request, &good[..length]), 1, "{} {}", request.path, &good[..length]);
            n_malformed += 1;
        }
    }
    println!("{}: {n_answers} hostile answers, {n_malformed} malformed, {n_ended} sessions ended by one", V::NAME);
    assert!(n_malformed > n_answers as u64 * 2 / 3 && n_ended < n_answers / 50, "{n_malformed} {n_ended}");
    let mut asking = if asking.next::<V>().is_some() { asking } else { Asking::new::<V>() };
    asking.check_alive::<V>();
}

pub(crate) fn deep_answers_fit_a_small_stack<V: Answers>() {
    on_a_small_stack(|| {
        let mut asking = Asking::new::<V>();
        for n_levels in DEPTHS {
            for is_list in [true, false] {
                for (before, after) in [("", ""), (r#"{"result":"#, "}"), (r#"[{"id":0,"result":"#, "}]"), ("[[", "]]")]
                {
                    let request = asking.next::<V>().expect("it asks on");
                    let deep = nested(n_levels, is_list, true);
                    asking.hit(&request, &format!("{before}{deep}{after}"));
                    let request = asking.next::<V>().expect("it asks on");
                    let good = V::answer(&request);
                    // In place of the first value, whatever it is.
                    asking.hit(&request, &good.replacen("\":", &format!("\":{deep},\"_\":"), 1));
                }
            }
        }
        asking.check_alive::<V>();
    });
}
