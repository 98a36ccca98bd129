//! Uniswap v3: a node's JSON-RPC at `/` and a subgraph's GraphQL at `/subgraph`, over the made-up market. No sockets.
//!
//! - [`chain`]: pools, blocks and swaps · [`node`]: what a node says of them · [`subgraph`]: what an index of the past says
//!
//! Every other pool has the quote as token 0, as half of the chain's have. The key is the subgraph's
//! (`authorization: Bearer …`); a node takes everybody. Faults see a request to the node under the name of its first
//! method (`path=eth_getLogs`). Recordings are not played: they are the answers of one node to one client.
//!
//! Source of shapes: <https://ethereum.org/en/developers/docs/apis/json-rpc/>,
//! <https://docs.uniswap.org/contracts/v3/reference/core/interfaces/pool/IUniswapV3PoolEvents>,
//! <https://docs.uniswap.org/api/subgraph/overview>.

mod chain;
mod node;
mod subgraph;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::bail;
use serde_json::Value;

use self::chain::Chain;
use crate::{
    bars::BarQuery,
    config::{Limits, SimConfig, Source},
    made_up::MadeUp,
    market,
    venue::{Backend, Frame, Opened},
};

/// Bars shown at the control endpoint.
const SHOWN_BARS: i64 = 500;

/// What public nodes bear; each of the two services counts for itself.
pub(crate) fn limits() -> Limits {
    Limits { weight_per_min: Some(1_200), lifetime: None, ..Limits::default() }
}

/// Makes the market.
pub(crate) fn open(config: &SimConfig) -> anyhow::Result<Opened> {
    let Source::Demo { seed, start } = &config.source else {
        bail!("this venue plays the made-up market only: recordings hold one node's answers to one client");
    };
    let chain = Arc::new(Chain::new(MadeUp::new(*seed, *start, &config.quote)));
    let backend = chain.clone();
    let routes = Box::new(move |shared: Arc<_>| {
        node::routes(Arc::clone(&shared), chain.clone()).merge(subgraph::routes(shared, chain))
    });
    Ok(Opened { backend, routes })
}

impl Backend for Chain {
    fn due(&self) -> Option<&[Duration]> {
        None
    }

    fn play(&self, _frame_idx: usize, _wanted: &dyn Fn(&str) -> bool) -> Vec<Arc<Frame>> {
        Vec::new()
    }

    fn reset(&self) {}

    /// Nobody is told: everybody asks.
    fn advance(&self, slot: u64, _wanted: &BTreeSet<Arc<str>>) -> Vec<Arc<Frame>> {
        self.market.go_to(slot);
        Vec::new()
    }

    fn book(&self, _symbol: &str, _at: Option<u64>, _depth: usize) -> Option<Value> {
        None
    }

    fn top(&self, _symbol: &str) -> Option<Value> {
        None
    }

    /// Of a pool, in the quote; only what is in a block counts.
    fn candles(&self, symbol: &str, interval: &str) -> Option<Value> {
        let minutes: i64 = interval.parse().ok().filter(|minutes| *minutes > 0)?;
        let query = BarQuery { length_ms: minutes * 60_000, start_ms: None, end_ms: None, limit: SHOWN_BARS };
        let bars = self.pool(symbol)?.asset.bars(self.last_slot(), &query);
        Some(market::shown_bars(symbol, interval, &bars))
    }

    fn required_keys(&self) -> &'static [&'static str] {
        &[]
    }
}
