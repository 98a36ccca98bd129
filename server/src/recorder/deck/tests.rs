//! The same tape says the same, however it is played.

use std::{fs, time::Duration};

use super::*;
use crate::recorder::scan;

/// Depth changes, trades and quotes of a symbol after the answer that its book begins with.
fn tape(n_rounds: u64) -> String {
    let mut lines = vec![
        r#"{"t":"header","ts":999.0,"venue":"binance","symbols":["AAABBB"]}"#.to_owned(),
        r#"{"t":"http","ts":999.5,"url":"https://x.test/api/v3/depth?symbol=AAABBB","data":"{\"lastUpdateId\":100,\"bids\":[[\"99.99\",\"1.0\"]],\"asks\":[[\"100.01\",\"2.0\"]]}"}"#.to_owned(),
    ];
    for round in 0..n_rounds {
        let ts = 1_000.0 + round as f64 / 10.0;
        let id = 101 + round;
        let frames = [
            format!(
                r#"{{"stream":"aaabbb@depth","data":{{"e":"depthUpdate","E":{id},"s":"AAABBB","U":{id},"u":{id},"b":[["99.{:02}","{}.5"]],"a":[]}}}}"#,
                round % 90,
                round % 7
            ),
            format!(
                r#"{{"stream":"aaabbb@trade","data":{{"e":"trade","E":{id},"s":"AAABBB","t":{id},"p":"100.0","q":"0.{}","T":{id},"m":true,"M":true}}}}"#,
                round % 9 + 1
            ),
            format!(r#"{{"u":{id},"s":"AAABBB","b":"99.98","B":"1.0","a":"100.01","A":"{}.0"}}"#, round % 5 + 1),
        ];
        for frame in frames {
            lines.push(serde_json::json!({ "t": "recv", "ts": ts, "data": frame }).to_string());
        }
    }
    lines.join("\n")
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("truetape-deck-{}-{name}.jsonl", std::process::id()));
    fs::write(&path, text).unwrap();
    path
}

fn deck(paths: &[PathBuf]) -> Deck {
    Deck::new(paths.to_vec(), "binance", &Venue::new("binance").as_replay()).unwrap()
}

fn at_once(deck: &mut Deck) -> String {
    let (n_before, mut n_events) = (deck.hash().n_events(), 0);
    while deck.play(Timestamp::from_nanos(i64::MAX), 1_000_000, |_| n_events += 1) != Step::End {}
    assert_eq!(deck.hash().n_events(), n_before + n_events);
    deck.hash().to_hex()
}

#[test]
fn steps_jumps_and_going_back_change_no_event() {
    let path = file("steps", &tape(2_000));
    let paths = [path.clone()];
    let expected = at_once(&mut deck(&paths));
    let contents = scan::contents(&paths).unwrap();
    assert_eq!((contents.start.as_millis(), contents.end.as_millis()), (999_500, 1_199_900));
    // As at the speed it was recorded with, looked at every 10 ms, a few entries at once.
    let mut steps = deck(&paths);
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
    let mut jumps = deck(&paths);
    for (idx, seconds) in [1_u64, 50, 51, 120, 3, 77, 199].into_iter().enumerate() {
        let target = contents.start + Duration::from_secs(seconds);
        if idx == 4 {
            jumps = jumps.rewound().unwrap();
        }
        while jumps.play(target, 7 + idx * 100, |_| {}) == Step::More {}
    }
    assert_eq!(at_once(&mut jumps), expected);
    fs::remove_file(path).unwrap();
}

#[test]
fn a_header_stamped_after_the_tape_holds_nothing_up() {
    let path = file("header", &tape(50).replacen("\"ts\":999.0", "\"ts\":5000.0", 1));
    let paths = [path.clone()];
    let mut late = deck(&paths);
    assert_eq!(late.play(Timestamp::from_millis(1_002_000), 1_000, |_| {}), Step::Reached);
    assert!(late.n_entries() > 60, "{}", late.n_entries());
    fs::remove_file(path).unwrap();
}

#[test]
fn another_tape_has_another_fingerprint() {
    let (one, other) = (file("one", &tape(50)), file("other", &tape(51)));
    assert_ne!(at_once(&mut deck(std::slice::from_ref(&one))), at_once(&mut deck(std::slice::from_ref(&other))));
    // One digit of one trade.
    fs::write(&other, tape(50).replacen("0.4", "0.5", 1)).unwrap();
    assert_ne!(at_once(&mut deck(std::slice::from_ref(&one))), at_once(&mut deck(std::slice::from_ref(&other))));
    [one, other].iter().for_each(|path| fs::remove_file(path).unwrap());
}

#[test]
fn files_that_continue_one_another_are_one_tape() {
    let text = tape(200);
    let half = text.match_indices('\n').nth(301).unwrap().0 + 1;
    let (first, second) = text.split_at(half);
    let paths = [file("whole", &text), file("first", first), file("second", second)];
    let expected = at_once(&mut deck(&paths[..1]));
    assert_eq!(at_once(&mut deck(&paths[1..])), expected);
    // A file that is missing or broken counts; what follows it plays.
    let missing = PathBuf::from("/nowhere/x.jsonl");
    let mut with_hole = deck(&[missing, paths[0].clone()]);
    assert_eq!((at_once(&mut with_hole), with_hole.n_bad_lines()), (expected, 1));
    paths.iter().for_each(|path| fs::remove_file(path).unwrap());
}

#[test]
fn lines_that_are_no_entries_are_counted_and_passed_over() {
    let path = file("bad", "\n  \n{\n[]\n{\"t\":\"recv\"}\n\u{0}\nnull\n{\"t\":\"other\"}");
    let mut deck = deck(std::slice::from_ref(&path));
    at_once(&mut deck);
    assert_eq!((deck.n_bad_lines(), deck.n_entries()), (5, 1));
    assert!(scan::contents(std::slice::from_ref(&path)).is_err(), "nothing in it has a time");
    fs::remove_file(path).unwrap();
}
