//! The instruments of the simulated market: names, price and quantity steps, starting prices. One line an entry.
//!
//! Names contain `SIM` so that no table row can be mistaken for a real market. Prices are in whole ticks.

/// The parameters of one simulated instrument.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    /// Name of the asset it resembles, upper case (`BTC`).
    pub asset: &'static str,
    /// Price around which it moves, in ticks.
    pub base_ticks: u32,
    /// Decimals of the tick size (2 is 0.01).
    pub price_scale: u32,
    /// Decimals of the lot size.
    pub lot_scale: u32,
    /// Mean size of a trade, in lots.
    pub mean_lots: u32,
    /// Half the width of the slowest movement, in basis points of the base price; all movements together stay below
    /// twice that.
    pub swing_bp: u32,
}

const fn listing(
    asset: &'static str,
    base_ticks: u32,
    price_scale: u32,
    lot_scale: u32,
    mean_lots: u32,
    swing_bp: u32,
) -> Listing {
    Listing { asset, base_ticks, price_scale, lot_scale, mean_lots, swing_bp }
}

/// All instruments, highest price first.
pub const LISTINGS: [Listing; 20] = [
    listing("BTC", 6_000_000, 2, 5, 3_000, 1_400),
    listing("ETH", 300_000, 2, 4, 4_000, 1_600),
    listing("BNB", 55_000, 2, 3, 1_500, 1_500),
    listing("BCH", 3_800, 1, 3, 900, 1_800),
    listing("SOL", 14_500, 2, 3, 5_000, 2_000),
    listing("LTC", 7_200, 2, 3, 4_000, 1_700),
    listing("AVAX", 2_700, 2, 2, 1_200, 2_100),
    listing("LINK", 11_500, 3, 2, 2_000, 2_000),
    listing("UNI", 7_100, 3, 2, 2_500, 2_100),
    listing("DOT", 5_200, 3, 2, 2_800, 2_000),
    listing("ATOM", 4_800, 3, 2, 2_600, 2_000),
    listing("XRP", 5_500, 4, 1, 6_000, 1_800),
    listing("ADA", 3_800, 4, 1, 5_000, 1_900),
    listing("TRX", 13_000, 5, 1, 9_000, 1_300),
    listing("DOGE", 11_000, 5, 0, 2_400, 2_300),
    listing("XLM", 9_500, 5, 0, 1_900, 1_900),
    listing("VET", 22_500, 6, 0, 7_000, 2_200),
    listing("HOT", 16_000, 7, 0, 90_000, 2_300),
    listing("SHIB", 1_750, 8, 0, 2_000_000, 2_400),
    listing("PEPE", 1_000, 8, 0, 3_000_000, 2_400),
];
