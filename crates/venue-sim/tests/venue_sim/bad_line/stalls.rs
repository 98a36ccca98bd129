//! Tests that no silence goes unnoticed: connections that are open but silent, in five ways and in virtual time.
//!
//! Within the venue's deadline plus a second no book is served any more and health gives the reason; five seconds later
//! REST has delivered a value; when the venue serves connections again everything is followed as before, without
//! leftovers. Not here: the same with real sockets (`server/tests/server/stalls.rs`).

use std::collections::{BTreeSet, VecDeque};

use model::{proof::BookState, status::FeedMode};
use serde_json::Value;
use venues::{kit::backoff::Jitter, session::Output};

use super::{
    binance::Binance,
    coinbase::Coinbase,
    kraken::Kraken,
    ladder::below,
    line::{Faults, Line, Stall, is_value},
    simulated::Simulated,
    size::size,
    support::{Rig, listed},
    venue::Venue,
};

const STALLS: [Stall; 5] = [Stall::OpenSilent, Stall::PongOnly, Stall::BlackHole, Stall::NoHandshake, Stall::Trickle];

/// The longest times of all stalls, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Longest {
    /// From the last sign of life to the flag.
    flag: u64,
    /// From the flag to the next value.
    value: u64,
    /// From the moment at which connections are served again to live books.
    back: u64,
}

fn is_live<V: Venue>(line: &Line<V>) -> bool {
    (0..2).all(|symbol| line.tracked(symbol).state == BookState::Live)
}

/// The subscriptions on the newest connection, without the numbers of messages.
fn followed<V: Venue>(line: &Line<V>) -> BTreeSet<String> {
    let bare = |text: &String| {
        let mut message: Value = serde_json::from_str(text).unwrap();
        let members = message.as_object_mut().unwrap();
        members.remove("id");
        members.remove("req_id");
        message.to_string()
    };
    line.sent.iter().map(bare).collect()
}

/// Advances the time until a condition holds; returns how long it took, in milliseconds.
#[track_caller]
fn until<V: Venue>(line: &mut Line<V>, longest_ms: u64, is_so: impl Fn(&Line<V>) -> bool) -> u64 {
    let begun = line.rig.now_ms;
    while !is_so(line) {
        assert!(line.rig.now_ms - begun <= longest_ms, "not so after {longest_ms} ms");
        line.wait(20);
    }
    line.rig.now_ms - begun
}

fn stall_once<V: Venue>(seed: u64, stall: Stall, longest: &mut Longest) {
    let mut random = Jitter::new(seed);
    let mut line = Line::<V>::new(seed, Faults::default());
    for _ in 0..(20_000 + below(&mut random, 20_000)) / V::SPACING_MS {
        line.step();
    }
    assert!(is_live(&line), "{stall:?} {seed}");
    let before = followed(&line);
    line.stall(stall);
    let flag = until(&mut line, V::DEADLINE_MS + 1_000, |line| {
        (0..2).all(|symbol| !line.tracked(symbol).state.is_served()) && line.rig.session.health().cause.is_some()
    });
    line.value_at = None;
    let value = if stall == Stall::BlackHole {
        // The next connection works; the books have returned, or REST was quicker.
        line.recover();
        let begun = line.rig.now_ms;
        while line.value_at.is_none() {
            assert!(line.rig.now_ms - begun <= 5_000, "{stall:?} {seed}");
            line.step();
        }
        line.rig.now_ms - begun
    } else {
        let value = until(&mut line, 5_000, |line| line.value_at.is_some());
        assert_eq!(line.rig.session.health().mode, FeedMode::RestPolling, "{stall:?} {seed}");
        let more = 20_000 + below(&mut random, 60_000);
        let end = line.rig.now_ms + more;
        let mut polled = BTreeSet::new();
        while line.rig.now_ms < end {
            line.wait(100);
            let states = [0, 1].map(|symbol| line.tracked(symbol).state);
            polled.extend((0..2).filter(|symbol| states[*symbol] == BookState::Polled));
            assert!(!states.contains(&BookState::Live), "{stall:?} {seed}");
        }
        assert_eq!(polled.len(), 2, "{stall:?} {seed}: books come by REST too");
        line.recover();
        value
    };
    let begun = line.rig.now_ms;
    while !is_live(&line) {
        // The longest wait between two attempts, a silence detected only now, and the snapshots.
        assert!(line.rig.now_ms - begun <= 30_000 + V::DEADLINE_MS + 5_000, "{stall:?} {seed}");
        line.step();
    }
    let back = line.rig.now_ms - begun;
    for _ in 0..30_000 / V::SPACING_MS {
        line.step();
    }
    assert!(is_live(&line) && line.rig.session.health().cause.is_none(), "{stall:?} {seed}");
    assert_eq!(line.rig.session.health().mode, FeedMode::WebSocket, "{stall:?} {seed}");
    assert_eq!(followed(&line), before, "{stall:?} {seed}");
    assert_eq!((line.open.len(), line.seen.n_silent_errors), (1, 0), "{stall:?} {seed}");
    assert!(line.requests.len() <= 1, "{stall:?} {seed}: {:?}", line.requests);
    longest.flag = longest.flag.max(flag);
    longest.value = longest.value.max(value);
    longest.back = longest.back.max(back);
}

/// The default of `stale_after_ms`: from this age a symbol's data is shown as stale.
const STALE_AFTER_MS: u64 = 5_000;

/// With REST alone, one symbol's values follow each other before they count as stale.
fn polling_stays_fresh<V: Venue>() {
    let mut venue = Simulated::<V>::new(Jitter::new(1));
    let mut rig = Rig::of(V::NAME, &listed(&V::SYMBOLS[..1]));
    let mut random = Jitter::new(2);
    let (mut requests, mut values) = (VecDeque::new(), Vec::new());
    while rig.now_ms < 600_000 {
        rig.run(20);
        // No handshake is ever answered.
        for (at, output) in rig.drain() {
            match output {
                Output::Http(request) => requests.push_back((at + 50 + below(&mut random, 400), request)),
                Output::Event(event) if is_value(&event.kind) => values.push(at),
                _ => {}
            }
        }
        while let Some((_, request)) = requests.pop_front_if(|(due, _)| *due <= rig.now_ms) {
            let (status, body) = venue.answer(&request, rig.now());
            rig.answer(request.id, status, None, &body);
        }
    }
    assert_eq!(rig.session.health().mode, FeedMode::RestPolling, "{}", V::NAME);
    let longest = values.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(values.len() > 100 && longest < STALE_AFTER_MS, "{}: {} values, {longest} ms", V::NAME, values.len());
}

#[test]
fn polling_alone_keeps_data_from_going_stale() {
    polling_stays_fresh::<Binance>();
    polling_stays_fresh::<Coinbase>();
    polling_stays_fresh::<Kraken>();
}

fn every_stall_is_seen_bridged_and_healed<V: Venue>() {
    let n_each = size(14, 400) as u64;
    let mut longest = Longest::default();
    for stall in STALLS {
        for seed in 0..n_each {
            stall_once::<V>(seed, stall, &mut longest);
        }
    }
    println!(
        "{}: {} stalls of each of {STALLS:?}; longest in ms: {} to the flag (deadline {}), {} from there to a value, {} to \
         live books once connections are served again",
        V::NAME,
        n_each,
        longest.flag,
        V::DEADLINE_MS,
        longest.value,
        longest.back
    );
}

#[test]
fn every_stall_of_binance_is_seen_bridged_and_healed() {
    every_stall_is_seen_bridged_and_healed::<Binance>();
}

#[test]
fn every_stall_of_coinbase_is_seen_bridged_and_healed() {
    every_stall_is_seen_bridged_and_healed::<Coinbase>();
}

#[test]
fn every_stall_of_kraken_is_seen_bridged_and_healed() {
    every_stall_is_seen_bridged_and_healed::<Kraken>();
}
