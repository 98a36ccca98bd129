//! Coinbase's frames, cuts and answers against its session and the view.
//!
//! Not here: how the input is read (`fuzz::play`).

#![no_main]

use fuzz::{mutate, play, venue};

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::text(data, size, max_size, seed)
});
libfuzzer_sys::fuzz_target!(|data: &[u8]| play::frames(&venue::COINBASE, data));
