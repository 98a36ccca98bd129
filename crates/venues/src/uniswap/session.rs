//! The venue's session: rounds of questions to a node, and what is known of each pool.
//!
//! Not here: what the answers mean ([`super::answers`]).

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use model::{
    event::{HistoryRequest, MarketEventKind},
    instrument::{Instrument, InstrumentId, Venue},
    proof::Books,
    status::{FeedCause, FeedHealth, FeedMode},
    time::{Monotonic, Now},
};

use crate::{
    kit::{
        outputs::Outputs,
        poll_schedule::{PollSchedule, PollTurn},
        requests::{self, Requests, Task},
    },
    session::{Input, Output, Session, SessionConfig, Symbols},
    uniswap::{
        NAME,
        history::History,
        limits::{BLOCKS_AT_ONCE, BLOCKS_BACK, POOLS, REMEMBERED_SWAPS, REQUEST_RULES, ROUND_SPACING},
        pool::PoolInfo,
        rpc,
    },
};

/// Follows pools of Uniswap v3.
#[derive(Debug)]
pub struct UniswapSession {
    venue: Venue,
    is_started: bool,
    pub(super) pools: Vec<Followed>,
    /// The venue has none.
    books: Books,
    pub(super) requests: Requests<Purpose>,
    /// Where bars of the past can be had.
    pub(super) history: Option<History>,
    rounds: PollSchedule,
    pub(super) out: Outputs,
    pub(super) instruments: Vec<Arc<Instrument>>,
    /// The newest block whose swaps are known.
    pub(super) last_block: Option<u64>,
    pub(super) seen: SeenSwaps,
}

/// One pool.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) id: InstrumentId,
    /// Its contract, lower case.
    pub(super) address: String,
    pub(super) tokens: Option<[String; 2]>,
    pub(super) info: Option<PoolInfo>,
    pub(super) instrument: Option<Arc<Instrument>>,
    pub(super) is_unknown: bool,
}

/// What a request is for. Pools are positions in the session's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Which tokens a pool has.
    Tokens { pool: usize },
    /// What the tokens are, and the pool's price.
    Details { pool: usize },
    /// The newest block.
    Block,
    /// Swaps of all pools in these blocks.
    Swaps { from: u64, to: u64, time_s: u64 },
}

impl requests::Purpose for Purpose {
    fn rank(&self) -> u8 {
        match self {
            Self::Swaps { .. } => 0,
            Self::Block => 1,
            Self::Tokens { .. } | Self::Details { .. } => 2,
        }
    }

    fn is_history(&self) -> bool {
        false
    }
}

/// Ids of swaps, bounded: ranges of blocks overlap after a failure.
#[derive(Debug, Default)]
pub(super) struct SeenSwaps {
    known: BTreeSet<Arc<str>>,
    order: VecDeque<Arc<str>>,
}

impl SeenSwaps {
    /// True the first time.
    pub(super) fn note(&mut self, id: &Arc<str>) -> bool {
        if !self.known.insert(id.clone()) {
            return false;
        }
        self.order.push_back(id.clone());
        if self.order.len() > REMEMBERED_SWAPS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

impl UniswapSession {
    /// A session that has not begun. A symbol is a pool's address; others are refused by name.
    pub fn new(config: &SessionConfig) -> Self {
        let venue = config.venue(NAME);
        let mut session = Self {
            venue,
            is_started: false,
            pools: Vec::new(),
            books: Books::new(),
            requests: Requests::new(REQUEST_RULES, config.symbols != Symbols::FromFrames),
            history: config.has_history.then(|| History::new(config.symbols != Symbols::FromFrames)),
            rounds: PollSchedule::new(config, ROUND_SPACING),
            out: Outputs::default(),
            instruments: Vec::new(),
            last_block: None,
            seen: SeenSwaps::default(),
        };
        session.out.health.mode = FeedMode::RestPolling;
        let Symbols::Listed(symbols) = &config.symbols else { return session };
        let mut by_address = BTreeMap::new();
        for symbol in symbols {
            let (id, address) = (InstrumentId::new(&session.venue, symbol), symbol.to_lowercase());
            let cause = if !is_address(&address) {
                FeedCause::UnknownSymbol { symbol: symbol.clone() }
            } else if session.pools.len() >= POOLS {
                FeedCause::Refused { detail: format!("more than {POOLS} pools") }
            } else {
                if by_address.insert(address.clone(), ()).is_none() {
                    let followed =
                        Followed { id, address, tokens: None, info: None, instrument: None, is_unknown: false };
                    session.pools.push(followed);
                }
                continue;
            };
            session.out.health.instrument_causes.insert(id, cause);
        }
        session
    }

    fn start(&mut self, now: Now) {
        if std::mem::replace(&mut self.is_started, true) {
            return;
        }
        for pool in 0..self.pools.len() {
            self.requests.push(Task::new(Purpose::Tokens { pool }), now.monotonic);
        }
    }

    /// There is no such pool: nothing more is asked for it.
    pub(super) fn mark_unknown(&mut self, pool: usize) {
        self.pools[pool].is_unknown = true;
        let is_last = self.pools.iter().all(|followed| followed.is_unknown);
        self.out.symbol_unknown(&self.pools[pool].id, is_last);
    }

    /// Takes in what an instrument is.
    pub(super) fn learn(&mut self, pool: usize, instrument: Arc<Instrument>, now: Now) {
        let followed = &mut self.pools[pool];
        followed.instrument = Some(instrument.clone());
        self.out.event(&followed.id, None, now, MarketEventKind::Instrument(instrument));
        self.instruments = self.pools.iter().filter_map(|followed| followed.instrument.clone()).collect();
    }

    /// Asks for swaps up to a block, where it is a new one; after a long silence in parts.
    pub(super) fn want_swaps(&mut self, newest: u64, time_s: u64, now: Now) {
        let from = self.last_block.map_or(newest.saturating_sub(BLOCKS_BACK), |last| last.saturating_add(1));
        if from <= newest {
            let to = newest.min(from.saturating_add(BLOCKS_AT_ONCE - 1));
            self.requests.push(Task::new(Purpose::Swaps { from, to, time_s }), now.monotonic);
        }
    }

    /// There is nothing but REST: from the first pool on.
    fn polling_from(&self) -> Option<Monotonic> {
        (self.is_started && self.pools.iter().any(|followed| followed.info.is_some())).then_some(Monotonic::ZERO)
    }

    fn wish(&mut self, wish: &HistoryRequest, now: Now) {
        let pool = self.pools.iter().position(|followed| followed.id == wish.instrument && !followed.is_unknown);
        if let (Some(history), Some(pool)) = (&mut self.history, pool) {
            history.want(pool, wish.interval, wish.n_bars, now);
        }
    }

    fn timeout(&mut self, now: Now) {
        self.expire_requests(now);
        if self.rounds.turn(self.polling_from(), now.monotonic) == PollTurn::Due
            && !self.requests.has(|purpose| matches!(purpose, Purpose::Block | Purpose::Swaps { .. }))
        {
            self.requests.push(Task::new(Purpose::Block), now.monotonic);
        }
    }

    fn send_requests(&mut self, now: Now) {
        let pools = &self.pools;
        self.requests.send_due(now, &mut self.out, |purpose| {
            let calls = match purpose {
                Purpose::Tokens { pool } => {
                    let address = &pools.get(*pool)?.address;
                    vec![rpc::call(address, rpc::TOKEN0), rpc::call(address, rpc::TOKEN1)]
                }
                Purpose::Details { pool } => {
                    let followed = pools.get(*pool)?;
                    let [token0, token1] = followed.tokens.as_ref()?;
                    vec![
                        rpc::call(token0, rpc::SYMBOL),
                        rpc::call(token0, rpc::DECIMALS),
                        rpc::call(token1, rpc::SYMBOL),
                        rpc::call(token1, rpc::DECIMALS),
                        rpc::call(&followed.address, rpc::SLOT0),
                    ]
                }
                Purpose::Block => vec![rpc::newest_block()],
                Purpose::Swaps { from, to, .. } => {
                    let known = pools.iter().filter(|followed| followed.info.is_some());
                    let addresses: Vec<&str> = known.map(|followed| followed.address.as_str()).collect();
                    vec![rpc::swaps(&addresses, *from, *to)]
                }
            };
            Some(rpc::batch(calls))
        });
        if let Some(history) = &mut self.history {
            history.send_due(now, &mut self.out, |pool| {
                pools.get(pool).filter(|followed| followed.info.is_some()).map(|followed| followed.address.as_str())
            });
        }
    }
}

impl Session for UniswapSession {
    fn venue(&self) -> &Venue {
        &self.venue
    }

    fn handle(&mut self, input: Input<'_>, now: Now) {
        match input {
            Input::Start => self.start(now),
            Input::Http(request, result) => self.answered(request, result, now),
            Input::Timeout => self.timeout(now),
            // A recording of frames is not one of this venue's.
            Input::Frame(..) | Input::Binary(..) => {
                self.out.frame(now);
                self.out.health.counters.unknown += 1;
            }
            Input::HistoryRequest(wish) => self.wish(&wish, now),
            // No connection is ever wanted.
            Input::Connected(_) | Input::Ping(_) | Input::Closed(..) => {}
        }
        self.send_requests(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.out.queue.pop_front()
    }

    fn deadline(&self) -> Option<Monotonic> {
        let history = self.history.as_ref().and_then(History::deadline);
        self.requests.deadline().into_iter().chain(history).chain(self.rounds.deadline(self.polling_from())).min()
    }

    fn books(&self) -> &Books {
        &self.books
    }

    fn health(&self) -> &FeedHealth {
        &self.out.health
    }

    fn weight_per_minute(&self) -> u32 {
        REQUEST_RULES.weight_per_minute
    }

    fn instruments(&self) -> &[Arc<Instrument>] {
        &self.instruments
    }
}

/// `0x` and forty hexadecimal digits.
fn is_address(text: &str) -> bool {
    text.strip_prefix("0x")
        .is_some_and(|digits| digits.len() == 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
