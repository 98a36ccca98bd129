//! The description of a pool, and exact prices from it.
//!
//! A price is computed in whole numbers of 512 bits: the square of the root has 320, which no float can hold. Source:
//! Uniswap v3 whitepaper, section 6.1 (`sqrtPriceX96`). Not here: the source of the numbers.

use model::{
    candle::Candle,
    decimal::{Price, Quantity},
    event::AggressorSide,
    instrument::{Instrument, InstrumentId, InstrumentStatus},
    time::Timestamp,
};
use ruint::{Uint, aliases::U256};

use crate::uniswap::{graphql::BarRow, swap::Swap};

type U512 = Uint<512, 8>;

/// One of a pool's two tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) symbol: String,
    pub(super) decimals: u32,
}

/// A pool whose tokens are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PoolInfo {
    token0: Token,
    token1: Token,
    /// True if token 1 is the base: token 0 is a stablecoin.
    is_inverted: bool,
}

/// A swap as a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Print {
    pub(super) price: Price,
    pub(super) size: Quantity,
    pub(super) aggressor_side: AggressorSide,
}

impl PoolInfo {
    /// Creates a pool's description; `None` if a token has more decimals than a decimal can carry.
    pub(super) fn new(token0: Token, token1: Token) -> Option<Self> {
        let is_inverted = is_stable(&token0.symbol) && !is_stable(&token1.symbol);
        (token0.decimals.max(token1.decimals) <= 24).then_some(Self { token0, token1, is_inverted })
    }

    /// Returns base and quote token.
    fn base_and_quote(&self) -> (&Token, &Token) {
        if self.is_inverted { (&self.token1, &self.token0) } else { (&self.token0, &self.token1) }
    }

    /// Returns the current price: quote tokens per base token; `None` for a pool without a price.
    pub(super) fn price(&self, sqrt_price_x96: U256) -> Option<Price> {
        let root = U512::from(sqrt_price_x96);
        let squared = root.checked_mul(root).filter(|squared| !squared.is_zero())?;
        let one: U512 = U512::from(1) << 192_usize;
        let (token0, token1) = (power(self.token0.decimals)?, power(self.token1.decimals)?);
        // token 1 per token 0, in whole tokens: (root / 2^96)^2 * 10^(decimals0 - decimals1)
        let (above, below) = (squared.checked_mul(token0)?, one.checked_mul(token1)?);
        if self.is_inverted { ratio(below, above) } else { ratio(above, below) }
    }

    /// Converts a swap to a trade: its own price, fee included.
    pub(super) fn print(&self, swap: &Swap) -> Option<Print> {
        let (base, quote) = self.base_and_quote();
        let (base_amount, quote_amount) =
            if self.is_inverted { (swap.amount1, swap.amount0) } else { (swap.amount0, swap.amount1) };
        let above = U512::from(quote_amount.size).checked_mul(power(base.decimals)?)?;
        let below = U512::from(base_amount.size).checked_mul(power(quote.decimals)?)?;
        Some(Print {
            price: ratio(above, below)?,
            size: Quantity::from_mantissa(i128::try_from(base_amount.size).ok()?, base.decimals)?,
            // The pool pays out the token that the taker buys.
            aggressor_side: if base_amount.is_paid_out { AggressorSide::Buyer } else { AggressorSide::Seller },
        })
    }

    /// Converts a swap of the subgraph to a trade; `None` if nothing was exchanged or an amount is not a decimal.
    pub(super) fn print_of(&self, amount0: &str, amount1: &str) -> Option<Print> {
        let (base, _) = self.base_and_quote();
        let (amount0, amount1) = (Exact::parse(amount0)?, Exact::parse(amount1)?);
        let (base_amount, quote_amount) = if self.is_inverted { (amount1, amount0) } else { (amount0, amount1) };
        if base_amount.is_negative == quote_amount.is_negative || base_amount.digits.is_zero() {
            return None;
        }
        let above = quote_amount.digits.checked_mul(power(base_amount.scale)?)?;
        let below = base_amount.digits.checked_mul(power(quote_amount.scale)?)?;
        Some(Print {
            price: ratio(above, below)?,
            size: base_amount.quantity(base.decimals)?,
            aggressor_side: if base_amount.is_negative { AggressorSide::Buyer } else { AggressorSide::Seller },
        })
    }

    /// Converts a candle of the subgraph; `None` if a number is not a decimal, or the numbers are inconsistent.
    pub(super) fn bar(&self, row: &BarRow<'_>) -> Option<Candle> {
        let (base, _) = self.base_and_quote();
        // The subgraph gives token 0 per token 1: that is the price if token 1 is the base, otherwise its inverse.
        let price = |text: &str| {
            let Exact { digits, scale, is_negative } = Exact::parse(text)?;
            let (above, below) = if self.is_inverted { (digits, power(scale)?) } else { (power(scale)?, digits) };
            ratio(above, below).filter(|_| !is_negative)
        };
        let (high, low) = if self.is_inverted { (&row.high, &row.low) } else { (&row.low, &row.high) };
        let (open, high, low, close) = (price(&row.open)?, price(high)?, price(low)?, price(&row.close)?);
        let volume = Exact::parse(if self.is_inverted { &row.volume_token1 } else { &row.volume_token0 })?;
        let is_whole = low <= open.min(close) && open.max(close) <= high && !volume.is_negative;
        let open_time = Timestamp::from_millis(row.time.saturating_mul(1_000));
        let volume = volume.quantity(base.decimals)?;
        is_whole.then_some(Candle { open_time, open, high, low, close, volume, buy_volume: None })
    }

    /// Returns the instrument; its steps leave eight significant digits at `price`.
    pub(super) fn instrument(&self, id: &InstrumentId, price: Price) -> Option<Instrument> {
        let (base, quote) = self.base_and_quote();
        let n_digits = price.mantissa().checked_ilog10()? + 1;
        // Below one, the zeros after the point are added.
        let price_decimals = (8 + price.scale()).saturating_sub(n_digits).clamp(2, 24);
        Some(Instrument {
            id: id.clone(),
            base: base.symbol.clone(),
            quote: quote.symbol.clone(),
            tick_size: Price::from_mantissa(1, price_decimals)?,
            lot_size: Quantity::from_mantissa(1, base.decimals.min(6))?,
            min_notional: None,
            status: InstrumentStatus::Trading,
            is_simulated: false,
        })
    }
}

/// A decimal of any length, as written by the subgraph: up to 34 significant digits, more than our decimals hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Exact {
    is_negative: bool,
    digits: U512,
    scale: u32,
}

impl Exact {
    /// Parses the text; `None` if it is not a plain decimal, or absurdly long.
    fn parse(text: &str) -> Option<Self> {
        let (is_negative, plain) = text.strip_prefix('-').map_or((false, text), |plain| (true, plain));
        let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
        let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let is_short = whole.len() <= 60 && fraction.len() <= 60;
        if whole.is_empty() || plain.ends_with('.') || !is_short || !is_plain(whole) || !is_plain(fraction) {
            return None;
        }
        let digits = U512::from_str_radix(&format!("{whole}{fraction}"), 10).ok()?;
        Some(Self { is_negative, digits, scale: u32::try_from(fraction.len()).ok()? })
    }

    /// Returns its absolute value with at most so many decimals, fewer if they do not fit.
    fn quantity(self, decimals: u32) -> Option<Quantity> {
        (0..=self.scale.min(decimals)).rev().find_map(|scale| {
            let cut = self.digits / power(self.scale - scale)?;
            Quantity::from_mantissa(i128::try_from(cut).ok()?, scale)
        })
    }
}

/// Returns `above / below` with fifteen significant digits, or as many as fit.
fn ratio(above: U512, below: U512) -> Option<Price> {
    if below.is_zero() {
        return None;
    }
    let enough = power(14)?;
    let mut found = None;
    for scale in 0..=28 {
        let Some(scaled) = above.checked_mul(power(scale)?) else { break };
        let Ok(mantissa) = i128::try_from(scaled / below) else { break };
        let Some(price) = Price::from_mantissa(mantissa, scale) else { break };
        found = Some(price).filter(|price| !price.is_zero());
        if scaled / below >= enough {
            break;
        }
    }
    found
}

fn power(exponent: u32) -> Option<U512> {
    U512::from(10).checked_pow(U512::from(exponent))
}

/// Returns true for coins that represent a dollar: prices are quoted in them.
fn is_stable(symbol: &str) -> bool {
    ["USDC", "USDT", "DAI", "USDC.e", "USD₮", "USD₮0", "USDT0", "FRAX", "LUSD", "PYUSD", "GUSD", "TUSD", "USDS"]
        .contains(&symbol)
}

#[cfg(test)]
mod tests {
    use model::instrument::Venue;
    use proptest::prelude::*;

    use super::*;
    use crate::uniswap::swap::Amount;

    fn token(symbol: &str, decimals: u32) -> Token {
        Token { symbol: symbol.into(), decimals }
    }

    fn pool(token0: Token, token1: Token) -> PoolInfo {
        PoolInfo::new(token0, token1).unwrap()
    }

    #[test]
    fn prices_are_said_in_the_stable_coin() {
        // A root from the chain in 2022.
        let root = U256::from_str_radix("1787829209708643762003470022868992", 10).unwrap();
        let dollars = pool(token("USDC", 6), token("WETH", 18));
        let price = dollars.price(root).unwrap().to_string();
        assert!(price.starts_with("1963.8445617"), "{price}");
        let other_way = pool(token("AAA", 6), token("WETH", 18));
        let price = other_way.price(root).unwrap().to_string();
        assert!(price.starts_with("0.00050920"), "{price}");
        assert_eq!(dollars.price(U256::ZERO), None);
        assert_eq!(PoolInfo::new(token("A", 25), token("B", 18)), None);
    }

    #[test]
    fn swaps_have_price_size_and_taker() {
        let amount = |is_paid_out, size: u128| Amount { is_paid_out, size: U256::from(size) };
        // The taker received 489,410.948255 dollars: the pool pays them out for 249.79… WETH.
        let swap = Swap { amount0: amount(true, 489_410_948_255), amount1: amount(false, 249_795_408_163_240_098_401) };
        let print = pool(token("USDC", 6), token("WETH", 18)).print(&swap).unwrap();
        assert!(print.price.to_string().starts_with("1959.24"), "{}", print.price);
        assert_eq!(print.size.to_string(), "249.795408163240098401");
        assert_eq!(print.aggressor_side, AggressorSide::Seller);
        let other_way = pool(token("AAA", 6), token("BBB", 18)).print(&swap).unwrap();
        assert_eq!(
            (other_way.aggressor_side, other_way.size.to_string()),
            (AggressorSide::Buyer, "489410.948255".into())
        );
    }

    #[test]
    fn steps_fit_the_price() {
        let id = InstrumentId::new(&Venue::new("v"), "0x1");
        for (price, decimals) in [("1963.85", 4), ("0.000509205", 11), ("123456789.5", 2), ("1", 7)] {
            let info = pool(token("AAA", 6), token("BBB", 18));
            let instrument = info.instrument(&id, Price::parse(price).unwrap()).unwrap();
            assert_eq!(instrument.price_decimals(), decimals, "{price}");
        }
    }

    proptest! {
        #[test]
        fn no_root_and_no_amount_panics(root in any::<[u64; 4]>(), amounts in any::<[[u64; 4]; 2]>(), decimals in any::<[u8; 2]>()) {
            let tokens = decimals.map(|decimals| token("A", u32::from(decimals % 30)));
            let [token0, token1] = tokens;
            if let Some(info) = PoolInfo::new(token0, token1) {
                let _price = info.price(U256::from_limbs(root));
                let [amount0, amount1] = amounts.map(|limbs| Amount { is_paid_out: limbs[0] % 2 == 0, size: U256::from_limbs(limbs) });
                let _print = info.print(&Swap { amount0, amount1 });
            }
        }
    }
}
