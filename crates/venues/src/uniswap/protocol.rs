//! The requests to a node in each round, and the state of each pool.
//!
//! Not here: processing of answers ([`super::answers`]), historical candles ([`super::history`]), when requests are
//! sent ([`crate::kit`]).

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use model::{
    event::HistoryRequest,
    status::FeedCause,
    time::{Monotonic, Now},
};

use crate::{
    catalogue::CatalogueSource,
    kit::{
        feed_session::FeedSession,
        protocol::{Protocol, Symbol, SymbolState, Unreadable},
        requests::{self, RequestRules, RestRequest, Task},
    },
    registry::VenueInfo,
    session::{HttpAnswer, HttpFailure, RequestId, SessionConfig, Symbols},
    uniswap::{
        BLOCKS_AT_ONCE, BLOCKS_BACK, INFO, POOLS, REMEMBERED_SWAPS, REQUEST_RULES, ROUND_SPACING, catalogue,
        history::History, pool::PoolInfo, rpc,
    },
};

/// Follows pools of Uniswap v3.
#[derive(Debug)]
pub(crate) struct Uniswap {
    /// The source of historical candles, if available.
    pub(super) history: Option<History>,
    /// The newest block whose swaps are known.
    pub(super) last_block: Option<u64>,
    pub(super) seen: SeenSwaps,
}

pub(super) type UniswapSession = FeedSession<Uniswap>;

/// The purpose of a request. Pools are positions in the session's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The tokens of a pool.
    Tokens { pool: usize },
    /// The description of the tokens, and the pool's price.
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

    fn subject(&self) -> &'static str {
        match self {
            Self::Tokens { .. } | Self::Details { .. } => "pools",
            Self::Block => "blocks",
            Self::Swaps { .. } => "swaps",
        }
    }

    fn attempts(&self) -> u32 {
        match self {
            Self::Block => 1,
            Self::Tokens { .. } | Self::Details { .. } | Self::Swaps { .. } => u32::MAX,
        }
    }
}

/// The state of one pool.
#[derive(Debug, Default)]
pub(crate) struct UniswapPoolState {
    pub(super) tokens: Option<[String; 2]>,
    pub(super) info: Option<PoolInfo>,
}

impl SymbolState for UniswapPoolState {}

/// Ids of swaps, bounded: ranges of blocks overlap after a failure.
#[derive(Debug, Default)]
pub(super) struct SeenSwaps {
    known: BTreeSet<Arc<str>>,
    order: VecDeque<Arc<str>>,
}

impl SeenSwaps {
    /// Returns true the first time.
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

impl Protocol for Uniswap {
    type Purpose = Purpose;
    type SymbolState = UniswapPoolState;

    const INFO: &'static VenueInfo = &INFO;
    const CATALOGUE: CatalogueSource = catalogue::SOURCE;
    const REQUEST_RULES: RequestRules = REQUEST_RULES;
    const POLL_SPACING: Duration = ROUND_SPACING;

    fn new(config: &SessionConfig) -> Self {
        let history = config.has_history.then(|| History::new(config.symbols != Symbols::FromFrames));
        Self { history, last_block: None, seen: SeenSwaps::default() }
    }

    /// A symbol is a pool's address, in upper or lower case.
    fn take_unusable(symbols: &mut Symbols) -> Vec<(String, FeedCause)> {
        let Symbols::Listed(symbols) = symbols else { return Vec::new() };
        let (mut addresses, mut unusable) = (BTreeSet::new(), Vec::new());
        symbols.retain(|symbol| {
            let address = symbol.to_lowercase();
            let cause = if !is_address(&address) {
                FeedCause::UnknownSymbol { symbol: symbol.clone(), suggestion: None }
            } else if addresses.len() >= POOLS {
                FeedCause::Refused { detail: format!("more than {POOLS} pools") }
            } else {
                return addresses.insert(address);
            };
            unusable.push((symbol.clone(), cause));
            false
        });
        unusable
    }

    fn start(session: &mut UniswapSession, now: Now) {
        let positions: Vec<usize> = (0..session.symbols.len()).collect();
        Self::added(session, &positions, now);
    }

    /// An address has several spellings, and there may be enough pools.
    fn can_add(session: &UniswapSession, symbol: &str) -> bool {
        let known = session.known_symbols();
        let is_same = |position: &usize| session.symbols[*position].name().eq_ignore_ascii_case(symbol);
        known.len() < POOLS && !known.iter().any(is_same)
    }

    fn added(session: &mut UniswapSession, positions: &[usize], now: Now) {
        for pool in positions.iter().copied() {
            session.requests.push(Task::new(Purpose::Tokens { pool }), now.monotonic);
        }
    }

    fn timeout(session: &mut UniswapSession, now: Now) {
        if let Some(history) = &mut session.protocol.history {
            history.expire(now);
        }
    }

    fn deadline(session: &UniswapSession) -> Option<Monotonic> {
        session.protocol.history.as_ref().and_then(History::deadline)
    }

    /// REST is the only source: from the first pool on.
    fn polling_from(session: &UniswapSession) -> Option<Monotonic> {
        let has_pool = session.symbols.iter().any(|symbol| symbol.state.info.is_some());
        (session.is_started && has_pool).then_some(Monotonic::ZERO)
    }

    fn poll(session: &mut UniswapSession, now: Now) {
        if !session.requests.has(|purpose| matches!(purpose, Purpose::Block | Purpose::Swaps { .. })) {
            session.requests.push(Task::new(Purpose::Block), now.monotonic);
        }
    }

    /// The subgraph answers, with its own requests.
    fn history(session: &mut UniswapSession, symbol: usize, request: &HistoryRequest, now: Now) -> Option<Purpose> {
        if let Some(history) = &mut session.protocol.history {
            history.want(symbol, request.interval, request.n_bars, now);
        }
        None
    }

    fn request(symbols: &[Symbol<UniswapPoolState>], purpose: &Purpose, _now: Now) -> Option<RestRequest> {
        let calls = match purpose {
            Purpose::Tokens { pool } => {
                let address = symbols.get(*pool)?.address();
                vec![rpc::call(&address, rpc::TOKEN0), rpc::call(&address, rpc::TOKEN1)]
            }
            Purpose::Details { pool } => {
                let symbol = symbols.get(*pool)?;
                let [token0, token1] = symbol.state.tokens.as_ref()?;
                vec![
                    rpc::call(token0, rpc::SYMBOL),
                    rpc::call(token0, rpc::DECIMALS),
                    rpc::call(token1, rpc::SYMBOL),
                    rpc::call(token1, rpc::DECIMALS),
                    rpc::call(&symbol.address(), rpc::SLOT0),
                ]
            }
            Purpose::Block => vec![rpc::newest_block()],
            Purpose::Swaps { from, to, .. } => {
                let known = symbols.iter().filter(|symbol| symbol.state.info.is_some());
                let addresses: Vec<String> = known.map(Symbol::address).collect();
                vec![rpc::swaps(&addresses, *from, *to)]
            }
        };
        Some(rpc::batch(calls))
    }

    fn requests_sent(session: &mut UniswapSession, _sent: Vec<Purpose>, now: Now) {
        let symbols = &session.symbols;
        if let Some(history) = &mut session.protocol.history {
            history.send_due(now, &mut session.out, |pool| {
                symbols.get(pool).filter(|symbol| symbol.state.info.is_some()).map(Symbol::address)
            });
        }
    }

    fn take_foreign_answer(
        session: &mut UniswapSession,
        id: RequestId,
        result: &Result<HttpAnswer<'_>, HttpFailure>,
        now: Now,
    ) -> bool {
        let is_for_history = History::owns(id);
        if is_for_history {
            session.take_history(id, result.clone(), now);
        }
        is_for_history
    }

    fn answer(session: &mut UniswapSession, task: &Task<Purpose>, body: &str, now: Now) -> Result<(), Unreadable> {
        session.take_answer(task, body, now)
    }

    fn refused(session: &mut UniswapSession, task: Task<Purpose>, _answer: HttpAnswer<'_>, now: Now) {
        session.retry(task, now);
    }
}

impl Symbol<UniswapPoolState> {
    /// Returns the address of the pool's contract, lower case.
    fn address(&self) -> String {
        self.name().to_lowercase()
    }
}

impl UniswapSession {
    /// Requests the swaps up to a block, if it is a new one; in parts after a long silence.
    pub(super) fn want_swaps(&mut self, newest: u64, time_s: u64, now: Now) {
        let last_block = self.protocol.last_block;
        let from = last_block.map_or(newest.saturating_sub(BLOCKS_BACK), |last| last.saturating_add(1));
        if from <= newest {
            let to = newest.min(from.saturating_add(BLOCKS_AT_ONCE - 1));
            self.requests.push(Task::new(Purpose::Swaps { from, to, time_s }), now.monotonic);
        }
    }
}

/// Returns true for `0x` and forty hexadecimal digits.
fn is_address(text: &str) -> bool {
    text.strip_prefix("0x")
        .is_some_and(|digits| digits.len() == 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
