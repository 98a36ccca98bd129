//! Starts a simulated venue and stops it again.
//!
//! One listener carries WebSocket, REST and control. Everything runs in tasks that end with one token: when the
//! [`RunningSim`] is stopped or dropped, none is left.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clients::{Clients, Ending, Outgoing, SharedFrame},
    config::{SimConfig, Source, Speed},
    control,
    fault::{Fate, Fault, FaultKind, Faults},
    player::{self, Timeline},
    request_log::RequestLog,
    stamps::Stamps,
    venue::{Backend, VENUES},
};

/// How long stopping waits for tasks.
const STOP_DEADLINE: Duration = Duration::from_secs(5);
/// Things asked for between two frames; a client beyond that is told to come back later.
const MAX_TURNS: usize = 1_024;
/// Window of the limit on connection attempts.
const CONNECT_WINDOW: Duration = Duration::from_secs(300);

/// Something done by the player between two frames, so that nothing changes meanwhile: a subscription with its snapshot.
/// Returns what the client gets.
pub(crate) type Turn = Box<dyn FnOnce(&Shared) -> Vec<Said> + Send>;

/// What a client gets from a [`Turn`].
pub(crate) enum Said {
    /// Faults pass it by.
    Answer(SharedFrame),
    /// Subject to faults, as frames of its stream are.
    Data(SharedFrame),
}

/// What all parts share.
pub(crate) struct Shared {
    pub(crate) config: SimConfig,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) clients: Arc<Clients>,
    pub(crate) timeline: Timeline,
    pub(crate) stamps: Option<Stamps>,
    pub(crate) n_frames_sent: AtomicU64,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    /// Told of every fault, so that connections in the middle of a wait look again.
    pub(crate) faults_changed: watch::Sender<()>,
    /// What clients have asked to be done between two frames, oldest first.
    turns: Mutex<VecDeque<(u64, Turn)>>,
    /// Recent connection attempts, oldest first.
    attempts: Mutex<VecDeque<Instant>>,
    faults: Mutex<Faults>,
    requests: Mutex<RequestLog>,
}

impl Shared {
    /// The active faults.
    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was asked by REST.
    pub(crate) fn requests(&self) -> MutexGuard<'_, RequestLog> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a fault, or ends all.
    pub(crate) fn begin_fault(&self, fault: Fault) {
        tracing::info!(kind = ?fault.kind, "fault");
        if fault.kind == FaultKind::Close {
            let reason = fault.reason.clone().unwrap_or_default();
            self.clients.end_all(&Ending { code: fault.code, reason });
        }
        let next_client = self.clients.next_id();
        self.faults().begin(fault, Instant::now(), next_client);
        self.faults_changed.send_replace(());
    }

    /// True where one more connection may be opened now; every call counts as an attempt.
    pub(crate) fn may_connect(&self) -> bool {
        let Some(limit) = self.config.limits.connects_per_5_min else { return true };
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        while attempts.front().is_some_and(|attempt| attempt.elapsed() >= CONNECT_WINDOW) {
            attempts.pop_front();
        }
        attempts.push_back(Instant::now());
        attempts.len() <= limit
    }

    /// Has something done between two frames, soon; false where too much is waiting already.
    pub(crate) fn ask(&self, client: u64, turn: Turn) -> bool {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.len() >= MAX_TURNS {
            return false;
        }
        turns.push_back((client, turn));
        drop(turns);
        self.timeline.wake();
        true
    }

    /// Does what was asked for. Called by the player only.
    pub(crate) async fn take_turns(&self) {
        loop {
            let next = self.turns.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some((client, turn)) = next else { return };
            for said in turn(self) {
                match said {
                    Said::Answer(frame) => self.clients.send(client, Outgoing::Frame(frame), self.patience()).await,
                    Said::Data(frame) => self.deliver_to(&[client], &frame).await,
                }
            }
        }
    }

    /// Brings a frame to its subscribers, or does to it what an active fault says.
    pub(crate) async fn deliver(&self, frame: &SharedFrame) {
        self.deliver_to(&self.clients.subscribers(&frame.stream), frame).await;
    }

    async fn deliver_to(&self, clients: &[u64], frame: &SharedFrame) {
        if clients.is_empty() {
            return;
        }
        let (fate, ticket, released) = {
            let mut faults = self.faults();
            match faults.frame(&frame.stream, Instant::now()) {
                fate @ Fate::Hold(distance) => {
                    let (ticket, released) = faults.hold(frame.clone(), distance);
                    (fate, Some(ticket), released.into_iter().collect())
                }
                fate => (fate, None, faults.release(&frame.stream)),
            }
        };
        let mut outgoing = match fate {
            Fate::Pass => vec![Outgoing::Frame(frame.clone())],
            Fate::Duplicate => vec![Outgoing::Frame(frame.clone()), Outgoing::Again(frame.clone())],
            Fate::Drop | Fate::Hold(_) => vec![Outgoing::Missing(ticket)],
            Fate::Corrupt(mode, choice) => vec![Outgoing::Broken { frame: frame.clone(), mode, choice }],
        };
        outgoing.extend(released.into_iter().map(|(frame, ticket)| Outgoing::Late { frame, ticket }));
        for &client in clients {
            if self.faults().stall(client, Instant::now()).is_some() {
                self.clients.send(client, Outgoing::Missing(ticket), self.patience()).await;
                continue;
            }
            for one in &outgoing {
                self.clients.send(client, one.clone(), self.patience()).await;
            }
        }
    }

    /// Only at full speed may a client hold the timeline up.
    fn patience(&self) -> Duration {
        if self.config.speed == Speed::Max { self.config.limits.write_deadline } else { Duration::ZERO }
    }
}

/// Starts simulated venues.
pub struct Sim;

impl Sim {
    /// Reads the source, listens, and plays.
    ///
    /// # Errors
    /// An unknown venue, a recording that cannot be read, an address that is not loopback or not free.
    pub async fn start(config: SimConfig) -> anyhow::Result<RunningSim> {
        if !config.listen.ip().is_loopback() {
            bail!("{} is not a loopback address: the simulator is for this machine only", config.listen);
        }
        for fault in &config.faults {
            fault.check().map_err(anyhow::Error::msg)?;
        }
        if matches!(config.source, Source::Demo { .. }) && config.speed == Speed::Max {
            bail!("the made-up market has no end: give a number as its speed");
        }
        let Some(venue) = VENUES.iter().find(|venue| venue.name == config.venue) else {
            bail!("unknown venue {:?}", config.venue);
        };
        let opening = config.clone();
        let opened = tokio::task::spawn_blocking(move || (venue.open)(&opening)).await??;
        let listener =
            TcpListener::bind(config.listen).await.with_context(|| format!("listen on {}", config.listen))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            backend: opened.backend,
            clients: Arc::default(),
            timeline: Timeline::new(config.start),
            stamps: config.is_stamping.then(Stamps::default),
            n_frames_sent: AtomicU64::new(0),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            faults_changed: watch::Sender::new(()),
            turns: Mutex::default(),
            attempts: Mutex::default(),
            faults: Mutex::default(),
            requests: Mutex::default(),
            config,
        });
        for fault in shared.config.faults.clone() {
            shared.begin_fault(fault);
        }
        let routes = (opened.routes)(shared.clone()).merge(control::routes(shared.clone()));
        shared.tasks.spawn(player::run(shared.clone()));
        let stop = shared.stop.clone();
        let serve = axum::serve(Door { listener, shared: shared.clone() }, routes)
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
struct Door {
    listener: TcpListener,
    shared: Arc<Shared>,
}

impl axum::serve::Listener for Door {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let (stream, peer) = axum::serve::Listener::accept(&mut self.listener).await;
            if !self.shared.faults().refuses_tcp(Instant::now()) {
                // Frames are small and must leave at once.
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
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl RunningSim {
    /// Begins a fault, or ends all with [`FaultKind::None`].
    pub fn fault(&self, fault: Fault) {
        self.shared.begin_fault(fault);
    }

    /// Lets the timeline go on.
    pub fn resume(&self) {
        self.shared.timeline.resume();
    }

    /// Stops the timeline.
    pub fn pause(&self) {
        self.shared.timeline.pause();
    }

    /// Disconnects everyone and begins the recording anew.
    pub fn restart(&self) {
        self.shared.timeline.restart();
    }

    /// The same as `GET /control/state`.
    pub fn state(&self) -> serde_json::Value {
        control::state(&self.shared)
    }

    /// The true book now or, where asked, at a sequence number; at most `depth` rows a side.
    pub fn book(&self, symbol: &str, at: Option<u64>, depth: usize) -> Option<serde_json::Value> {
        self.shared.backend.book(symbol, at, depth)
    }

    /// Bars built from the trades played so far.
    pub fn candles(&self, symbol: &str, interval: &str) -> Option<serde_json::Value> {
        self.shared.backend.candles(symbol, interval)
    }

    /// REST requests answered so far.
    pub fn n_requests(&self) -> u64 {
        self.shared.requests().n_requests()
    }

    /// Frames handed to sockets so far.
    pub fn n_frames_sent(&self) -> u64 {
        self.shared.n_frames_sent.load(Ordering::Relaxed)
    }

    /// Tasks still running.
    pub fn n_tasks(&self) -> usize {
        self.shared.tasks.len()
    }

    /// Ends everything and waits for it, for five seconds at most.
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
