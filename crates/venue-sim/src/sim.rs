//! Starts and stops a simulated venue.
//!
//! One listener serves WebSocket, REST and control. Everything runs in tasks that end with one token: when the
//! [`RunningSim`] is stopped or dropped, none remains.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context, bail};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};

use crate::{
    config::{SimConfig, Source, Speed},
    control, endpoint,
    exchange::Exchange,
    fault::Fault,
    player,
    shared::{self, Shared},
};

/// Time for which a stop waits for tasks.
const STOP_DEADLINE: Duration = Duration::from_secs(5);
/// Starts simulated venues.
pub struct Sim;

impl Sim {
    /// Reads the source, listens, and plays.
    ///
    /// # Errors
    /// An unknown venue, a recording that cannot be read, or an address that is not loopback or not free.
    pub async fn start(config: SimConfig) -> anyhow::Result<RunningSim> {
        if !config.listen.ip().is_loopback() {
            bail!("{} is not a loopback address: the simulator is for this machine only", config.listen);
        }
        for fault in &config.faults {
            fault.check().map_err(anyhow::Error::msg)?;
        }
        if matches!(config.source, Source::Demo { .. }) && config.speed == Speed::Max {
            bail!("the simulated market has no end: choose a number as its speed");
        }
        let opening = config.clone();
        let exchange = tokio::task::spawn_blocking(move || Exchange::open(&opening)).await??;
        let listener =
            TcpListener::bind(config.listen).await.with_context(|| format!("listen on {}", config.listen))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(config, exchange));
        for fault in shared.config.faults.clone() {
            shared.begin_fault(fault);
        }
        let routes = control::routes(shared.clone()).merge(endpoint::routes(shared.clone()));
        shared.tasks.spawn(player::run(shared.clone()));
        shared.tasks.spawn(shared::run_clock(shared.clone()));
        let stop = shared.stop.clone();
        let serve = axum::serve(GuardedListener { listener, shared: shared.clone() }, routes)
            .with_graceful_shutdown(async move { stop.cancelled().await });
        shared.tasks.spawn(async move {
            if let Err(error) = serve.await {
                tracing::error!(%error, "the simulator stopped listening");
            }
        });
        Ok(RunningSim {
            ws_url: format!("ws://{address}"),
            rest_url: format!("http://{address}"),
            control_url: format!("http://{address}/control"),
            address,
            shared,
        })
    }
}

/// The listener, which can refuse connections before any HTTP.
struct GuardedListener {
    listener: TcpListener,
    shared: Arc<Shared>,
}

impl axum::serve::Listener for GuardedListener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let (stream, peer) = axum::serve::Listener::accept(&mut self.listener).await;
            if !self.shared.faults().refuses_tcp(Instant::now()) {
                // Frames are small and must be sent at once.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "no delay could not be set");
                }
                return (stream, peer);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A running simulator; stops when dropped.
pub struct RunningSim {
    /// Address for the client's `ws_url`, without stream paths.
    pub ws_url: String,
    /// Address for the client's `rest_url`.
    pub rest_url: String,
    /// Address of the control endpoints.
    pub control_url: String,
    /// The address it listens on.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl RunningSim {
    /// Begins a fault, or ends all with [`crate::FaultKind::None`].
    pub fn fault(&self, fault: Fault) {
        self.shared.begin_fault(fault);
    }

    /// Resumes the timeline.
    pub fn resume(&self) {
        self.shared.timeline.resume();
    }

    /// Stops the timeline.
    pub fn pause(&self) {
        self.shared.timeline.pause();
    }

    /// Disconnects all clients and restarts the recording.
    pub fn restart(&self) {
        self.shared.timeline.restart();
    }

    /// Returns the same as `GET /control/state`.
    pub fn state(&self) -> serde_json::Value {
        control::state(&self.shared)
    }

    /// Returns the true book now or at the given update id; at most `depth` rows a side.
    pub fn book(&self, symbol: &str, at: Option<u64>, depth: usize) -> Option<serde_json::Value> {
        self.shared.exchange().book(symbol, at, depth)
    }

    /// Returns the bars built from the trades played so far.
    pub fn candles(&self, symbol: &str, interval: &str) -> Option<serde_json::Value> {
        self.shared.exchange().candles(symbol, interval)
    }

    /// Returns the number of REST requests answered so far.
    pub fn n_requests(&self) -> u64 {
        self.shared.requests().n_requests()
    }

    /// Returns the number of frames written to sockets so far.
    pub fn n_frames_sent(&self) -> u64 {
        self.shared.n_frames_sent.load(Ordering::Relaxed)
    }

    /// Returns the number of tasks still running.
    pub fn n_tasks(&self) -> usize {
        self.shared.tasks.len()
    }

    /// Stops everything and waits for it, for five seconds at most.
    pub async fn stop(self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        if timeout(STOP_DEADLINE, self.shared.tasks.wait()).await.is_err() {
            tracing::warn!("some tasks did not end in time");
        }
    }
}

impl Drop for RunningSim {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultKind;

    #[tokio::test]
    async fn refuses_what_it_must_not_or_cannot_do() {
        let demo = || SimConfig::new("binance", Source::Demo { seed: 1, start: None });
        for config in [
            SimConfig { listen: SocketAddr::from(([0, 0, 0, 0], 0)), ..demo() },
            SimConfig { venue: "nowhere".to_owned(), ..demo() },
            SimConfig { speed: Speed::Max, ..demo() },
            SimConfig { faults: vec![Fault { probability: Some(2.0), ..Fault::new(FaultKind::Drop) }], ..demo() },
            SimConfig::new("binance", Source::Files(vec!["/does/not/exist".into()])),
        ] {
            assert!(Sim::start(config).await.is_err());
        }
    }
}
