//! Finds an instrument by a few letters: whole words first, then beginnings, then letters in order.

use std::sync::Arc;

use model::{instrument::Instrument, sorted::sorted_by};

use crate::selection::pair;

/// Returns the instruments that match, best first; all of them, in their own order, for an empty text.
pub fn search(instruments: &[Arc<Instrument>], text: &str) -> Vec<Arc<Instrument>> {
    let words: Vec<String> = text.to_ascii_lowercase().split_whitespace().map(str::to_owned).collect();
    let found: Vec<(u32, &Arc<Instrument>)> =
        instruments.iter().filter_map(|instrument| Some((penalty_of_all(instrument, &words)?, instrument))).collect();
    let found = sorted_by(found, |(one, _), (other, _)| one.cmp(other));
    found.into_iter().map(|(_, instrument)| Arc::clone(instrument)).collect()
}

/// Sums the penalties; each word must match the pair, the venue's symbol, or the venue.
fn penalty_of_all(instrument: &Instrument, words: &[String]) -> Option<u32> {
    let names = [pair(instrument), instrument.id.symbol().to_owned(), instrument.id.venue().to_string()]
        .map(|name| name.to_ascii_lowercase());
    words.iter().try_fold(0, |sum, word| {
        let best = names.iter().filter_map(|name| penalty(name, word)).min()?;
        Some(sum + best)
    })
}

/// Returns 0 for the whole name, 1 for its beginning, 2 for any part, more for letters in order with gaps.
fn penalty(name: &str, word: &str) -> Option<u32> {
    match name.find(word) {
        Some(0) if name.len() == word.len() => return Some(0),
        Some(0) => return Some(1),
        Some(_) => return Some(2),
        None => {}
    }
    let mut letters = name.chars();
    let mut n_skipped = 0;
    for wanted in word.chars() {
        loop {
            match letters.next()? {
                letter if letter == wanted => break,
                _ => n_skipped += 1,
            }
        }
    }
    Some(3 + n_skipped)
}

#[cfg(test)]
mod tests {
    use crate::live::instruments::InstrumentList;

    use super::*;

    fn instruments() -> InstrumentList {
        let row = |id: &str, base: &str, quote: &str| {
            format!(
                r#"{{"id":"{id}","base":"{base}","quote":"{quote}","tick_size":"0.1","lot_size":"1","min_notional":null,"status":"trading","is_simulated":false}}"#
            )
        };
        let rows = [
            row("one:BTCUSDT", "BTC", "USDT"),
            row("one:ETHBTC", "ETH", "BTC"),
            row("one:ETHUSDT", "ETH", "USDT"),
            row("two:XBT/USD", "BTC", "USD"),
        ];
        InstrumentList::parse(&format!(r#"{{"instruments":[{}]}}"#, rows.join(","))).unwrap()
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = search(&instruments().known, text).iter().map(|found| found.id.to_string()).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn better_matches_stand_first() {
        check("", &["one:BTCUSDT", "one:ETHBTC", "one:ETHUSDT", "two:XBT/USD"]);
        check("btc", &["one:BTCUSDT", "two:XBT/USD", "one:ETHBTC"]);
        check("XBT", &["two:XBT/USD"]);
        check("eth usdt", &["one:ETHUSDT"]);
        check("btc two", &["two:XBT/USD"]);
        check("eusdt", &["one:ETHUSDT"]);
        check("nothing", &[]);
        check("   ", &["one:BTCUSDT", "one:ETHBTC", "one:ETHUSDT", "two:XBT/USD"]);
    }
}
