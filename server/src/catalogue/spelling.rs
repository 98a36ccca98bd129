//! Spellings of a symbol: letter case, punctuation and old names of assets do not matter.

use venues::catalogue::{Catalogue, CatalogueItem};

use super::search::{self, Query};

/// Returns the letters and digits, upper case.
pub fn plain(text: &str) -> String {
    let mut letters = String::new();
    plain_into(text, &mut letters);
    letters
}

/// As [`plain`], into a text that is used again.
pub fn plain_into(text: &str, letters: &mut String) {
    letters.clear();
    letters.extend(text.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_uppercase));
}

/// Returns everything that a typed text may stand for, the text itself first: with old names in place of today's.
pub fn spellings(typed: &str) -> Vec<String> {
    let letters = plain(typed);
    let mut all = vec![letters.clone()];
    // Old keys mark both assets: `XXBTZUSD`.
    if let ([b'X', ..], 8, Some("Z")) = (letters.as_bytes(), letters.len(), letters.get(4..5)) {
        all.extend(letters.get(1..4).zip(letters.get(5..8)).map(|(base, quote)| format!("{base}{quote}")));
    }
    for idx in 0..all.len() {
        for (old, new) in OLD_NAMES {
            let spelling = &all[idx];
            let replaced = match (spelling.strip_prefix(old), spelling.strip_suffix(old)) {
                (Some(rest), _) => format!("{new}{rest}"),
                (None, Some(rest)) => format!("{rest}{new}"),
                (None, None) => continue,
            };
            all.push(replaced);
        }
    }
    all
}

/// Returns the venue's symbol that a typed one means.
///
/// # Errors
/// It means none, or several: the nearest symbols, best first.
pub fn resolve(list: &Catalogue, typed: &str) -> Result<String, Vec<String>> {
    if list.iter().any(|listed| listed.symbol == typed) {
        return Ok(typed.to_owned());
    }
    for spelling in spellings(typed) {
        if spelling.is_empty() {
            continue;
        }
        let is_symbol = |listed: &CatalogueItem<'_>| plain(listed.symbol) == spelling;
        let is_pair = |listed: &CatalogueItem<'_>| {
            plain(search::tail(listed.symbol)) == spelling || plain(listed.base) + &plain(listed.quote) == spelling
        };
        let mut meant: Vec<CatalogueItem<'_>> = list.iter().filter(is_symbol).collect();
        if meant.is_empty() {
            meant = list.iter().filter(is_pair).collect();
        }
        if meant.iter().any(CatalogueItem::is_trading) {
            meant.retain(CatalogueItem::is_trading);
        }
        match meant.as_slice() {
            [] => {}
            [one] => return Ok(one.symbol.to_owned()),
            several => return Err(several.iter().take(MOST_MEANT).map(|one| one.symbol.to_owned()).collect()),
        }
    }
    Err(search::nearest(list, &Query::new(typed), MOST_MEANT))
}

/// Old names of assets, and those that replaced them.
const OLD_NAMES: [(&str, &str); 6] =
    [("XBT", "BTC"), ("XDG", "DOGE"), ("BCC", "BCH"), ("MATIC", "POL"), ("RNDR", "RENDER"), ("FTM", "S")];
/// Symbols in "did you mean".
const MOST_MEANT: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rows: &[(&str, &str, &str)]) -> Catalogue {
        let mut list = Catalogue::default();
        for (symbol, base, quote) in rows {
            let (symbol, status) = symbol.strip_suffix('!').map_or((*symbol, ""), |symbol| (symbol, "BREAK"));
            list.push(CatalogueItem { symbol, base, quote, name: "", status });
        }
        list
    }

    #[test]
    fn a_typed_symbol_becomes_the_venues() {
        let binance = list(&[
            ("BTCUSDT", "BTC", "USDT"),
            ("BTCUSDC", "BTC", "USDC"),
            ("SOLUSDT", "SOL", "USDT"),
            ("ETHBTC", "ETH", "BTC"),
            ("POLUSDT", "POL", "USDT"),
            ("１２３USDT", "１２３", "USDT"),
        ]);
        let kraken = list(&[("BTC/USD", "BTC", "USD"), ("DOGE/USD", "DOGE", "USD"), ("ETH/BTC", "ETH", "BTC")]);
        let coinbase = list(&[("BTC-USD", "BTC", "USD"), ("BTC-USDC", "BTC", "USDC")]);
        let finnhub = list(&[
            ("AAPL", "AAPL", "USD"),
            ("BINANCE:BTCUSDT", "BTC", "USDT"),
            ("KRAKEN:XBTUSDT", "XBT", "USDT"),
            ("BRK.B", "BRK.B", "USD"),
        ]);
        let halted = list(&[("OLD-USD!", "OLD", "USD"), ("AB-C", "AB", "C"), ("A-BC!", "A", "BC")]);
        let twins = list(&[("AB-C", "AB", "C"), ("A-BC", "A", "BC")]);
        let check = |list: &Catalogue, typed: &str, expected: Result<&str, &[&str]>| {
            let found = resolve(list, typed);
            let found = found.as_ref().map(String::as_str).map_err(|near| near.iter().map(String::as_str).collect());
            assert_eq!(found, expected.map_err(<[&str]>::to_vec), "{typed}");
        };
        for typed in
            ["BTCUSDT", "btcusdt", "BTC/USDT", "BTC-USDT", "btc usdt", "Btc_Usdt", "XBTUSDT", "xbt/usdt", "BTC:USDT"]
        {
            check(&binance, typed, Ok("BTCUSDT"));
        }
        check(&binance, "ethxbt", Ok("ETHBTC"));
        check(&binance, "MATICUSDT", Ok("POLUSDT"));
        check(&binance, "１２３usdt", Ok("１２３USDT"));
        check(&binance, "BTCUDST", Err(&["BTCUSDT", "BTCUSDC"]));
        check(&binance, "BTC", Err(&["BTCUSDT", "BTCUSDC", "ETHBTC"]));
        check(&binance, "💥", Err(&[]));
        check(&binance, "", Err(&[]));
        check(&binance, "NOPEUSDT", Err(&[]));
        for typed in ["XBT/USD", "XBTUSD", "XXBTZUSD", "btcusd", "BTC-USD"] {
            check(&kraken, typed, Ok("BTC/USD"));
        }
        check(&kraken, "XDGUSD", Ok("DOGE/USD"));
        check(&kraken, "eth/xbt", Ok("ETH/BTC"));
        check(&coinbase, "btcusd", Ok("BTC-USD"));
        check(&coinbase, "BTC/USDC", Ok("BTC-USDC"));
        check(&finnhub, "aapl", Ok("AAPL"));
        check(&finnhub, "btcusdt", Ok("BINANCE:BTCUSDT"));
        check(&finnhub, "brk-b", Ok("BRK.B"));
        check(&finnhub, "binance:btcusdt", Ok("BINANCE:BTCUSDT"));
        check(&halted, "old/usd", Ok("OLD-USD"));
        check(&halted, "abc", Ok("AB-C"));
        check(&twins, "abc", Err(&["AB-C", "A-BC"]));
    }
}
