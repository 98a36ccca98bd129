//! The simulated market as a chain: a block every two seconds, a pool for each instrument, a swap for each slot.
//!
//! Amounts are whole numbers of a token's smallest unit. Not here: JSON ([`super::node`], [`super::subgraph`]).

use std::ops::RangeInclusive;

use model::time::Timestamp;
use venues::demo::market::slot_time;

use crate::{
    bars::Print,
    made_up::{Asset, MadeUp},
    market::Market,
};

/// Slots in a block; blocks are counted from the epoch.
pub(super) const BLOCK_SLOTS: u64 = 20;
/// Decimals of the base token.
pub(super) const BASE_DECIMALS: u32 = 8;
/// Decimals of the quote token: a price times a quantity fits exactly.
pub(super) const QUOTE_DECIMALS: u32 = 18;
/// Divisor from the market's twenty-four decimals to the quote token's eighteen.
const CUT: i128 = 1_000_000;
/// Divisor from the market's twelve decimals to the base token's.
const BASE_CUT: i128 = 10_000;
/// `10^(decimals of quote - decimals of base)`: a price in smallest units for a price of one in whole tokens.
const RAW_PER_WHOLE: f64 = 1e10;

/// Pools and blocks.
#[derive(Clone, Copy)]
pub(super) struct Chain<'a>(pub(super) &'a MadeUp);

/// One pool.
#[derive(Clone, Copy)]
pub(super) struct Pool<'a> {
    pub(super) asset: &'a Asset,
    number: usize,
}

/// A swap. Amounts are signed from the pool's view: negative amounts are paid out.
pub(super) struct Swap {
    pub(super) amount0: i128,
    pub(super) amount1: i128,
    /// The square root of the pool's price afterwards.
    pub(super) root: u128,
    pub(super) block: u64,
    /// Its index in the block.
    pub(super) log: u64,
    /// The transaction.
    pub(super) hash: String,
}

/// One of the two tokens of a pool.
pub(super) struct Token<'a> {
    pub(super) symbol: &'a str,
    pub(super) decimals: u32,
}

impl<'a> Chain<'a> {
    /// Returns the newest block: the last one whose slots are over.
    pub(super) fn newest_block(self) -> u64 {
        ((self.0.slot() + 1) / BLOCK_SLOTS).saturating_sub(1)
    }

    /// Returns the last slot in a block.
    pub(super) fn last_slot(self) -> u64 {
        *slots_of(self.newest_block()).end()
    }

    /// Returns the pool at an address.
    pub(super) fn pool(self, address: &str) -> Option<Pool<'a>> {
        let number = number_of(address, POOL_PREFIX)?;
        Some(Pool { asset: self.0.assets().get(number)?, number })
    }

    /// Returns the token at an address.
    pub(super) fn token(self, address: &str) -> Option<Token<'a>> {
        let number = number_of(address, TOKEN_PREFIX)?;
        if number == QUOTE_NUMBER {
            return Some(Token { symbol: &self.0.pairs().first()?.quote, decimals: QUOTE_DECIMALS });
        }
        Some(Token { symbol: &self.0.pairs().get(number)?.base, decimals: BASE_DECIMALS })
    }
}

impl Pool<'_> {
    /// Returns true if token 0 is the quote.
    pub(super) fn is_quote_first(&self) -> bool {
        self.number % 2 == 1
    }

    /// Returns the addresses of its tokens.
    pub(super) fn tokens(&self) -> [String; 2] {
        let (base, quote) = (address_of(TOKEN_PREFIX, self.number), address_of(TOKEN_PREFIX, QUOTE_NUMBER));
        if self.is_quote_first() { [quote, base] } else { [base, quote] }
    }

    /// Orders two amounts like the tokens.
    pub(super) fn in_order<T>(&self, base: T, quote: T) -> [T; 2] {
        if self.is_quote_first() { [quote, base] } else { [base, quote] }
    }

    /// Returns the square root of the price in smallest units, token 1 per token 0, times 2^96. A float has more digits
    /// than the market's prices.
    pub(super) fn root(&self, slot: u64) -> u128 {
        self.root_of(&self.asset.print(slot))
    }

    fn root_of(&self, print: &Print) -> u128 {
        let price = print.price as f64 / 1e12 * RAW_PER_WHOLE;
        let ratio = if self.is_quote_first() { price.recip() } else { price };
        (ratio.sqrt() * 2_f64.powi(96)) as u128
    }

    /// Returns the swap of a slot.
    pub(super) fn swap(&self, slot: u64) -> Swap {
        let print = self.asset.print(slot);
        let (base, quote) = (print.quantity / BASE_CUT, print.price * print.quantity / CUT);
        // A buyer is paid the base and pays the quote.
        let (base, quote) = if print.is_buyer_maker { (base, -quote) } else { (-base, quote) };
        let [amount0, amount1] = self.in_order(base, quote);
        let block = slot / BLOCK_SLOTS;
        Swap {
            amount0,
            amount1,
            root: self.root_of(&print),
            block,
            log: slot % BLOCK_SLOTS,
            hash: format!("0x{:024x}{slot:040x}", self.number),
        }
    }
}

/// Returns the time of a block: its first slot's time, in seconds.
pub(super) fn block_time_s(block: u64) -> i64 {
    slot_time(*slots_of(block).start()).as_millis().div_euclid(1_000)
}

/// Returns the block at a time in seconds.
pub(super) fn block_at(seconds: i64) -> u64 {
    venues::demo::market::slot_at(Timestamp::from_millis(seconds.saturating_mul(1_000))) / BLOCK_SLOTS
}

/// Returns the slots of a block.
pub(super) fn slots_of(block: u64) -> RangeInclusive<u64> {
    block * BLOCK_SLOTS..=block * BLOCK_SLOTS + BLOCK_SLOTS - 1
}

const POOL_PREFIX: &str = "0xb001";
const TOKEN_PREFIX: &str = "0x70c3";
/// The number of the one token that all pools share.
const QUOTE_NUMBER: usize = 0xffff;

fn address_of(prefix: &str, number: usize) -> String {
    format!("{prefix}{number:036x}")
}

fn number_of(address: &str, prefix: &str) -> Option<usize> {
    let address = address.to_ascii_lowercase();
    let digits = address.strip_prefix(prefix).filter(|digits| digits.len() == 36)?;
    usize::from_str_radix(digits.trim_start_matches('0'), 16)
        .ok()
        .or(digits.bytes().all(|byte| byte == b'0').then_some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn market(start_ms: i64) -> MadeUp {
        MadeUp::new(5, Timestamp::from_millis(start_ms), "DAI", super::super::SPELLING)
    }

    #[test]
    fn a_block_is_there_once_its_slots_are_over() {
        for (start_ms, block, time_s) in
            [(2_000, 0, 0), (3_900, 0, 0), (4_000, 1, 2), (1_000_000_000, 499_999, 999_998)]
        {
            let market = market(start_ms);
            let chain = Chain(&market);
            assert_eq!((chain.newest_block(), block_time_s(block)), (block, time_s), "{start_ms}");
            assert_eq!(block_at(time_s), block);
        }
    }

    #[test]
    fn swaps_are_the_markets_trades() {
        let market = market(1_763_668_317_500);
        let chain = Chain(&market);
        for address in [address_of(POOL_PREFIX, 0), address_of(POOL_PREFIX, 1)] {
            let pool = chain.pool(&address.to_uppercase().replace("0X", "0x")).unwrap();
            let (swap, print) = (pool.swap(1_000_003), pool.asset.print(1_000_003));
            let (base, quote) =
                if pool.is_quote_first() { (swap.amount1, swap.amount0) } else { (swap.amount0, swap.amount1) };
            assert_eq!(base.abs() * BASE_CUT, print.quantity);
            assert_eq!(quote.abs() * CUT, print.price * print.quantity, "nothing is cut off");
            assert_eq!((base > 0, quote < 0), (print.is_buyer_maker, print.is_buyer_maker));
            assert_eq!((swap.block, swap.log, swap.hash.len()), (50_000, 3, 66));
            let tokens = pool.tokens().map(|token| chain.token(&token).unwrap().symbol.to_owned());
            assert_eq!(tokens, pool.in_order(market.pairs()[pool.number].base.clone(), "DAI".to_owned()));
        }
        for unknown in ["", "0xb001", "0xb00100000000000000000000000000000000ffff", "0x70c3"] {
            assert!(chain.pool(unknown).is_none() && chain.token(unknown).is_none(), "{unknown}");
        }
    }
}
