//! Injected faults: a description of each fault, and the active ones.
//!
//! Faults change what clients receive, never the true state of the market, so the oracle stays right. Every choice
//! comes from a seed. Not here: who is hit (`clients`) and the format of frames (the venue's folder).

use std::{str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{
    exchange::Event,
    spelling::{self, GOLDEN, mix},
};

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Connections stay open without any data; with a stream, only that stream has none.
    Stall,
    /// Every connection is closed, once; abruptly without a code.
    Close,
    /// New connections are refused: `503` (or `code`) at the handshake, or with mode `tcp` right after accepting.
    Refuse,
    /// Frames are lost.
    Drop,
    /// Frames come twice.
    Duplicate,
    /// Frames come after later ones of their stream.
    Reorder,
    /// Frames are corrupted.
    Corrupt,
    /// REST answers 429 (or `code`) with `Retry-After`.
    #[serde(rename = "rest_429")]
    Rest429,
    /// REST answers are delayed.
    RestSlow,
    /// REST answers have an error status.
    RestError,
    /// REST answers are cut in the middle.
    RestGarbage,
    /// Ends all faults.
    None,
}

/// Details of a stall or a corruption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultMode {
    /// Stall: the socket is neither read nor written. The default.
    #[serde(alias = "blackhole")]
    Silent,
    /// Stall: pings, pongs and answers continue, only data stops.
    Pings,
    /// Refuse: connections are dropped before any HTTP. Affects the control endpoint too, so it needs a duration.
    Tcp,
    /// Corrupt: truncated in the middle.
    Json,
    /// Corrupt: an invalid UTF-8 byte.
    Utf8,
    /// Corrupt: a required field of another type.
    Type,
    /// Corrupt: a required field is missing.
    Field,
}

/// A fault as requested: on the command line, at the control endpoint, in a test. Options that a kind does not use are
/// ignored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The kind.
    pub kind: FaultKind,
    /// Probability for each frame, 0 to 1; without it every frame is hit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Number of times; frame faults without probability, count and duration happen once, others last until ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Duration, after which the fault ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// The seed of the choices.
    #[serde(default)]
    pub seed: u64,
    /// Only streams whose name contains this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// Only REST paths that contain this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Details; a corruption without a mode uses each in turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<FaultMode>,
    /// Close code or HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// Close reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Seconds in `Retry-After`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
    /// Delay of REST answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// The number of later frames of its stream after which a reordered frame comes; 1 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance: Option<u32>,
    /// A stall hits only the connections open when it begins, so that reconnecting helps.
    #[serde(default)]
    pub existing_only: bool,
}

impl Fault {
    /// Creates a fault of that kind with defaults for everything else.
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            probability: None,
            count: None,
            duration_ms: None,
            seed: 0,
            stream: None,
            path: None,
            mode: None,
            code: None,
            reason: None,
            retry_after_s: None,
            delay_ms: None,
            distance: None,
            existing_only: false,
        }
    }

    /// Rejects invalid faults, with a message for the caller.
    ///
    /// # Errors
    /// A probability outside 0 to 1, a status or close code out of range, or a TCP refusal without an end.
    pub fn check(&self) -> Result<(), String> {
        if self.probability.is_some_and(|chance| !(0.0..=1.0).contains(&chance)) {
            return Err("probability must be from 0 to 1".to_owned());
        }
        let codes = if self.kind == FaultKind::Close { 1_000..=4_999 } else { 400..=599 };
        if self.code.is_some_and(|code| !codes.contains(&code)) {
            return Err(format!("code must be from {} to {}", codes.start(), codes.end()));
        }
        if self.mode == Some(FaultMode::Tcp) && self.duration_ms.is_none() {
            return Err("refusing TCP hits the control endpoint too: give duration_ms".to_owned());
        }
        Ok(())
    }

    fn is_frame_fault(&self) -> bool {
        matches!(self.kind, FaultKind::Drop | FaultKind::Duplicate | FaultKind::Reorder | FaultKind::Corrupt)
    }
}

/// JSON as at the control endpoint, or `kind[:key=value,…]` (`drop:probability=0.01,seed=7`).
impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault: Self = spelling::read(text, None)?;
        fault.check()?;
        Ok(fault)
    }
}

/// The effect of faults on a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Pass,
    Drop,
    Duplicate,
    /// The frame comes after so many later frames of its stream.
    Hold(u32),
    /// The frame is corrupted in that mode; the number is for choices.
    Corrupt(FaultMode, u64),
}

/// The effect of faults on a REST request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RestFate {
    Pass,
    /// Answered late.
    Slow(Duration),
    /// Cut in the middle.
    Garbage,
    /// Refused with a status, and `Retry-After` seconds for a rate limit.
    Refuse {
        status: u16,
        retry_after_s: Option<u64>,
    },
}

#[derive(Debug)]
struct Active {
    fault: Fault,
    left: Option<u64>,
    until: Option<Instant>,
    random: u64,
    n_hits: u64,
    /// Stalls: clients with a lower number are hit.
    clients_below: u64,
    /// Rate limits: requests before this time violate the `Retry-After`.
    window_end: Option<Instant>,
}

impl Active {
    fn is_over(&self, now: Instant) -> bool {
        let is_counted_out = self.left == Some(0) && self.window_end.is_none_or(|end| end <= now);
        is_counted_out || self.until.is_some_and(|until| until <= now)
    }

    /// Returns a number from the seed (splitmix64).
    fn random(&mut self) -> u64 {
        let drawn = mix(self.random);
        self.random = self.random.wrapping_add(GOLDEN);
        drawn
    }

    /// Counts a hit if probability and count allow one.
    fn hits(&mut self) -> bool {
        if self.left == Some(0) {
            return false;
        }
        if let Some(chance) = self.fault.probability {
            let drawn = (self.random() >> 11) as f64 / (1_u64 << 53) as f64;
            if drawn >= chance {
                return false;
            }
        }
        self.n_hits += 1;
        self.left = self.left.map(|left| left - 1);
        true
    }
}

/// A frame held back until so many later ones of its stream have passed.
#[derive(Debug)]
struct Held {
    event: Event,
    left: u32,
}

/// All active faults.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    active: Vec<Active>,
    held: Vec<Held>,
}

/// Few frames are held; above this number the oldest are released.
const MAX_HELD: usize = 64;

impl Faults {
    /// Begins a fault; `next_client` is the number of the next connection. `Close` ends at once: the caller carries it
    /// out.
    pub(crate) fn begin(&mut self, fault: Fault, now: Instant, next_client: u64) {
        match fault.kind {
            FaultKind::None => self.active.clear(),
            FaultKind::Close => {}
            _ => {
                let is_open_ended = fault.probability.is_none() && fault.duration_ms.is_none();
                self.active.push(Active {
                    left: fault.count.or((fault.is_frame_fault() && is_open_ended).then_some(1)),
                    until: fault.duration_ms.map(|millis| now + Duration::from_millis(millis)),
                    random: fault.seed,
                    n_hits: 0,
                    clients_below: if fault.existing_only { next_client } else { u64::MAX },
                    window_end: None,
                    fault,
                });
            }
        }
    }

    /// Returns the active faults and how often each has hit.
    pub(crate) fn shown(&mut self, now: Instant) -> Vec<(Fault, u64)> {
        self.tidy(now);
        self.active.iter().map(|active| (active.fault.clone(), active.n_hits)).collect()
    }

    /// Returns how a connection is stalled now, as a whole.
    pub(crate) fn stall(&mut self, client: u64, now: Instant) -> Option<FaultMode> {
        let mut stalls = self.of(FaultKind::Stall, now).filter(|active| active.fault.stream.is_none());
        let active = stalls.find(|active| client < active.clients_below)?;
        Some(active.fault.mode.unwrap_or(FaultMode::Silent))
    }

    /// Returns true if nothing of a stream is sent to a client: the venue neither sends nor counts its frames.
    pub(crate) fn silences(&mut self, stream: &str, client: u64, now: Instant) -> bool {
        self.of(FaultKind::Stall, now).any(|active| {
            let is_it = active.fault.stream.as_deref().is_some_and(|wanted| stream.contains(wanted));
            is_it && client < active.clients_below
        })
    }

    /// Returns the status with which a handshake is refused now.
    pub(crate) fn refuse_handshake(&mut self, now: Instant) -> Option<u16> {
        let active = self.of(FaultKind::Refuse, now).find(|active| active.fault.mode != Some(FaultMode::Tcp))?;
        active.hits().then(|| active.fault.code.unwrap_or(503))
    }

    /// Returns true while new TCP connections are dropped.
    pub(crate) fn refuses_tcp(&mut self, now: Instant) -> bool {
        let mut refusing = self.of(FaultKind::Refuse, now).filter(|active| active.fault.mode == Some(FaultMode::Tcp));
        refusing.next().is_some_and(|active| active.hits())
    }

    /// Returns the effect of faults on a frame of `stream`.
    pub(crate) fn frame(&mut self, stream: &str, now: Instant) -> Fate {
        self.tidy(now);
        let matching = |active: &&mut Active| {
            active.fault.is_frame_fault() && active.fault.stream.as_deref().is_none_or(|wanted| stream.contains(wanted))
        };
        for active in self.active.iter_mut().filter(matching) {
            if !active.hits() {
                continue;
            }
            return match active.fault.kind {
                FaultKind::Drop => Fate::Drop,
                FaultKind::Duplicate => Fate::Duplicate,
                FaultKind::Reorder => Fate::Hold(active.fault.distance.unwrap_or(1).max(1)),
                _ => {
                    let number = active.random();
                    let turn = [FaultMode::Json, FaultMode::Utf8, FaultMode::Type, FaultMode::Field];
                    let in_turn = turn[(active.n_hits as usize - 1) % turn.len()];
                    Fate::Corrupt(active.fault.mode.unwrap_or(in_turn), number)
                }
            };
        }
        Fate::Pass
    }

    /// Holds a frame back; returns the oldest one if too many are held.
    pub(crate) fn hold(&mut self, event: Event, distance: u32) -> Option<Event> {
        self.held.push(Held { event, left: distance });
        (self.held.len() > MAX_HELD).then(|| self.held.remove(0).event)
    }

    /// Returns the held frames that are due now that another frame of their stream has passed.
    pub(crate) fn release(&mut self, stream: &str) -> Vec<Event> {
        let mut released = Vec::new();
        self.held.retain_mut(|held| {
            if *held.event.stream == *stream {
                held.left -= 1;
                if held.left == 0 {
                    released.push(held.event.clone());
                }
            }
            held.left > 0
        });
        released
    }

    /// Returns the effect of faults on a request for `path`, and whether it violates an earlier `Retry-After`.
    pub(crate) fn rest(&mut self, path: &str, now: Instant) -> (RestFate, bool) {
        self.tidy(now);
        let matching = |active: &&mut Active| {
            matches!(
                active.fault.kind,
                FaultKind::Rest429 | FaultKind::RestSlow | FaultKind::RestError | FaultKind::RestGarbage
            ) && active.fault.path.as_deref().is_none_or(|wanted| path.contains(wanted))
        };
        let (mut fate, mut is_inside) = (RestFate::Pass, false);
        for active in self.active.iter_mut().filter(matching) {
            if let Some(end) = active.window_end.filter(|end| now < *end) {
                is_inside = true;
                let retry_after_s = Some((end - now).as_secs_f64().ceil() as u64);
                fate = RestFate::Refuse { status: active.fault.code.unwrap_or(429), retry_after_s };
            } else if fate == RestFate::Pass && active.hits() {
                fate = match active.fault.kind {
                    FaultKind::Rest429 => {
                        let retry_after_s = active.fault.retry_after_s.unwrap_or(7);
                        active.window_end = Some(now + Duration::from_secs(retry_after_s));
                        RestFate::Refuse {
                            status: active.fault.code.unwrap_or(429),
                            retry_after_s: Some(retry_after_s),
                        }
                    }
                    FaultKind::RestSlow => {
                        RestFate::Slow(Duration::from_millis(active.fault.delay_ms.unwrap_or(1_000)))
                    }
                    FaultKind::RestGarbage => RestFate::Garbage,
                    _ => RestFate::Refuse { status: active.fault.code.unwrap_or(500), retry_after_s: None },
                };
            }
        }
        (fate, is_inside)
    }

    fn of(&mut self, kind: FaultKind, now: Instant) -> impl Iterator<Item = &mut Active> {
        self.tidy(now);
        self.active.iter_mut().filter(move |active| active.fault.kind == kind)
    }

    fn tidy(&mut self, now: Instant) {
        self.active.retain(|active| !active.is_over(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(texts: &[&str]) -> (Faults, Instant) {
        let (mut faults, now) = (Faults::default(), Instant::now());
        for text in texts {
            faults.begin(text.parse().unwrap(), now, 5);
        }
        (faults, now)
    }

    #[test]
    fn both_spellings_are_read_and_nonsense_is_refused() {
        let short: Fault = "drop:probability=0.25,seed=7,stream=@depth".parse().unwrap();
        let json: Fault = r#"{"kind":"drop","probability":0.25,"seed":7,"stream":"@depth"}"#.parse().unwrap();
        assert_eq!(serde_json::to_value(&short).unwrap(), serde_json::to_value(&json).unwrap());
        assert_eq!("rest_429:retry_after_s=3".parse::<Fault>().unwrap().kind, FaultKind::Rest429);
        for bad in ["", "explode", "drop:probability=2", "drop:chance=1", "close:code=99", "refuse:mode=tcp", "drop:x"]
        {
            assert!(bad.parse::<Fault>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_frame_fault_without_figures_strikes_once_and_only_its_streams() {
        let (mut faults, now) = faults(&["drop:stream=@depth"]);
        let fates: Vec<Fate> =
            ["a@trade", "a@depth", "a@depth"].iter().map(|stream| faults.frame(stream, now)).collect();
        assert_eq!(fates, [Fate::Pass, Fate::Drop, Fate::Pass]);
    }

    #[test]
    fn chances_come_from_the_seed() {
        let drawn = |seed: u64| {
            let (mut faults, now) = faults(&[&format!("drop:probability=0.1,seed={seed}")]);
            (0..2_000).map(|_| faults.frame("a", now) == Fate::Drop).collect::<Vec<bool>>()
        };
        let n_hits = drawn(1).iter().filter(|&&is_hit| is_hit).count();
        assert!((140..260).contains(&n_hits), "{n_hits}");
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
    }

    #[test]
    fn a_rate_limit_keeps_its_window_and_sees_who_breaks_it() {
        let (mut faults, now) = faults(&["rest_429:count=1,retry_after_s=7,path=depth"]);
        let refused = |retry_after_s| RestFate::Refuse { status: 429, retry_after_s: Some(retry_after_s) };
        assert_eq!(faults.rest("/klines", now), (RestFate::Pass, false));
        assert_eq!(faults.rest("/depth", now), (refused(7), false));
        assert_eq!(faults.rest("/depth", now + Duration::from_millis(5_500)), (refused(2), true));
        assert_eq!(faults.rest("/depth", now + Duration::from_secs(7)), (RestFate::Pass, false));
    }

    #[test]
    fn stalls_hit_whom_they_should_until_they_end() {
        let (mut both, now) = faults(&["stall:existing_only=true,duration_ms=100,mode=pings"]);
        assert_eq!((both.stall(4, now), both.stall(5, now)), (Some(FaultMode::Pings), None));
        assert_eq!(both.stall(4, now + Duration::from_millis(100)), None);
        let (mut one, now) = faults(&["stall:stream=AAA,existing_only=true"]);
        let silenced =
            [("x/AAA", 4), ("x/AAA", 5), ("x/BBB", 4)].map(|(stream, client)| one.silences(stream, client, now));
        assert_eq!((silenced, one.stall(4, now)), ([true, false, false], None));
        let (mut ended, now) = faults(&["stall", "none"]);
        assert_eq!(ended.stall(1, now), None);
        let (mut refusing, now) = faults(&["refuse:count=1"]);
        assert_eq!((refusing.refuse_handshake(now), refusing.refuse_handshake(now)), (Some(503), None));
    }
}
