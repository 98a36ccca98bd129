//! Uniswap v3: a node's JSON-RPC at `/` and a subgraph's GraphQL at `/subgraph`, over the simulated market. No sockets.
//!
//! - [`chain`]: pools, blocks and swaps · [`node`]: a node's answers · [`subgraph`]: a historical index's answers
//!
//! Every other pool has the quote as token 0, as do half of the chain's. The key is the subgraph's (`authorization:
//! Bearer …`); a node accepts all clients. Faults see a request to the node under the name of its first method
//! (`path=eth_getLogs`). Recordings are not played: they are the answers of one node to one client.
//!
//! Source of shapes: <https://ethereum.org/en/developers/docs/apis/json-rpc/>,
//! <https://docs.uniswap.org/contracts/v3/reference/core/interfaces/pool/IUniswapV3PoolEvents>,
//! <https://docs.uniswap.org/api/subgraph/overview>.

mod chain;
mod node;
mod subgraph;

use std::sync::Arc;

use crate::{
    bars::{Bar, BarQuery},
    config::{Limits, SimConfig},
    core::Core,
    exchange::{Address, ConnectionId, HttpRequest, Refusal},
    made_up::Spelling,
    market::Market,
    source,
    venue::{Frame, Protocol},
};

use self::chain::Chain;

/// Bars shown at the control endpoint.
const SHOWN_BARS: i64 = 500;
/// The path of the subgraph; all others belong to the node.
const SUBGRAPH: &str = "/subgraph";
/// Symbols are addresses, made by [`Chain`]: these names are for lists only.
const SPELLING: Spelling =
    Spelling { symbol: |base, quote| format!("{base}/{quote}"), number: crate::fixed::show, ids_a_slot: 1 };

/// The usual limits of public nodes; each of the two services counts separately.
pub(crate) fn limits() -> Limits {
    Limits { weight_per_min: Some(1_200), lifetime: None, ..Limits::default() }
}

/// The protocol.
pub(crate) fn protocol() -> Box<dyn Protocol> {
    Box::new(Uniswap)
}

/// Creates the market.
pub(crate) fn market(config: &SimConfig) -> anyhow::Result<Box<dyn Market>> {
    source::open(config, SPELLING, None)
}

/// The two services.
struct Uniswap;

impl Protocol for Uniswap {
    fn open(&mut self, _core: &mut Core, _connection: ConnectionId, _address: &Address) -> Result<(), Refusal> {
        Err((404, "no sockets here"))
    }

    fn message(&mut self, _core: &mut Core, _connection: ConnectionId, _text: &str) {}

    fn update(&mut self, _core: &mut Core, _stream: &Arc<str>, _slot: u64) -> Vec<Frame> {
        Vec::new()
    }

    fn answer(&mut self, core: &mut Core, request: &HttpRequest) -> Option<(u16, String)> {
        // Nobody ever subscribes: the first request starts the chain.
        core.wake();
        let chain = Chain(core.market.made_up()?);
        match request.path.as_str() {
            "/" => Some((200, node::answer(chain, &request.body))),
            SUBGRAPH => Some((200, subgraph::answer(core, chain, request))),
            _ => None,
        }
    }

    fn refusal(&self, request: &HttpRequest, status: u16) -> String {
        if request.path == SUBGRAPH { subgraph::refusal(status) } else { node::refusal(status) }
    }

    fn weight(&self, request: &HttpRequest) -> u32 {
        if request.path == SUBGRAPH { 1 } else { node::Batch::read(&request.body).n_calls() }
    }

    fn request_name(&self, request: &HttpRequest) -> String {
        if request.path == SUBGRAPH {
            SUBGRAPH.to_owned()
        } else {
            format!("/{}", node::Batch::read(&request.body).method())
        }
    }

    fn service(&self, request: &HttpRequest) -> &'static str {
        if request.path == SUBGRAPH { "subgraph" } else { "node" }
    }

    fn required_keys(&self) -> &'static [&'static str] {
        &[]
    }

    /// The bars of a pool, in the quote; only swaps in a block count.
    fn shown_bars(&self, core: &Core, symbol: &str, length_ms: i64) -> Option<Vec<Bar>> {
        let chain = Chain(core.market.made_up()?);
        Some(chain.pool(symbol)?.asset.bars(chain.last_slot(), &BarQuery::newest(length_ms, SHOWN_BARS)))
    }
}
