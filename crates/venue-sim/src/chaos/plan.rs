//! The plan of faults: parses faults and chooses the affected frames by a seed.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::spelling::{self, GOLDEN, mix};

/// The kinds of faults. Kinds beginning with `rest_` count requests, the others count frames from upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChaosKind {
    /// The frame is lost.
    Drop,
    /// The frame comes twice.
    Duplicate,
    /// The frame comes after up to `window` later ones.
    Reorder,
    /// One bit of its text is flipped.
    Flip,
    /// Its text is truncated.
    Truncate,
    /// The frame comes as fragments of one message, which makes no difference to a correct reader.
    Split,
    /// The frame comes `ms` later, and so do those behind it.
    Delay,
    /// The connection is cut instead of the frame.
    Cut,
    /// The connection is open and silent for `ms`; pings are answered.
    Stall,
    /// The connection is open but neither read nor written for `ms`: no pongs either.
    Blackhole,
    /// 429 (or `code`) with `Retry-After`.
    #[serde(rename = "rest_429")]
    Rest429,
    /// 500 (or `code`).
    RestError,
    /// The answer comes `ms` later.
    RestSlow,
    /// The answer is cut off.
    RestDrop,
}

impl ChaosKind {
    /// Returns true if it counts requests.
    pub fn is_rest(self) -> bool {
        matches!(self, Self::Rest429 | Self::RestError | Self::RestSlow | Self::RestDrop)
    }

    fn is_of_connections(self) -> bool {
        matches!(self, Self::Cut | Self::Stall | Self::Blackhole)
    }
}

/// A fault as requested. It hits frames by chance (`rate`), by number (`at`, from 0, on each connection) or regularly
/// (`every`); a fault of connections may happen `now`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChaosFault {
    /// The kind.
    pub kind: ChaosKind,
    /// Probability for each frame, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Numbers of frames, from 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<u64>,
    /// Every so many frames: 10 hits frames 9, 19, 29.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Hits all open connections at once when the fault is set.
    #[serde(default)]
    pub now: bool,
    /// Duration; 1,000 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// The most later frames that may overtake a reordered one; 4 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// Only addresses (path and query) that contain this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Seconds in `Retry-After`; 5 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
    /// HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
}

impl ChaosFault {
    /// Rejects invalid faults, with a message for the caller.
    ///
    /// # Errors
    /// No time given, a rate outside 0 to 1, `every` 0, a code that is not an error, `now` for frames or requests.
    pub fn check(&self) -> Result<(), String> {
        if self.rate.is_none() && self.at.is_empty() && self.every.is_none() && !self.now {
            return Err("say when: rate, at, every or now".to_owned());
        }
        if self.rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
            return Err("rate must be from 0 to 1".to_owned());
        }
        if self.every == Some(0) || self.window == Some(0) {
            return Err("every and window must be above 0".to_owned());
        }
        if self.code.is_some_and(|code| !(400..=599).contains(&code)) {
            return Err("code must be from 400 to 599".to_owned());
        }
        if self.now && !self.kind.is_of_connections() {
            return Err("only cut, stall and blackhole can strike now".to_owned());
        }
        Ok(())
    }

    /// Returns true if it applies to the address.
    pub(crate) fn is_for(&self, address: &str) -> bool {
        self.path.as_deref().is_none_or(|wanted| address.contains(wanted))
    }

    /// Returns true if it hits frame `number`; `drawn` is the frame's random draw for it.
    fn strikes(&self, number: u64, drawn: u64) -> bool {
        let by_chance = self.rate.is_some_and(|rate| ((drawn >> 11) as f64 / (1_u64 << 53) as f64) < rate);
        by_chance || self.at.contains(&number) || self.every.is_some_and(|every| (number + 1).is_multiple_of(every))
    }
}

/// JSON, or `kind:key=value,…` (`drop:rate=0.01`, `cut:at=100+200`, `stall:now=true,ms=5000`).
impl FromStr for ChaosFault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault: Self = spelling::read(text, Some("at"))?;
        fault.check()?;
        Ok(fault)
    }
}

/// Parses a list of faults: JSON, or one fault a line.
///
/// # Errors
/// The error in the first invalid fault.
pub fn read(text: &str) -> Result<Vec<ChaosFault>, String> {
    if text.trim_start().starts_with('[') {
        let faults: Vec<ChaosFault> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        faults.iter().try_for_each(ChaosFault::check)?;
        return Ok(faults);
    }
    text.lines().filter(|line| !line.trim().is_empty()).map(str::parse).collect()
}

/// The random choices for one connection or request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    /// Returns the choices for the connection or request that followed `n_before` others to the same address.
    pub(crate) fn new(seed: u64, address: &str, n_before: u64) -> Self {
        let named = address.bytes().fold(mix(seed), |hash, byte| mix(hash ^ u64::from(byte)));
        Self(mix(named ^ n_before))
    }

    /// Returns the fault that hits frame `number`, with a number for further choices: the first match in the list.
    pub(crate) fn strike<'a>(
        self,
        faults: impl Iterator<Item = (usize, &'a ChaosFault)>,
        number: u64,
    ) -> Option<(&'a ChaosFault, u64)> {
        let of_frame = mix(self.0 ^ number.wrapping_mul(GOLDEN));
        let mut drawn = faults.map(|(idx, fault)| (fault, mix(of_frame ^ idx as u64)));
        drawn.find(|(fault, drawn)| fault.strikes(number, *drawn)).map(|(fault, drawn)| (fault, mix(drawn)))
    }
}

/// Flips one bit of an ASCII byte, so that the text differs but remains UTF-8.
pub(crate) fn flipped(text: &str, choice: u64) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let len = bytes.len().max(1);
    let start = usize::try_from(choice % len as u64).unwrap_or(0);
    let place = (0..len).map(|step| (start + step) % len).find(|&idx| bytes.get(idx).is_some_and(u8::is_ascii));
    if let Some(byte) = place.and_then(|idx| bytes.get_mut(idx)) {
        *byte ^= 1 << ((choice >> 32) % 7);
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Returns the text's beginning, at least one character short.
pub(crate) fn truncated(text: &str, choice: u64) -> &str {
    let cut = usize::try_from(choice % text.len().max(1) as u64).unwrap_or(0);
    text.get(..text.floor_char_boundary(cut)).unwrap_or_default()
}

/// Splits the bytes into two to four pieces.
pub(crate) fn pieces(bytes: &[u8], choice: u64) -> Vec<&[u8]> {
    let n_pieces = 2 + choice % 3;
    let mut cuts: Vec<usize> = (1..n_pieces)
        .map(|piece| usize::try_from(mix(choice ^ piece) % (bytes.len() as u64 + 1)).unwrap_or(0))
        .collect();
    cuts.sort_unstable();
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([bytes.len()]);
    starts.zip(ends).filter_map(|(start, end)| bytes.get(start..end)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read_and_nonsense_is_refused() {
        let short: ChaosFault = "drop:rate=0.25,path=/v2".parse().unwrap();
        let json: ChaosFault = r#"{"kind":"drop","rate":0.25,"path":"/v2"}"#.parse().unwrap();
        assert_eq!(serde_json::to_value(&short).unwrap(), serde_json::to_value(&json).unwrap());
        assert_eq!("cut:at=3+9".parse::<ChaosFault>().unwrap().at, [3, 9]);
        assert_eq!(read("drop:rate=1\n\nrest_429:every=2\n").unwrap().len(), 2);
        assert_eq!(read(r#"[{"kind":"stall","now":true,"ms":5}]"#).unwrap().len(), 1);
        assert_eq!(read("").unwrap().len(), 0);
        for bad in [
            "drop",
            "drop:rate=2",
            "explode:rate=1",
            "drop:now=true",
            "cut:at=x",
            "drop:every=0",
            "rest_error:rate=1,code=200",
        ] {
            assert!(bad.parse::<ChaosFault>().is_err(), "{bad}");
        }
    }

    #[test]
    fn choices_come_from_seed_address_and_number_alone() {
        let faults = [ChaosFault::from_str("drop:rate=0.1").unwrap(), ChaosFault::from_str("flip:at=7").unwrap()];
        let struck = |seed, address, n_before| {
            let draw = Draw::new(seed, address, n_before);
            (0..500)
                .filter_map(|number| Some((number, draw.strike(faults.iter().enumerate(), number)?)))
                .map(|(number, (fault, choice))| (number, fault.kind, choice))
                .collect::<Vec<_>>()
        };
        let first = struck(1, "/v2", 0);
        assert_eq!(first, struck(1, "/v2", 0));
        assert!((25..80).contains(&first.len()), "{}", first.len());
        assert!(first.iter().any(|(number, kind, _)| (*number, *kind) == (7, ChaosKind::Flip)));
        for other in [struck(2, "/v2", 0), struck(1, "/", 0), struck(1, "/v2", 1)] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn harm_is_done_and_pieces_are_whole() {
        for choice in (0..200).map(mix) {
            for text in [r#"{"p":"1.50","ü":1}"#, "x"] {
                assert_ne!(flipped(text, choice), text);
                assert!(truncated(text, choice).len() < text.len());
                let pieces = pieces(text.as_bytes(), choice);
                assert!((2..=4).contains(&pieces.len()));
                assert_eq!(pieces.concat(), text.as_bytes());
            }
        }
        assert_eq!((flipped("", 1), truncated("", 1)), (String::new(), ""));
    }
}
