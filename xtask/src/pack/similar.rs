//! An order in which similar functions are neighbours.
//!
//! Compression finds repetitions anywhere in the file, but a near one costs fewer bits than a far one. wasm-bindgen
//! writes functions by size, which separates those made from the same source.

use std::{cmp::Reverse, collections::HashMap};

/// Returns the functions in their new order, by their places in `bodies`: each is followed by the one most similar to it.
pub(super) fn chain(bodies: &[&[u8]]) -> Vec<usize> {
    let sketches: Vec<Vec<u32>> = bodies.iter().map(|body| sketch(body)).collect();
    let mut holders: HashMap<u32, Vec<usize>> = HashMap::new();
    for (idx, sketch) in sketches.iter().enumerate() {
        for run in sketch {
            holders.entry(*run).or_default().push(idx);
        }
    }
    let mut is_placed = vec![false; bodies.len()];
    let mut n_shared = vec![0_usize; bodies.len()];
    let mut order = Vec::with_capacity(bodies.len());
    for first in 0..bodies.len() {
        let mut next = (!is_placed[first]).then_some(first);
        while let Some(idx) = next {
            is_placed[idx] = true;
            order.push(idx);
            let mut sharing = Vec::new();
            for run in &sketches[idx] {
                let Some(holders) = holders.get_mut(run).filter(|holders| holders.len() <= MOST_HOLDERS) else {
                    continue;
                };
                holders.retain(|other| !is_placed[*other]);
                for other in holders.iter() {
                    if n_shared[*other] == 0 {
                        sharing.push(*other);
                    }
                    n_shared[*other] += 1;
                }
            }
            // The shared part of all their runs; of equals the first.
            let likeness = |other: usize| {
                let n_all = sketches[idx].len() + sketches[other].len() - n_shared[other];
                (n_shared[other] * PRECISION / n_all.max(1), Reverse(other))
            };
            next = sharing.iter().copied().max_by_key(|other| likeness(*other));
            sharing.iter().for_each(|other| n_shared[*other] = 0);
        }
    }
    order
}

/// Returns a sample of the runs of bytes in a function, sorted: those with the smallest hashes, so that similar functions
/// have similar samples.
fn sketch(body: &[u8]) -> Vec<u32> {
    let mut runs: Vec<u32> = body.windows(RUN_BYTES).map(hash).collect();
    runs.sort_unstable();
    runs.dedup();
    runs.truncate(SKETCH_RUNS);
    runs
}

/// Returns the upper half of the run as a number, times the golden ratio.
fn hash(run: &[u8]) -> u32 {
    let number = run.iter().fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    let hash = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

/// Length of the compared runs of bytes.
const RUN_BYTES: usize = 6;

/// Compared runs of each function. More take longer and save little.
const SKETCH_RUNS: usize = 96;

/// A run in more functions than this says nothing.
const MOST_HOLDERS: usize = 1_500;

/// Steps of the likeness.
const PRECISION: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_functions_become_neighbours_and_none_is_lost() {
        #[track_caller]
        fn check(bodies: &[&[u8]], expected: &[usize]) {
            assert_eq!(chain(bodies), expected);
        }
        let bytes = |first: u8| (first..first + 40).collect::<Vec<u8>>();
        let (one, other) = (bytes(0), bytes(100));
        let half = [&one[..20], &bytes(200)[..20]].concat();
        let most = [&one[..35], &bytes(60)[..5]].concat();
        // The most similar one first, then the one that is similar to that.
        check(&[&one, &other, &half, &most, &other], &[0, 3, 2, 1, 4]);
        // Too short to be compared.
        check(&[&[1], &[], &one, &[1]], &[0, 1, 2, 3]);
        check(&[], &[]);
    }
}
