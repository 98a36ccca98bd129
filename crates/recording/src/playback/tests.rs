//! The same recording says the same, however it is played.

use std::time::Duration;

use super::*;
use crate::{
    contents,
    testing::{MemoryLines, memory, playback, recording},
};

fn at_once(playback: &mut Playback<MemoryLines>) -> String {
    let (n_before, mut n_events) = (playback.hash().n_events(), 0);
    while playback.play(Timestamp::from_nanos(i64::MAX), 1_000_000, |_| n_events += 1) != Step::End {}
    assert_eq!(playback.hash().n_events(), n_before + n_events);
    playback.hash().to_hex()
}

#[test]
fn steps_jumps_and_going_back_change_no_event() {
    let text = recording(2_000);
    let expected = at_once(&mut playback(&[&text]));
    let contents = contents::read(&mut memory(&[&text])).unwrap();
    assert_eq!((contents.start.as_millis(), contents.end.as_millis()), (999_500, 1_199_900));
    // As at the speed it was recorded with, looked at every 10 ms, a few entries at once.
    let mut steps = playback(&[&text]);
    let mut position = contents.start;
    loop {
        match steps.play(position, 2, |_| {}) {
            Step::End => break,
            Step::Reached => position = position + Duration::from_millis(10),
            Step::More => {}
        }
    }
    assert_eq!(steps.hash().to_hex(), expected);
    // Jumps of all lengths, and going back in between.
    let mut jumps = playback(&[&text]);
    for (idx, seconds) in [1_u64, 50, 51, 120, 3, 77, 199].into_iter().enumerate() {
        let target = contents.start + Duration::from_secs(seconds);
        if idx == 4 {
            jumps.rewind();
        }
        while jumps.play(target, 7 + idx * 100, |_| {}) == Step::More {}
    }
    assert_eq!(at_once(&mut jumps), expected);
}

#[test]
fn a_header_stamped_after_the_tape_holds_nothing_up() {
    let mut late = playback(&[&recording(50).replacen("\"ts\":999.0", "\"ts\":5000.0", 1)]);
    assert_eq!(late.play(Timestamp::from_millis(1_002_000), 1_000, |_| {}), Step::Reached);
    assert!(late.n_entries() > 60, "{}", late.n_entries());
}

#[test]
fn another_tape_has_another_fingerprint() {
    let hash_of = |text: &str| at_once(&mut playback(&[text]));
    let one = hash_of(&recording(50));
    assert_ne!(one, hash_of(&recording(51)));
    // One digit of one trade.
    assert_ne!(one, hash_of(&recording(50).replacen("0.4", "0.5", 1)));
}

#[test]
fn parts_that_continue_one_another_are_one_tape() {
    let text = recording(200);
    let half = text.match_indices('\n').nth(301).unwrap().0 + 1;
    let (first, second) = text.split_at(half);
    let expected = at_once(&mut playback(&[&text]));
    assert_eq!(at_once(&mut playback(&[first, second])), expected);
    // A part that is broken counts; what follows it plays.
    let mut with_hole = playback(&["\u{1f}\u{8b}", &text]);
    with_hole.lines.parts[0] = vec![0x1f, 0x8b, 8];
    assert_eq!((at_once(&mut with_hole), with_hole.n_bad_lines()), (expected, 1));
}

#[test]
fn lines_that_are_no_entries_are_counted_and_passed_over() {
    let text = "\n  \n{\n[]\n{\"t\":\"recv\"}\n\u{0}\nnull\n{\"t\":\"other\"}";
    let mut playback = playback(&[text]);
    at_once(&mut playback);
    assert_eq!((playback.n_bad_lines(), playback.n_entries()), (5, 1));
    assert!(contents::read(&mut memory(&[text])).is_err(), "nothing in it has a time");
}
