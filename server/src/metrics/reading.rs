//! Figures that exist anyway, read when a monitor or the System page asks.

use std::path::PathBuf;

use hub::hub::HubStats;
use model::{
    histogram::DelayCounts,
    instrument::Venue,
    quality::FeedCounters,
    status::StreamState,
    time::{Now, Timestamp},
};
use store::files::{CANDLE_FILE, DESK_FILE};
use tokio_util::task::TaskTracker;

use super::process::ProcessFigures;
use crate::{
    certificate::Certificate,
    clock::Clock,
    desk::handle::DeskHandle,
    disk,
    feed::handle::{FeedStatus, Feeds},
    log,
    places::Places,
    publish::Publishing,
};

/// The parts of the server that are read.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The server's certificate, if it has one.
    pub certificate: Option<Certificate>,
    /// The clocks.
    pub clock: Clock,
    /// The folder of the files.
    pub data_dir: PathBuf,
    /// The trading desk.
    pub desk: DeskHandle,
    /// The feeds.
    pub feeds: Feeds,
    /// The places of connections.
    pub places: Places,
    /// The hub.
    pub publishing: Publishing,
    /// Stream sessions.
    pub sockets: TaskTracker,
}

/// All figures at a moment.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The moment.
    pub now: Now,
    /// Time at which the server's certificate expires; `None` without one.
    pub certificate_expires: Option<Timestamp>,
    /// Time at which the server started.
    pub started: Timestamp,
    /// The process; `None` where the system does not offer it.
    pub process: Option<ProcessFigures>,
    /// Errors in the log.
    pub n_log_errors: u64,
    /// Connections in use and places, by kind.
    pub places: [(&'static str, usize, usize); 2],
    /// Stream sessions.
    pub n_sessions: usize,
    /// Sessions that have said hello.
    pub n_clients: u64,
    /// The hub.
    pub hub: HubStats,
    /// Bytes that wait in the hub's queues.
    pub queued_bytes: usize,
    /// Feeds, by venue.
    pub feeds: Vec<FeedReading>,
    /// Requests that wait for the desk; `None` without a desk.
    pub desk_queue: Option<usize>,
    /// Files with their bytes.
    pub files: Vec<(&'static str, u64)>,
    /// Free bytes of the disk.
    pub disk_free: Option<u64>,
}

/// One feed at a moment.
#[derive(Clone, Debug)]
pub struct FeedReading {
    /// The venue.
    pub venue: Venue,
    /// True if it is connected and its task runs.
    pub is_connected: bool,
    /// Why it is not, as a sentence.
    pub cause: Option<String>,
    /// Open connections.
    pub n_open: u32,
    /// Counts since the feed started.
    pub counters: FeedCounters,
    /// Trades, quotes, book changes and all other events since then.
    pub n_events: u64,
    /// Bytes received since then.
    pub n_bytes: u64,
    /// Delays of messages, relative to the fastest.
    pub delays: DelayCounts,
    /// Time of the last message; a simulated market has events alone.
    pub last_message: Option<Timestamp>,
    /// Streams in each of [`STATES`].
    pub streams: [u64; STATES.len()],
}

/// The states of streams.
pub const STATES: [StreamState; 4] =
    [StreamState::Initialising, StreamState::Live, StreamState::Stale, StreamState::Failed];

impl Sources {
    /// Reads everything. Looks at each queue of the hub and at files: a few times a minute is fine, in a loop is not.
    pub fn read(&self) -> Reading {
        let Self { certificate, clock, data_dir, desk, feeds, places, publishing, sockets } = self;
        let now = clock.now();
        let mut of_feeds = Vec::new();
        feeds.each(|status, is_gone| of_feeds.push(FeedReading::of(status, is_gone)));
        let size = |name: &'static str| Some((name, disk::database_bytes(&data_dir.join(name))?));
        Reading {
            now,
            certificate_expires: certificate.as_ref().and_then(Certificate::expires),
            started: clock.started(),
            process: ProcessFigures::read(),
            n_log_errors: log::n_errors(),
            places: places.in_use(),
            n_sessions: sockets.len(),
            n_clients: publishing.n_clients(),
            hub: publishing.hub().stats(),
            queued_bytes: publishing.hub().queued_bytes(),
            feeds: of_feeds,
            desk_queue: desk.queue_len(),
            files: [DESK_FILE, CANDLE_FILE].into_iter().filter_map(size).collect(),
            disk_free: disk::free_bytes(data_dir),
        }
    }
}

impl FeedReading {
    fn of(status: &FeedStatus, is_gone: bool) -> Self {
        let FeedStatus { streams, connection, counters, n_events, n_bytes, delays, .. } = status;
        let count = |state: StreamState| {
            let is_in = |stream: StreamState| if is_gone { state == StreamState::Failed } else { stream == state };
            streams.iter().filter(|stream| is_in(stream.state)).count() as u64
        };
        let last_update = streams.iter().filter_map(|stream| stream.last_update_ms).max();
        Self {
            venue: connection.venue.clone(),
            is_connected: connection.is_connected && !is_gone,
            cause: connection.cause.clone(),
            n_open: connection.n_open,
            counters: *counters,
            n_events: *n_events,
            n_bytes: *n_bytes,
            delays: *delays,
            last_message: connection.last_frame_ms.max(last_update).map(Timestamp::from_millis),
            streams: STATES.map(count),
        }
    }
}
