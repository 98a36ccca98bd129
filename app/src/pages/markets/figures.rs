//! The contents of the Markets page, as plain values: pairs with their venues, and the best prices over all venues.
//!
//! Not here: the appearance (`table`), the choice of pairs (`choice`), which venues count (`market::consolidated`).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use market::consolidated::{join, spread, spread_bps};
use model::{
    decimal::Price,
    instrument::{Instrument, InstrumentId},
};
use topics::{
    channels::{
        consolidated::{ConsolidatedData, LeftOut, VenueLevel},
        quote::QuoteData,
    },
    topic::Topic,
};

use crate::{
    components::{figure::Figure, flash_price::PriceFigure},
    format,
    live::model::LiveModel,
    pages::live::headline_figures::Figures,
};

/// Assets worth a dollar as long as their issuers can pay: one asset only if the reader chooses so.
const DOLLARS: [&str; 3] = ["USD", "USDC", "USDT"];

/// Treatment of the dollar and dollar tokens: as one asset, or each as its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dollars {
    /// USD, USDT and USDC are three assets.
    #[default]
    Apart,
    /// They are one asset.
    Joined,
}

/// One pair and its venues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairGroup {
    /// `BTC/USD`; `BTC/USD*` if dollars are joined.
    pub name: String,
    /// The pairs behind the name: one, or those of all dollars.
    pub pairs: Vec<String>,
    /// Its instruments, by venue.
    pub instruments: Vec<Arc<Instrument>>,
}

/// Returns all pairs of the instruments, by name; within one, real venues first.
pub fn groups(instruments: &[Arc<Instrument>], dollars: Dollars) -> Vec<PairGroup> {
    let mut by_name: BTreeMap<String, Vec<Arc<Instrument>>> = BTreeMap::new();
    for instrument in instruments {
        let is_joined = dollars == Dollars::Joined && DOLLARS.contains(&instrument.quote.as_str());
        let name = if is_joined { format!("{}/USD*", instrument.base) } else { instrument.pair() };
        by_name.entry(name).or_default().push(Arc::clone(instrument));
    }
    let group = |(name, mut instruments): (String, Vec<Arc<Instrument>>)| {
        instruments.sort_by(|left, right| (left.is_simulated, &left.id).cmp(&(right.is_simulated, &right.id)));
        let pairs: BTreeSet<String> = instruments.iter().map(|instrument| instrument.pair()).collect();
        PairGroup { name, pairs: pairs.into_iter().collect(), instruments }
    };
    by_name.into_iter().map(group).collect()
}

impl PairGroup {
    /// Returns the topics sampled for this pair.
    pub fn topics(&self) -> impl Iterator<Item = Topic> {
        let quotes = self.instruments.iter().map(|instrument| Topic::quote(&instrument.id));
        quotes.chain(self.pairs.iter().map(|pair| Topic::consolidated(pair)))
    }

    /// Returns the number of its venues.
    pub fn n_venues(&self) -> usize {
        let venues: BTreeSet<&str> = self.instruments.iter().map(|instrument| instrument.id.venue().as_str()).collect();
        venues.len()
    }

    /// Adds its current values.
    pub fn sample(&self, model: &LiveModel, into: &mut Sampled) {
        let parts: Vec<&ConsolidatedData> = self.pairs.iter().filter_map(|pair| model.consolidated(pair)).collect();
        let best = join(&parts);
        // The widest of all venues, so that the decimal points align.
        let decimals = Decimals {
            price: self.instruments.iter().map(|one| one.price_decimals()).max().unwrap_or(0),
            size: self.instruments.iter().map(|one| one.size_decimals()).max().unwrap_or(0),
        };
        for instrument in &self.instruments {
            let quote = model.quote(&instrument.id).cloned().unwrap_or_default();
            into.venues.insert(instrument.id.clone(), VenueLine::new(instrument, &quote, &best, decimals));
        }
        into.best.insert(self.name.clone(), BestLine::new(&self.name, &best, decimals));
    }
}

/// Returns what is missing for a comparison, of all pairs and the number of rows that the filter
/// leaves; empty if nothing is.
pub fn advice(all: &[PairGroup], n_listed: usize) -> &'static str {
    let n_most = all.iter().map(PairGroup::n_venues).max().unwrap_or(0);
    let mut venues = all.iter().flat_map(|group| &group.instruments).map(|instrument| instrument.id.venue());
    let has_two_venues = venues.next().is_some_and(|first| venues.any(|venue| venue != first));
    match n_most {
        0 => "No venue is running. ",
        _ if n_listed == 0 => "No pair matches the filter. ",
        1 if has_two_venues => "No pair is on two venues: follow one pair on both to compare its prices. ",
        1 => "Start a second venue to compare prices. ",
        _ => "",
    }
}

/// The widest decimals of a pair.
#[derive(Clone, Copy, Debug)]
struct Decimals {
    price: u32,
    size: u32,
}

/// The current values of all pairs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampled {
    /// The best over all venues, by the pair's name.
    pub best: BTreeMap<String, BestLine>,
    /// The values of each venue.
    pub venues: BTreeMap<InstrumentId, VenueLine>,
}

/// The values of one venue's instrument.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VenueLine {
    /// Prices and day statistics.
    pub figures: Figures,
    /// Quantity at the bid.
    pub bid_size: Figure,
    /// Quantity at the ask.
    pub ask_size: Figure,
    /// Ask minus bid in basis points.
    pub spread_bps: Figure,
    /// Why it does not count; `None` if it counts, or nothing is known yet.
    pub left_out: Option<LeftOut>,
    /// True if the venue has the best bid, and the best ask.
    pub is_best: (bool, bool),
}

impl VenueLine {
    fn new(instrument: &Instrument, quote: &QuoteData, best: &ConsolidatedData, decimals: Decimals) -> Self {
        let of = instrument.id.to_string();
        let mut figures = Figures::new(&of, quote, Some((instrument.price_decimals(), instrument.size_decimals())));
        for figure in [&mut figures.last, &mut figures.bid, &mut figures.ask] {
            figure.text = padded(&figure.text, instrument.price_decimals(), decimals.price);
        }
        figures.spread.text = padded(&figures.spread.text, instrument.price_decimals(), decimals.price);
        let size = |size: Option<model::decimal::Quantity>| {
            size.map_or_else(Figure::default, |size| Figure {
                text: padded(
                    &format::quantity(size, instrument.size_decimals()),
                    instrument.size_decimals(),
                    decimals.size,
                ),
                value: size.to_string(),
            })
        };
        let standing = best.venues.iter().find(|venue| venue.instrument == instrument.id);
        let own_bps = quote.bid.zip(quote.ask).and_then(|(bid, ask)| {
            let share = ask.checked_sub(bid)?.to_f64_lossy() / bid.mid(ask)?.to_f64_lossy();
            Some(bps(share * 10_000.0))
        });
        let is_of = |level: &Option<VenueLevel>| level.as_ref().is_some_and(|level| level.instrument == instrument.id);
        Self {
            bid_size: size(quote.bid_size),
            ask_size: size(quote.ask_size),
            figures,
            spread_bps: own_bps.unwrap_or_default(),
            left_out: standing.and_then(|venue| venue.left_out),
            is_best: (is_of(&best.bid), is_of(&best.ask)),
        }
    }
}

/// The best over all venues.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BestLine {
    /// Highest bid and its venue.
    pub bid: BestSide,
    /// Lowest ask and its venue.
    pub ask: BestSide,
    /// Ask minus bid, with its sign, and in basis points.
    pub spread: Figure,
    /// The basis points alone.
    pub spread_bps: Figure,
    /// The relation of bid and ask.
    pub stand: Stand,
    /// `3 of 4 venues`.
    pub counted: String,
    /// The number of venues that count.
    pub n_counted: usize,
    /// The venues left out and the reasons; empty if none are.
    pub left_out: String,
    /// True if all of it is simulated.
    pub is_simulated: bool,
}

/// One side of the best prices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BestSide {
    /// The price.
    pub price: PriceFigure,
    /// The quantity behind it.
    pub size: Figure,
    /// The venue that has it.
    pub venue: String,
}

/// The relation of the best bid and the best ask over all venues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stand {
    /// One or both are unknown.
    #[default]
    Unknown,
    /// The ask is above the bid.
    Apart,
    /// Both are from one venue, so they say nothing about differences between venues.
    OneVenue,
    /// They are equal.
    Locked,
    /// The bid of one venue is above the ask of another.
    Crossed,
}

impl Stand {
    /// Returns the value for `data-stand`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Apart => "apart",
            Self::OneVenue => "one-venue",
            Self::Locked => "locked",
            Self::Crossed => "crossed",
        }
    }
}

impl BestLine {
    fn new(name: &str, best: &ConsolidatedData, decimals: Decimals) -> Self {
        let gap = spread(best);
        let n_counted = best.venues.iter().filter(|venue| venue.left_out.is_none()).count();
        let out = best.venues.iter().filter_map(|venue| Some((venue.instrument.venue(), venue.left_out?)));
        let left_out: Vec<String> = out.map(|(venue, reason)| format!("{venue} {}", reason.as_str())).collect();
        Self {
            bid: BestSide::new(&format!("{name} bid"), best.bid.as_ref(), decimals),
            ask: BestSide::new(&format!("{name} ask"), best.ask.as_ref(), decimals),
            spread: gap.map_or_else(Figure::default, |gap| signed(gap, decimals.price)),
            spread_bps: spread_bps(best).map(bps).unwrap_or_default(),
            stand: stand(best, gap),
            counted: match best.venues.len() {
                0 => String::new(),
                n_all => format!(
                    "{n_counted} of {n_all} venue{}{}",
                    if n_all == 1 { "" } else { "s" },
                    if best.is_simulated { ", simulated" } else { "" }
                ),
            },
            n_counted,
            left_out: left_out.join(", "),
            is_simulated: best.is_simulated,
        }
    }
}

impl BestSide {
    fn new(of: &str, level: Option<&VenueLevel>, decimals: Decimals) -> Self {
        let Some(level) = level else { return Self::default() };
        let price_scale = level.price.scale().min(decimals.price);
        let mut price = PriceFigure::new(of.to_owned(), Some(level.price), price_scale);
        price.text = padded(&price.text, price_scale, decimals.price);
        let size_scale = level.size.scale().min(decimals.size);
        let text = padded(&format::quantity(level.size, size_scale), size_scale, decimals.size);
        let size = Figure { text, value: level.size.to_string() };
        Self { price, size, venue: level.instrument.venue().to_string() }
    }
}

fn stand(best: &ConsolidatedData, gap: Option<Price>) -> Stand {
    let (Some((bid, ask)), Some(gap)) = (best.bid.as_ref().zip(best.ask.as_ref()), gap) else { return Stand::Unknown };
    match () {
        () if gap.is_negative() => Stand::Crossed,
        () if gap.is_zero() => Stand::Locked,
        () if bid.instrument == ask.instrument => Stand::OneVenue,
        () => Stand::Apart,
    }
}

fn bps(share: f64) -> Figure {
    Figure { text: format::basis_points(share), value: format!("{share:.4}") }
}

fn signed(price: Price, decimals: u32) -> Figure {
    Figure { text: format::price(price, decimals), value: price.to_string() }
}

/// Pads `text` with blanks of a digit's width in place of missing digits, so that decimal points align.
fn padded(text: &str, own: u32, widest: u32) -> String {
    if text == format::UNKNOWN || own >= widest {
        return text.to_owned();
    }
    let n_digits = usize::try_from(widest - own).unwrap_or(0);
    let point = if own == 0 { "\u{2008}" } else { "" };
    format!("{text}{point}{}", "\u{2007}".repeat(n_digits))
}

#[cfg(test)]
pub(super) mod tests {
    use model::decimal::Quantity;
    use topics::channels::consolidated::VenueStanding;

    use super::*;
    use crate::live::instruments::InstrumentList;

    fn instruments(rows: &[(&str, &str, &str)]) -> Vec<Arc<Instrument>> {
        let rows: Vec<String> = rows
            .iter()
            .map(|(id, base, quote)| {
                let is_simulated = id.starts_with("demo");
                let tick = if id.starts_with("one") { "0.1" } else { "0.01" };
                format!(
                    r#"{{"id":"{id}","base":"{base}","quote":"{quote}","tick_size":"{tick}","lot_size":"0.001","min_notional":null,"status":"trading","is_simulated":{is_simulated}}}"#
                )
            })
            .collect();
        let list = InstrumentList::parse(&format!(r#"{{"instruments":[{}]}}"#, rows.join(","))).unwrap();
        list.known.to_vec()
    }

    pub(in crate::pages::markets) fn some() -> Vec<Arc<Instrument>> {
        instruments(&[
            ("one:BTC/USD", "BTC", "USD"),
            ("two:BTCUSDT", "BTC", "USDT"),
            ("two:BTC-USD", "BTC", "USD"),
            ("demo:BTCUSD", "BTC", "USD"),
            ("two:ETHBTC", "ETH", "BTC"),
        ])
    }

    #[test]
    fn an_empty_comparison_says_what_is_missing() {
        #[track_caller]
        fn check(rows: &[(&str, &str, &str)], n_listed: usize, expected: &str) {
            let said = advice(&groups(&instruments(rows), Dollars::default()), n_listed);
            assert!(said.starts_with(expected) && said.is_empty() == expected.is_empty(), "{said}");
        }
        let (btc, eth) = (("one:BTC/USD", "BTC", "USD"), ("two:ETHBTC", "ETH", "BTC"));
        check(&[], 0, "No venue is running.");
        check(&[btc], 0, "No pair matches the filter.");
        check(&[btc], 1, "Start a second venue");
        check(&[btc, eth], 2, "No pair is on two venues");
        check(&[btc, eth, ("two:BTC-USD", "BTC", "USD")], 3, "");
    }

    #[test]
    fn pairs_gather_their_venues_and_dollars_only_where_asked() {
        let shown = |dollars| {
            let groups = groups(&some(), dollars);
            let ids = |group: &PairGroup| {
                group.instruments.iter().map(|one| one.id.to_string()).collect::<Vec<_>>().join(" ")
            };
            groups.iter().map(|group| format!("{}: {}", group.name, ids(group))).collect::<Vec<_>>()
        };
        let apart = ["BTC/USD: one:BTC/USD two:BTC-USD demo:BTCUSD", "BTC/USDT: two:BTCUSDT", "ETH/BTC: two:ETHBTC"];
        assert_eq!(shown(Dollars::Apart), apart);
        let joined = ["BTC/USD*: one:BTC/USD two:BTC-USD two:BTCUSDT demo:BTCUSD", "ETH/BTC: two:ETHBTC"];
        assert_eq!(shown(Dollars::Joined), joined);
        let groups = groups(&some(), Dollars::Joined);
        assert_eq!((groups[0].pairs.join(" "), groups[0].n_venues()), ("BTC/USD BTC/USDT".into(), 3));
        assert_eq!(groups[0].topics().last().unwrap().to_string(), "consolidated:all:BTC/USDT");
    }

    fn level(id: &str, price: &str, size: &str) -> VenueLevel {
        VenueLevel {
            instrument: InstrumentId::parse(id).unwrap(),
            price: Price::parse(price).unwrap(),
            size: Quantity::parse(size).unwrap(),
        }
    }

    fn best(bid: (&str, &str), ask: (&str, &str)) -> ConsolidatedData {
        let standing = |id: &str, left_out| VenueStanding { instrument: InstrumentId::parse(id).unwrap(), left_out };
        ConsolidatedData {
            bid: Some(level(bid.0, bid.1, "1.5")),
            ask: Some(level(ask.0, ask.1, "2")),
            venues: vec![
                standing("demo:BTCUSD", Some(LeftOut::Simulated)),
                standing("one:BTC/USD", None),
                standing("two:BTC-USD", None),
            ],
            ..ConsolidatedData::default()
        }
    }

    #[test]
    fn the_best_line_names_venues_spread_and_who_is_left_out() {
        let decimals = Decimals { price: 2, size: 3 };
        let line = BestLine::new("BTC/USD", &best(("one:BTC/USD", "100.0"), ("two:BTC-USD", "100.50")), decimals);
        assert_eq!((line.bid.venue.as_str(), line.ask.venue.as_str()), ("one", "two"));
        assert_eq!((line.spread.text.as_str(), line.spread_bps.text.as_str()), ("0.50", "50\u{202f}bps"));
        assert_eq!((line.stand, line.counted.as_str()), (Stand::Apart, "2 of 3 venues"));
        assert_eq!(line.left_out, "demo simulated");
        assert_eq!(line.bid.price.text, "100.0\u{2007}", "the point stands where the others' does");
        let crossed = BestLine::new("BTC/USD", &best(("one:BTC/USD", "101.0"), ("two:BTC-USD", "100.50")), decimals);
        assert_eq!((crossed.stand, crossed.spread.text.as_str()), (Stand::Crossed, "−0.50"));
        assert!(crossed.spread_bps.text.starts_with('−'), "{}", crossed.spread_bps.text);
        let locked = BestLine::new("BTC/USD", &best(("one:BTC/USD", "100.5"), ("two:BTC-USD", "100.50")), decimals);
        assert_eq!(locked.stand, Stand::Locked);
        let own = BestLine::new("BTC/USD", &best(("two:BTC-USD", "100"), ("two:BTC-USD", "100.50")), decimals);
        assert_eq!(own.stand, Stand::OneVenue);
        assert_eq!(BestLine::new("BTC/USD", &ConsolidatedData::default(), decimals), BestLine::default());
    }

    #[test]
    fn blanks_keep_points_under_each_other() {
        for (text, own, widest, expected) in [
            ("100", 0, 2, "100\u{2008}\u{2007}\u{2007}"),
            ("100.1", 1, 2, "100.1\u{2007}"),
            ("100.12", 2, 2, "100.12"),
            ("–", 0, 2, "–"),
        ] {
            assert_eq!(padded(text, own, widest), expected);
        }
    }
}
