//! What the markets page shows, as plain values: pairs with their venues, the best of all, order and filter.
//!
//! Not here: how it looks (`table`), and which venues count (`market::consolidated`).

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use market::consolidated::{join, spread, spread_bps};
use model::{
    decimal::Price,
    instrument::{Instrument, InstrumentId},
};
use wire::{
    data::{ConsolidatedData, LeftOut, QuoteData, VenueLevel},
    topic::Topic,
};

use crate::{
    components::{figure::Figure, flash_price::PriceFigure},
    format,
    live::model::LiveModel,
    pages::live::headline_figures::Figures,
};

/// Assets that are worth a dollar as long as their issuers can pay: one only where the reader says so.
const DOLLARS: [&str; 3] = ["USD", "USDC", "USDT"];

/// Whether dollars and dollar tokens are taken for one asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dollars {
    /// USD, USDT and USDC are three assets.
    #[default]
    Apart,
    /// They are one.
    Joined,
}

/// One pair and where it trades.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairGroup {
    /// `BTC/USD`; where dollars are joined `BTC/USD*`.
    pub name: String,
    /// The pairs behind the name: one, or those of all dollars.
    pub pairs: Vec<String>,
    /// By venue.
    pub instruments: Vec<Arc<Instrument>>,
}

/// All pairs of the instruments, by name; within one, real venues first.
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
    /// What the region of this pair samples.
    pub fn topics(&self) -> impl Iterator<Item = Topic> {
        let quotes = self.instruments.iter().map(|instrument| Topic::quote(&instrument.id));
        quotes.chain(self.pairs.iter().map(|pair| Topic::consolidated(pair)))
    }

    /// Venues it trades on.
    pub fn n_venues(&self) -> usize {
        let venues: BTreeSet<&str> = self.instruments.iter().map(|instrument| instrument.id.venue().as_str()).collect();
        venues.len()
    }

    /// Adds what is known of it now.
    pub fn sample(&self, model: &LiveModel, into: &mut Sampled) {
        let parts: Vec<&ConsolidatedData> = self.pairs.iter().filter_map(|pair| model.consolidated(pair)).collect();
        let best = join(&parts);
        // The widest of all venues, so that the points stand under each other.
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

/// The widest decimals of a pair.
#[derive(Clone, Copy, Debug)]
struct Decimals {
    price: u32,
    size: u32,
}

/// What is known of all pairs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampled {
    /// The best of all venues, by the pair's name.
    pub best: BTreeMap<String, BestLine>,
    /// Each venue's own.
    pub venues: BTreeMap<InstrumentId, VenueLine>,
}

/// What is known of one venue's instrument.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VenueLine {
    /// Prices and the day.
    pub figures: Figures,
    /// Quantity at the bid.
    pub bid_size: Figure,
    /// Quantity at the offer.
    pub ask_size: Figure,
    /// Why it does not count; `None` where it does, or nothing is known yet.
    pub left_out: Option<LeftOut>,
    /// Which sides it is the best on.
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
        let is_of = |level: &Option<VenueLevel>| level.as_ref().is_some_and(|level| level.instrument == instrument.id);
        Self {
            bid_size: size(quote.bid_size),
            ask_size: size(quote.ask_size),
            figures,
            left_out: standing.and_then(|venue| venue.left_out),
            is_best: (is_of(&best.bid), is_of(&best.ask)),
        }
    }
}

/// The best of all venues.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BestLine {
    /// Highest bid, and whose.
    pub bid: BestSide,
    /// Lowest offer, and whose.
    pub ask: BestSide,
    /// Offer minus bid, with its sign, and in hundredths of a per cent.
    pub spread: Figure,
    /// The hundredths of a per cent alone.
    pub spread_bps: Figure,
    /// How bid and offer stand.
    pub stand: Stand,
    /// `3 of 4 venues`.
    pub counted: String,
    /// How many count.
    pub n_counted: usize,
    /// Who is left out and why, in words; empty where nobody is.
    pub left_out: String,
    /// True where all of it is made up.
    pub is_simulated: bool,
}

/// One side of the best.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BestSide {
    /// The price.
    pub price: PriceFigure,
    /// The quantity behind it.
    pub size: Figure,
    /// The venue that has it.
    pub venue: String,
}

/// How the best bid and the best offer of all venues stand to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stand {
    /// Not both known.
    #[default]
    Unknown,
    /// The offer is above the bid.
    Apart,
    /// Both are of one venue: nothing between venues.
    OneVenue,
    /// They are equal.
    Locked,
    /// The bid of one venue is above the offer of another.
    Crossed,
}

impl Stand {
    /// For `data-stand`.
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
        let bps = spread_bps(best);
        let n_counted = best.venues.iter().filter(|venue| venue.left_out.is_none()).count();
        let out = best.venues.iter().filter_map(|venue| Some((venue.instrument.venue(), venue.left_out?)));
        let left_out: Vec<String> = out.map(|(venue, reason)| format!("{venue} {}", reason.as_str())).collect();
        Self {
            bid: BestSide::new(&format!("{name} bid"), best.bid.as_ref(), decimals),
            ask: BestSide::new(&format!("{name} ask"), best.ask.as_ref(), decimals),
            spread: gap.map_or_else(Figure::default, |gap| signed(gap, decimals.price)),
            spread_bps: bps.map_or_else(Figure::default, |bps| Figure {
                text: format!("{}{:.2}\u{202f}bps", if bps < 0.0 { "−" } else { "" }, bps.abs()),
                value: format!("{bps:.4}"),
            }),
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

fn signed(price: Price, decimals: u32) -> Figure {
    Figure { text: format::price(price, decimals), value: price.to_string() }
}

/// `text` with blanks of a digit's width in place of the digits it has not, so that points stand under each other.
fn padded(text: &str, own: u32, widest: u32) -> String {
    if text == format::UNKNOWN || own >= widest {
        return text.to_owned();
    }
    let n_digits = usize::try_from(widest - own).unwrap_or(0);
    let point = if own == 0 { "\u{2008}" } else { "" };
    format!("{text}{point}{}", "\u{2007}".repeat(n_digits))
}

/// By what pairs are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Most venues first, then by name.
    #[default]
    Venues,
    /// By name.
    Name,
    /// Largest change of the day first.
    Change,
    /// Narrowest first; crossed ones are the narrowest.
    Spread,
}

impl Order {
    /// All, in the order they are offered.
    pub const ALL: [Self; 4] = [Self::Venues, Self::Name, Self::Change, Self::Spread];

    /// Its name, as remembered.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Venues => "venues",
            Self::Name => "name",
            Self::Change => "change",
            Self::Spread => "spread",
        }
    }

    /// Its name for a reader.
    pub fn label(self) -> &'static str {
        match self {
            Self::Venues => "Venues",
            Self::Name => "Name",
            Self::Change => "24 h change",
            Self::Spread => "Spread",
        }
    }

    /// The order of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.as_str() == text)
    }
}

/// What the reader wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Letters of a pair or a venue.
    pub text: String,
    /// By what pairs are ordered.
    pub order: Order,
    /// Whether dollars and dollar tokens are taken for one asset.
    pub dollars: Dollars,
    /// Only pairs on more than one venue.
    pub is_shared_only: bool,
    /// Pairs that are put away, by name.
    pub hidden: BTreeSet<String>,
}

impl Choice {
    /// Reads what [`Self::to_text`] wrote; what is not understood keeps its default.
    pub fn parse(text: &str) -> Self {
        let mut choice = Self::default();
        for (key, value) in text.split(';').filter_map(|part| part.split_once('=')) {
            match key {
                "order" => choice.order = Order::parse(value).unwrap_or_default(),
                "dollars" if value == "joined" => choice.dollars = Dollars::Joined,
                "shared" => choice.is_shared_only = value == "only",
                "hidden" => {
                    choice.hidden = value.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect()
                }
                _ => {}
            }
        }
        choice
    }

    /// For the browser to remember; the filter is not.
    pub fn to_text(&self) -> String {
        let hidden: Vec<&str> = self.hidden.iter().map(String::as_str).collect();
        let dollars = if self.dollars == Dollars::Joined { "joined" } else { "apart" };
        let shared = if self.is_shared_only { "only" } else { "any" };
        format!("order={};dollars={dollars};shared={shared};hidden={}", self.order.as_str(), hidden.join(" "))
    }
}

/// The pairs to show, in order.
pub fn listed(groups: &[PairGroup], sampled: &Sampled, choice: &Choice) -> Vec<PairGroup> {
    let words: Vec<String> = choice.text.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let is_listed = |group: &PairGroup| {
        let has = |word: &String| {
            group.name.to_lowercase().contains(word)
                || group.instruments.iter().any(|one| one.id.to_string().to_lowercase().contains(word))
        };
        !choice.hidden.contains(&group.name)
            && (!choice.is_shared_only || group.n_venues() > 1)
            && words.iter().all(has)
    };
    let mut found: Vec<PairGroup> = groups.iter().filter(|group| is_listed(group)).cloned().collect();
    let change = |group: &PairGroup| {
        let lines = group.instruments.iter().filter_map(|one| sampled.venues.get(&one.id));
        lines.filter_map(|line| line.figures.change.value.parse::<f64>().ok()).next().map(|percent| -percent.abs())
    };
    let bps = |group: &PairGroup| sampled.best.get(&group.name)?.spread_bps.value.parse::<f64>().ok();
    // What is not known stands last.
    let by = |left: Option<f64>, right: Option<f64>| match (left, right) {
        (Some(left), Some(right)) => left.total_cmp(&right),
        (left, right) => right.is_some().cmp(&left.is_some()),
    };
    match choice.order {
        Order::Name => {}
        Order::Venues => found.sort_by_key(|group| Reverse(group.n_venues())),
        Order::Change => found.sort_by(|left, right| by(change(left), change(right))),
        Order::Spread => found.sort_by(|left, right| by(bps(left), bps(right))),
    }
    found
}

#[cfg(test)]
mod tests {
    use model::decimal::Quantity;
    use wire::data::VenueStanding;

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

    fn some() -> Vec<Arc<Instrument>> {
        instruments(&[
            ("one:BTC/USD", "BTC", "USD"),
            ("two:BTCUSDT", "BTC", "USDT"),
            ("two:BTC-USD", "BTC", "USD"),
            ("demo:BTCUSD", "BTC", "USD"),
            ("two:ETHBTC", "ETH", "BTC"),
        ])
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
        assert_eq!((line.spread.text.as_str(), line.spread_bps.text.as_str()), ("0.50", "49.88\u{202f}bps"));
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

    #[test]
    fn a_choice_is_remembered_without_its_filter() {
        let hidden = BTreeSet::from(["BTC/USD".to_owned(), "ETH/BTC".to_owned()]);
        let choice = Choice {
            text: String::new(),
            order: Order::Spread,
            dollars: Dollars::Joined,
            is_shared_only: true,
            hidden,
        };
        assert_eq!(Choice::parse(&choice.to_text()), choice);
        assert_eq!(Choice::parse("order=none;x;dollars=;hidden="), Choice::default());
    }

    #[test]
    fn filter_and_order_say_which_pairs_stand_where() {
        let groups = groups(&some(), Dollars::Apart);
        let mut sampled = Sampled::default();
        for (group, (change, bps)) in groups.iter().zip([("1.00", "5"), ("-3.00", "-1"), ("", "")]) {
            let figure = |value: &str| Figure { text: String::new(), value: value.to_owned() };
            let figures = Figures { change: figure(change), ..Figures::default() };
            let line = VenueLine { figures, ..VenueLine::default() };
            sampled.venues.insert(group.instruments[0].id.clone(), line);
            let best = BestLine { spread_bps: figure(bps), ..BestLine::default() };
            sampled.best.insert(group.name.clone(), best);
        }
        #[track_caller]
        fn check(groups: &[PairGroup], sampled: &Sampled, choice: Choice, expected: &[&str]) {
            let found = listed(groups, sampled, &choice);
            let found: Vec<&str> = found.iter().map(|group| group.name.as_str()).collect();
            assert_eq!(found, expected, "{choice:?}");
        }
        let of = |order| Choice { order, ..Choice::default() };
        check(&groups, &sampled, of(Order::Name), &["BTC/USD", "BTC/USDT", "ETH/BTC"]);
        check(&groups, &sampled, of(Order::Venues), &["BTC/USD", "BTC/USDT", "ETH/BTC"]);
        check(&groups, &sampled, of(Order::Change), &["BTC/USDT", "BTC/USD", "ETH/BTC"]);
        check(&groups, &sampled, of(Order::Spread), &["BTC/USDT", "BTC/USD", "ETH/BTC"]);
        let text = |text: &str| Choice { text: text.to_owned(), ..Choice::default() };
        check(&groups, &sampled, text("one btc"), &["BTC/USD"]);
        check(&groups, &sampled, text("eth"), &["ETH/BTC"]);
        check(&groups, &sampled, text("nothing"), &[]);
        check(&groups, &sampled, Choice { is_shared_only: true, ..Choice::default() }, &["BTC/USD"]);
        let hidden = BTreeSet::from(["BTC/USD".to_owned()]);
        check(&groups, &sampled, Choice { hidden, ..Choice::default() }, &["BTC/USDT", "ETH/BTC"]);
    }
}
