//! Compares one changed level in our book with an ordered map of decimals, in the same run. Target: 50 ns near the top.
//!
//! Not here: parsing of a frame. Prices and operations are generated from a fixed seed; half of the changes remove a
//! row.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::{collections::BTreeMap, hint::black_box};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use model::{
    book::OrderBook,
    decimal::{Price, Quantity},
    event::Level,
};

const N_CHANGES: usize = 4_096;
const BEST_BID: i64 = 6_160_201;

/// Distribution of the changes over the book.
#[derive(Clone, Copy)]
enum Spread {
    /// Nine of ten among the best 20 rows, the rest in the whole book.
    NearTop,
    /// Evenly over the whole book.
    Uniform,
}

fn level(price: i64, lots: u64) -> Level {
    Level {
        price: Price::from_mantissa(i128::from(price), 2).unwrap_or_default(),
        quantity: Quantity::from_mantissa(i128::from(lots), 5).unwrap_or_default(),
    }
}

fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

fn changes(depth: u64, spread: Spread) -> Vec<Level> {
    let mut seed = 0x2545_F491_4F6C_DD1D;
    (0..N_CHANGES)
        .map(|_| {
            let range =
                if matches!(spread, Spread::NearTop) && !next(&mut seed).is_multiple_of(10) { 20 } else { depth };
            let offset = i64::try_from(next(&mut seed) % range).unwrap_or(0);
            let lots = if next(&mut seed) & 1 == 0 { 0 } else { 1 + next(&mut seed) % 100_000 };
            level(BEST_BID - offset, lots)
        })
        .collect()
}

fn book_changes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("book_level");
    group.throughput(Throughput::Elements(N_CHANGES as u64));
    for depth in [1_000_u64, 20_000] {
        let rows: Vec<Level> =
            (0..i64::try_from(depth).unwrap_or(0)).map(|offset| level(BEST_BID - offset, 100)).collect();
        for (spread, name) in [(Spread::NearTop, "near_top"), (Spread::Uniform, "uniform")] {
            let changes = changes(depth, spread);
            group.bench_function(BenchmarkId::new(format!("ours_{name}"), depth), |bencher| {
                let mut book = OrderBook::new();
                book.apply_snapshot(&rows, &[]);
                bencher.iter(|| {
                    for change in &changes {
                        book.apply_delta(std::slice::from_ref(change), &[]);
                        black_box(book.best_bid());
                    }
                });
            });
            group.bench_function(BenchmarkId::new(format!("btreemap_{name}"), depth), |bencher| {
                let mut map: BTreeMap<Price, Quantity> = rows.iter().map(|row| (row.price, row.quantity)).collect();
                bencher.iter(|| {
                    for change in &changes {
                        if change.quantity.is_zero() {
                            map.remove(&change.price);
                        } else {
                            map.insert(change.price, change.quantity);
                        }
                        black_box(map.last_key_value());
                    }
                });
            });
        }
        let levels: Vec<Level> = rows.clone();
        group.bench_function(BenchmarkId::new("ours_top_20_x4096", depth), |bencher| {
            let mut book = OrderBook::new();
            book.apply_snapshot(&levels, &[]);
            bencher.iter(|| {
                for _ in 0..N_CHANGES {
                    black_box(book.bids().take(20).fold(0, |sum, row| sum ^ row.price.scale()));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, book_changes);
criterion_main!(benches);
