//! One WebSocket connection through the proxy: frames from upstream may be hit by faults, those to upstream pass.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use axum::{
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures::{SinkExt, StreamExt};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        self, Bytes, Message,
        protocol::frame::{
            Frame,
            coding::{Data, OpCode},
        },
    },
};

use super::{
    Active, Proxy,
    plan::{self, ChaosFault, ChaosKind, Draw},
};
use crate::socket::{self, Socket};

type Upstream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Frames waiting to be sent; above this number upstream is not read.
const MAX_WAITING: usize = 4_096;
/// Timeout for connecting to upstream.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// The default number of later frames that may overtake a reordered one.
const USUAL_WINDOW: u32 = 4;
/// The default duration.
const USUAL_MS: u64 = 1_000;
/// A century: a sleep that never ends.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Connects to upstream first, so that its refusal reaches the client.
pub(super) async fn open(proxy: Arc<Proxy>, request: Request) -> Response {
    let address = request.uri().path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    let reached = timeout(CONNECT_DEADLINE, connect_async(format!("{}{address}", proxy.upstream))).await;
    let upstream = match reached {
        Ok(Ok((upstream, _))) => upstream,
        Ok(Err(tungstenite::Error::Http(refused))) => return refused.status().into_response(),
        Ok(Err(_)) | Err(_) => return StatusCode::BAD_GATEWAY.into_response(),
    };
    let draw = Draw::new(proxy.seed, &address, proxy.n_before(&address));
    let (tasks, stop) = (proxy.tasks.clone(), proxy.stop.clone());
    socket::upgrade(&tasks, &stop, request, move |client| async move {
        proxy.counters().n_open += 1;
        let active = proxy.active.subscribe();
        let seen = proxy.active.borrow().generation;
        let relay = Relay {
            proxy: &proxy,
            address,
            draw,
            client,
            upstream,
            n_frames: 0,
            waiting: VecDeque::new(),
            held: Vec::new(),
            quiet: None,
            seen,
        };
        relay.run(active).await;
        proxy.counters().n_open -= 1;
    })
}

/// A silence and its end.
#[derive(Clone, Copy)]
struct Quiet {
    until: Instant,
    is_blackhole: bool,
}

struct Relay<'a> {
    proxy: &'a Proxy,
    address: String,
    draw: Draw,
    client: Socket,
    upstream: Upstream,
    /// Data frames from upstream.
    n_frames: u64,
    /// Messages to the client and their times, in order.
    waiting: VecDeque<(Instant, Vec<Message>)>,
    /// Frames to be overtaken by later ones, and by how many more.
    held: Vec<(u32, Message)>,
    quiet: Option<Quiet>,
    /// The generation of faults whose `now` has been applied.
    seen: u64,
}

/// The connection has ended.
struct Over;

impl Relay<'_> {
    async fn run(mut self, mut active: tokio::sync::watch::Receiver<Active>) {
        while self.step(&mut active).await.is_ok() {}
    }

    async fn step(&mut self, active: &mut tokio::sync::watch::Receiver<Active>) -> Result<(), Over> {
        let now = Instant::now();
        if self.quiet.is_some_and(|quiet| quiet.until <= now) {
            self.quiet = None;
        }
        // Messages that are due are sent before anything else is read, so that a cut loses nothing that came before it.
        if self.quiet.is_none() && self.waiting.front().is_some_and(|(due, _)| *due <= now) {
            return self.release().await;
        }
        let is_blackhole = self.quiet.is_some_and(|quiet| quiet.is_blackhole);
        let due = match (self.quiet, self.waiting.front()) {
            (Some(quiet), _) => quiet.until,
            (None, Some((due, _))) => *due,
            (None, None) => now + NEVER,
        };
        tokio::select! {
            biased;
            changed = active.changed() => {
                changed.map_err(|_| Over)?;
                let active = active.borrow_and_update().clone();
                self.strike_now(&active)
            }
            () = sleep_until(due) => self.release().await,
            message = self.client.next(), if !is_blackhole => match message {
                Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                    self.upstream.send(message).await.map_err(|_| Over)
                }
                Some(Ok(Message::Close(frame))) => {
                    let _ = self.upstream.close(frame).await;
                    Err(Over)
                }
                // The library answers pings.
                Some(Ok(_)) => Ok(()),
                Some(Err(_)) | None => Err(Over),
            },
            message = self.upstream.next(), if self.quiet.is_none() && self.waiting.len() < MAX_WAITING => match message {
                Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => self.take(message),
                Some(Ok(Message::Close(frame))) => {
                    let _ = self.client.close(frame).await;
                    Err(Over)
                }
                Some(Ok(_)) => Ok(()),
                Some(Err(_)) | None => Err(Over),
            },
        }
    }

    /// Writes the messages that are due; the end of a silence by itself does nothing.
    async fn release(&mut self) -> Result<(), Over> {
        let now = Instant::now();
        if self.quiet.is_some_and(|quiet| quiet.until > now) {
            return Ok(());
        }
        while let Some((_, messages)) = self.waiting.pop_front_if(|(due, _)| *due <= now) {
            for message in messages {
                self.client.feed(message).await.map_err(|_| Over)?;
            }
        }
        self.client.flush().await.map_err(|_| Over)
    }

    fn strike_now(&mut self, active: &Active) -> Result<(), Over> {
        if active.generation == self.seen {
            return Ok(());
        }
        self.seen = active.generation;
        // A change ends silences: those that continue are set again.
        self.quiet = None;
        for fault in active.faults.iter() {
            if fault.now && fault.is_for(&self.address) {
                self.proxy.done(fault.kind);
                self.strike_connection(fault)?;
            }
        }
        Ok(())
    }

    fn strike_connection(&mut self, fault: &ChaosFault) -> Result<(), Over> {
        if fault.kind == ChaosKind::Cut {
            return Err(Over);
        }
        let until = Instant::now() + Duration::from_millis(fault.ms.unwrap_or(USUAL_MS));
        self.quiet = Some(Quiet { until, is_blackhole: fault.kind == ChaosKind::Blackhole });
        Ok(())
    }

    /// A frame from upstream.
    fn take(&mut self, message: Message) -> Result<(), Over> {
        let number = self.n_frames;
        self.n_frames += 1;
        self.proxy.saw_frame();
        let active = self.proxy.active.borrow().clone();
        let meant =
            active.faults.iter().enumerate().filter(|(_, fault)| !fault.kind.is_rest() && fault.is_for(&self.address));
        let struck = self.draw.strike(meant, number);
        if let Some((fault, _)) = struck {
            self.proxy.done(fault.kind);
        }
        // The frames held before this one.
        let released: Vec<Message> = {
            self.held.iter_mut().for_each(|(left, _)| *left -= 1);
            self.held.extract_if(.., |(left, _)| *left == 0).map(|(_, message)| message).collect()
        };
        let mut delay = Duration::ZERO;
        let mut passed = match struck {
            None => vec![message],
            Some((fault, choice)) => match fault.kind {
                ChaosKind::Drop => Vec::new(),
                ChaosKind::Duplicate => vec![message.clone(), message],
                ChaosKind::Reorder => {
                    let window = u64::from(fault.window.unwrap_or(USUAL_WINDOW)).max(1);
                    let distance = u32::try_from(1 + choice % window).unwrap_or(1);
                    self.held.push((distance, message));
                    Vec::new()
                }
                ChaosKind::Flip => vec![with_text(message, |text| plan::flipped(text, choice))],
                ChaosKind::Truncate => vec![with_text(message, |text| plan::truncated(text, choice).to_owned())],
                ChaosKind::Split => fragments(&message, choice),
                ChaosKind::Delay => {
                    delay = Duration::from_millis(fault.ms.unwrap_or(USUAL_MS));
                    vec![message]
                }
                _ => {
                    // The frame itself comes after a silence, and is lost at a cut.
                    self.strike_connection(fault)?;
                    vec![message]
                }
            },
        };
        passed.extend(released);
        let due = (Instant::now() + delay).max(self.waiting.back().map_or_else(Instant::now, |(due, _)| *due));
        self.waiting.push_back((due, passed));
        Ok(())
    }
}

fn with_text(message: Message, change: impl FnOnce(&str) -> String) -> Message {
    match message {
        Message::Text(text) => Message::Text(change(&text).into()),
        other => other,
    }
}

/// Returns the message in fragments.
fn fragments(message: &Message, choice: u64) -> Vec<Message> {
    let (bytes, first) = match message {
        Message::Text(text) => (text.as_bytes(), Data::Text),
        Message::Binary(bytes) => (bytes.as_ref(), Data::Binary),
        other => return vec![other.clone()],
    };
    let pieces = plan::pieces(bytes, choice);
    let n_pieces = pieces.len();
    let fragment = |(idx, piece): (usize, &[u8])| {
        let code = if idx == 0 { first } else { Data::Continue };
        Message::Frame(Frame::message(Bytes::copy_from_slice(piece), OpCode::Data(code), idx + 1 == n_pieces))
    };
    pieces.into_iter().enumerate().map(fragment).collect()
}
