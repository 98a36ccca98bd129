//! Keeps closed candles of 15 minutes and one hour over a restart, and gives them back when a chart wants them.
//!
//! One task owns the file. Feeds hand it batches and wishes through a bounded queue and never wait: a queue that is full
//! loses a batch, and so does a disk that refuses; both are said, and nothing else suffers. Not here: which candles count as closed and
//! whole (`market`), the file (`store::candles`).

use model::{
    access::Role,
    candle::{Candle, Interval},
    instrument::InstrumentId,
};
use store::candles::Candles;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{clock::Clock, notices::Notices};

/// Candles of an instrument and interval, oldest first.
#[derive(Clone, Debug)]
pub struct CandleBatch {
    /// The instrument.
    pub instrument: InstrumentId,
    /// The candles' length.
    pub interval: Interval,
    /// Closed ones.
    pub candles: Vec<Candle>,
}

/// A feed's end of the keeper. Clones share the queue.
#[derive(Clone, Debug)]
pub struct CandleKeeper(mpsc::Sender<Wish>);

/// Request of a feed to the keeper.
#[derive(Debug)]
pub enum Wish {
    /// Keep these.
    Put(Vec<CandleBatch>),
    /// Send what is kept.
    Load {
        /// The instrument.
        instrument: InstrumentId,
        /// The candles' length.
        interval: Interval,
        /// Receives them; nothing where none are kept.
        reply: mpsc::Sender<CandleBatch>,
    },
}

impl CandleKeeper {
    /// Creates the feeds' end and what [`run`] takes. If nobody runs it, candles are not kept.
    pub fn new() -> (Self, mpsc::Receiver<Wish>) {
        let (wishes, taken) = mpsc::channel(QUEUE);
        (Self(wishes), taken)
    }

    /// Hands over closed candles. Never waits.
    pub fn put(&self, batches: Vec<CandleBatch>) {
        let n_candles: usize = batches.iter().map(|batch| batch.candles.len()).sum();
        if let Err(mpsc::error::TrySendError::Full(_)) = self.0.try_send(Wish::Put(batches)) {
            tracing::warn!(n_candles, "closed candles are not kept: the queue to their file is full");
        }
    }

    /// Asks for the kept candles of a series. Never waits; without an answer the chart begins with what comes.
    pub fn load(&self, instrument: InstrumentId, interval: Interval, reply: mpsc::Sender<CandleBatch>) {
        let _full_or_closed = self.0.try_send(Wish::Load { instrument, interval, reply });
    }
}

/// Owns the file until `stop`; what waits then is still written.
pub async fn run(
    mut candles: Candles,
    mut wishes: mpsc::Receiver<Wish>,
    notices: Notices,
    clock: Clock,
    stop: CancellationToken,
) {
    let mut n_lost = 0;
    loop {
        let wish = tokio::select! {
            biased;
            wish = wishes.recv() => wish,
            () = stop.cancelled() => None,
        };
        match wish {
            Some(Wish::Put(batches)) => {
                for batch in batches {
                    put(&mut candles, &batch, &mut n_lost, &notices, clock).await;
                }
            }
            Some(Wish::Load { instrument, interval, reply }) => match candles.load(&instrument, interval).await {
                Ok(kept) if kept.is_empty() => {}
                // A feed that has no room, or is gone, does without.
                Ok(kept) => drop(reply.try_send(CandleBatch { instrument, interval, candles: kept })),
                Err(error) => tracing::warn!(%instrument, %error, "kept candles cannot be read"),
            },
            None => break,
        }
    }
    if let Err(error) = candles.close().await {
        tracing::warn!(%error, "the file of candles could not be closed in order");
    }
}

async fn put(candles: &mut Candles, batch: &CandleBatch, n_lost: &mut usize, notices: &Notices, clock: Clock) {
    match candles.put(&batch.instrument, batch.interval, &batch.candles).await {
        Ok(()) if *n_lost > 0 => {
            tracing::info!(n_lost, "candles are kept again");
            *n_lost = 0;
            notices.end(NOTICE);
        }
        Ok(()) => {}
        Err(error) => {
            if *n_lost == 0 {
                tracing::error!(%error, "candles cannot be kept");
                let sentence =
                    "Candles are not kept for the next start: their file cannot be written. Free some disk space.";
                notices.show(NOTICE, Role::Admin, sentence.to_owned(), clock.now().monotonic);
            }
            *n_lost += batch.candles.len();
        }
    }
}

/// Batches and wishes that wait, from all feeds together. Each feed hands over a batch every few seconds.
const QUEUE: usize = 256;
/// The cause of the notice about the file.
const NOTICE: &str = "candle file";
