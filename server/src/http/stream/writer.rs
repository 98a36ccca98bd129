//! The writing half of a client's socket: writes frames in order, one at a time, and never blocks the reading half.
//!
//! A frame is handed to the library only when the previous one is in the kernel. So the library buffers at most one
//! frame, and the session alone controls how many messages wait here. The library also keeps the memory of the largest
//! frame as long as the connection lives: so long messages go out in several frames, and pings between them.

use std::{
    collections::VecDeque,
    future::poll_fn,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::{Sink, SinkExt, stream::SplitSink};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{
    Error, Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use super::{handshake::Socket, window::Window};

/// A queue of outgoing messages.
#[derive(Debug)]
pub struct Writer<S = SplitSink<Socket, Message>> {
    sink: S,
    queue: VecDeque<Message>,
    /// The unsent remainder of a message whose first frames were handed over.
    rest: Bytes,
    window: Window,
    /// The ping that is due before anything else.
    ping: Option<Bytes>,
    /// When the current frame was handed over; `None` when all messages are in the kernel.
    busy_since: Option<Instant>,
    /// True while a frame that was handed over is not completely in the kernel.
    is_flushing: bool,
}

impl<S: Sink<Message, Error = Error> + Unpin> Writer<S> {
    /// Creates an empty queue.
    pub fn new(sink: S) -> Self {
        Self {
            sink,
            queue: VecDeque::new(),
            rest: Bytes::new(),
            window: Window::new(Instant::now()),
            ping: None,
            busy_since: None,
            is_flushing: false,
        }
    }

    /// Appends a message.
    pub fn push(&mut self, message: Message) {
        self.queue.push_back(message);
        self.busy_since.get_or_insert_with(Instant::now);
    }

    /// Drops the messages of which nothing has been handed over. The current one must be completed.
    pub fn drop_waiting(&mut self) {
        self.queue.clear();
    }

    /// Drops everything that has not been handed over, if nothing follows.
    pub fn drop_all(&mut self) {
        self.queue.clear();
        self.rest.clear();
        self.ping = None;
    }

    /// Returns true when all messages are in the kernel.
    pub fn is_idle(&self) -> bool {
        self.busy_since.is_none()
    }

    /// Returns what the client has not read yet. While it is closed, updates should wait; the writer itself holds nothing
    /// back, or replies would.
    pub fn window(&mut self) -> &mut Window {
        &mut self.window
    }

    /// Returns since when the client has read nothing of what waits for that; `None` if nothing does.
    pub fn unread_since(&self) -> Option<Instant> {
        self.window.closed_since()
    }

    /// Returns the number of messages of which nothing has been handed over.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Returns true if no message waits; the last one may not be in the kernel yet.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Returns when the current frame was handed over; `None` when all messages are in the kernel.
    pub fn busy_since(&self) -> Option<Instant> {
        self.busy_since
    }

    /// Writes until all messages are in the kernel. Cancel-safe: a frame leaves the queue and is handed over in one step.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|context| self.poll_all(context)).await
    }

    fn poll_all(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            // The sink itself would buffer frame after frame, as it is ready even while it flushes.
            if self.is_flushing {
                ready!(self.sink.poll_flush_unpin(context))?;
                self.is_flushing = false;
            }
            if self.queue.is_empty() && self.rest.is_empty() && self.ping.is_none() {
                self.busy_since = None;
                return Poll::Ready(Ok(()));
            }
            ready!(self.sink.poll_ready_unpin(context))?;
            if let Some(frame) = self.next_frame() {
                self.busy_since = Some(Instant::now());
                self.is_flushing = true;
                self.sink.start_send_unpin(frame)?;
            }
        }
    }

    /// Takes the next frame: a whole message, or the next part of a long one.
    fn next_frame(&mut self) -> Option<Message> {
        if let Some(content) = self.ping.take() {
            return Some(Message::Ping(content));
        }
        if !self.rest.is_empty() {
            return Some(self.next_part(Data::Continue));
        }
        let message = self.queue.pop_front()?;
        let kind = match &message {
            Message::Text(_) => Data::Text,
            Message::Binary(_) => Data::Binary,
            _ => return Some(message),
        };
        if message.len() <= FRAME_BYTES {
            self.count(message.len());
            return Some(message);
        }
        self.rest = message.into_data();
        Some(self.next_part(kind))
    }

    fn count(&mut self, n_bytes: usize) {
        self.ping = self.window.sent(n_bytes, Instant::now()).map(|content| Bytes::copy_from_slice(&content));
    }

    fn next_part(&mut self, kind: Data) -> Message {
        let part = self.rest.split_to(self.rest.len().min(FRAME_BYTES));
        self.count(part.len());
        Message::Frame(Frame::message(part, OpCode::Data(kind), self.rest.is_empty()))
    }
}

/// With its header it fits 4 KiB. Far less than a step of the window.
const FRAME_BYTES: usize = (4 << 10) - 16;

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use futures::FutureExt;

    use super::*;

    /// A sink that buffers frames until the test frees them.
    #[derive(Default)]
    struct Stuck {
        n_buffered: usize,
        n_most: usize,
        n_free: usize,
        n_sent: usize,
        frames: Vec<Message>,
    }

    impl Sink<Message> for Stuck {
        type Error = Error;

        fn poll_ready(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Result<(), Error>> {
            Poll::Ready(Ok(()))
        }

        fn start_send(mut self: Pin<&mut Self>, frame: Message) -> Result<(), Error> {
            self.frames.push(frame);
            self.n_buffered += 1;
            self.n_most = self.n_most.max(self.n_buffered);
            Ok(())
        }

        fn poll_flush(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Result<(), Error>> {
            let n_gone = self.n_buffered.min(self.n_free);
            self.n_buffered -= n_gone;
            self.n_free -= n_gone;
            self.n_sent += n_gone;
            if self.n_buffered == 0 { Poll::Ready(Ok(())) } else { Poll::Pending }
        }

        fn poll_close(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Result<(), Error>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn one_frame_at_a_time_whatever_the_sink_would_take() {
        let mut writer = Writer::new(Stuck::default());
        (0..5).for_each(|_| writer.push(Message::text("x")));
        for n_sent in 0..5 {
            // Cancelled and retried, as in a `select!`.
            assert!(writer.flush().now_or_never().is_none());
            assert!(writer.flush().now_or_never().is_none());
            assert_eq!((writer.sink.n_sent, writer.len(), writer.is_idle()), (n_sent, 4 - n_sent, false));
            writer.sink.n_free = 1;
        }
        assert!(matches!(writer.flush().now_or_never(), Some(Ok(()))));
        assert_eq!((writer.sink.n_most, writer.sink.n_sent, writer.is_idle()), (1, 5, true));
    }

    #[tokio::test]
    async fn each_frame_is_timed_from_when_it_was_handed_over() {
        let mut writer = Writer::new(Stuck::default());
        assert_eq!(writer.busy_since(), None);
        let pushed = Instant::now();
        (0..2).for_each(|_| writer.push(Message::text("x")));
        assert!(writer.busy_since() >= Some(pushed));
        assert!(writer.flush().now_or_never().is_none());
        let freed = Instant::now();
        writer.sink.n_free = 1;
        assert!(writer.flush().now_or_never().is_none());
        assert!(writer.busy_since() >= Some(freed));
        writer.sink.n_free = 1;
        assert!(matches!(writer.flush().now_or_never(), Some(Ok(()))));
        assert_eq!(writer.busy_since(), None);
    }

    #[tokio::test]
    async fn short_messages_are_counted_and_their_ping_can_be_dropped() {
        let five = |n_free: usize| {
            let mut writer = Writer::new(Stuck { n_free, ..Stuck::default() });
            (0..5).for_each(|_| writer.push(Message::text("x".repeat(4_000))));
            writer
        };
        let mut writer = five(99);
        assert!(matches!(writer.flush().now_or_never(), Some(Ok(()))));
        assert_eq!(writer.sink.frames[5..], [Message::Ping(vec![0, 0, 0, 0, 0, 0, 0, 1].into())]);
        // The last message is on its way, the ping is due.
        let mut writer = five(4);
        assert!(writer.flush().now_or_never().is_none());
        writer.drop_all();
        writer.sink.n_free = 9;
        assert!(matches!(writer.flush().now_or_never(), Some(Ok(()))));
        assert_eq!(writer.sink.frames.len(), 5);
    }

    #[tokio::test]
    async fn long_messages_go_out_in_parts_that_are_completed() {
        let text = "0123456789".repeat(1_000);
        let mut writer = Writer::new(Stuck::default());
        writer.push(Message::text(text.clone()));
        writer.push(Message::text("waits"));
        assert!(writer.flush().now_or_never().is_none());
        // Waiting messages can be dropped, but a message that the client has begun to read must be completed.
        writer.drop_waiting();
        writer.push(Message::Close(None));
        writer.sink.n_free = 9;
        assert!(matches!(writer.flush().now_or_never(), Some(Ok(()))));
        let Some((Message::Close(None), parts)) = writer.sink.frames.split_last() else { panic!("no end") };
        let mut sent = Vec::new();
        for (part_idx, part) in parts.iter().enumerate() {
            let Message::Frame(frame) = part else { panic!("{part:?}") };
            let kind = if part_idx == 0 { Data::Text } else { Data::Continue };
            assert_eq!(frame.header().opcode, OpCode::Data(kind), "{part_idx}");
            assert_eq!(frame.header().is_final, part_idx + 1 == parts.len(), "{part_idx}");
            assert!(frame.payload().len() <= FRAME_BYTES);
            sent.extend_from_slice(frame.payload());
        }
        assert_eq!((String::from_utf8(sent).unwrap(), parts.len()), (text, 3));

        // Pings between the parts tell how much of the message the client has read.
        let mut writer = Writer::new(Stuck { n_free: 99, ..Stuck::default() });
        writer.push(Message::binary(vec![7; 35_000]));
        assert!(matches!(writer.flush().now_or_never(), Some(Ok(()))));
        let frames = writer.sink.frames.iter().enumerate();
        let pings = frames.filter(|(_, frame)| matches!(frame, Message::Ping(_))).map(|(frame_idx, _)| frame_idx);
        let pings: Vec<usize> = pings.collect();
        assert_eq!((pings, writer.sink.frames.len(), writer.window().is_open()), (vec![5, 10], 11, false));
        assert_eq!(writer.sink.frames[10], Message::Ping(vec![0, 0, 0, 0, 0, 0, 0, 2].into()));
        let Message::Frame(first) = &writer.sink.frames[0] else { panic!("no part") };
        assert_eq!(first.header().opcode, OpCode::Data(Data::Binary));

        let mut writer = Writer::new(Stuck::default());
        writer.push(Message::binary(vec![7; 10_000]));
        assert!(writer.flush().now_or_never().is_none());
        writer.drop_all();
        writer.sink.n_free = 9;
        assert!(matches!(writer.flush().now_or_never(), Some(Ok(()))));
        assert_eq!((writer.sink.n_sent, writer.is_idle()), (1, true));
    }
}
