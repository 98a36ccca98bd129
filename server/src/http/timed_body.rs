//! A request's body that must arrive in time: half-sent ones would hold their connections forever.
//!
//! Not here: the time for headers (`accept`), the size of bodies ([`super::body`]).

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::Sleep;

/// A body that fails with [`TooSlow`] once its time is over.
#[derive(Debug)]
pub struct TimedBody {
    body: Incoming,
    time_over: Pin<Box<Sleep>>,
}

/// A body did not arrive in time.
#[derive(Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
pub struct TooSlow;

impl TimedBody {
    /// Gives `body` this much time, from now on.
    pub fn new(body: Incoming, time: Duration) -> Self {
        Self { body, time_over: Box::pin(tokio::time::sleep(time)) }
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame.map(|result| result.map_err(Into::into)));
        }
        self.time_over.as_mut().poll(context).map(|()| Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
