//! One client's connection: passes its messages to the venue, writes its queue, sends pings, obeys stalls and close
//! commands.
//!
//! Not here: messages and their recipients ([`crate::exchange`]).

use std::{sync::Arc, time::Duration};

use axum::{
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures::{SinkExt, StreamExt};
use tokio::time::{Instant, interval_at, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{
    self, Message,
    protocol::{
        CloseFrame,
        frame::{
            Frame as RawFrame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};

use crate::{
    clients::{ClientEnd, Ending, Outgoing, Payload},
    exchange::{Address, Input},
    fault::FaultMode,
    player::wall_clock,
    shared::Shared,
    socket::{self, Socket},
};

/// Frames written before the socket is flushed.
const BATCH_FRAMES: usize = 64;
/// Interval at which a stalled connection checks whether the stall has ended.
const STALL_CHECK: Duration = Duration::from_millis(20);
/// Timeout for the other side's close frame.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);
/// A century: a sleep that never ends.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);
/// Answers a handshake and serves the connection.
pub(crate) fn open(shared: &Arc<Shared>, request: Request, address: &Address) -> Response {
    if let Some(status) = shared.faults().refuse_handshake(Instant::now()) {
        return StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE).into_response();
    }
    let connection = Connection { end: shared.clients.connect(), shared: shared.clone() };
    let opened = {
        let mut exchange = shared.exchange();
        let opened = exchange.connect(connection.end.id, address, shared.now());
        shared.carry_out(&mut exchange);
        opened
    };
    if let Err((status, words)) = opened {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        return (status, words).into_response();
    }
    socket::upgrade(&shared.tasks, &shared.stop, request, move |socket| connection.run(socket))
}

/// A connection known to the venue; dropping it reports its end.
struct Connection {
    shared: Arc<Shared>,
    end: ClientEnd,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shared.handle(Input::Closed(self.end.id));
        self.shared.clients.remove(self.end.id);
    }
}

/// Why a connection ended.
enum Over {
    /// With a close frame.
    Close(u16, String),
    /// Without a close frame.
    Abrupt,
}

type Outcome = Result<(), Over>;

impl Connection {
    async fn run(mut self, mut socket: Socket) {
        if let Err(Over::Close(code, reason)) = self.serve(&mut socket).await {
            let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
            let farewell = async {
                if socket.close(Some(frame)).await.is_ok() {
                    // Keep reading, or the close frame may be lost to a reset.
                    while socket.next().await.is_some_and(|message| message.is_ok()) {}
                }
            };
            let _ = timeout(CLOSE_DEADLINE, farewell).await;
        }
    }

    async fn serve(&mut self, socket: &mut Socket) -> Outcome {
        let shared = self.shared.clone();
        let limits = shared.config.limits;
        let begun = Instant::now();
        let end_of_life = begun + limits.lifetime.unwrap_or(NEVER);
        let mut ping = interval_at(begun + limits.ping_every, limits.ping_every);
        let mut pong_due: Option<Instant> = None;
        let mut batch = Vec::with_capacity(BATCH_FRAMES);
        let mut faults_changed = shared.faults_changed.subscribe();
        loop {
            let stall = shared.faults().stall(self.end.id, Instant::now());
            if stall.is_some_and(|mode| mode != FaultMode::Pings) {
                // Messages still queued are dropped.
                while self.end.frames.try_recv().is_ok() {}
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
                message = socket.next() => {
                    let Some(Ok(message)) = message else { return Err(Over::Abrupt) };
                    if matches!(message, Message::Pong(_)) {
                        pong_due = None;
                    }
                    self.receive(&message)?;
                }
                n_frames = self.end.frames.recv_many(&mut batch, BATCH_FRAMES) => {
                    if n_frames == 0 {
                        return Err(Over::Abrupt);
                    }
                    let written = self.write(socket, &mut batch);
                    timeout(limits.write_deadline, written).await.unwrap_or(Err(Over::Abrupt))?;
                }
                _ = ping.tick() => {
                    pong_due = pong_due.or(Some(Instant::now() + limits.pong_within));
                    let payload = wall_clock().as_millis().to_string();
                    let sent = socket.send(Message::Ping(payload.into_bytes().into()));
                    timeout(limits.write_deadline, sent).await.map_err(|_| Over::Abrupt)?.map_err(abrupt)?;
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
            Some(ending) => ending.into(),
            None => Over::Abrupt,
        }
    }

    /// Writes the queue. A stall that began meanwhile takes effect with the next batch.
    async fn write(&self, socket: &mut Socket, batch: &mut Vec<Outgoing>) -> Outcome {
        for outgoing in batch.drain(..) {
            let message = match outgoing {
                Outgoing::Message(text) => Message::Text(text),
                Outgoing::Frame(stream, id, payload) => {
                    self.shared.note_sent(self.end.id, &stream, id);
                    match payload {
                        Payload::Whole(text) => Message::Text(text),
                        Payload::Broken(bytes) => {
                            Message::Frame(RawFrame::message(bytes, OpCode::Data(Data::Text), true))
                        }
                    }
                }
                Outgoing::Close(ending) => {
                    socket.flush().await.map_err(abrupt)?;
                    return Err(ending.into());
                }
            };
            socket.feed(message).await.map_err(abrupt)?;
        }
        socket.flush().await.map_err(abrupt)
    }

    fn receive(&self, message: &Message) -> Outcome {
        let text = match message {
            Message::Text(text) => text.as_str(),
            Message::Binary(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => text,
                Err(_) => return Err(Over::Close(1007, "Invalid payload".to_owned())),
            },
            Message::Close(_) => return Err(Over::Abrupt),
            // The library answers pings at the next write or read.
            _ => {
                self.shared.handle(Input::Ping(self.end.id));
                return Ok(());
            }
        };
        self.shared.handle(Input::Frame(self.end.id, text));
        Ok(())
    }
}

impl From<Ending> for Over {
    fn from(ending: Ending) -> Self {
        ending.code.map_or(Self::Abrupt, |code| Self::Close(code, ending.reason))
    }
}

fn abrupt(error: tungstenite::Error) -> Over {
    tracing::debug!(%error, "a client is gone");
    Over::Abrupt
}
