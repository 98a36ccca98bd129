//! Trades from recordings: each frame as it was, or in parts where it was about several symbols.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::bail;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::REQUIRED_KEYS;
use crate::{
    tape::Tape,
    venue::{Backend, Frame},
};

/// A recorded market.
pub(super) struct TapeFeed {
    due: Vec<Duration>,
    frames: Vec<Arc<Frame>>,
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

impl TapeFeed {
    /// Reads a recording's frames.
    pub(super) fn new(tape: &Tape) -> anyhow::Result<Self> {
        let parts = tape.frames.iter().flat_map(|frame| read(&frame.text).into_iter().map(|part| (frame.at, part)));
        let (due, frames): (Vec<_>, Vec<_>) = parts.unzip();
        if frames.is_empty() {
            bail!("the tape holds no trade");
        }
        Ok(Self { due, frames })
    }
}

/// One frame a symbol; none for pings and errors.
fn read(text: &str) -> Vec<Arc<Frame>> {
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
        Arc::new(Frame::whole(symbol.into(), text, None))
    };
    by_symbol.into_iter().map(frame).collect()
}

impl Backend for TapeFeed {
    fn due(&self) -> Option<&[Duration]> {
        Some(&self.due)
    }

    fn play(&self, frame_idx: usize, _wanted: &dyn Fn(&str) -> bool) -> Vec<Arc<Frame>> {
        self.frames.get(frame_idx).cloned().into_iter().collect()
    }

    fn reset(&self) {}

    fn advance(&self, _slot: u64, _wanted: &BTreeSet<Arc<str>>) -> Vec<Arc<Frame>> {
        Vec::new()
    }

    fn book(&self, _symbol: &str, _at: Option<u64>, _depth: usize) -> Option<Value> {
        None
    }

    fn top(&self, _symbol: &str) -> Option<Value> {
        None
    }

    fn candles(&self, _symbol: &str, _interval: &str) -> Option<Value> {
        None
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
        assert_eq!(read(single)[0].text.as_str(), single);
        let mixed = r#"{"data":[{"p":1.50,"s":"A:B","t":1,"v":2},{"p":1,"s":"C","t":1,"v":2}],"type":"trade"}"#;
        let parts: Vec<(String, String)> =
            read(mixed).iter().map(|frame| (frame.stream.to_string(), frame.text.to_string())).collect();
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
