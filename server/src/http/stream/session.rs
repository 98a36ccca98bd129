//! One connection's task: reads, writes and keeps time, none of which ever waits for another.
//!
//! The socket is split. Reading goes on while a write is stuck, because the reading half answers pings. A client that
//! does not read is detected by time, not by memory, because the kernel holds the data.
//!
//! | full or late | answer |
//! |---|---|
//! | the hub's queue for this client | state skips to a snapshot; events: bye 3008, the client resumes |
//! | one write, longer than `write_timeout` | the connection is dropped |
//! | unwritten replies | reading pauses until some are written |
//! | running commands | reading pauses until one is done |
//! | no hello, no pong | bye 3502, bye 3001 |

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::Bytes;
use futures::{StreamExt, stream::FuturesUnordered};
use hub::{
    error::Closed,
    subscriber::{Delivery, Subscriber},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::{
    Encoding, Frame,
    close_code::CloseCode,
    decode_client, encode_batch, encode_server,
    limits::MAX_ITEMS,
    message::{Bye, RefusalCode, Refused, ServerMessage},
};

use super::{
    StreamContext,
    commands::Pending,
    conversation::{Conversation, close_code_of},
    limiter::{Limiter, Verdict},
    writer::Writer,
};
use crate::publish::SharedUpdate;

/// The size in bytes at which a batch continues in a new frame.
pub const MAX_FRAME: usize = 128 << 10;

/// Serves one connection until either side ends it.
pub async fn run(socket: WebSocket, context: StreamContext, encoding: Encoding, draining: CancellationToken) {
    let (sink, mut source) = socket.split();
    let mut session = Session::new(Writer::new(sink), context, encoding);
    loop {
        let wake = session.next_wake();
        let Session { writer, conversation, commands, ending, .. } = &mut session;
        let (is_open, is_idle) = (ending.is_none(), writer.is_idle());
        let step = tokio::select! {
            biased;
            () = draining.cancelled(), if is_open => Step::Close(CloseCode::RESTART),
            message = source.next(), if writer.len() < MAX_REPLIES && commands.len() < MAX_COMMANDS => {
                Step::Read(message)
            }
            Some(answer) = commands.next(), if !commands.is_empty() => Step::Done(answer),
            result = writer.flush(), if !is_idle => if result.is_ok() { Step::Written } else { Step::Gone },
            // Only after all other frames: the answer to a subscription must precede its items.
            batch = next_batch(conversation.subscriber()), if is_open && is_idle => Step::Batch(batch),
            () = tokio::time::sleep_until(wake) => Step::Woken,
        };
        let flow = match step {
            Step::Close(code) => session.close(code),
            Step::Read(Some(Ok(message))) => session.read(message),
            Step::Read(Some(Err(error))) => session.unreadable(&error),
            Step::Read(None) | Step::Gone => Flow::Over,
            Step::Written => Flow::GoOn,
            Step::Done(answer) => session.done(&answer),
            Step::Batch(Ok(batch)) => session.send_batch(&batch),
            Step::Batch(Err(closed)) => session.close(close_code_of(closed)),
            Step::Woken => session.woken(),
        };
        if flow == Flow::Over {
            break;
        }
    }
}

/// An event of the session's loop.
enum Step {
    Close(CloseCode),
    Read(Option<Result<Message, axum::Error>>),
    /// A command's answer.
    Done(ServerMessage),
    Written,
    Gone,
    Batch(Result<Vec<Delivery<SharedUpdate>>, Closed>),
    Woken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    GoOn,
    Over,
}

struct Session {
    writer: Writer,
    conversation: Conversation,
    commands: FuturesUnordered<Pending>,
    encoding: Encoding,
    context: StreamContext,
    limiter: Limiter,
    n_unreadable: u32,
    opened: Instant,
    next_ping: Instant,
    /// When the answer to the last ping is overdue.
    pong_due: Option<Instant>,
    /// When the connection is dropped in any case; a close frame has been queued or received.
    ending: Option<Instant>,
}

impl Session {
    fn new(writer: Writer, context: StreamContext, encoding: Encoding) -> Self {
        let now = Instant::now();
        let config = &context.config;
        Self {
            writer,
            conversation: Conversation::new(context.clone()),
            commands: FuturesUnordered::new(),
            encoding,
            limiter: Limiter::new(config.messages_per_second, config.messages_burst, context.clock.now().monotonic),
            n_unreadable: 0,
            opened: now,
            next_ping: now + config.ping,
            pong_due: None,
            ending: None,
            context,
        }
    }

    fn read(&mut self, message: Message) -> Flow {
        // Any message is a sign of life.
        self.pong_due = None;
        if self.ending.is_some() {
            return Flow::GoOn;
        }
        let frame = match &message {
            Message::Text(text) => Frame::Text(text.as_str()),
            Message::Binary(bytes) => Frame::Binary(bytes),
            Message::Pong(_) => return Flow::GoOn,
            // The library answers pings; they count as messages, or they would bypass the limit.
            Message::Ping(_) => return self.pass().map_or_else(|flow| flow, |()| Flow::GoOn),
            Message::Close(_) => {
                // The library sends its answer with the next reads, which end the connection.
                self.ending = Some(Instant::now() + CLOSE_TIME);
                return Flow::GoOn;
            }
        };
        if let Err(flow) = self.pass() {
            return flow;
        }
        let reply = match decode_client(frame) {
            Ok(message) => self.conversation.answer(message),
            Err(error) => {
                self.say(&ServerMessage::Refused(error.refused()));
                self.n_unreadable += 1;
                let is_hopeless = self.n_unreadable > MAX_UNREADABLE;
                let close = error.close_code().or(is_hopeless.then_some(CloseCode::BAD_MESSAGE));
                return close.map_or(Flow::GoOn, |code| self.close(code));
            }
        };
        reply.messages.iter().for_each(|message| self.say(message));
        self.commands.extend(reply.pending);
        reply.close.map_or(Flow::GoOn, |code| self.close(code))
    }

    fn done(&mut self, answer: &ServerMessage) -> Flow {
        if self.ending.is_none() {
            self.say(answer);
        }
        Flow::GoOn
    }

    /// Counts a message against the limit.
    fn pass(&mut self) -> Result<(), Flow> {
        match self.limiter.judge(self.context.clock.now().monotonic) {
            Verdict::Pass => Ok(()),
            Verdict::Refuse => {
                let message = format!("at most {} messages a second", self.context.config.messages_per_second);
                self.say(&ServerMessage::Refused(Refused { id: None, code: RefusalCode::RateLimited, message }));
                Err(Flow::GoOn)
            }
            Verdict::Disconnect => Err(self.close(CloseCode::TOO_MANY_MESSAGES)),
        }
    }

    /// Handles a read error: the client broke the protocol, sent too large a message, or is gone.
    fn unreadable(&mut self, error: &axum::Error) -> Flow {
        tracing::debug!(%error, "a stream connection cannot be read");
        let is_too_large = error.to_string().contains("too long");
        if self.ending.is_some() || !is_too_large {
            return Flow::Over;
        }
        self.close(TOO_LARGE)
    }

    fn send_batch(&mut self, batch: &[Delivery<SharedUpdate>]) -> Flow {
        let mut rest = batch;
        while !rest.is_empty() {
            let mut n_bytes = 0;
            let n_items = rest
                .iter()
                .take(MAX_ITEMS)
                .take_while(|delivery| {
                    let is_first = n_bytes == 0;
                    n_bytes += delivery.payload.bytes(self.encoding).len();
                    is_first || n_bytes <= MAX_FRAME
                })
                .count();
            let (now, later) = rest.split_at(n_items.max(1));
            let updates = now.iter().map(|delivery| (delivery.stream, &*delivery.payload));
            self.push(encode_batch(updates, self.encoding));
            rest = later;
        }
        Flow::GoOn
    }

    fn say(&mut self, message: &ServerMessage) {
        let bytes = encode_server(message, self.encoding);
        self.push(bytes);
    }

    fn push(&mut self, bytes: Vec<u8>) {
        let bytes = Bytes::from(bytes);
        let frame = match self.encoding {
            Encoding::Binary => Message::Binary(bytes),
            Encoding::Json => match bytes.try_into() {
                Ok(text) => Message::Text(text),
                // The encoder guarantees UTF-8.
                Err(_) => return,
            },
        };
        self.writer.push(frame);
    }

    /// Sends a bye and a close frame, and starts to wait for the client's close frame.
    fn close(&mut self, code: CloseCode) -> Flow {
        if self.ending.is_none() {
            self.say(&ServerMessage::Bye(Bye::from(code)));
            self.writer.push(Message::Close(Some(CloseFrame { code: code.0, reason: code.reason().into() })));
            self.ending = Some(Instant::now() + CLOSE_TIME);
        }
        Flow::GoOn
    }

    fn next_wake(&self) -> Instant {
        let config = &self.context.config;
        let hello = self.conversation.subscriber().is_none().then(|| self.opened + config.hello_timeout);
        let write = self.writer.busy_since().map(|since| since + config.write_timeout);
        match self.ending {
            Some(ending) => write.map_or(ending, |write| ending.min(write)),
            None => [hello, write, self.pong_due].into_iter().flatten().fold(self.next_ping, Instant::min),
        }
    }

    fn woken(&mut self) -> Flow {
        let now = Instant::now();
        let config = &self.context.config;
        if self.ending.is_some_and(|ending| now >= ending)
            || self.writer.busy_since().is_some_and(|since| now >= since + config.write_timeout)
        {
            return Flow::Over;
        }
        if self.ending.is_some() {
            return Flow::GoOn;
        }
        if self.conversation.subscriber().is_none() && now >= self.opened + config.hello_timeout {
            return self.close(CloseCode::NO_HELLO);
        }
        if self.pong_due.is_some_and(|due| now >= due) {
            return self.close(CloseCode::IDLE);
        }
        if now >= self.next_ping {
            self.next_ping = now + config.ping;
            // Counted from the first unanswered ping: a later one must not delay the end.
            self.pong_due.get_or_insert(now + config.pong_timeout);
            self.writer.push(Message::Ping(Bytes::new()));
        }
        Flow::GoOn
    }
}

/// Waits for the hub's next batch; forever without a subscriber. Cancel-safe.
async fn next_batch(subscriber: Option<&Subscriber<SharedUpdate>>) -> Result<Vec<Delivery<SharedUpdate>>, Closed> {
    match subscriber {
        Some(subscriber) => subscriber.next_batch().await,
        None => std::future::pending().await,
    }
}

/// Frames that may wait for a client that asks faster than it reads.
const MAX_REPLIES: usize = 64;
/// Concurrent commands of one client.
const MAX_COMMANDS: usize = 8;
/// Unreadable messages before a client is disconnected.
const MAX_UNREADABLE: u32 = 16;
/// The wait for the client's close frame. Browsers answer at once.
const CLOSE_TIME: Duration = Duration::from_secs(1);
/// From RFC 6455: a message is too big to process.
const TOO_LARGE: CloseCode = CloseCode(1009);
