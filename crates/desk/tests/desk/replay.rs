//! The same inputs give the same journal, fills and equity to the last byte, from seeded markets with a grid, a crossing of
//! averages and a trader. `DESK_SEEDS` of them, 5 by default; the digests that it prints are those of every build.

use model::{
    decimal::{Price, Quantity},
    event::AggressorSide,
    trading::{
        command::{CancelAll, DeskCommand, StartStrategy},
        record::Record,
        strategy::StrategyId,
    },
};

use crate::floor::{Floor, grid, id, quoted};

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 % end).unwrap()
    }
}

fn text(cents: i64) -> String {
    Price::from_mantissa(cents.into(), 2).unwrap().to_string()
}

fn size(lots: i64) -> String {
    Quantity::from_mantissa(lots.into(), 3).unwrap().to_string()
}

fn averages() -> DeskCommand {
    let settings = serde_json::json!({
        "interval": "1m", "fast": 2, "slow": 4, "quantity": "0.5", "is_both_ways": true
    });
    DeskCommand::StartStrategy(Box::new(StartStrategy {
        strategy_id: StrategyId::parse("averages").unwrap(),
        kind: "ma_cross".into(),
        account: None,
        instrument: id(),
        settings,
    }))
}

fn follower() -> DeskCommand {
    let settings = serde_json::json!({
        "interval": "1m", "look_for": {"breakout": {"n_bars": 3}}, "quantity": "0.4", "is_both_ways": true
    });
    DeskCommand::StartStrategy(Box::new(StartStrategy {
        strategy_id: StrategyId::parse("follower").unwrap(),
        kind: "signals".into(),
        account: None,
        instrument: id(),
        settings,
    }))
}

/// Trades on a market that walks at random.
fn run(seed: u64) -> Floor {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut floor = quoted();
    floor.command(grid("grid")).unwrap();
    floor.command(averages()).unwrap();
    floor.command(follower()).unwrap();
    let mut cents = 10_000;
    for number in 0..400 {
        cents = (cents + random.below(61) - 30).clamp(9_000, 11_000);
        let mut row = |offset: i64| (text(cents + offset), size(1 + random.below(3_000)));
        let rows = [row(-1), row(-3), row(1), row(4)];
        let [best_bid, bid, best_ask, ask] = rows.each_ref().map(|(at, size)| (at.as_str(), size.as_str()));
        floor.levels(&[best_bid, bid], &[best_ask, ask]);
        let side = if random.below(2) == 0 { AggressorSide::Buyer } else { AggressorSide::Seller };
        floor.trade(&text(cents), &size(1 + random.below(2_000)), side);
        match random.below(12) {
            0 => drop(floor.place(&format!("m-{number}"), "buy", r#""type":"market","quantity":"0.7""#)),
            1 => drop(floor.place(&format!("m-{number}"), "sell", r#""type":"market","quantity":"0.6""#)),
            2 => {
                let (at, stop) = (text(cents - 20), text(cents - 90));
                let fields = format!(r#""type":"limit","quantity":"0.9","price":"{at}","stop_loss":"{stop}""#);
                drop(floor.place(&format!("b-{number}"), "buy", &fields));
            }
            3 if number % 97 == 0 => drop(floor.command(DeskCommand::CancelAll(CancelAll::default()))),
            _ => floor.wait(u64::try_from(random.below(90_000)).unwrap()),
        }
    }
    floor
}

/// Everything that must be the same, as text: the journal, fills, and equity.
fn shown(floor: &Floor) -> [String; 3] {
    let of = |is_wanted: fn(&Record) -> bool| {
        let wanted: Vec<&Record> = floor.records.iter().filter(|record| is_wanted(record)).collect();
        serde_json::to_string(&wanted).unwrap()
    };
    [
        of(|_| true),
        of(|record| matches!(record, Record::Filled(_))),
        of(|record| matches!(record, Record::EquitySampled { .. } | Record::DayBegan { .. })),
    ]
}

/// The hash of Fowler, Noll and Vo, 64 bits.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[test]
fn a_seed_gives_the_same_journal_fills_and_equity() {
    let n_seeds: u64 = std::env::var("DESK_SEEDS").map_or(5, |text| text.parse().unwrap());
    let (mut all, mut n_fills) = (String::new(), 0);
    for seed in 1..=n_seeds {
        // The second time on another thread, at the same time.
        let (one, other) = std::thread::scope(|scope| {
            let other = scope.spawn(move || shown(&run(seed)));
            let floor = run(seed);
            floor.check_restart();
            n_fills += floor.records.iter().filter(|record| matches!(record, Record::Filled(_))).count();
            (shown(&floor), other.join().unwrap())
        });
        assert!(one == other, "seed {seed}: the journals differ");
        assert!(one.iter().all(|text| text.len() > 2), "seed {seed}: nothing happened");
        all.extend(one);
    }
    println!("{n_seeds} seeds twice, {n_fills} fills: equal, digest {:016x}", digest(&all));
}

#[test]
fn seeds_differ() {
    assert_ne!(digest(&shown(&run(1))[0]), digest(&shown(&run(2))[0]));
}
