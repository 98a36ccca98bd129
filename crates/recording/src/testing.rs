//! A hand-made recording, and its lines from memory; for tests.

use std::{
    io::{self, Cursor},
    rc::Rc,
};

use model::instrument::Venue;

use crate::{lines::Lines, packed::PackedLines, playback::Playback};

/// Depth changes, trades and quotes of a symbol after the answer that its book begins with: ten rounds a second.
pub(crate) fn recording(n_rounds: u64) -> String {
    let mut lines = vec![
        r#"{"t":"header","ts":999.0,"venue":"binance","symbols":["AAABBB"]}"#.to_owned(),
        r#"{"t":"http","ts":999.5,"url":"https://x.test/api/v3/depth?symbol=AAABBB","data":"{\"lastUpdateId\":100,\"bids\":[[\"99.99\",\"1.0\"]],\"asks\":[[\"100.01\",\"2.0\"]]}"}"#.to_owned(),
    ];
    for round in 0..n_rounds {
        let ts = 1_000.0 + round as f64 / 10.0;
        let id = 101 + round;
        let frames = [
            format!(
                r#"{{"stream":"aaabbb@depth","data":{{"e":"depthUpdate","E":{id},"s":"AAABBB","U":{id},"u":{id},"b":[["99.{:02}","{}.5"]],"a":[]}}}}"#,
                round % 90,
                round % 7
            ),
            format!(
                r#"{{"stream":"aaabbb@trade","data":{{"e":"trade","E":{id},"s":"AAABBB","t":{id},"p":"100.0","q":"0.{}","T":{id},"m":true,"M":true}}}}"#,
                round % 9 + 1
            ),
            format!(r#"{{"u":{id},"s":"AAABBB","b":"99.98","B":"1.0","a":"100.01","A":"{}.0"}}"#, round % 5 + 1),
        ];
        for frame in frames {
            lines.push(serde_json::json!({ "t": "recv", "ts": ts, "data": frame }).to_string());
        }
    }
    lines.join("\n")
}

type Open = Box<dyn FnMut() -> Cursor<Vec<u8>>>;

/// Consecutive texts, compressed or not.
pub(crate) struct MemoryLines {
    pub(crate) parts: Vec<Vec<u8>>,
    n_opened: usize,
    part: Option<PackedLines<Open>>,
}

pub(crate) fn memory(parts: &[&str]) -> MemoryLines {
    let parts = parts.iter().map(|text| text.as_bytes().to_vec()).collect();
    MemoryLines { parts, n_opened: 0, part: None }
}

pub(crate) fn playback(parts: &[&str]) -> Playback<MemoryLines> {
    Playback::new(memory(parts), "binance", &Venue::new("binance").as_replay()).unwrap()
}

impl Lines for MemoryLines {
    fn advance(&mut self) -> io::Result<bool> {
        loop {
            if let Some(part) = &mut self.part
                && part.advance()?
            {
                return Ok(true);
            }
            let Some(bytes) = self.parts.get(self.n_opened) else { return Ok(false) };
            self.n_opened += 1;
            let bytes: Rc<Vec<u8>> = Rc::new(bytes.clone());
            self.part = Some(PackedLines::new(Box::new(move || Cursor::new(bytes.to_vec()))));
        }
    }

    fn line(&self) -> &[u8] {
        self.part.as_ref().map_or(&[], Lines::line)
    }

    fn rewind(&mut self) {
        (self.n_opened, self.part) = (0, None);
    }
}
