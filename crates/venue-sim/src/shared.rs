//! State shared by all parts of a running simulator: the venue, its clients, the timeline, and the faults.
//!
//! The venue is behind one lock, held while an input is handled and its output is queued; never across an await.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use model::time::{Monotonic, Now};
use tokio::{sync::watch, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    breakage::broken,
    clients::{Clients, Ending, Outgoing, Payload},
    config::{SimConfig, Speed},
    exchange::{Event, Exchange, Input, Output},
    fault::{Fate, Fault, FaultKind, Faults},
    player::{Timeline, wall_clock},
    request_log::RequestLog,
    stamps::Stamps,
};

/// Interval at which the venue checks the clock.
const CLOCK: Duration = Duration::from_millis(100);

/// The shared parts.
pub(crate) struct Shared {
    pub(crate) config: SimConfig,
    pub(crate) clients: Clients,
    pub(crate) timeline: Timeline,
    pub(crate) stamps: Option<Stamps>,
    pub(crate) n_frames_sent: AtomicU64,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    /// Notified of every fault, so that waiting connections check again.
    pub(crate) faults_changed: watch::Sender<()>,
    /// Zero of the monotonic clock.
    begun: Instant,
    exchange: Mutex<Exchange>,
    faults: Mutex<Faults>,
    requests: Mutex<RequestLog>,
}

impl Shared {
    /// Creates the state of a venue without connections.
    pub(crate) fn new(config: SimConfig, exchange: Exchange) -> Self {
        Self {
            clients: Clients::default(),
            timeline: Timeline::new(config.start),
            stamps: config.is_stamping.then(Stamps::default),
            n_frames_sent: AtomicU64::new(0),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            faults_changed: watch::Sender::new(()),
            begun: Instant::now(),
            exchange: Mutex::new(exchange),
            faults: Mutex::default(),
            requests: Mutex::default(),
            config,
        }
    }

    /// Locks the venue. Code that changes it calls [`Self::carry_out`] before unlocking.
    pub(crate) fn exchange(&self) -> MutexGuard<'_, Exchange> {
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the active faults.
    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the REST requests so far.
    pub(crate) fn requests(&self) -> MutexGuard<'_, RequestLog> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the current time.
    pub(crate) fn now(&self) -> Now {
        Now { monotonic: Monotonic::from_zero(self.begun.elapsed()), wall: wall_clock() }
    }

    /// Passes an input to the venue and queues its output.
    pub(crate) fn handle(&self, input: Input<'_>) {
        let mut exchange = self.exchange();
        exchange.handle(input, self.now());
        self.carry_out(&mut exchange);
    }

    /// Queues all output of the venue.
    pub(crate) fn carry_out(&self, exchange: &mut Exchange) {
        let is_silenced = |stream: &str, client| self.faults().silences(stream, client, Instant::now());
        while let Some(output) = exchange.poll_except(is_silenced) {
            match output {
                Output::Message(client, text) => self.clients.send(client, Outgoing::Message(text)),
                Output::Event(event) => self.deliver(event, exchange.protocol().required_keys()),
                Output::Close(client, code, reason) => {
                    self.clients.send(client, Outgoing::Close(Ending { code: Some(code), reason }));
                }
                Output::Subscribed => self.timeline.subscriber_came(),
            }
        }
    }

    /// Delivers a frame to its readers, subject to the active faults.
    fn deliver(&self, event: Event, required_keys: &[&str]) {
        let mut faults = self.faults();
        let now = Instant::now();
        let fate = faults.frame(&event.stream, now);
        let mut breakage = None;
        let mut events = match fate {
            Fate::Pass => vec![event.clone()],
            Fate::Duplicate => vec![event.clone(), event.clone()],
            Fate::Drop | Fate::Hold(_) => Vec::new(),
            Fate::Corrupt(mode, choice) => {
                breakage = Some((mode, choice));
                vec![event.clone()]
            }
        };
        match fate {
            Fate::Hold(distance) => events.extend(faults.hold(event, distance)),
            _ => events.extend(faults.release(&event.stream)),
        }
        for (idx, Event { stream, id, texts }) in events.into_iter().enumerate() {
            for (client, text) in texts {
                if faults.stall(client, now).is_some() {
                    continue;
                }
                let payload = match breakage.filter(|_| idx == 0) {
                    Some((mode, choice)) => Payload::Broken(broken(&text, mode, choice, required_keys)),
                    None => Payload::Whole(text),
                };
                self.clients.send(client, Outgoing::Frame(stream.clone(), id, payload));
            }
        }
    }

    /// Begins a fault, or ends all of them.
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

    /// Waits until all clients have room for the next frames: only at full speed may a client delay the timeline.
    pub(crate) async fn wait_for_room(&self) {
        if self.config.speed == Speed::Max {
            self.clients.wait_for_room(self.config.limits.write_deadline).await;
        }
    }

    /// Counts a frame that is about to be written.
    pub(crate) fn note_sent(&self, client: u64, stream: &Arc<str>, id: Option<u64>) {
        self.n_frames_sent.fetch_add(1, Ordering::Relaxed);
        if let Some(stamps) = &self.stamps {
            stamps.push(client, stream, id, wall_clock().as_micros());
        }
    }
}

/// Lets the venue check the clock until the simulator stops.
pub(crate) async fn run_clock(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(CLOCK);
    while shared.stop.run_until_cancelled(ticks.tick()).await.is_some() {
        shared.handle(Input::Time);
    }
}
