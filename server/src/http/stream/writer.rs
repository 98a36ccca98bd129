//! The writing half of a client's socket: writes frames in order, one at a time, and never blocks the reading half.
//!
//! A frame is handed to the library only when the previous one is in the kernel. So the library buffers at most one
//! frame, and the session alone controls how many wait here.

use std::{
    collections::VecDeque,
    future::poll_fn,
    task::{Context, Poll, ready},
};

use axum::{
    Error,
    extract::ws::{Message, WebSocket},
};
use futures::{Sink, SinkExt, stream::SplitSink};
use tokio::time::Instant;

/// A queue of outgoing frames.
#[derive(Debug)]
pub struct Writer<S = SplitSink<WebSocket, Message>> {
    sink: S,
    queue: VecDeque<Message>,
    /// When the current frame was handed over; `None` when all frames are in the kernel.
    busy_since: Option<Instant>,
    /// True while a frame that was handed over is not completely in the kernel.
    is_flushing: bool,
}

impl<S: Sink<Message, Error = Error> + Unpin> Writer<S> {
    /// Creates an empty queue.
    pub fn new(sink: S) -> Self {
        Self { sink, queue: VecDeque::new(), busy_since: None, is_flushing: false }
    }

    /// Appends a frame.
    pub fn push(&mut self, frame: Message) {
        self.queue.push_back(frame);
        self.busy_since.get_or_insert_with(Instant::now);
    }

    /// Drops the frames that have not been handed over. The current one must be completed.
    pub fn drop_waiting(&mut self) {
        self.queue.clear();
    }

    /// Returns true when all frames are in the kernel.
    pub fn is_idle(&self) -> bool {
        self.busy_since.is_none()
    }

    /// Returns the number of frames not yet handed over.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Returns true if no frame waits to be handed over; the last one may not be in the kernel yet.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Returns when the current frame was handed over; `None` when all frames are in the kernel.
    pub fn busy_since(&self) -> Option<Instant> {
        self.busy_since
    }

    /// Writes until all frames are in the kernel. Cancel-safe: a frame leaves the queue and is handed over in one step.
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
            if self.queue.is_empty() {
                self.busy_since = None;
                return Poll::Ready(Ok(()));
            }
            ready!(self.sink.poll_ready_unpin(context))?;
            if let Some(frame) = self.queue.pop_front() {
                self.busy_since = Some(Instant::now());
                self.is_flushing = true;
                self.sink.start_send_unpin(frame)?;
            }
        }
    }
}

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
    }

    impl Sink<Message> for Stuck {
        type Error = Error;

        fn poll_ready(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Result<(), Error>> {
            Poll::Ready(Ok(()))
        }

        fn start_send(mut self: Pin<&mut Self>, _frame: Message) -> Result<(), Error> {
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
}
