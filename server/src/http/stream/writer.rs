//! The writing half of a browser's socket: frames in order, one at a time, never blocking the reading half.
//!
//! A frame is handed to the library only when the one before it is in the kernel, so what waits here is bounded by what
//! the session puts in, and the library's buffer by one frame.

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

/// Frames on their way out.
#[derive(Debug)]
pub struct Writer<S = SplitSink<WebSocket, Message>> {
    sink: S,
    queue: VecDeque<Message>,
    /// When the frame under way was handed over; `None` when all is in the kernel.
    busy_since: Option<Instant>,
    /// A frame was handed over and is not wholly in the kernel yet.
    is_flushing: bool,
}

impl<S: Sink<Message, Error = Error> + Unpin> Writer<S> {
    /// Nothing is on its way.
    pub fn new(sink: S) -> Self {
        Self { sink, queue: VecDeque::new(), busy_since: None, is_flushing: false }
    }

    /// Puts a frame at the end.
    pub fn push(&mut self, frame: Message) {
        self.queue.push_back(frame);
        self.busy_since.get_or_insert_with(Instant::now);
    }

    /// True when all is in the kernel.
    pub fn is_idle(&self) -> bool {
        self.busy_since.is_none()
    }

    /// Frames that have not begun.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// True where no frame waits to begin; the last one may still be on its way.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Since when the frame under way has made no end.
    pub fn busy_since(&self) -> Option<Instant> {
        self.busy_since
    }

    /// Works until all is in the kernel. Cancel-safe: a frame is taken from the queue and handed over in one step.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|context| self.poll_all(context)).await
    }

    fn poll_all(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            // The sink itself would take frame after frame into its buffer: it counts as ready while it flushes.
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
