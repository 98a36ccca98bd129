//! Tests that no error in a book is silent: whenever a book is live, its rows and their digits equal the venue's at
//! that position of its stream, whatever happened to the frames on the way.
//!
//! Not here: the faults on the way ([`super::line`]).

use model::proof::BookState;

use super::{
    binance::Binance,
    coinbase::Coinbase,
    kraken::Kraken,
    line::{Faults, Line},
    seen::Seen,
    size::size,
    venue::Venue,
};

/// One frame in a hundred is lost, one duplicated, one late; one in a thousand is damaged; a cut every twenty seconds.
fn bad_line<V: Venue>() -> Faults {
    Faults { lost: 100, doubled: 100, held: 100, damaged: 10, altered: 0, cut: V::SPACING_MS / 2 }
}

/// Each fault hits twenty frames in ten thousand.
const FINE: Faults = Faults { lost: 20, doubled: 20, held: 20, damaged: 20, altered: 0, cut: 2 };

/// Twenty seeds, every other one on the worse line; afterwards the line is good and every book must recover.
fn run<V: Venue>() -> Seen {
    let n_frames = size(100_000, 1_000_000) as u64;
    let n_seeds = 20;
    let mut all = Seen::default();
    for seed in 0..n_seeds {
        let mut line = Line::<V>::new(seed, if seed % 2 == 0 { bad_line::<V>() } else { FINE });
        while line.seen.n_frames < n_frames / n_seeds {
            line.step();
        }
        all.add(std::mem::take(&mut line.seen));
        line.faults = Faults::default();
        // A book stopped by the breaker is tried again after five minutes.
        for _ in 0..400_000 / V::SPACING_MS {
            line.step();
        }
        for symbol in 0..2 {
            assert_eq!(line.tracked(symbol).state, BookState::Live, "seed {seed}");
        }
        assert_eq!((line.seen.n_silent_errors, line.seen.n_hasty), (0, 0), "seed {seed}");
    }
    println!(
        "{}: {} frames over {n_seeds} seeds {:?}; {} comparisons of live books, {} silent mismatches; live {:.1} % of the \
         time; {} snapshots asked for, {} too soon; {} books brought back, 99 % of them within {} ms of the moment a \
         snapshot was permitted",
        V::NAME,
        all.n_frames,
        all.done,
        all.n_live,
        all.n_silent_errors,
        all.live_share() * 100.0,
        all.n_asked,
        all.n_hasty,
        all.resyncs_ms.len(),
        all.resync_p99_ms(),
    );
    assert_eq!(all.n_silent_errors, 0);
    assert_eq!(all.n_hasty, 0);
    assert!(all.resyncs_ms.len() > 100 && all.resync_p99_ms() <= 3_000, "{} ms", all.resync_p99_ms());
    all
}

#[test]
fn a_live_book_of_binance_is_the_venues() {
    assert!(run::<Binance>().live_share() > 0.5);
}

#[test]
fn a_live_book_of_coinbase_is_the_venues() {
    assert!(run::<Coinbase>().live_share() > 0.3);
}

#[test]
fn a_live_book_of_kraken_is_the_venues() {
    assert!(run::<Kraken>().live_share() > 0.2);
}

/// At this rate Kraken's books are contradicted often enough to trip the breaker, and its rules determine how long it
/// may keep them flagged: it flags a book at the third contradiction in a minute, or at the first one in the minute
/// after a trial, and tries again after five minutes, slightly later if that snapshot is lost too.
///
/// With random contradictions, `rate` a second and `x` a minute, a live book is flagged `rate * (1 - e^-x * (1 + x))`
/// times a second. A trial succeeds with probability `e^-x`, so a series of trials takes `trial * e^x` seconds, and the
/// share is the product of flags and seconds, relative to the live time. Each visible fault contradicts once, a late
/// frame perhaps twice: when it is missed, and again when it arrives out of order.
/// late frame perhaps twice: out of order when it is missed, and again when it comes.
#[test]
fn the_breaker_flags_a_book_for_no_longer_than_its_rules_say() {
    let faults = Faults { altered: 20, cut: 0, ..FINE };
    let (n_frames, n_seeds) = (size(40_000, 400_000) as u64, 10);
    let mut all = Seen::default();
    let mut n_flagged = 0;
    for seed in 0..n_seeds {
        let mut line = Line::<Kraken>::new(seed, faults);
        while line.seen.n_frames < n_frames / n_seeds {
            line.step();
        }
        for watch in &line.watches {
            for (idx, (at, until)) in watch.flagged.iter().enumerate() {
                n_flagged += 1;
                let in_minute = |then: &&u64| **then <= *at && at - **then < 60_000;
                let is_third = watch.contradicted_at.iter().filter(in_minute).count() >= 3;
                let trial = idx.checked_sub(1).and_then(|before| watch.flagged[before].1);
                assert!(is_third || trial.is_some_and(|trial| at - trial < 60_000), "seed {seed} at {at}: {watch:?}");
                let until = until.unwrap_or(line.rig.now_ms);
                assert!(until - at <= 330_000, "seed {seed} from {at} to {until}");
            }
        }
        all.add(line.seen);
    }
    let rate = (faults.lost + faults.damaged + faults.altered + 2 * faults.held) as f64 / 10_000.0;
    let (x, trial) = (rate * 60.0, 311.0);
    let product = rate * (1.0 - (-x).exp() * (1.0 + x)) * trial * x.exp();
    let allowed = product / (1.0 + product);
    let share = all.n_unverified as f64 / (all.n_live + all.n_unverified + all.n_doubted) as f64;
    println!(
        "kraken's breaker: {} frames, {:?}, {} silent mismatches, {n_flagged} times flagged, {:.1} % of the time where its \
         rules allow {:.1} %",
        all.n_frames,
        all.done,
        all.n_silent_errors,
        share * 100.0,
        allowed * 100.0
    );
    assert_eq!((all.n_silent_errors, all.n_hasty), (0, 0));
    assert!(n_flagged >= 10 && share <= allowed, "{n_flagged} times, {share:.3} of the time, allowed {allowed:.3}");
}

fn finds_nothing_on_a_good_line<V: Venue>() {
    let mut line = Line::<V>::new(5, Faults::default());
    for _ in 0..20_000 / V::SPACING_MS {
        line.step();
    }
    let n_before = line.seen.n_doubted;
    for _ in 0..3_000 {
        line.step();
    }
    assert_eq!((line.seen.n_doubted, line.seen.n_unverified, line.seen.n_silent_errors), (n_before, 0, 0));
    assert_eq!(line.tracked(0).counters.resyncs, 0);
}

#[test]
fn a_good_line_never_raises_a_doubt() {
    finds_nothing_on_a_good_line::<Binance>();
    finds_nothing_on_a_good_line::<Coinbase>();
    finds_nothing_on_a_good_line::<Kraken>();
}

fn finds_a_wrong_book<V: Venue>() {
    let mut line = Line::<V>::new(5, Faults::default());
    for _ in 0..20_000 / V::SPACING_MS {
        line.step();
    }
    assert_eq!((line.tracked(0).state, line.seen.n_silent_errors), (BookState::Live, 0));
    // Adds one lot in one row of the venue's own history.
    for (_, books) in &mut line.past {
        *books[0][1].values_mut().next().unwrap() += 1;
    }
    line.judge();
    assert_eq!(line.seen.n_silent_errors, 1, "{}", V::NAME);
}

#[test]
fn the_comparison_finds_a_wrong_book() {
    finds_a_wrong_book::<Binance>();
    finds_a_wrong_book::<Coinbase>();
    finds_a_wrong_book::<Kraken>();
}
