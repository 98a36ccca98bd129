//! REST answers of the venue chosen by the first byte, while no connection can be opened.
//!
//! Not here: how the rest of the input is read (`fuzz::play`).

#![no_main]

use fuzz::{mutate, play, venue};

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::text(data, size, max_size, seed)
});
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some((first, rest)) = data.split_first() {
        play::answers(&venue::ALL[usize::from(*first) % venue::ALL.len()], rest);
    }
});
