//! One task per connection to a venue: opens it, forwards received frames, sends the session's frames.
//!
//! Not here: when to reconnect and when a silent connection is dead; the session decides both. Dropping the [`Socket`]
//! abandons the connection at once: a close handshake with a dead peer can hang for minutes.

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
use venues::{
    budget::stated_wait,
    session::{CloseReason, ConnectionId},
};

use super::http::retry_after;
use crate::{clock::Clock, in_words::in_words};

/// An event of a connection, with its time.
#[derive(Debug)]
pub struct SocketEvent {
    /// The connection.
    pub connection: ConnectionId,
    /// The time it was read, before any queue.
    pub now: Now,
    /// The kind of event.
    pub kind: SocketEventKind,
}

/// The kinds of [`SocketEvent`].
#[derive(Debug)]
pub enum SocketEventKind {
    /// The connection is open.
    Connected,
    /// A text frame.
    Text(Utf8Bytes),
    /// A binary frame.
    Binary(bytes::Bytes),
    /// The venue's ping; it is being answered.
    Ping,
    /// The venue's answer to our ping. It measures latency and proves nothing about data.
    Pong {
        /// The time from sending the ping to reading the answer.
        round_trip: Duration,
    },
    /// The connection has ended. The last event.
    Closed(CloseReason),
}

/// The TLS configuration and clock of all connections of a server.
#[derive(Clone)]
pub struct Connections {
    /// TLS for `wss://`.
    pub tls: Arc<ClientConfig>,
    /// Timestamps frames.
    pub clock: Clock,
}

/// A connection that is opening or open. Dropping it abandons the connection.
#[derive(Debug)]
pub struct Socket {
    outgoing: mpsc::Sender<String>,
    task: JoinHandle<()>,
}

/// Frames that may wait for the feed task, from all its connections together. A busy venue sends a few hundred per
/// second, so this is about a second; when it is full, the socket tasks wait and TCP slows the venue down.
pub const EVENT_QUEUE: usize = 256;

impl Socket {
    /// Starts to connect to `url` after `after`, and reports everything through `events`, including an error in place
    /// of the address.
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
                Ok(url) => connect(&url, tls, reporter.clock).await,
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
    /// The queue is full or the connection is gone: give the connection up.
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
    /// Waits for space in the feed's queue; returns false if the feed is gone.
    async fn say(&self, kind: SocketEventKind) -> bool {
        let event = SocketEvent { connection: self.connection, now: self.clock.now(), kind };
        self.events.send(event).await.is_ok()
    }
}

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(url: &str, tls: Arc<ClientConfig>, clock: Clock) -> Result<Stream, CloseReason> {
    let refused = |status, detail| CloseReason::CannotConnect { status, retry_after: None, detail };
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
            let (status, now) = (response.status(), clock.now().wall);
            let body = String::from_utf8_lossy(response.body().as_deref().unwrap_or_default());
            let retry_after = retry_after(response.headers(), now).max(stated_wait(&body, now));
            Err(CloseReason::CannotConnect { status: Some(status.as_u16()), retry_after, detail: status.to_string() })
        }
        Ok(Err(error)) => Err(refused(None, in_words(&error))),
        Err(_elapsed) => Err(refused(None, format!("no connection within {} s", CONNECT_TIME.as_secs()))),
    }
}

/// Reads and writes until either side ends the connection; returns the reason.
async fn converse(stream: Stream, mut to_send: mpsc::Receiver<String>, reporter: &Reporter) -> CloseReason {
    let ended = |code, detail: String| CloseReason::Ended { code, detail };
    let (mut sink, mut source) = stream.split();
    let mut probe = Probe::new(reporter.clock);
    loop {
        tokio::select! {
            biased;
            frame = to_send.recv() => {
                // The `Socket` owns the other end and aborts this task when it is dropped.
                let Some(frame) = frame else { return ended(None, "abandoned".to_owned()) };
                probe.sent_frame();
                match tokio::time::timeout(WRITE_TIME, sink.send(Message::text(frame))).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return ended(None, in_words(&error)),
                    Err(_elapsed) => return ended(None, format!("a frame was not taken within {} s", WRITE_TIME.as_secs())),
                }
            }
            () = tokio::time::sleep_until(probe.due()) => {
                let payload = probe.ping();
                match tokio::time::timeout(WRITE_TIME, sink.send(Message::Ping(payload))).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return ended(None, in_words(&error)),
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
                    Some(Err(error)) => return ended(None, in_words(&error)),
                    None => return ended(None, "closed by the venue without a close frame".to_owned()),
                };
                if !reporter.say(kind).await {
                    return ended(None, "the feed has stopped".to_owned());
                }
            }
        }
    }
}

/// Measures the round trip to the venue with our own pings, at a distance from the session's frames: venues count
/// both.
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

    /// Delays the next ping, because a frame is being sent.
    fn sent_frame(&mut self) {
        self.due = self.due.max(self.clock.now().monotonic + PROBE_DISTANCE);
    }

    /// Returns the payload of a ping to be sent now.
    fn ping(&mut self) -> bytes::Bytes {
        let now = self.clock.now().monotonic;
        self.due = now + PROBE_PERIOD;
        self.n_pings += 1;
        self.sent_at = Some(now);
        self.n_pings.to_string().into()
    }

    /// Returns the round trip if `payload` answers the last ping; otherwise `None`.
    fn answered(&mut self, payload: &[u8]) -> Option<Duration> {
        let sent_at = self.sent_at.take_if(|_| self.n_pings.to_string().as_bytes() == payload)?;
        Some(self.clock.now().monotonic.saturating_since(sent_at))
    }
}

/// Identifies us to venues.
pub const USER_AGENT: &str = concat!("truetape/", env!("CARGO_PKG_VERSION"));

const CONNECT_TIME: Duration = Duration::from_secs(10);
const WRITE_TIME: Duration = Duration::from_secs(5);
/// A book of 46,000 levels arrives in one frame of 5 MB.
const MAX_MESSAGE: usize = 16 << 20;
/// Frames to venues are small (subscriptions, pongs).
const MAX_WRITE_BUFFER: usize = 1 << 20;
/// A connection carries up to a few hundred frames a second, mostly below 2 KB.
const READ_BUFFER: usize = 32 << 10;
/// Venues allow four or five messages a second, and sessions pace themselves; a full queue means a stuck connection.
const SEND_QUEUE: usize = 64;
/// By then the subscriptions have been sent.
const FIRST_PROBE: Duration = Duration::from_secs(5);
/// Often enough to notice a changed route, seldom enough not to matter for the venues' message limits.
const PROBE_PERIOD: Duration = Duration::from_secs(20);
/// Venues allow about five messages a second, and sessions use up to four.
const PROBE_DISTANCE: Duration = Duration::from_secs(1);
