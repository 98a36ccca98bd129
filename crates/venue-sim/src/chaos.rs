//! A fault-injecting proxy: WebSocket frames and REST answers pass through it to a client, some of them damaged.
//!
//! It sits between a client and any venue on this machine, simulated or not, and knows no protocol: it counts frames.
//! Every choice depends on the seed, the address that a connection requested, how many connections that address had
//! before, and the number of the frame; clocks and the order of connections to different addresses have no influence.
//! So the same seed and the same frames give the same faults. Not here: faults that depend on a frame's meaning
//! ([`crate::fault`]).
//!
//! - [`plan`]: which faults happen when · `relay`: one WebSocket connection · `rest`: requests
//!
//! `GET /chaos/state` returns the counts; `POST /chaos/faults` (a JSON list, or one fault a line) replaces the faults;
//! an empty body ends all of them.

pub mod plan;
mod relay;
mod rest;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, bail};
use axum::{
    Json, Router,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::plan::{ChaosFault, ChaosKind};

/// Time for which a stop waits for tasks.
const STOP_DEADLINE: Duration = Duration::from_secs(5);

/// Configuration of a proxy.
#[derive(Clone, Debug)]
pub struct ChaosConfig {
    /// The address to listen on; must be loopback, port 0 takes a free one.
    pub listen: SocketAddr,
    /// The upstream of WebSocket connections: `ws://127.0.0.1:1234`, without a path.
    pub upstream: String,
    /// The upstream of requests: `http://127.0.0.1:1234`.
    pub rest_upstream: String,
    /// The seed of all choices.
    pub seed: u64,
    /// The faults.
    pub faults: Vec<ChaosFault>,
}

impl ChaosConfig {
    /// A proxy on a free port without faults yet; requests go to the same host as connections.
    pub fn new(upstream: &str, seed: u64) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            upstream: upstream.to_owned(),
            rest_upstream: upstream.replacen("ws://", "http://", 1),
            seed,
            faults: Vec::new(),
        }
    }
}

/// The active faults, with a number that rises at every change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Active {
    pub(crate) generation: u64,
    pub(crate) faults: Arc<Vec<ChaosFault>>,
}

/// The counts.
#[derive(Debug, Default)]
struct Counters {
    done: BTreeMap<ChaosKind, u64>,
    n_frames: u64,
    n_requests: u64,
    n_open: u64,
    /// Connections and requests so far, by address.
    asked: BTreeMap<String, u64>,
}

/// State shared by all parts.
pub(crate) struct Proxy {
    pub(crate) upstream: String,
    pub(crate) rest_upstream: SocketAddr,
    pub(crate) seed: u64,
    pub(crate) active: watch::Sender<Active>,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    counters: Mutex<Counters>,
}

impl Proxy {
    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an applied fault.
    pub(crate) fn done(&self, kind: ChaosKind) {
        *self.counters().done.entry(kind).or_default() += 1;
    }

    /// Counts a frame from upstream.
    pub(crate) fn saw_frame(&self) {
        self.counters().n_frames += 1;
    }

    /// Returns the number of earlier connections or requests for an address.
    pub(crate) fn n_before(&self, address: &str) -> u64 {
        let mut counters = self.counters();
        let n_asked = counters.asked.entry(address.to_owned()).or_default();
        *n_asked += 1;
        *n_asked - 1
    }

    fn set(&self, faults: Vec<ChaosFault>) {
        self.active.send_modify(|active| {
            *active = Active { generation: active.generation + 1, faults: Arc::new(faults) };
        });
    }

    fn state(&self) -> Value {
        let counters = self.counters();
        json!({
            "seed": self.seed,
            "faults": &*self.active.borrow().faults,
            "done": counters.done,
            "n_frames": counters.n_frames,
            "n_requests": counters.n_requests,
            "n_open": counters.n_open,
        })
    }
}

/// Starts proxies.
pub struct Chaos;

impl Chaos {
    /// Listens and forwards.
    ///
    /// # Errors
    /// An address that is not loopback or not free, or an upstream that is not a `ws://` or `http://` address of this
    /// machine.
    pub async fn start(config: ChaosConfig) -> anyhow::Result<RunningChaos> {
        if !config.listen.ip().is_loopback() {
            bail!("{} is not a loopback address: the proxy is for this machine only", config.listen);
        }
        for fault in &config.faults {
            fault.check().map_err(anyhow::Error::msg)?;
        }
        here(&config.upstream, "ws://")?;
        let rest_upstream = here(&config.rest_upstream, "http://")?;
        let listener =
            TcpListener::bind(config.listen).await.with_context(|| format!("listen on {}", config.listen))?;
        let address = listener.local_addr()?;
        let proxy = Arc::new(Proxy {
            upstream: config.upstream.trim_end_matches('/').to_owned(),
            rest_upstream,
            seed: config.seed,
            active: watch::Sender::new(Active { generation: 1, faults: Arc::new(config.faults) }),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            counters: Mutex::default(),
        });
        let stop = proxy.stop.clone();
        let serve =
            axum::serve(listener, routes(proxy.clone())).with_graceful_shutdown(async move { stop.cancelled().await });
        proxy.tasks.spawn(async move {
            if let Err(error) = serve.await {
                tracing::error!(%error, "the proxy stopped listening");
            }
        });
        Ok(RunningChaos {
            ws_url: format!("ws://{address}"),
            rest_url: format!("http://{address}"),
            control_url: format!("http://{address}/chaos"),
            address,
            proxy,
        })
    }
}

/// Parses the socket address of an address on this machine.
fn here(url: &str, scheme: &str) -> anyhow::Result<SocketAddr> {
    let host = url.strip_prefix(scheme).with_context(|| format!("{url:?} does not begin with {scheme}"))?;
    let host = host.trim_end_matches('/').replacen("localhost", "127.0.0.1", 1);
    let address: SocketAddr = host.parse().with_context(|| format!("{url:?} is not an address with a port"))?;
    if !address.ip().is_loopback() {
        bail!("{url:?} is not on this machine");
    }
    Ok(address)
}

fn routes(proxy: Arc<Proxy>) -> Router {
    Router::new()
        .route("/chaos/state", get(|State(proxy): State<Arc<Proxy>>| async move { Json(proxy.state()) }))
        .route("/chaos/faults", post(set_faults))
        .fallback(pass)
        .with_state(proxy)
}

/// Accepts the body whatever its content type: it is mostly typed by hand.
async fn set_faults(State(proxy): State<Arc<Proxy>>, body: String) -> Response {
    match plan::read(&body) {
        Ok(faults) => {
            proxy.set(faults);
            Json(proxy.state()).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response(),
    }
}

async fn pass(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    if request.headers().contains_key(header::UPGRADE) {
        relay::open(proxy, request).await
    } else {
        proxy.counters().n_requests += 1;
        rest::pass(&proxy, request).await
    }
}

/// A running proxy; stops when dropped.
pub struct RunningChaos {
    /// Address for the client's `ws_url`.
    pub ws_url: String,
    /// Address for the client's `rest_url`.
    pub rest_url: String,
    /// Address of the control endpoints.
    pub control_url: String,
    /// The address it listens on.
    pub address: SocketAddr,
    proxy: Arc<Proxy>,
}

impl RunningChaos {
    /// Replaces the faults; an empty list ends all of them.
    ///
    /// # Errors
    /// The reason why a fault is invalid.
    pub fn set(&self, faults: Vec<ChaosFault>) -> Result<(), String> {
        faults.iter().try_for_each(ChaosFault::check)?;
        self.proxy.set(faults);
        Ok(())
    }

    /// Returns the same as `GET /chaos/state`.
    pub fn state(&self) -> Value {
        self.proxy.state()
    }

    /// Returns how often a fault was applied.
    pub fn n_done(&self, kind: ChaosKind) -> u64 {
        self.proxy.counters().done.get(&kind).copied().unwrap_or(0)
    }

    /// Stops everything and waits for it, for five seconds at most.
    pub async fn stop(self) {
        self.proxy.stop.cancel();
        self.proxy.tasks.close();
        if timeout(STOP_DEADLINE, self.proxy.tasks.wait()).await.is_err() {
            tracing::warn!("some tasks did not end in time");
        }
    }
}

impl Drop for RunningChaos {
    fn drop(&mut self) {
        self.proxy.stop.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stays_on_this_machine() {
        for upstream in ["ws://192.0.2.1:80", "wss://127.0.0.1:80", "ws://example.org:80", "ws://127.0.0.1"] {
            assert!(Chaos::start(ChaosConfig::new(upstream, 1)).await.is_err(), "{upstream}");
        }
        let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let config = ChaosConfig { listen: everywhere, ..ChaosConfig::new("ws://127.0.0.1:80", 1) };
        assert!(Chaos::start(config).await.is_err());
        assert!(Chaos::start(ChaosConfig::new("ws://localhost:80/", 1)).await.is_ok());
    }
}
