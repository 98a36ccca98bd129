//! The checks that every venue must pass with its frames.
//!
//! Not here: a venue's frames ([`Frames`] and the venues' files), how a valid one is broken ([`super::mutation`]).

use model::{
    event::{BookUpdate, MarketEventKind},
    proof::{BookState, TrackedBook},
};
use proptest::prelude::*;
use venues::{
    kit::backoff::Jitter,
    session::{ConnectionId, Input, SessionConfig, Symbols},
};

use super::{
    mutation::{DEPTHS, VALUES, hostile, nested},
    size::size,
    support::{Rig, listed},
};

/// A venue's session with data flowing, and its test texts.
pub(crate) trait Frames: Sized {
    const NAME: &'static str;
    const SYMBOL: &'static str;
    /// A longer frame is not parsed.
    const LONGEST: usize;

    /// Returns a connected session with data flowing and, if the venue has books, a live book.
    fn live() -> Self;
    fn rig(&mut self) -> (&mut Rig, ConnectionId);
    /// Returns a frame of each kind.
    fn good() -> Vec<String>;
    /// Returns valid frames with `§` in place of a value, and which of [`VALUES`] are valid there.
    fn fields() -> Vec<(String, &'static [&'static str])>;
    /// Returns violations of the venue's own rules.
    fn breaches() -> Vec<String>;
    /// Returns frames with `§` in place of a nested value.
    fn nests() -> &'static [&'static str];
    /// Returns a valid frame, a different one for each number, with `§` in an unread place.
    fn unread(number: u64) -> String;
    /// Checks that valid frames are still accepted, and the book can be live.
    fn check_alive(&mut self);
}

/// Delivers a frame; it is malformed, unknown or valid, and counted exactly once as such.
pub(crate) fn hit<V: Frames>(venue: &mut V, text: &str) -> &'static str {
    let (rig, connection) = venue.rig();
    let before = rig.session.health().counters;
    rig.frame(connection, text);
    let after = rig.session.health().counters;
    assert_eq!(after.frames, before.frames + 1);
    match (after.malformed - before.malformed, after.unknown - before.unknown) {
        (0, 0) => "valid",
        (1, 0) => "malformed",
        (0, 1) => "unknown",
        other => panic!("counted as {other:?}"),
    }
}

/// Returns the number of events other than a book becoming doubtful.
fn n_events<V: Frames>(venue: &mut V) -> usize {
    let events = venue.rig().0.events();
    events.iter().filter(|event| !matches!(event.kind, MarketEventKind::Book(BookUpdate::State { .. }))).count()
}

/// Checks that a malformed frame has no partial effect.
#[track_caller]
fn malformed<V: Frames>(venue: &mut V, text: &str) {
    let before = n_events(venue);
    assert_eq!(hit(venue, text), "malformed", "{}", text.chars().take(400).collect::<String>());
    assert_eq!(n_events(venue), before, "{}", text.chars().take(400).collect::<String>());
}

pub(crate) fn every_truncation_is_malformed<V: Frames>() {
    let mut venue = V::live();
    for frame in V::good() {
        for length in 0..frame.len() {
            malformed(&mut venue, &frame[..length]);
        }
    }
    venue.check_alive();
}

pub(crate) fn mistyped_and_absurd_values_are_malformed<V: Frames>() {
    let mut venue = V::live();
    let mut taken = Vec::new();
    for (frame, good_there) in V::fields() {
        let (before, after) = frame.split_once('§').unwrap();
        for value in VALUES.iter().filter(|value| !good_there.contains(value)) {
            let n_before = n_events(&mut venue);
            let verdict = hit(&mut venue, &format!("{before}{value}{after}"));
            if verdict != "malformed" || n_events(&mut venue) != n_before {
                taken.push(format!("{verdict} {}{value}", &before[before.len().saturating_sub(30)..]));
            }
        }
    }
    assert!(taken.is_empty(), "{taken:#?}");
    venue.check_alive();
}

pub(crate) fn doubled_members_and_other_breaches_are_malformed<V: Frames>() {
    let mut venue = V::live();
    for frame in V::good() {
        let (first, rest) = frame[1..].split_once(':').unwrap();
        malformed(&mut venue, &format!(r#"{{{first}:"x",{first}:{rest}"#));
    }
    for frame in V::breaches() {
        malformed(&mut venue, &frame);
    }
    venue.check_alive();
}

pub(crate) fn deep_nesting_fits_a_small_stack<V: Frames>() {
    on_a_small_stack(|| {
        let mut venue = V::live();
        for n_levels in DEPTHS {
            for is_list in [true, false] {
                let (closed, open) = (nested(n_levels, is_list, true), nested(n_levels, is_list, false));
                for frame in V::nests() {
                    hit(&mut venue, &frame.replace('§', &closed));
                    hit(&mut venue, &frame.replace('§', &open));
                }
                // An unread value is skipped at any depth.
                let unread = V::unread(2 * n_levels as u64 + u64::from(is_list)).replace('§', &closed);
                assert_ne!(hit(&mut venue, &unread), "malformed", "{n_levels}");
            }
        }
        venue.check_alive();
    });
}

/// Runs on a thread with the stack size of the server's threads.
pub(crate) fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

pub(crate) fn long_frames_are_refused_before_they_are_read<V: Frames>() {
    let mut venue = V::live();
    let padded = |number, length: usize| format!("{}{}", " ".repeat(length), V::unread(number).replace('§', "1"));
    assert_eq!(hit(&mut venue, &padded(1, (64 << 10) + 1)), "valid");
    malformed(&mut venue, &padded(2, V::LONGEST));
    let keys: Vec<String> = (0..1_000_000).map(|number| format!("\"{number}\":0")).collect();
    let many = format!("{{{}}}", keys.join(","));
    let expected = if many.len() > V::LONGEST { "malformed" } else { "unknown" };
    assert_eq!(hit(&mut venue, &many), expected);
    venue.check_alive();
}

pub(crate) fn a_thousand_hostile_frames_are_counted_and_the_feed_goes_on<V: Frames>() {
    let (n_frames, good) = (size(1_000, 100_000), V::good());
    let mut random = Jitter::new(11);
    let (mut n_malformed, mut n_unknown, mut n_alive) = (0, 0, 0);
    for _ in 0..n_frames / FRAMES_IN_A_ROW {
        let mut venue = V::live();
        for _ in 0..FRAMES_IN_A_ROW {
            let kind = usize::try_from(random.next_u64() % good.len() as u64).unwrap();
            match hit(&mut venue, &hostile(&mut random, &good[kind])) {
                "malformed" => n_malformed += 1,
                "unknown" => n_unknown += 1,
                _ => {}
            }
            let mut books = venue.rig().0.session.books().values();
            let is_contradicted = |book: &TrackedBook| book.last_checksum.is_some_and(|last| !last.agrees());
            assert!(books.all(|book| book.state != BookState::Live || !is_contradicted(book)));
        }
        // Frames that only look valid may have made Kraken's breaker flag the book for five minutes.
        let mut books = venue.rig().0.session.books().values();
        if books.all(|book| book.state != BookState::Unverified) {
            venue.rig().0.run(4_000);
            venue.check_alive();
            n_alive += 1;
        }
    }
    println!("{}: {n_frames} hostile frames, {n_malformed} malformed, {n_unknown} unknown, the rest valid", V::NAME);
    assert!(n_malformed > n_frames / 2, "{n_malformed}");
    assert!(n_alive > n_frames / FRAMES_IN_A_ROW * 9 / 10, "{n_alive}");
}

pub(crate) fn any_text_is_survived<V: Frames>() {
    let config = ProptestConfig::with_cases(u32::try_from(size(100, 5_000)).unwrap());
    proptest!(config, |(frames in prop::collection::vec(".{0,200}", 1..10), is_recording in any::<bool>())| {
        let config = SessionConfig { symbols: Symbols::FromFrames, ..SessionConfig::default() };
        let mut rig = Rig::of(V::NAME, &if is_recording { config } else { listed(&[V::SYMBOL]) });
        let connection = rig.wanted_connection();
        rig.input(Input::Connected(connection));
        rig.run(1_000);
        for frame in &frames {
            rig.frame(connection, frame);
            rig.input(Input::Binary(connection, frame.as_bytes()));
        }
        rig.run(40_000);
    });
}

/// Hostile frames per session.
const FRAMES_IN_A_ROW: usize = 20;
