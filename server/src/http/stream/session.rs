//! One connection's task: reads, writes and keeps time, none of which ever waits for another.
//!
//! The socket is split. Reading goes on while a write is stuck, because the reading half answers pings. Updates wait in
//! the hub, where they can be conflated and are shared with all other clients; the session takes one frame at a time,
//! once everything before it is in the kernel. A frame is small while the client is slow: what is on its way can no
//! longer be replaced by something newer.
//!
//! | full or late | answer |
//! |---|---|
//! | the hub's queue for this client | skips to snapshots; for events, the client is told by a reset |
//! | not one byte taken, or no ping between updates answered, for `write_timeout` | bye 3008 |
//! | unwritten replies | reading pauses until some are written |
//! | running commands | reading pauses until one is done |
//! | no hello, no pong | bye 3502, bye 3001 |
//! | a frame too large, not WebSocket, not UTF-8 | bye 1009, 1002, 1007 |
//!
//! A goodbye is written before the connection ends, within a time limit, whatever the client still sends.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use hub::{
    error::Closed,
    subscriber::{Delivery, Subscriber},
};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{self, Message, error::ProtocolError, protocol::CloseFrame};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};
use wire::{
    Encoding, Frame,
    close_code::CloseCode,
    decode_client, encode_server,
    limits::MAX_ITEMS,
    message::{Bye, RefusalCode, Refused, ServerMessage},
};

use super::{
    StreamContext,
    conversation::{Conversation, close_code_of},
    frames::Frames,
    limiter::{Limiter, Verdict},
    socket::Socket,
    writer::{Entry, Writer},
};
use crate::{
    access::caller::Caller, config::Config, http::transport::Transport, metrics::counters::clients::SentCounters,
    publish::SharedUpdate,
};

/// Serves one connection until either side ends it.
pub async fn run(
    socket: Socket,
    context: StreamContext,
    (caller, encoding): (Caller, Encoding),
    draining: CancellationToken,
    span: Span,
) {
    let transport = socket.transport().cloned();
    if let Some(transport) = &transport {
        transport.begin_stream();
    }
    let mut session = Session::new(socket, context, (caller.clone(), encoding), span.clone());
    // To begin waiting for what all sessions share takes its lock, and so does each look at it: here a look is free.
    session.wait_for({
        let draining = draining.clone();
        async move { draining.cancelled().await }.map(|()| Step::Close(CloseCode::RESTART))
    });
    session.wait_for(async move { caller.end().await }.map(|()| Step::Close(CloseCode::LOGGED_OUT)));
    // One timer for all turns, as setting one takes a lock: it rings no later than the next deadline, and maybe before it.
    let mut timer = std::pin::pin!(tokio::time::sleep_until(session.next_wake()));
    let is_gone = loop {
        let wake = session.next_wake();
        if wake < timer.deadline() {
            timer.as_mut().reset(wake);
        }
        let can_read = session.can_read();
        let is_due = session.ending.is_none() && session.writer.is_idle() && session.writer.window().is_open();
        let Session { socket, writer, conversation, events, encoding, frame_bytes, .. } = &mut session;
        let (encoding, frame_bytes) = (*encoding, *frame_bytes);
        let step = tokio::select! {
            biased;
            Some(step) = events.next() => step,
            () = timer.as_mut() => Step::Woken,
            step = poll_fn(|context| poll_socket(socket, writer, can_read, context)) => step,
            // Only after all other frames: the answer to a subscription must precede its items.
            batch = next_batch(conversation.subscriber(), frame_bytes, encoding), if is_due => Step::Batch(batch),
        };
        let is_gone = matches!(step, Step::Read(None) | Step::Gone);
        let has_rung = matches!(step, Step::Woken);
        let flow = match step {
            // Almost all turns; they log nothing, and to enter the span would be a good part of them.
            Step::Batch(Ok(batch)) => session.send_batch(&batch),
            step => span.in_scope(|| session.handle(step)),
        };
        if has_rung {
            timer.as_mut().reset(session.next_wake());
        }
        if flow == Flow::Over {
            break is_gone;
        }
    };
    // Frees the subscriptions and the library's buffers before the wait.
    drop(session);
    if let Some(transport) = transport.filter(|_| !is_gone) {
        tokio::select! {
            biased;
            () = draining.cancelled() => {}
            () = transport.discard(DISCARD_TIME).instrument(span) => {}
        }
    }
}

/// Writes what waits, and reads. Before reading: a client that never stops sending must not keep us from answering, or
/// from ending.
fn poll_socket(socket: &mut Socket, writer: &mut Writer, can_read: bool, context: &mut Context<'_>) -> Poll<Step> {
    if !writer.is_idle()
        && let Poll::Ready(result) = writer.poll_flush(socket, context)
    {
        return Poll::Ready(if result.is_ok() { Step::Written } else { Step::Gone });
    }
    if !can_read {
        return Poll::Pending;
    }
    let message = ready!(socket.poll_next(context));
    if socket.n_answer_bytes() > 0 {
        writer.begin();
    }
    Poll::Ready(Step::Read(message))
}

/// An event of the session's loop.
enum Step {
    Close(CloseCode),
    Read(Option<Result<Message, tungstenite::Error>>),
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
    socket: Socket,
    writer: Writer,
    conversation: Conversation,
    caller: Caller,
    /// The ends that may come, and running commands.
    events: FuturesUnordered<BoxFuture<'static, Step>>,
    n_commands: usize,
    encoding: Encoding,
    sent: SentCounters,
    context: StreamContext,
    limiter: Limiter,
    n_unreadable: u32,
    opened: Instant,
    next_ping: Instant,
    /// Time at which the answer to the last ping is overdue.
    pong_due: Option<Instant>,
    /// Time at which the connection is dropped in any case; a close frame has been queued or received.
    ending: Option<Instant>,
    /// False after a read error: the library reads no more, but it still writes.
    is_readable: bool,
    /// The bytes of updates taken from the hub at once; a single larger update is a frame of its own.
    frame_bytes: usize,
    /// Time at which the last batch was passed to the writer, until it is in the kernel.
    batch_at: Option<Instant>,
    /// The configuration of its beginning.
    settings: Arc<Config>,
    /// For the log: the request and the client.
    span: Span,
}

impl Session {
    fn new(socket: Socket, context: StreamContext, (caller, encoding): (Caller, Encoding), span: Span) -> Self {
        let now = Instant::now();
        let settings = context.live.config();
        let config = &settings.stream;
        let word = match encoding {
            Encoding::Binary => "binary",
            Encoding::Json => "json",
        };
        Self {
            sent: context.counters.sent(word),
            socket,
            writer: Writer::new(),
            conversation: Conversation::new(context.clone(), caller.clone()),
            caller,
            events: FuturesUnordered::new(),
            n_commands: 0,
            encoding,
            limiter: Limiter::new(config.messages_per_second, config.messages_burst, context.clock.now().monotonic),
            n_unreadable: 0,
            opened: now,
            next_ping: now + config.ping,
            pong_due: None,
            ending: None,
            is_readable: true,
            frame_bytes: MIN_FRAME,
            batch_at: None,
            settings,
            span,
            context,
        }
    }

    fn handle(&mut self, step: Step) -> Flow {
        match step {
            Step::Close(code) => self.close(code),
            Step::Read(Some(Ok(message))) => self.read(message),
            Step::Read(Some(Err(error))) => self.unreadable(error),
            Step::Read(None) => self.read_last(),
            Step::Gone => Flow::Over,
            Step::Written => self.written(),
            Step::Done(answer) => self.done(&answer),
            Step::Batch(Ok(batch)) => self.send_batch(&batch),
            Step::Batch(Err(closed)) => self.close(close_code_of(closed)),
            Step::Woken => self.woken(),
        }
    }

    fn wait_for(&self, event: impl Future<Output = Step> + Send + 'static) {
        self.events.push(event.boxed());
    }

    fn can_read(&self) -> bool {
        let has_room = self.writer.len() < MAX_REPLIES && self.socket.n_answer_bytes() < MAX_ANSWER_BYTES;
        self.is_readable && has_room && self.n_commands < MAX_COMMANDS
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
            Message::Pong(content) => {
                if let Some(content) = self.writer.window().answered(content, Instant::now()) {
                    self.writer.push(Entry::Ping(content));
                }
                return Flow::GoOn;
            }
            // For writing only.
            Message::Frame(_) => return Flow::GoOn,
            // The library answers pings; they count as messages, or they would bypass the limit.
            Message::Ping(_) => return self.pass().map_or_else(|flow| flow, |()| Flow::GoOn),
            Message::Close(_) => {
                // The library answers with the next reads, which end the connection, and nothing may follow.
                self.writer.drop_all();
                self.ending = Some(Instant::now() + CLOSE_TIME);
                return Flow::GoOn;
            }
        };
        self.context.counters.received.inc();
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
        if let Some(pending) = reply.pending {
            self.n_commands += 1;
            self.wait_for(pending.map(Step::Done).instrument(self.span.clone()));
        }
        reply.close.map_or(Flow::GoOn, |code| self.close(code))
    }

    /// Handles the end of what the client sends: the answer to its close frame may still have to be written.
    fn read_last(&mut self) -> Flow {
        self.is_readable = false;
        if self.ending.is_some() && !self.writer.is_idle() { Flow::GoOn } else { Flow::Over }
    }

    fn done(&mut self, answer: &ServerMessage) -> Flow {
        self.n_commands -= 1;
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
                let message = format!("at most {} messages a second", self.settings.stream.messages_per_second);
                self.say(&ServerMessage::Refused(Refused { id: None, code: RefusalCode::RateLimited, message }));
                Err(Flow::GoOn)
            }
            Verdict::Disconnect => Err(self.close(CloseCode::TOO_MANY_MESSAGES)),
        }
    }

    /// Handles a read error: says what the client did wrong, unless it is gone.
    fn unreadable(&mut self, error: tungstenite::Error) -> Flow {
        tracing::debug!(%error, "a stream connection cannot be read");
        self.is_readable = false;
        match read_error_code(&error) {
            Some(code) if self.ending.is_none() => self.close(code),
            _ => Flow::Over,
        }
    }

    /// Handles that everything queued is in the kernel.
    fn written(&mut self) -> Flow {
        if let Some(at) = self.batch_at.take() {
            let is_slow = at.elapsed() > SLOW_FRAME_TIME;
            self.frame_bytes = if is_slow { MIN_FRAME } else { (2 * self.frame_bytes).min(MAX_FRAME) };
        }
        if let Some(ending) = &mut self.ending {
            if !self.is_readable {
                return Flow::Over;
            }
            *ending = (*ending).min(Instant::now() + CLOSE_TIME);
        }
        Flow::GoOn
    }

    fn send_batch(&mut self, batch: &[Delivery<SharedUpdate>]) -> Flow {
        self.batch_at = Some(Instant::now());
        if let Some(reset) = self.conversation.reset_before(batch) {
            self.context.counters.resets.inc();
            self.say(&reset);
        }
        for part in batch.chunks(MAX_ITEMS) {
            let frames = self.context.batches.frames(part, self.encoding);
            self.push(frames);
        }
        // Usually the kernel takes it at once, which saves a turn of the loop; the rest and errors are the next turn's.
        match self.writer.poll_flush(&mut self.socket, &mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => self.written(),
            _ => Flow::GoOn,
        }
    }

    fn say(&mut self, message: &ServerMessage) {
        let bytes = encode_server(message, self.encoding);
        self.push(Frames::of(&bytes, self.encoding));
    }

    fn push(&mut self, frames: Frames) {
        self.sent.messages.inc();
        self.sent.bytes.inc_by(frames.len() as u64);
        self.writer.push(Entry::Message(frames));
    }

    /// Sends a bye and a close frame, and starts to wait for the client's close frame.
    fn close(&mut self, code: CloseCode) -> Flow {
        if self.ending.is_none() {
            self.context.counters.closed(closing_word(code));
            self.conversation.leave();
            self.say(&ServerMessage::Bye(Bye::from(code)));
            self.writer.push(Entry::Close(CloseFrame { code: code.0.into(), reason: code.reason().into() }));
            // A shutdown has little time.
            let limit = if code == CloseCode::RESTART { CLOSE_TIME } else { LAST_WORDS_TIME };
            self.ending = Some(Instant::now() + limit);
        }
        Flow::GoOn
    }

    fn next_wake(&self) -> Instant {
        let config = &self.settings.stream;
        let hello = self.conversation.subscriber().is_none().then(|| self.opened + config.hello_timeout);
        let write = self.stuck_since().map(|since| since + config.write_timeout);
        self.ending
            .unwrap_or_else(|| [hello, write, self.pong_due].into_iter().flatten().fold(self.next_ping, Instant::min))
    }

    /// Returns since when the client has neither taken nor read anything of what waits; `None` if nothing waits.
    fn stuck_since(&self) -> Option<Instant> {
        let written_at = self.socket.transport().map(Transport::written_at);
        let untaken_since = self.writer.busy_since().map(|since| written_at.map_or(since, |at| at.max(since)));
        untaken_since.max(self.writer.unread_since())
    }

    fn woken(&mut self) -> Flow {
        let now = Instant::now();
        let config = &self.settings.stream;
        if let Some(ending) = self.ending {
            return if now >= ending { Flow::Over } else { Flow::GoOn };
        }
        if self.stuck_since().is_some_and(|since| now >= since + config.write_timeout) {
            // It may read again before the connection ends: then the reason is all it needs.
            self.writer.drop_waiting();
            return self.close(CloseCode::SLOW);
        }
        if self.conversation.subscriber().is_none() && now >= self.opened + config.hello_timeout {
            return self.close(CloseCode::NO_HELLO);
        }
        if self.pong_due.is_some_and(|due| now >= due) {
            // The ping waits behind everything that a slow client has not read yet, and reading is a sign of life, too.
            let made_room_at = self.socket.transport().and_then(Transport::made_room_at);
            let due = made_room_at.map(|at| at + config.write_timeout.max(config.pong_timeout));
            match due.filter(|due| *due > now) {
                Some(due) => self.pong_due = Some(due),
                None => return self.close(CloseCode::IDLE),
            }
        }
        if now >= self.next_ping {
            self.next_ping = now + config.ping;
            self.context.access.note_use(&self.caller);
            // Counted from the first unanswered ping: a later one must not delay the end.
            self.pong_due.get_or_insert(now + config.pong_timeout);
            let content = self.writer.window().ping(now);
            self.writer.push(Entry::Ping(content));
        }
        Flow::GoOn
    }
}

/// Returns the word of a reason to end a session, as metrics have it.
fn closing_word(code: CloseCode) -> &'static str {
    match code {
        CloseCode::SLOW => "slow",
        CloseCode::IDLE => "idle",
        CloseCode::NO_HELLO => "no_hello",
        CloseCode::BAD_MESSAGE | CloseCode::TOO_MANY_MESSAGES => "bad_message",
        CloseCode::RESTART => "restart",
        _ => "other",
    }
}

/// Returns the close code for a read error; `None` if the client is gone.
fn read_error_code(error: &tungstenite::Error) -> Option<CloseCode> {
    match error {
        tungstenite::Error::Capacity(_) => Some(CloseCode::TOO_LARGE),
        tungstenite::Error::Utf8(_) => Some(CloseCode::NOT_UTF8),
        tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        tungstenite::Error::Protocol(_) => Some(CloseCode::NOT_WEBSOCKET),
        _ => None,
    }
}

/// Waits for the hub's next batch; forever without a subscriber. Cancel-safe.
async fn next_batch(
    subscriber: Option<&Subscriber<SharedUpdate>>,
    max_bytes: usize,
    encoding: Encoding,
) -> Result<Vec<Delivery<SharedUpdate>>, Closed> {
    match subscriber {
        Some(subscriber) => subscriber.next_batch(max_bytes, |update| update.bytes(encoding).len()).await,
        None => std::future::pending().await,
    }
}

/// Frames that may wait for a client that asks faster than it reads.
const MAX_REPLIES: usize = 64;
/// The library's frames that may wait with them.
const MAX_ANSWER_BYTES: usize = 4 << 10;
/// Concurrent commands of one client.
const MAX_COMMANDS: usize = 8;
/// Unreadable messages before a client is disconnected.
const MAX_UNREADABLE: u32 = 16;
/// The wait for the client's close frame. Browsers answer at once.
const CLOSE_TIME: Duration = Duration::from_secs(1);
/// The time for a slow client to take the bye and the close frame.
const LAST_WORDS_TIME: Duration = Duration::from_secs(5);
/// The wait for a client that is still sending what we do not read.
const DISCARD_TIME: Duration = Duration::from_secs(2);
/// A frame's updates for a new client, and for one that has been slow to take a frame: half a second at 8 kB/s.
const MIN_FRAME: usize = 4 << 10;
/// A message's updates for a client that keeps up: a turn of 60 topics in JSON.
const MAX_FRAME: usize = 16 << 10;
/// A client that keeps up has room in the kernel for a whole frame.
const SLOW_FRAME_TIME: Duration = Duration::from_millis(100);
