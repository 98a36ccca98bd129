//! A fingerprint of what the desk of a replay does with a recording: fills with their evidence, the equity after each of
//! them, orders and statistics.
//!
//! Each instrument gets a grid once its book is live, and closes its position at the end, so orders rest, fill and take. The
//! same code runs natively (the program `tape-hash`) and in a browser, and a test compares the two. Not here: the
//! fingerprint of events and books ([`crate::recording_hash`]).

use std::{collections::BTreeSet, sync::Arc};

use backtest::replay_desk::ReplayDesk;
use desk::config::DeskConfig;
use model::{
    decimal::{Price, Quantity},
    error::ModelError,
    event::{MarketEvent, MarketEventKind},
    instrument::{Instrument, InstrumentId, InstrumentStatus, Venue},
    recording_entry::RecordingEntry,
    time::Timestamp,
    trading::{
        account::{AccountId, FeeRates},
        command::{CancelAll, ClosePosition, DeskCommand, StartStrategy},
        strategy::StrategyId,
    },
};
use recording::digest::Digest;
use venues::{error::VenueError, replay::Replay, session::Session};

/// A recording being traded.
pub struct FillHash {
    replay: Replay,
    /// `None` until the recording has told the time.
    desk: Option<ReplayDesk>,
    known: BTreeSet<InstrumentId>,
    traded: BTreeSet<InstrumentId>,
    digest: Digest,
    n_fills: u64,
}

impl FillHash {
    /// Creates the fingerprint without any data.
    ///
    /// # Errors
    /// The venue is unknown.
    pub fn new(venue: &str) -> Result<Self, VenueError> {
        Ok(Self {
            replay: Replay::under(venue, &Venue::new(venue).as_replay())?,
            desk: None,
            known: BTreeSet::new(),
            traded: BTreeSet::new(),
            digest: Digest::default(),
            n_fills: 0,
        })
    }

    /// Processes whole lines of the recording; empty ones are skipped.
    ///
    /// # Errors
    /// A line is not an entry of a recording.
    pub fn feed(&mut self, lines: &str) -> Result<(), ModelError> {
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            let entry = RecordingEntry::parse(line)?;
            let time = entry.receive_time().filter(|time| *time > Timestamp::EPOCH);
            let Self { replay, desk, known, .. } = self;
            if let (None, Some(time)) = (&desk, time) {
                *desk = Some(ReplayDesk::new(config(), time));
            }
            let Some(desk) = desk else { continue };
            replay.feed(&entry, |event| {
                if known.insert(event.instrument.clone()) {
                    desk.event(&terms(event));
                }
                desk.event(event);
            });
            replay.settle();
            desk.entry_end(Session::books(replay));
            self.begin_grids();
            self.note();
        }
        Ok(())
    }

    /// Starts a grid on each instrument whose book has become live.
    fn begin_grids(&mut self) {
        let Self { replay, desk: Some(desk), traded, .. } = self else { return };
        for (id, tracked) in Session::books(replay) {
            let best = tracked.book.bids().next().filter(|_| tracked.state.is_served() && !traded.contains(id));
            let (Some(best), Some(span)) = (best, Price::from_mantissa(20, 0)) else { continue };
            traded.insert(id.clone());
            let (Some(lower), Some(upper)) = (best.price.checked_sub(span), best.price.checked_add(span)) else {
                continue;
            };
            let settings = serde_json::json!({
                "lower": lower, "upper": upper, "n_lines": 41, "mode": "neutral", "size": { "base": "0.01" }
            });
            let Ok(strategy_id) = StrategyId::parse(&format!("grid-{}", traded.len())) else { continue };
            let (kind, instrument) = ("grid".to_owned(), id.clone());
            let start = StartStrategy { strategy_id, kind, account: None, instrument, settings };
            // Where the recording has no such prices, the refusal is the same everywhere, too.
            let answer = desk.command(DeskCommand::StartStrategy(Box::new(start)));
            self.digest.part(&answer.map_err(|refusal| refusal.code));
        }
    }

    /// Takes in the fills since the last call, and what the account is worth after them.
    fn note(&mut self) {
        let Self { desk: Some(desk), digest, n_fills, .. } = self else { return };
        let mut newest = *n_fills;
        let account = &desk.desk().state().accounts[&AccountId::replay()];
        for (number, fill) in account.fills.iter().filter(|(number, _)| *number > *n_fills) {
            digest.part(fill);
            newest = *number;
        }
        if newest > *n_fills {
            digest.part(&desk.desk().account_row(account));
            *n_fills = newest;
        }
    }

    /// Closes everything and returns the fingerprint of all fills, orders and samples of the equity; with the numbers of
    /// fills and samples.
    pub fn finish(&mut self) -> String {
        if let Some(desk) = &mut self.desk {
            for instrument in &self.traded {
                let close = ClosePosition { account: None, instrument: instrument.clone(), reverse: false };
                let cancel = CancelAll { account: Some(AccountId::replay()), instrument: Some(instrument.clone()) };
                let answers = [DeskCommand::CancelAll(cancel), DeskCommand::ClosePosition(close)]
                    .map(|command| desk.command(command).map_err(|refusal| refusal.code));
                self.digest.part(&answers);
            }
        }
        self.note();
        let Some(desk) = &self.desk else { return format!("{} 0 fills 0 samples", self.digest) };
        let state = desk.desk().state();
        self.digest.part(&(&state.orders, &state.ended));
        let account = &state.accounts[&AccountId::replay()];
        self.digest.part(&account.samples);
        self.digest.part(&desk.desk().account_row(account));
        self.digest.part(&desk.desk().performance(account, desk.now()));
        format!("{} {} fills {} samples", self.digest, self.n_fills, account.samples.len())
    }
}

/// Without fees, so that lines may be near each other.
fn config() -> DeskConfig {
    let mut config = DeskConfig::default();
    config.broker.default_fees = FeeRates::default();
    config
}

/// Returns an event with steps for an instrument whose recording may not tell them.
fn terms(event: &MarketEvent) -> MarketEvent {
    let instrument = Instrument {
        id: event.instrument.clone(),
        base: event.instrument.symbol().to_owned(),
        quote: "USD".to_owned(),
        tick_size: Price::from_mantissa(1, 2).unwrap_or_default(),
        lot_size: Quantity::from_mantissa(1, 5).unwrap_or_default(),
        min_notional: None,
        status: InstrumentStatus::Trading,
        is_simulated: false,
    };
    MarketEvent { kind: MarketEventKind::Instrument(Arc::new(instrument)), ..event.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A book and trades that go through its levels, from 0.9 s on.
    fn recording() -> String {
        let snapshot = r#"{\"lastUpdateId\":100,\"bids\":[[\"1000.00\",\"9\"]],\"asks\":[[\"1000.50\",\"9\"]]}"#;
        let mut lines = vec![format!(
            r#"{{"t":"http","ts":0.9,"url":"https://x.test/api/v3/depth?symbol=A&limit=5000","data":"{snapshot}"}}"#
        )];
        for id in 101..=160_u64 {
            let ts = 1.0 + (id - 100) as f64 / 10.0;
            let change = format!(
                r#"{{\"stream\":\"a@depth@100ms\",\"data\":{{\"e\":\"depthUpdate\",\"E\":{id},\"s\":\"A\",\"U\":{id},\"u\":{id},\"b\":[[\"1000.00\",\"{id}\"]],\"a\":[]}}}}"#
            );
            lines.push(format!(r#"{{"t":"recv","ts":{ts},"data":"{change}"}}"#));
            let (price, is_sell) = if id % 2 == 0 { (995, true) } else { (1_005, false) };
            let trade = format!(
                r#"{{\"stream\":\"a@trade\",\"data\":{{\"e\":\"trade\",\"E\":{id},\"s\":\"A\",\"t\":{id},\"p\":\"{price}.00\",\"q\":\"5\",\"T\":{id},\"m\":{is_sell},\"M\":true}}}}"#
            );
            lines.push(format!(r#"{{"t":"recv","ts":{ts},"data":"{trade}"}}"#));
        }
        lines.join("\n")
    }

    fn hash_of(text: &str) -> String {
        let mut hash = FillHash::new("binance").unwrap();
        text.lines().for_each(|line| hash.feed(line).unwrap());
        hash.finish()
    }

    #[test]
    fn a_recording_gives_the_same_fills_and_equity_each_time() {
        let text = recording();
        let once = hash_of(&text);
        let n_fills: u32 = once.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(n_fills > 5, "{once}");
        assert_eq!(hash_of(&text), once);
        assert_ne!(hash_of(&text.replace("995.00", "994.00")), once, "another price gives other fills");
    }
}
