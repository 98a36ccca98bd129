//! Trades from recordings: each frame as it was, or in parts where it was about several symbols.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::bail;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{Day, Feed, REQUIRED_KEYS};
use crate::{
    bars::{self, Bar, BarQuery, Print},
    fixed, market,
    recording::Recording,
    venue::{Backend, Frame},
};

/// A recorded market.
pub(super) struct RecordedFeed {
    due: Vec<Duration>,
    pieces: Vec<Piece>,
    /// What has been traded so far, by symbol.
    traded: Mutex<BTreeMap<String, Vec<Print>>>,
}

/// A frame about one symbol, and the trades in it.
struct Piece {
    frame: Arc<Frame>,
    prints: Vec<Print>,
}

#[derive(Deserialize)]
struct Trades<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    s: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Figures<'a> {
    #[serde(borrow)]
    p: &'a RawValue,
    #[serde(borrow)]
    v: &'a RawValue,
    t: i64,
}

impl RecordedFeed {
    /// Reads a recording's frames.
    pub(super) fn new(recording: &Recording) -> anyhow::Result<Self> {
        let parts =
            recording.frames.iter().flat_map(|frame| read(&frame.text).into_iter().map(|part| (frame.at, part)));
        let (due, pieces): (Vec<_>, Vec<_>) = parts.unzip();
        if pieces.is_empty() {
            bail!("the recording holds no trade");
        }
        Ok(Self { due, pieces, traded: Mutex::default() })
    }

    fn traded(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Print>>> {
        self.traded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feed for RecordedFeed {
    fn day(&self, symbol: &str) -> Option<Day> {
        let traded = self.traded();
        let prints = traded.get(symbol)?;
        Some(Day { bar: bars::day_bar(prints)?, last_ms: prints.last()?.time_ms })
    }

    fn bars(&self, symbol: &str, query: &BarQuery) -> Vec<Bar> {
        self.traded().get(symbol).map(|prints| market::traded(prints, query)).unwrap_or_default()
    }
}

/// One frame a symbol; none for pings and errors.
fn read(text: &str) -> Vec<Piece> {
    let Ok(Trades { data }) = serde_json::from_str(text) else { return Vec::new() };
    let mut by_symbol: Vec<(String, Vec<&str>)> = Vec::new();
    for entry in data {
        let Ok(Named { s }) = serde_json::from_str(entry.get()) else { continue };
        match by_symbol.iter_mut().find(|(known, _)| *known == s) {
            Some((_, own)) => own.push(entry.get()),
            None => by_symbol.push((s.into_owned(), vec![entry.get()])),
        }
    }
    let is_single = by_symbol.len() == 1;
    let frame = |(symbol, entries): (String, Vec<&str>)| {
        let text =
            if is_single { text.to_owned() } else { format!(r#"{{"data":[{}],"type":"trade"}}"#, entries.join(",")) };
        let prints = entries.iter().filter_map(|entry| print(entry)).collect();
        Piece { frame: Arc::new(Frame::whole(symbol.into(), text, None)), prints }
    };
    by_symbol.into_iter().map(frame).collect()
}

/// A trade; the venue gives it no number and no side.
fn print(entry: &str) -> Option<Print> {
    let Figures { p, v, t } = serde_json::from_str(entry).ok()?;
    let (price, quantity) = (fixed::parse(p.get())?, fixed::parse(v.get())?);
    Some(Print { id: 0, price, quantity, time_ms: t, is_buyer_maker: false })
}

impl Backend for RecordedFeed {
    fn due(&self) -> Option<&[Duration]> {
        Some(&self.due)
    }

    fn play(&self, frame_idx: usize, _wanted: &dyn Fn(&str) -> bool) -> Vec<Arc<Frame>> {
        let Some(piece) = self.pieces.get(frame_idx) else { return Vec::new() };
        self.traded().entry(piece.frame.stream.to_string()).or_default().extend(piece.prints.iter().cloned());
        vec![piece.frame.clone()]
    }

    fn reset(&self) {
        self.traded().clear();
    }

    fn advance(&self, _slot: u64, _wanted: &BTreeSet<Arc<str>>) -> Vec<Arc<Frame>> {
        Vec::new()
    }

    fn book(&self, _symbol: &str, _at: Option<u64>, _depth: usize) -> Option<Value> {
        None
    }

    fn top(&self, _symbol: &str) -> Option<Value> {
        None
    }

    fn candles(&self, symbol: &str, interval: &str) -> Option<Value> {
        let minutes: i64 = interval.parse().ok().filter(|minutes| *minutes > 0)?;
        let built = bars::traded_bars(self.traded().get(symbol)?, minutes * 60_000);
        Some(market::shown_bars(symbol, interval, &built.into_values().collect::<Vec<_>>()))
    }

    fn required_keys(&self) -> &'static [&'static str] {
        REQUIRED_KEYS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_apart_by_symbol() {
        let single =
            r#"{"data":[{"c":null,"p":1.50,"s":"A:B","t":1,"v":2},{"p":1,"s":"A:B","t":1,"v":2}],"type":"trade"}"#;
        assert_eq!(read(single)[0].frame.text.as_str(), single);
        let mixed = r#"{"data":[{"p":1.50,"s":"A:B","t":1,"v":2},{"p":1,"s":"C","t":1,"v":2}],"type":"trade"}"#;
        let parts: Vec<(String, String)> =
            read(mixed).iter().map(|piece| (piece.frame.stream.to_string(), piece.frame.text.to_string())).collect();
        let part = |entry: &str| format!(r#"{{"data":[{entry}],"type":"trade"}}"#);
        assert_eq!(
            parts,
            [
                ("A:B".to_owned(), part(r#"{"p":1.50,"s":"A:B","t":1,"v":2}"#)),
                ("C".to_owned(), part(r#"{"p":1,"s":"C","t":1,"v":2}"#)),
            ]
        );
        assert!(read(r#"{"type":"ping"}"#).is_empty());
    }
}
