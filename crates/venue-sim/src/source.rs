//! Opens the source: recordings through a venue's reader, or the simulated market in a venue's spelling.

use anyhow::bail;

use crate::{
    config::{SimConfig, Source},
    made_up::{MadeUp, Spelling},
    market::Market,
    player::wall_clock,
    recorded::{Reader, RecordedMarket},
    recording::Recording,
};

/// Opens the market of a configuration. Without a reader the venue plays no recordings.
///
/// # Errors
/// A recording that cannot be read, or a recording for a venue that plays none.
pub(crate) fn open(config: &SimConfig, spelling: Spelling, reader: Option<&Reader>) -> anyhow::Result<Box<dyn Market>> {
    let recording = match (&config.source, reader) {
        (Source::Demo { seed, start }, _) => {
            let start = start.unwrap_or_else(wall_clock);
            let market = MadeUp::new(*seed, start, &config.quote, spelling);
            return Ok(Box::new(market.with_quiet_pairs(config.quiet_pairs, &config.quote)));
        }
        (Source::Files(paths), Some(_)) => Recording::load(paths)?,
        (Source::Text(text), Some(_)) => Recording::parse(text),
        (_, None) => {
            bail!("this venue plays the simulated market only: recordings hold one node's answers to one client")
        }
    };
    let Some(reader) = reader else { bail!("this venue plays no recordings") };
    Ok(Box::new(RecordedMarket::new(recording, reader, &config.steps)?))
}

/// Splits a symbol into base and quote at a separator.
pub(crate) fn split(symbol: &str, separator: char) -> (String, String) {
    let (base, quote) = symbol.split_once(separator).unwrap_or((symbol, ""));
    (base.to_owned(), quote.to_owned())
}
