//! Keyed rows in blocks: sorted, the greatest key (the best row) at the end of the last block.
//!
//! Nearly all changes happen near the best row, so an insertion there moves few rows; the blocks limit how many rows an
//! insertion deep in a book of tens of thousands of rows moves. Keys are stored beside the rows: a search reads eight
//! bytes a step.

use std::slice;

use crate::event::Level;

/// Most rows in a block. Smaller blocks make the search over blocks longer, larger ones make insertions move more rows.
const BLOCK_ROWS: usize = 128;

/// A block with fewer rows is merged into its neighbour.
const FEW_ROWS: usize = BLOCK_ROWS / 8;

/// Rows in a new block: leaves room to grow before it splits.
const FILL_ROWS: usize = BLOCK_ROWS * 3 / 4;

/// Rows by key.
#[derive(Clone, Debug)]
pub(super) struct KeyedRows {
    /// The lowest key that belongs to the block of the same index; ascending, and the first is the smallest possible
    /// key.
    floors: Vec<i64>,
    /// At least one block; none is empty unless it is the only one.
    blocks: Vec<Block>,
    n_rows: usize,
}

#[derive(Clone, Debug, Default)]
struct Block {
    /// Ascending.
    keys: Vec<i64>,
    /// The rows that belong to `keys`.
    levels: Vec<Level>,
}

impl Default for KeyedRows {
    fn default() -> Self {
        Self { floors: vec![i64::MIN], blocks: vec![Block::default()], n_rows: 0 }
    }
}

impl KeyedRows {
    /// Builds the rows from levels with strictly ascending keys.
    pub(super) fn from_sorted(rows: &[(i64, Level)]) -> Self {
        let mut all = Self { floors: Vec::new(), blocks: Vec::new(), n_rows: rows.len() };
        for chunk in rows.chunks(FILL_ROWS) {
            all.floors.push(if all.floors.is_empty() { i64::MIN } else { chunk[0].0 });
            let (keys, levels) = chunk.iter().copied().unzip();
            all.blocks.push(Block { keys, levels });
        }
        if all.blocks.is_empty() { Self::default() } else { all }
    }

    pub(super) fn len(&self) -> usize {
        self.n_rows
    }

    pub(super) fn best(&self) -> Option<Level> {
        self.blocks.last().and_then(|block| block.levels.last()).copied()
    }

    pub(super) fn best_first(&self) -> BestFirst<'_> {
        BestFirst { rows: [].iter(), blocks: self.blocks.iter() }
    }

    pub(super) fn set(&mut self, key: i64, level: &Level) {
        let block_idx = self.block_of(key);
        let block = &mut self.blocks[block_idx];
        match find(&block.keys, key) {
            Ok(row_idx) => block.levels[row_idx] = *level,
            Err(row_idx) => {
                block.keys.insert(row_idx, key);
                block.levels.insert(row_idx, *level);
                self.n_rows += 1;
                if block.keys.len() > BLOCK_ROWS {
                    self.split(block_idx);
                }
            }
        }
    }

    pub(super) fn remove(&mut self, key: i64) {
        let block_idx = self.block_of(key);
        let block = &mut self.blocks[block_idx];
        if let Ok(row_idx) = find(&block.keys, key) {
            block.keys.remove(row_idx);
            block.levels.remove(row_idx);
            self.n_rows -= 1;
            if block.keys.len() < FEW_ROWS && self.blocks.len() > 1 {
                self.join(block_idx);
            }
        }
    }

    /// Drops all but the `depth` best rows.
    pub(super) fn truncate(&mut self, depth: usize) {
        let mut n_surplus = self.n_rows.saturating_sub(depth);
        self.n_rows -= n_surplus;
        let mut n_blocks = 0;
        while n_blocks + 1 < self.blocks.len() && self.blocks[n_blocks].keys.len() <= n_surplus {
            n_surplus -= self.blocks[n_blocks].keys.len();
            n_blocks += 1;
        }
        if n_blocks > 0 {
            self.blocks.drain(..n_blocks);
            self.floors.drain(..n_blocks);
            self.floors[0] = i64::MIN;
        }
        self.blocks[0].keys.drain(..n_surplus);
        self.blocks[0].levels.drain(..n_surplus);
    }

    fn block_of(&self, key: i64) -> usize {
        let last = self.floors.len() - 1;
        if self.floors[last] <= key { last } else { self.floors[..last].partition_point(|floor| *floor <= key) - 1 }
    }

    fn split(&mut self, block_idx: usize) {
        let block = &mut self.blocks[block_idx];
        let half = block.keys.len() / 2;
        let upper = Block { keys: block.keys.split_off(half), levels: block.levels.split_off(half) };
        self.floors.insert(block_idx + 1, upper.keys[0]);
        self.blocks.insert(block_idx + 1, upper);
    }

    /// Merges a small block with the one before it, or the first with the next, if both fit with room to grow. An empty
    /// block is always removed.
    fn join(&mut self, block_idx: usize) {
        let lower = block_idx.saturating_sub(1);
        let (n_lower, n_upper) = (self.blocks[lower].keys.len(), self.blocks[lower + 1].keys.len());
        if n_lower > 0 && n_upper > 0 && n_lower + n_upper > FILL_ROWS {
            return;
        }
        let upper = self.blocks.remove(lower + 1);
        self.floors.remove(lower + 1);
        self.blocks[lower].keys.extend(upper.keys);
        self.blocks[lower].levels.extend(upper.levels);
    }
}

/// Iterates over the rows from the best down.
#[derive(Debug)]
pub(super) struct BestFirst<'a> {
    /// The rest of the block being read, from its end.
    rows: slice::Iter<'a, Level>,
    blocks: slice::Iter<'a, Block>,
}

impl Iterator for BestFirst<'_> {
    type Item = Level;

    fn next(&mut self) -> Option<Level> {
        loop {
            if let Some(row) = self.rows.next_back() {
                return Some(*row);
            }
            self.rows = self.blocks.next_back()?.levels.iter();
        }
    }
}

/// Finds the row with a key, or where it belongs. A binary search without branches that depend on the key.
fn find(keys: &[i64], key: i64) -> Result<usize, usize> {
    let row_idx = keys.partition_point(|known| *known < key);
    if keys.get(row_idx) == Some(&key) { Ok(row_idx) } else { Err(row_idx) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decimal::{Price, Quantity};

    fn level(number: i64) -> Level {
        Level {
            price: Price::from_mantissa(i128::from(number), 0).unwrap(),
            quantity: Quantity::from_mantissa(1, 0).unwrap(),
        }
    }

    fn is_sound(rows: &KeyedRows) -> bool {
        let keys: Vec<i64> = rows.blocks.iter().flat_map(|block| block.keys.clone()).collect();
        let bounds = rows.floors.iter().copied().chain([i64::MAX]).collect::<Vec<_>>();
        rows.floors.len() == rows.blocks.len()
            && rows.floors[0] == i64::MIN
            && keys.len() == rows.n_rows
            && keys.windows(2).all(|pair| pair[0] < pair[1])
            && (rows.blocks.len() == 1 || rows.blocks.iter().all(|block| !block.keys.is_empty()))
            && rows.blocks.iter().zip(bounds.windows(2)).all(|(block, bound)| {
                block.keys.len() <= BLOCK_ROWS
                    && block.keys.len() == block.levels.len()
                    && block.keys.iter().all(|key| bound[0] <= *key && (*key < bound[1] || bound[1] == i64::MAX))
            })
    }

    #[test]
    fn an_emptied_block_goes_even_beside_a_full_one() {
        const MIDDLE: i64 = FILL_ROWS as i64;
        #[track_caller]
        fn check(added: std::ops::Range<i64>, removed: impl Iterator<Item = i64>, best: i64) {
            let first: Vec<(i64, Level)> = (0..2 * MIDDLE).map(|row| (row * 10, level(row * 10))).collect();
            let mut rows = KeyedRows::from_sorted(&first);
            added.for_each(|row| rows.set(row * 10 + 5, &level(row * 10 + 5)));
            for row in removed {
                rows.remove(row * 10);
                assert!(is_sound(&rows), "after row {row}");
            }
            assert_eq!(rows.best(), Some(level(best * 10)));
        }
        // The best block becomes empty beside a full one, then the worst does.
        check(0..30, (MIDDLE..2 * MIDDLE).rev(), MIDDLE - 1);
        check(MIDDLE..MIDDLE + 30, 0..MIDDLE, 2 * MIDDLE - 1);
    }

    proptest! {
        #[test]
        fn blocks_stay_sorted_and_bounded(
            n_first in 0_i64..600,
            steps in prop::collection::vec((0_i64..700, 0_u8..20), 1..1_500),
        ) {
            let first: Vec<(i64, Level)> = (0..n_first).map(|number| (number, level(number))).collect();
            let mut rows = KeyedRows::from_sorted(&first);
            let mut naive: std::collections::BTreeSet<i64> = (0..n_first).collect();
            for (key, step) in steps {
                match step {
                    0..=8 => {
                        rows.set(key, &level(key));
                        naive.insert(key);
                    }
                    9..=18 => {
                        rows.remove(key);
                        naive.remove(&key);
                    }
                    _ => {
                        let depth = usize::try_from(key).unwrap();
                        rows.truncate(depth);
                        while naive.len() > depth {
                            naive.pop_first();
                        }
                    }
                }
                prop_assert!(is_sound(&rows));
                prop_assert_eq!(rows.best(), naive.last().map(|key| level(*key)));
            }
            let left: Vec<Level> = rows.best_first().collect();
            prop_assert_eq!(left, naive.iter().rev().map(|key| level(*key)).collect::<Vec<_>>());
        }
    }
}
