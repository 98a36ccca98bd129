//! Batches in frames, made once for all sessions that send the same items.
//!
//! Sessions that follow the same topics take the same items from the hub in a turn of a lane.

use std::sync::{Arc, Mutex, PoisonError};

use hub::subscriber::Delivery;
use wire::{Encoding, encode_batch};

use super::frames::Frames;
use crate::publish::SharedUpdate;

/// The last batches.
#[derive(Debug, Default)]
pub struct Batches([Mutex<Option<Recent>>; RECENT]);

#[derive(Debug)]
struct Recent {
    encoding: Encoding,
    /// With the streams' numbers. As long as they are here, no other update has their address.
    updates: Vec<(u32, SharedUpdate)>,
    frames: Frames,
}

impl Batches {
    /// Returns the frames of a message with these items.
    pub fn frames(&self, batch: &[Delivery<SharedUpdate>], encoding: Encoding) -> Frames {
        let mut place = self.0[place_of(batch)].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(recent) = place.as_ref().filter(|recent| recent.is_of(batch, encoding)) {
            return recent.frames.clone();
        }
        let updates = batch.iter().map(|delivery| (delivery.stream, &*delivery.payload));
        let frames = Frames::of(&encode_batch(updates, encoding), encoding);
        if frames.len() <= MAX_BYTES {
            let updates = batch.iter().map(|delivery| (delivery.stream, Arc::clone(&delivery.payload))).collect();
            *place = Some(Recent { encoding, updates, frames: frames.clone() });
        }
        frames
    }
}

impl Recent {
    fn is_of(&self, batch: &[Delivery<SharedUpdate>], encoding: Encoding) -> bool {
        let is_same = |((stream, update), delivery): (&(u32, SharedUpdate), &Delivery<SharedUpdate>)| {
            *stream == delivery.stream && Arc::ptr_eq(update, &delivery.payload)
        };
        self.encoding == encoding && self.updates.len() == batch.len() && self.updates.iter().zip(batch).all(is_same)
    }
}

/// Returns a place that other batches are unlikely to have.
fn place_of(batch: &[Delivery<SharedUpdate>]) -> usize {
    let address = |delivery: &Delivery<SharedUpdate>| Arc::as_ptr(&delivery.payload).addr() / align_of::<usize>();
    let ends = [batch.first(), batch.last()].into_iter().flatten();
    ends.fold(batch.len(), |sum, delivery| sum.wrapping_mul(31).wrapping_add(address(delivery))) % RECENT
}

/// Several turns of lanes and forms. A prime, as addresses are multiples of powers of two.
const RECENT: usize = 31;
/// Larger messages are those of a client's first moments.
const MAX_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use hub::subscriber::DeliveryKind;
    use topics::{
        channels::{TopicData, tape::TapeData},
        topic::Topic,
    };
    use wire::{
        encoded::EncodedUpdate,
        message::{Update, UpdateKind},
    };

    use super::*;

    fn update(offset: u64) -> SharedUpdate {
        let topic: Topic = Topic::parse("tape:demo:AAABBB").unwrap();
        let data = TopicData::Tape(TapeData::default());
        Arc::new(EncodedUpdate::new(Update { kind: UpdateKind::Delta, epoch: None, topic, offset, data }))
    }

    fn delivery(stream: u32, payload: &SharedUpdate) -> Delivery<SharedUpdate> {
        let (kind, payload) = (DeliveryKind::Delta, Arc::clone(payload));
        Delivery { stream, kind, offset: payload.update().offset, size_bytes: 1, payload }
    }

    #[test]
    fn the_same_items_are_made_once_and_others_never_taken_for_them() {
        let (batches, one, two) = (Batches::default(), update(1), update(2));
        let address = |mut frames: Frames| frames.next_frame().unwrap().as_ptr();
        let both = [delivery(7, &one), delivery(8, &two)];
        for encoding in [Encoding::Json, Encoding::Binary] {
            let frames = batches.frames(&both, encoding);
            assert_eq!(address(batches.frames(&both, encoding)), address(frames.clone()), "made once");
            let expected = |batch: &[Delivery<SharedUpdate>]| {
                let updates = batch.iter().map(|delivery| (delivery.stream, &*delivery.payload));
                Frames::of(&encode_batch(updates, encoding), encoding)
            };
            let updates = both.iter().map(|delivery| (delivery.stream, Arc::clone(&delivery.payload))).collect();
            // Whichever place the others have.
            let recent = Recent { encoding, updates, frames: frames.clone() };
            assert!(recent.is_of(&both, encoding));
            let equal = update(1);
            for other in [
                &[delivery(7, &one), delivery(9, &two)][..],
                &[delivery(7, &equal), delivery(8, &two)],
                &[delivery(8, &two), delivery(7, &one)],
                &[delivery(7, &one)],
                &[],
            ] {
                assert!(!recent.is_of(other, encoding));
                let found = batches.frames(other, encoding);
                assert_ne!(address(found.clone()), address(frames.clone()));
                assert_eq!(found, expected(other));
            }
            assert_eq!(batches.frames(&both, encoding), expected(&both));
        }
    }
}
