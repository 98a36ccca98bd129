//! One task for each connection to a venue: opens it, hands frames on, sends what the session wants sent.
//!
//! Not here: when to connect again and when a silent connection is dead; the session decides both. Dropping the
//! [`Socket`] abandons the connection at once: a close handshake with a dead peer can hang for minutes.

use std::{sync::Arc, time::Duration};

use futures::{SinkExt, StreamExt};
use model::time::{Monotonic, Now};
use rustls::ClientConfig;
use tokio::{net::TcpStream, sync::mpsc, task::JoinHandle};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{
        Error, Message, Utf8Bytes,
        client::IntoClientRequest,
        http::{HeaderValue, header},
        protocol::WebSocketConfig,
    },
};
use venues::session::{CloseReason, ConnectionId};

use crate::clock::Clock;

/// What a connection says, with the moment it said it.
#[derive(Debug)]
pub struct SocketEvent {
    /// Which connection.
    pub connection: ConnectionId,
    /// When it was read, before any queue.
    pub now: Now,
    /// What it said.
    pub kind: SocketEventKind,
}

/// The kinds of [`SocketEvent`].
#[derive(Debug)]
pub enum SocketEventKind {
    /// It is open.
    Connected,
    /// A text frame.
    Text(Utf8Bytes),
    /// A binary frame.
    Binary(bytes::Bytes),
    /// The other side's ping; the answer is on its way.
    Ping,
    /// The other side's answer to a ping of ours. It measures the way and proves nothing about data.
    Pong {
        /// From the sending of the ping to the reading of the answer.
        round_trip: Duration,
    },
    /// It is gone. The last event.
    Closed(CloseReason),
}

/// What all connections of a server share.
#[derive(Clone)]
pub struct Connections {
    /// TLS for `wss://`.
    pub tls: Arc<ClientConfig>,
    /// Stamps frames.
    pub clock: Clock,
}

/// A connection, opening or open. Dropping it abandons it.
#[derive(Debug)]
pub struct Socket {
    outgoing: mpsc::Sender<String>,
    task: JoinHandle<()>,
}

/// Frames that may wait for the feed task, all its connections together. A busy venue sends a few hundred a second, so
/// this is about a second; when it is full the socket tasks wait, and TCP holds the venue back.
pub const EVENT_QUEUE: usize = 256;

impl Socket {
    /// Starts to connect to `url` after `after`; everything else is told through `events`. Where there is no address to
    /// connect to, that is told at that time.
    pub fn open(
        shared: &Connections,
        connection: ConnectionId,
        url: Result<String, CloseReason>,
        after: Duration,
        events: mpsc::Sender<SocketEvent>,
    ) -> Self {
        let (outgoing, to_send) = mpsc::channel(SEND_QUEUE);
        let reporter = Reporter { connection, clock: shared.clock, events };
        let tls = shared.tls.clone();
        let task = tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let connected = match url {
                Ok(url) => connect(&url, tls).await,
                Err(reason) => Err(reason),
            };
            let reason = match connected {
                Ok(stream) => {
                    if !reporter.say(SocketEventKind::Connected).await {
                        return;
                    }
                    converse(stream, to_send, &reporter).await
                }
                Err(reason) => reason,
            };
            reporter.say(SocketEventKind::Closed(reason)).await;
        });
        Self { outgoing, task }
    }

    /// Queues a frame.
    ///
    /// # Errors
    /// The connection has not taken the frames before this one, or is gone: give it up.
    pub fn send(&self, frame: String) -> Result<(), CloseReason> {
        self.outgoing
            .try_send(frame)
            .map_err(|error| CloseReason::Ended { code: None, detail: format!("frames are not being taken: {error}") })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Reporter {
    connection: ConnectionId,
    clock: Clock,
    events: mpsc::Sender<SocketEvent>,
}

impl Reporter {
    /// Waits for room in the feed's queue; false when the feed is gone.
    async fn say(&self, kind: SocketEventKind) -> bool {
        let event = SocketEvent { connection: self.connection, now: self.clock.now(), kind };
        self.events.send(event).await.is_ok()
    }
}

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(url: &str, tls: Arc<ClientConfig>) -> Result<Stream, CloseReason> {
    let refused = |status, detail| CloseReason::CannotConnect { status, detail };
    let mut request = url.into_client_request().map_err(|error| refused(None, error.to_string()))?;
    request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .max_write_buffer_size(MAX_WRITE_BUFFER);
    let connecting = connect_async_tls_with_config(request, Some(config), true, Some(Connector::Rustls(tls)));
    match tokio::time::timeout(CONNECT_TIME, connecting).await {
        Ok(Ok((stream, _response))) => Ok(stream),
        Ok(Err(Error::Http(response))) => {
            let status = response.status();
            Err(refused(Some(status.as_u16()), format!("the handshake was answered with {status}")))
        }
        Ok(Err(error)) => Err(refused(None, error.to_string())),
        Err(_elapsed) => Err(refused(None, format!("no connection within {} s", CONNECT_TIME.as_secs()))),
    }
}

/// Reads and writes until either side ends it; returns why.
async fn converse(stream: Stream, mut to_send: mpsc::Receiver<String>, reporter: &Reporter) -> CloseReason {
    let ended = |code, detail: String| CloseReason::Ended { code, detail };
    let (mut sink, mut source) = stream.split();
    let mut probe = Probe::new(reporter.clock);
    loop {
        tokio::select! {
            biased;
            frame = to_send.recv() => {
                // The handle owns the other end and aborts this task when dropped.
                let Some(frame) = frame else { return ended(None, "abandoned".to_owned()) };
                probe.sent_frame();
                match tokio::time::timeout(WRITE_TIME, sink.send(Message::text(frame))).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return ended(None, error.to_string()),
                    Err(_elapsed) => return ended(None, format!("a frame was not taken within {} s", WRITE_TIME.as_secs())),
                }
            }
            () = tokio::time::sleep_until(probe.due()) => {
                let payload = probe.ping();
                match tokio::time::timeout(WRITE_TIME, sink.send(Message::Ping(payload))).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return ended(None, error.to_string()),
                    Err(_elapsed) => return ended(None, format!("a ping was not taken within {} s", WRITE_TIME.as_secs())),
                }
            }
            message = source.next() => {
                let kind = match message {
                    Some(Ok(Message::Text(text))) => SocketEventKind::Text(text),
                    Some(Ok(Message::Binary(bytes))) => SocketEventKind::Binary(bytes),
                    // The library has queued the pong and writes it with the next read.
                    Some(Ok(Message::Ping(_))) => SocketEventKind::Ping,
                    Some(Ok(Message::Pong(payload))) => match probe.answered(&payload) {
                        Some(round_trip) => SocketEventKind::Pong { round_trip },
                        None => continue,
                    },
                    Some(Ok(Message::Frame(_))) => continue,
                    Some(Ok(Message::Close(frame))) => {
                        return frame.map_or_else(
                            || ended(None, "closed by the venue".to_owned()),
                            |frame| ended(Some(frame.code.into()), frame.reason.to_string()),
                        );
                    }
                    Some(Err(error)) => return ended(None, error.to_string()),
                    None => return ended(None, "closed by the venue without a close frame".to_owned()),
                };
                if !reporter.say(kind).await {
                    return ended(None, "the feed has stopped".to_owned());
                }
            }
        }
    }
}

/// Measures the round trip to the venue with pings of our own, away from the frames that the session sends: venues
/// count both.
struct Probe {
    clock: Clock,
    due: Monotonic,
    n_pings: u64,
    sent_at: Option<Monotonic>,
}

impl Probe {
    fn new(clock: Clock) -> Self {
        Self { clock, due: clock.now().monotonic + FIRST_PROBE, n_pings: 0, sent_at: None }
    }

    fn due(&self) -> tokio::time::Instant {
        self.clock.instant(self.due)
    }

    /// A frame goes out: a ping that is due waits.
    fn sent_frame(&mut self) {
        self.due = self.due.max(self.clock.now().monotonic + PROBE_DISTANCE);
    }

    /// The payload of the ping that goes out now.
    fn ping(&mut self) -> bytes::Bytes {
        let now = self.clock.now().monotonic;
        self.due = now + PROBE_PERIOD;
        self.n_pings += 1;
        self.sent_at = Some(now);
        self.n_pings.to_string().into()
    }

    /// How long the answer to the last ping took; `None` for any other.
    fn answered(&mut self, payload: &[u8]) -> Option<Duration> {
        let sent_at = self.sent_at.take_if(|_| self.n_pings.to_string().as_bytes() == payload)?;
        Some(self.clock.now().monotonic.saturating_since(sent_at))
    }
}

/// Venues tell callers apart by it when they complain.
pub const USER_AGENT: &str = concat!("truetape/", env!("CARGO_PKG_VERSION"));

const CONNECT_TIME: Duration = Duration::from_secs(10);
const WRITE_TIME: Duration = Duration::from_secs(5);
/// A book of 46,000 levels comes in one frame of 5 MB.
const MAX_MESSAGE: usize = 16 << 20;
/// What venues are sent is small (subscriptions, pongs).
const MAX_WRITE_BUFFER: usize = 1 << 20;
/// A connection carries up to a few hundred frames a second, mostly below 2 KB.
const READ_BUFFER: usize = 32 << 10;
/// Venues allow four or five messages a second, and sessions pace themselves; more waiting means it is stuck.
const SEND_QUEUE: usize = 64;
/// The subscriptions have gone out by then.
const FIRST_PROBE: Duration = Duration::from_secs(5);
/// Often enough to follow a route that changes, seldom enough to weigh nothing against the venues' message limits.
const PROBE_PERIOD: Duration = Duration::from_secs(20);
/// Venues allow about five messages a second, and sessions use up to four.
const PROBE_DISTANCE: Duration = Duration::from_secs(1);
