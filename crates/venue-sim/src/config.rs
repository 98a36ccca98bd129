//! The configuration of a simulator: source, speed, and which of the venue's limits to enforce.
//!
//! Not here: faults ([`crate::fault`]) and the command line (`main`).

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use model::time::Timestamp;

use crate::{
    fault::Fault,
    fixed,
    venue::{VENUES, Venue},
};

/// Configuration of a simulated venue.
#[derive(Clone, Debug)]
pub struct SimConfig {
    /// The venue whose protocol is used.
    pub venue: String,
    /// The address to listen on; must be loopback, port 0 takes a free one.
    pub listen: SocketAddr,
    /// The source of the market data.
    pub source: Source,
    /// The speed.
    pub speed: Speed,
    /// Start of the timeline.
    pub start: StartWhen,
    /// The behaviour after the last frame.
    pub at_end: AtEnd,
    /// Faults active from the start.
    pub faults: Vec<Fault>,
    /// The venue's limits to enforce.
    pub limits: Limits,
    /// True to keep a log of sent frames and times, for latency measurements.
    pub is_stamping: bool,
    /// The quote asset of the simulated market (`SIM`, `USD`): with the same asset, venues list the same pairs.
    pub quote: String,
    /// Pairs that the simulated market lists in addition, and that never trade: `Q0000` and so on.
    pub quiet_pairs: usize,
    /// Steps of symbols of a recording without a symbol list; missing ones are derived from the numbers.
    pub steps: Steps,
    /// The key that clients must send, on venues that require one; `None` accepts any.
    pub key: Option<String>,
}

impl SimConfig {
    /// The venue's usual behaviour on a free port: real speed, starting at the first subscriber, no faults.
    pub fn new(venue: &str, source: Source) -> Self {
        Self {
            venue: venue.to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            source,
            speed: Speed::REAL,
            start: StartWhen::FirstSubscriber,
            at_end: AtEnd::Stop,
            faults: Vec::new(),
            limits: Venue::find(venue).map(|venue| (venue.limits)()).unwrap_or_default(),
            is_stamping: false,
            quote: "SIM".to_owned(),
            quiet_pairs: 0,
            steps: Steps::default(),
            key: None,
        }
    }
}

/// Names of all venues, alphabetical.
pub fn venues() -> Vec<&'static str> {
    VENUES.iter().map(|venue| venue.name).collect()
}

/// Price and quantity steps by symbol, as decimals; missing ones are derived.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    ticks: BTreeMap<String, usize>,
    lots: BTreeMap<String, usize>,
}

impl Steps {
    /// Chooses a price step: `BTCUSDT=0.01`.
    ///
    /// # Errors
    /// Text that is not a symbol and a power of ten up to one.
    pub fn choose_tick(&mut self, choice: &str) -> Result<(), String> {
        let (symbol, decimals) = step_choice(choice)?;
        self.ticks.insert(symbol, decimals);
        Ok(())
    }

    /// Chooses a quantity step: `BTCUSDT=0.00001`.
    ///
    /// # Errors
    /// As [`Self::choose_tick`].
    pub fn choose_lot(&mut self, choice: &str) -> Result<(), String> {
        let (symbol, decimals) = step_choice(choice)?;
        self.lots.insert(symbol, decimals);
        Ok(())
    }

    /// Returns the decimals of price and quantity: the chosen ones, otherwise those seen.
    pub(crate) fn or_seen(&self, symbol: &str, price: usize, quantity: usize) -> (usize, usize) {
        (self.ticks.get(symbol).copied().unwrap_or(price), self.lots.get(symbol).copied().unwrap_or(quantity))
    }
}

fn step_choice(text: &str) -> Result<(String, usize), String> {
    let wrong = || format!("{text:?} is not SYMBOL=STEP with a step such as 0.01");
    let (symbol, step) = text.rsplit_once('=').ok_or_else(wrong)?;
    let value = fixed::parse(step).ok_or_else(wrong)?;
    let decimals = fixed::decimals(value);
    if symbol.is_empty() || value != fixed::step(decimals) {
        return Err(wrong());
    }
    Ok((symbol.to_owned(), decimals))
}

/// The source of the market data.
#[derive(Clone, Debug)]
pub enum Source {
    /// Recordings, each continuing the one before.
    Files(Vec<PathBuf>),
    /// One recording, as text.
    Text(String),
    /// The simulated market.
    Demo {
        /// The seed that selects it.
        seed: u64,
        /// Its time at the start; `None` uses the wall clock.
        start: Option<Timestamp>,
    },
}

/// Timeline seconds per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// This multiple of the recorded speed; above zero.
    Times(f64),
    /// As fast as the slowest client reads. Recordings only.
    Max,
}

impl Speed {
    /// As recorded.
    pub const REAL: Self = Self::Times(1.0);

    /// Returns how long a recorded time span takes to play.
    pub fn played(self, recorded: Duration) -> Duration {
        match self {
            Self::Times(times) => recorded.div_f64(times),
            Self::Max => Duration::ZERO,
        }
    }
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim_end_matches(['x', '×']).parse::<f64>() {
            _ if text == "max" => Ok(Self::Max),
            Ok(times) if (0.001..=100_000.0).contains(&times) => Ok(Self::Times(times)),
            _ => Err(format!("{text:?} is not a speed; write max or a number from 0.001 to 100000")),
        }
    }
}

/// Start of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartWhen {
    /// As soon as the first client has subscribed to something.
    FirstSubscriber,
    /// At once.
    Immediately,
    /// On a command at the control endpoint.
    Resumed,
}

/// The behaviour after the last frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEnd {
    /// Connections stay open and silent.
    Stop,
    /// All clients are disconnected (service restart) and the recording starts again at the first subscriber.
    Loop,
}

/// The venue's limits and timeouts.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Messages, pings and pongs a client may send in any one second; `None` means no limit.
    pub messages_per_s: Option<usize>,
    /// Maximum streams of one connection.
    pub streams: usize,
    /// Connection attempts in five minutes; `None` means no limit.
    pub connects_per_5_min: Option<usize>,
    /// Maximum rows a side in a subscription of a book, on venues with book depths.
    pub book_rows: usize,
    /// REST weight per minute; `None` means no limit.
    pub weight_per_min: Option<u32>,
    /// Interval between pings.
    pub ping_every: Duration,
    /// Timeout for a pong after its ping.
    pub pong_within: Duration,
    /// A client that accepts no frame for this long is dropped.
    pub write_deadline: Duration,
    /// Connections are cut after this long; `None` means never.
    pub lifetime: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            messages_per_s: Some(5),
            streams: 1_024,
            connects_per_5_min: Some(300),
            book_rows: usize::MAX,
            weight_per_min: Some(6_000),
            ping_every: Duration::from_secs(20),
            pong_within: Duration::from_secs(60),
            write_deadline: Duration::from_secs(10),
            lifetime: Some(Duration::from_secs(24 * 3_600)),
        }
    }
}

impl Limits {
    /// Returns the same limits without those on clients' messages; timeouts stay the same.
    pub fn lifted(self) -> Self {
        Self { messages_per_s: None, connects_per_5_min: None, weight_per_min: None, lifetime: None, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds() {
        for (text, expected) in
            [("1", Some(1.0)), ("10x", Some(10.0)), ("0.5×", Some(0.5)), ("0", None), ("fast", None)]
        {
            let speed = text.parse::<Speed>().ok();
            assert_eq!(speed, expected.map(Speed::Times), "{text}");
        }
        assert_eq!("max".parse::<Speed>(), Ok(Speed::Max));
        assert!("NaN".parse::<Speed>().is_err());
        assert_eq!(Speed::Times(10.0).played(Duration::from_secs(5)), Duration::from_millis(500));
    }

    #[test]
    fn steps() {
        let mut steps = Steps::default();
        for (choice, is_good) in [
            ("BTCUSDT=0.01", true),
            ("A/B=1", true),
            ("A=B=0.00001", true),
            ("A=0.02", false),
            ("A=10", false),
            ("=0.1", false),
            ("A", false),
            ("A=x", false),
        ] {
            assert_eq!(steps.choose_tick(choice).is_ok(), is_good, "{choice}");
        }
        steps.choose_lot("BTCUSDT=0.00001").unwrap();
        assert_eq!(steps.or_seen("BTCUSDT", 8, 8), (2, 5));
        assert_eq!(steps.or_seen("OTHER", 3, 4), (3, 4));
    }
}
