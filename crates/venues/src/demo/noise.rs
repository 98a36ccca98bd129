//! The source of the simulated market's numbers: hashed value noise for prices, splitting cascades for sizes.
//!
//! Integers only, so native and WASM agree bit for bit. Both are pure functions of a slot number, and both answer for a
//! whole span without visiting its slots: a span's price bounds, and the volume of either side before a slot.
//!
//! Prices: the sum of octaves of value noise (hashed lattice, smoothstep between), each four times slower and twice as
//! high as the previous one, which gives the roughness of a random walk within fixed bounds.

/// Hashes `x` under `key` (the finaliser of splitmix64, Steele, Lea and Flood 2014).
pub(super) fn mix(key: u64, x: u64) -> u64 {
    let mut hash = key.wrapping_add(x.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ (hash >> 31)
}

/// Fractional bits of a price inside this module: 1/65536 tick.
const TICK_BITS: u32 = 16;
const N_OCTAVES: usize = 13;
/// Cells of the fastest octave are 2^3 slots (0.8 s), of the slowest 2^27 (155 days).
const QUICKEST_SHIFT: u32 = 3;

#[derive(Clone, Copy, Debug, Default)]
struct Octave {
    /// A cell of the lattice is 2^shift slots.
    shift: u32,
    key: u64,
    /// Largest distance from zero, in 1/65536 tick.
    amplitude: i64,
}

impl Octave {
    /// Returns its value at `slot`. Within one cell it only rises or only falls: every step below is monotone in the
    /// fraction.
    fn value(&self, slot: u64) -> i64 {
        let cell = slot >> self.shift;
        self.between(self.lattice(cell), self.lattice(cell + 1), slot)
    }

    /// Returns its values at two slots of one cell.
    fn values(&self, slots: [u64; 2]) -> [i64; 2] {
        let cell = slots[0] >> self.shift;
        let (from, to) = (self.lattice(cell), self.lattice(cell + 1));
        slots.map(|slot| self.between(from, to, slot))
    }

    fn between(&self, from: i64, to: i64, slot: u64) -> i64 {
        let offset = slot & ((1 << self.shift) - 1);
        let fraction = if self.shift <= 20 { offset << (20 - self.shift) } else { offset >> (self.shift - 20) };
        // Smoothstep t²(3 − 2t), exact in 60 bits, then cut to 30.
        let smooth = (fraction * fraction * ((3 << 20) - 2 * fraction)) >> 30;
        let unit = from + (((to - from) * smooth.cast_signed()) >> 30);
        ((unit >> 10) * self.amplitude) >> 20
    }

    /// Between −2^30 and 2^30.
    fn lattice(&self, cell: u64) -> i64 {
        (mix(self.key, cell) >> 33).cast_signed() - (1 << 30)
    }
}

/// The mid price of one instrument over time.
#[derive(Clone, Debug)]
pub(super) struct PricePath {
    base: i64,
    octaves: [Octave; N_OCTAVES],
}

impl PricePath {
    /// Creates a path; `swing_bp` is the slowest octave's amplitude in basis points of `base_ticks`.
    pub(super) fn new(key: u64, base_ticks: u32, swing_bp: u32) -> Self {
        let base = i64::from(base_ticks) << TICK_BITS;
        let mut octaves = [Octave::default(); N_OCTAVES];
        let mut amplitude = base / 10_000 * i64::from(swing_bp);
        let mut shift = QUICKEST_SHIFT + 2 * (N_OCTAVES as u32 - 1);
        for octave in octaves.iter_mut().rev() {
            *octave = Octave { shift, key: mix(key, u64::from(shift)), amplitude };
            amplitude /= 2;
            shift = shift.saturating_sub(2);
        }
        Self { base, octaves }
    }

    /// Returns the mid price at `slot`, in whole ticks.
    pub(super) fn ticks(&self, slot: u64) -> i64 {
        let sum: i64 = self.octaves.iter().map(|octave| octave.value(slot)).sum();
        (self.base + sum) >> TICK_BITS
    }

    /// Returns the 2^`shift` slots from `start` (a multiple of it).
    pub(super) fn block(&self, start: u64, shift: u32) -> Block {
        let last = start + ((1 << shift) - 1);
        let ends = self.octaves.map(|octave| if octave.shift >= shift { octave.values([start, last]) } else { [0; 2] });
        self.bounded(start, shift, ends)
    }

    /// Returns a block's two halves, the earlier one first; values at its ends are not computed again.
    pub(super) fn halves(&self, block: &Block) -> [Block; 2] {
        let (shift, middle) = (block.shift - 1, block.start + (1 << (block.shift - 1)));
        let last = block.start + ((1 << block.shift) - 1);
        let (mut left, mut right) = ([[0; 2]; N_OCTAVES], [[0; 2]; N_OCTAVES]);
        for (((octave, ends), left), right) in self.octaves.iter().zip(&block.ends).zip(&mut left).zip(&mut right) {
            if octave.shift >= block.shift {
                let [before, after] = octave.values([middle - 1, middle]);
                (*left, *right) = ([ends[0], before], [after, ends[1]]);
            } else if octave.shift >= shift {
                (*left, *right) = (octave.values([block.start, middle - 1]), octave.values([middle, last]));
            }
        }
        [self.bounded(block.start, shift, left), self.bounded(middle, shift, right)]
    }

    fn bounded(&self, start: u64, shift: u32, ends: [[i64; 2]; N_OCTAVES]) -> Block {
        let (mut low, mut high) = (self.base, self.base);
        for (octave, [first, last]) in self.octaves.iter().zip(ends) {
            if octave.shift >= shift {
                // One cell contains the whole block, so the ends are the extremes.
                low += first.min(last);
                high += first.max(last);
            } else {
                low -= octave.amplitude + 1;
                high += octave.amplitude;
            }
        }
        Block { start, shift, ends, low: low >> TICK_BITS, high: high >> TICK_BITS }
    }
}

/// A range of slots and the bounds of the mid price in it.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// First slot.
    pub(super) start: u64,
    /// It has 2^shift slots.
    pub(super) shift: u32,
    /// Lower bound in whole ticks.
    pub(super) low: i64,
    /// Upper bound in whole ticks.
    pub(super) high: i64,
    /// First and last value of each octave of which one cell contains the block.
    ends: [[i64; 2]; N_OCTAVES],
}

/// Trades of one burst are generated together: 2^4 slots.
const BURST_SHIFT: u32 = 4;
const N_BURST: usize = 1 << BURST_SHIFT;

/// The lots traded in each slot, and the aggressor. Buyers' and sellers' volumes in a burst come from one cascade each;
/// a burst's slots share it unevenly. So either side's volume over any span is known without visiting its slots.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    key: u64,
    /// Buyers and sellers.
    sides: [LotCascade; 2],
}

/// The trade of one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Print {
    /// At least one.
    pub(super) lots: u64,
    /// True if the aggressor bought.
    pub(super) is_buy: bool,
}

impl Flow {
    /// Creates a flow; `mean_lots` is the mean size of a slot's trade.
    pub(super) fn new(key: u64, mean_lots: u32) -> Self {
        let mean_of_side = u64::from(mean_lots) << (BURST_SHIFT - 1);
        Self { key, sides: [1, 2].map(|side| LotCascade::new(mix(key, side), mean_of_side)) }
    }

    /// Returns the trade of `slot`.
    pub(super) fn print(&self, slot: u64) -> Print {
        self.burst(slot >> BURST_SHIFT)[(slot as usize) % N_BURST]
    }

    /// Returns the lots bought and sold in all slots before `slot`.
    pub(super) fn lots_before(&self, slot: u64) -> [u64; 2] {
        let burst = slot >> BURST_SHIFT;
        let mut sums = [0, 1].map(|side| self.sides[side].descend(burst).0 + burst * N_BURST as u64);
        for print in &self.burst(burst)[..(slot as usize) % N_BURST] {
            sums[usize::from(!print.is_buy)] += print.lots;
        }
        sums
    }

    fn burst(&self, burst: u64) -> [Print; N_BURST] {
        // One lot for each slot, however they are divided.
        let totals = [0, 1].map(|side| self.sides[side].descend(burst).1 + N_BURST as u64);
        let hash = |at: usize| mix(self.key, (burst << BURST_SHIFT) | at as u64);
        let hashes: [u64; N_BURST] = std::array::from_fn(hash);
        // The side with more volume also trades more often; neither is ever alone.
        let share = (totals[0] * 256 / (totals[0] + totals[1])).clamp(40, 216);
        let mut prints = hashes.map(|hash| Print { lots: 1, is_buy: hash & 0xFF < share });
        let first_is_buy = prints[0].is_buy;
        if prints.iter().all(|print| print.is_buy == first_is_buy) {
            prints[(hashes[0] >> 16) as usize % N_BURST].is_buy = !first_is_buy;
        }
        // Many small trades and a few large ones.
        let weights = hashes.map(|hash| 1 + (((hash >> 8) & 0xFF).pow(3) >> 12));
        for (is_buy, total) in [(true, totals[0]), (false, totals[1])] {
            let members = || (0..N_BURST).filter(|at| prints[*at].is_buy == is_buy);
            let (n_members, weight) = (members().count() as u64, members().map(|at| weights[at]).sum::<u64>());
            let mut left = total - n_members;
            let surplus = left;
            for (print, own) in prints.iter_mut().zip(weights).filter(|(print, _)| print.is_buy == is_buy) {
                let lots = surplus * own / weight;
                print.lots += lots;
                left -= lots;
            }
            // The remainder of the division.
            prints.iter_mut().filter(|print| print.is_buy == is_buy).take(1).for_each(|print| print.lots += left);
        }
        prints
    }
}

/// A cell of the cascade's root is 2^20 bursts (19 days).
const ROOT_SHIFT: u32 = 20;

/// The lots of one side in each burst: a fixed sum for each root cell, split in two unevenly again and again, which
/// gives the bursts and lulls of a real market and makes the sum over any span cheap.
#[derive(Clone, Debug)]
struct LotCascade {
    key: u64,
    root_lots: u64,
}

impl LotCascade {
    fn new(key: u64, mean_lots: u64) -> Self {
        Self { key, root_lots: mean_lots << ROOT_SHIFT }
    }

    /// Returns the sum before the cell's leaf, and the leaf.
    fn descend(&self, cell: u64) -> (u64, u64) {
        let (mut before, mut lots) = ((cell >> ROOT_SHIFT) * self.root_lots, self.root_lots);
        for shift in (0..ROOT_SHIFT).rev() {
            let hash = mix(self.key, ((cell >> (shift + 1)) << 5) | u64::from(shift)) & 0xFFFF;
            // Share of the left half in 1/65536, centred on one half; finer splits are more uneven.
            let width = if shift < 6 { 36_000 } else { 16_000 };
            let left = (lots * (32_768 - width / 2 + ((hash * width) >> 16))) >> 16;
            if (cell >> shift) & 1 == 0 {
                lots = left;
            } else {
                before += left;
                lots -= left;
            }
        }
        (before, lots)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_never_change() {
        // A change here gives another market: pages, recordings and the browser would disagree.
        let path = PricePath::new(7, 6_000_000, 1_400);
        let flow = Flow::new(7, 3_000);
        let slots = [0, 1, 17_636_680_000, 17_636_680_001, 17_636_716_000];
        let seen = slots.map(|slot| (path.ticks(slot), flow.print(slot).lots, flow.print(slot).is_buy));
        assert_eq!(
            seen,
            [
                (6_464_037, 8_828, true),
                (6_464_040, 7, false),
                (6_937_690, 1_517, true),
                (6_937_694, 3_127, false),
                (6_927_850, 7_343, true)
            ]
        );
    }

    proptest! {
        #[test]
        fn bounds_hold_every_slot(block in 0_u64..40_000_000, shift in 0_u32..10, key in any::<u64>()) {
            let path = PricePath::new(key, 300_000, 2_000);
            let block = path.block(block << (shift + 1), shift + 1);
            for half in path.halves(&block) {
                let fresh = path.block(half.start, half.shift);
                prop_assert_eq!((half.low, half.high), (fresh.low, fresh.high));
                for slot in half.start..half.start + (1 << shift) {
                    let ticks = path.ticks(slot);
                    prop_assert!((half.low..=half.high).contains(&ticks), "{} {ticks} {}", half.low, half.high);
                    prop_assert!((block.low..=block.high).contains(&ticks));
                }
            }
        }

        #[test]
        fn a_price_stays_within_twice_the_swing(slot in 0_u64..1 << 36, key in any::<u64>()) {
            let ticks = PricePath::new(key, 10_000, 2_400).ticks(slot);
            prop_assert!((5_200..=14_800).contains(&ticks), "{ticks}");
        }

        #[test]
        fn sums_are_the_sums_of_their_slots(from in 0_u64..1 << 36, n_slots in 0_u64..300, mean in 0_u32..5_000) {
            let flow = Flow::new(3, mean);
            let mut sums = [0, 0];
            for print in (from..from + n_slots).map(|slot| flow.print(slot)) {
                prop_assert!(print.lots > 0);
                sums[usize::from(!print.is_buy)] += print.lots;
            }
            let (before, after) = (flow.lots_before(from), flow.lots_before(from + n_slots));
            prop_assert_eq!([after[0] - before[0], after[1] - before[1]], sums);
        }
    }
}
