//! One client's connection: reads what it says, writes what it gets, keeps the venue's limits, obeys stalls and ends.
//!
//! Not here: what is said (each venue's [`Talk`]) and which frames a client gets (`clients`, `sim`).

use std::{collections::VecDeque, sync::Arc, time::Duration};

use axum::{
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures::{SinkExt, StreamExt};
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{
    self, Message, Utf8Bytes,
    protocol::{
        CloseFrame,
        frame::{
            Frame as RawFrame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};

use crate::{
    breakage::broken,
    clients::{ClientEnd, Ending, Outgoing},
    fault::FaultMode,
    player::wall_clock,
    sim::{Shared, Turn},
    socket::{self, Socket},
    venue::Frame,
};

/// Frames written before the socket is flushed.
const BATCH_FRAMES: usize = 64;
/// How often a stalled connection looks whether the stall is over.
const STALL_CHECK: Duration = Duration::from_millis(20);
/// How long the other side may take to answer a close frame.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);
/// A century: a sleep that never ends.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);
/// How often [`Talk::tick`] is called.
const TICK: Duration = Duration::from_secs(1);

/// What one side of a conversation does next.
pub(crate) enum Step {
    /// A message of its own, at once.
    Say(Utf8Bytes),
    /// Streams are followed from now on.
    Follow(Vec<String>),
    /// Something that must happen between two frames of the timeline.
    Ask(Turn),
    /// The end, with a close frame.
    Close(u16, String),
}

/// Where a frame stands among those of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Next.
    Next,
    /// The same as the one just before: it is its copy.
    Same,
    /// Where [`Talk::miss`] was told of this ticket.
    Kept(u64),
}

/// A venue's side of one conversation.
pub(crate) trait Talk: Send + 'static {
    /// Before the client has said anything.
    fn greet(&mut self) -> Vec<Step> {
        Vec::new()
    }

    /// The client said something.
    fn request(&mut self, text: &str) -> Vec<Step>;

    /// The client says more than it may.
    fn too_fast(&mut self) -> Vec<Step> {
        vec![Step::Close(1008, "Too many requests".to_owned())]
    }

    /// A second has passed.
    fn tick(&mut self) -> Vec<Step> {
        Vec::new()
    }

    /// A frame as this client gets it; `None` where it gets nothing.
    fn text(&mut self, frame: &Frame, place: Place) -> Option<Utf8Bytes>;

    /// A frame does not come, or comes later under the ticket: venues that number frames count it.
    fn miss(&mut self, _ticket: Option<u64>) {}
}

/// Answers a hand-shake and holds the conversation that `talk` makes for the client's number.
pub(crate) fn open<T: Talk>(
    shared: &Arc<Shared>,
    request: Request,
    talk: impl FnOnce(Arc<Shared>, u64) -> T + Send + 'static,
) -> Response {
    if let Some(status) = shared.faults().refuse_handshake(Instant::now()) {
        return StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE).into_response();
    }
    if !shared.may_connect() {
        return (StatusCode::TOO_MANY_REQUESTS, "too many connection attempts").into_response();
    }
    let serving = shared.clone();
    socket::upgrade(&shared.tasks, &shared.stop, request, move |socket| async move {
        let end = serving.clients.connect();
        let talk = talk(serving.clone(), end.id);
        Connection { shared: serving, socket, end, talk, received: VecDeque::new() }.run().await;
    })
}

struct Connection<T> {
    shared: Arc<Shared>,
    socket: Socket,
    end: ClientEnd,
    talk: T,
    /// When the client's last messages came, within a second.
    received: VecDeque<Instant>,
}

/// Why a connection is over.
enum Over {
    /// With a close frame.
    Close(u16, String),
    /// Without a word.
    Abrupt,
}

type Outcome = Result<(), Over>;

impl<T: Talk> Connection<T> {
    async fn run(mut self) {
        if let Err(Over::Close(code, reason)) = self.serve().await {
            let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
            let farewell = async {
                if self.socket.close(Some(frame)).await.is_ok() {
                    // Read on, or the close frame may be lost to a reset.
                    while self.socket.next().await.is_some_and(|message| message.is_ok()) {}
                }
            };
            let _ = timeout(CLOSE_DEADLINE, farewell).await;
        }
    }

    async fn serve(&mut self) -> Outcome {
        let shared = self.shared.clone();
        let limits = shared.config.limits;
        let begun = Instant::now();
        let end_of_life = begun + limits.lifetime.unwrap_or(NEVER);
        let mut ping = interval_at(begun + limits.ping_every, limits.ping_every);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick.reset();
        let mut pong_due: Option<Instant> = None;
        let mut batch = Vec::with_capacity(BATCH_FRAMES);
        let mut faults_changed = shared.faults_changed.subscribe();
        let greeting = self.talk.greet();
        self.take(greeting).await?;
        loop {
            let stall = shared.faults().stall(self.end.id, Instant::now());
            if stall.is_some_and(|mode| mode != FaultMode::Pings) {
                while let Ok(outgoing) = self.end.frames.try_recv() {
                    // Its place in the numbering passes unheard.
                    self.message(&outgoing);
                }
                tokio::select! {
                    biased;
                    _ = self.end.ending.changed() => return Err(self.ending()),
                    _ = faults_changed.changed() => continue,
                    () = sleep(STALL_CHECK) => continue,
                }
            }
            tokio::select! {
                biased;
                _ = self.end.ending.changed() => return Err(self.ending()),
                _ = faults_changed.changed() => {}
                message = self.socket.next() => {
                    let Some(Ok(message)) = message else { return Err(Over::Abrupt) };
                    if matches!(message, Message::Pong(_)) {
                        pong_due = None;
                    }
                    self.receive(message).await?;
                }
                n_frames = self.end.frames.recv_many(&mut batch, BATCH_FRAMES) => {
                    if n_frames == 0 {
                        return Err(Over::Abrupt);
                    }
                    timeout(limits.write_deadline, self.write(&mut batch)).await.unwrap_or(Err(Over::Abrupt))?;
                }
                _ = tick.tick() => {
                    let steps = self.talk.tick();
                    self.take(steps).await?;
                }
                _ = ping.tick() => {
                    pong_due = pong_due.or(Some(Instant::now() + limits.pong_within));
                    let payload = wall_clock().as_millis().to_string();
                    self.send(Message::Ping(payload.into_bytes().into())).await?;
                }
                () = sleep_until(pong_due.unwrap_or(end_of_life)) => {
                    return Err(match pong_due {
                        Some(_) => Over::Close(1008, "Pong timeout".to_owned()),
                        None => Over::Close(1001, "24 hours are over".to_owned()),
                    });
                }
                () = sleep_until(end_of_life) => return Err(Over::Close(1001, "24 hours are over".to_owned())),
            }
        }
    }

    fn ending(&self) -> Over {
        match self.end.ending.borrow().clone() {
            Some(Ending { code: Some(code), reason }) => Over::Close(code, reason),
            _ => Over::Abrupt,
        }
    }

    async fn take(&mut self, steps: Vec<Step>) -> Outcome {
        for step in steps {
            match step {
                Step::Say(text) => self.send(Message::Text(text)).await?,
                Step::Follow(streams) => {
                    if self.shared.clients.subscribe(self.end.id, &streams, self.shared.config.limits.streams) {
                        self.shared.timeline.subscriber_came();
                    }
                }
                Step::Ask(turn) => {
                    if !self.shared.ask(self.end.id, turn) {
                        return Err(Over::Close(1013, "try again later".to_owned()));
                    }
                }
                Step::Close(code, reason) => return Err(Over::Close(code, reason)),
            }
        }
        Ok(())
    }

    /// Writes what is queued. A stall that began meanwhile takes effect with the next batch.
    async fn write(&mut self, batch: &mut Vec<Outgoing>) -> Outcome {
        for outgoing in batch.drain(..) {
            let Some(message) = self.message(&outgoing) else { continue };
            if let (Some(stamps), Some(frame)) = (&self.shared.stamps, outgoing.frame()) {
                stamps.push(self.end.id, &frame.stream, frame.id, wall_clock().as_micros());
            }
            self.socket.feed(message).await.map_err(abrupt)?;
            self.shared.n_frames_sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        self.socket.flush().await.map_err(abrupt)
    }

    fn message(&mut self, outgoing: &Outgoing) -> Option<Message> {
        let (frame, place) = match outgoing {
            Outgoing::Frame(frame) | Outgoing::Broken { frame, .. } => (frame, Place::Next),
            Outgoing::Again(frame) => (frame, Place::Same),
            Outgoing::Late { frame, ticket } => (frame, Place::Kept(*ticket)),
            Outgoing::Missing(ticket) => {
                self.talk.miss(*ticket);
                return None;
            }
        };
        let text = self.talk.text(frame, place)?;
        Some(match outgoing {
            Outgoing::Broken { mode, choice, .. } => {
                let payload = broken(&text, *mode, *choice, self.shared.backend.required_keys());
                Message::Frame(RawFrame::message(payload, OpCode::Data(Data::Text), true))
            }
            _ => Message::Text(text),
        })
    }

    async fn send(&mut self, message: Message) -> Outcome {
        match timeout(self.shared.config.limits.write_deadline, self.socket.send(message)).await {
            Ok(result) => result.map_err(abrupt),
            Err(_) => Err(Over::Abrupt),
        }
    }

    async fn receive(&mut self, message: Message) -> Outcome {
        if let Some(limit) = self.shared.config.limits.messages_per_s {
            let now = Instant::now();
            self.received.push_back(now);
            while self.received.front().is_some_and(|&then| now - then >= Duration::from_secs(1)) {
                self.received.pop_front();
            }
            if self.received.len() > limit {
                let steps = self.talk.too_fast();
                return self.take(steps).await;
            }
        }
        let steps = match &message {
            Message::Text(text) => self.talk.request(text),
            Message::Binary(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => self.talk.request(text),
                Err(_) => return Err(Over::Close(1007, "Invalid payload".to_owned())),
            },
            Message::Close(_) => return Err(Over::Abrupt),
            // Pings are answered by the library with the next write or read.
            _ => return Ok(()),
        };
        self.take(steps).await
    }
}

fn abrupt(error: tungstenite::Error) -> Over {
    tracing::debug!(%error, "a client is gone");
    Over::Abrupt
}
