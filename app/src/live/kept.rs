//! The newest values of what the reader looked at, as text, kept by the browser for a page that starts without its server:
//! watchlist, quotes, account, positions and orders, and of each instrument shown lately book, candles and trades.
//!
//! Plain: the model in, text out and back. A value is kept with the time at which it was current, and replaces an older
//! one of its topic; so a page that shows few topics keeps what others have shown. The text is of one build: another one
//! drops it. Not here: when it is stored and restored (`shell::offline`).

use model::{
    instrument::{InstrumentId, Venue},
    sorted::{SortedMap, SortedSet, sorted_by},
    time::Timestamp,
};
use topics::{
    channels::{Channel, TopicData},
    topic::Topic,
};
use wire::{
    Encoding, decode_server_json, encode_server,
    message::{Batch, Epoch, Item, NO_STREAM, ServerMessage, Update, UpdateKind},
};

use crate::live::model::LiveModel;

/// The key of the text in the browser's storage.
pub const STORAGE_KEY: &str = "truetape.kept";
/// The key of the list of instruments, as the server sent it.
pub const INSTRUMENTS_KEY: &str = "truetape.kept.instruments";
/// The key of the list of venues, as the server sent it.
pub const VENUES_KEY: &str = "truetape.kept.venues";

/// Values by topic, each with the time at which it was current. At most 256 kB of text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept(SortedMap<Topic, Line>);

/// One value as text, read only when it is needed: the time in milliseconds, the topic and a batch with one snapshot, with
/// tabs between them.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    at: Timestamp,
    text: String,
}

impl Kept {
    /// Reads the text that `build` has written; that of another build is left out, and so are lines that cannot be read.
    pub fn parse(text: &str, build: &str) -> Self {
        let mut kept = Self::default();
        let mut lines = text.lines();
        if lines.next() != Some(first_line(build).as_str()) {
            return kept;
        }
        for text in lines.take(MAX_KEPT) {
            let mut parts = text.split('\t');
            let (at, topic) = (parts.next().map(str::parse::<i64>), parts.next().map(Topic::parse));
            if let (Some(Ok(at)), Some(Ok(topic))) = (at, topic) {
                kept.0.insert(topic, Line { at: Timestamp::from_millis(at), text: text.to_owned() });
            }
        }
        kept
    }

    /// Takes what the model has now.
    pub fn take(&mut self, model: &LiveModel, now: Timestamp) {
        let at = Timestamp::from_millis(now.as_millis());
        let mut shown: Vec<(InstrumentId, Channel)> = Vec::new();
        for (topic, data) in model.snapshots(is_kept) {
            let instrument = topic.instrument().filter(|_| is_detail(topic));
            shown.extend(instrument.map(|instrument| (instrument.clone(), topic.channel())));
            self.0.insert(topic.clone(), Line::new(topic.clone(), data, at));
        }
        // Candles of another interval, or groups of another size, are not what the reader sees now.
        let is_shown_otherwise = |topic: &Topic| {
            is_detail(topic)
                && shown.iter().any(|(id, channel)| topic.instrument() == Some(id) && topic.channel() == *channel)
        };
        self.0.retain(|topic, line| line.at == at || !is_shown_otherwise(topic));
        self.shrink();
    }

    /// Returns the text: a line for the build, and one for each topic.
    pub fn to_text(&self, build: &str) -> String {
        let mut text = first_line(build);
        for line in self.0.values() {
            text.push('\n');
            text.push_str(&line.text);
        }
        text
    }

    /// Returns all values that can be read, with their times.
    pub fn values(&self) -> impl Iterator<Item = (Topic, TopicData, Timestamp)> {
        self.0.iter().filter_map(|(topic, line)| Some((topic.clone(), line.data(topic)?, line.at)))
    }

    /// Drops quotes beyond the number kept, then the instruments shown longest ago, then whatever is missed least.
    fn shrink(&mut self) {
        self.drop_least_missed(|kept| kept.0.len() > MAX_KEPT);
        while self.n_bytes() > MAX_BYTES
            && let Some(instrument) = self.shown_longest_ago()
        {
            self.0.retain(|topic, _| !is_detail(topic) || topic.instrument() != Some(&instrument));
        }
        self.drop_least_missed(|kept| kept.n_bytes() > MAX_BYTES);
    }

    /// Drops values while there are too many: quotes of instruments that are not shown first, and the oldest first.
    fn drop_least_missed(&mut self, are_too_many: impl Fn(&Self) -> bool) {
        if !are_too_many(self) {
            return;
        }
        let details = self.0.keys().filter(|topic| is_detail(topic));
        let shown: SortedSet<InstrumentId> = details.filter_map(|topic| topic.instrument().cloned()).collect();
        let is_missed = |topic: &Topic| {
            topic.channel() != Channel::Quote || topic.instrument().is_some_and(|instrument| shown.contains(instrument))
        };
        let ranked = self.0.iter().map(|(topic, line)| ((is_missed(topic), line.at), topic.clone())).collect();
        for (_, topic) in sorted_by(ranked, |(one, _): &((bool, Timestamp), Topic), (other, _)| one.cmp(other)) {
            if !are_too_many(self) {
                return;
            }
            self.0.remove(&topic);
        }
    }

    fn n_bytes(&self) -> usize {
        self.0.values().map(|line| line.text.len() + 1).sum()
    }

    /// Returns the instrument whose book, candles and trades were shown longest ago; `None` if there is only one.
    fn shown_longest_ago(&self) -> Option<InstrumentId> {
        let mut shown = SortedMap::<&InstrumentId, Timestamp>::new();
        for (topic, line) in self.0.iter().filter(|(topic, _)| is_detail(topic)) {
            if let Some(instrument) = topic.instrument() {
                let latest = shown.get(&instrument).map_or(line.at, |at| line.at.max(*at));
                shown.insert(instrument, latest);
            }
        }
        let oldest = shown.iter().min_by_key(|(_, at)| **at).map(|(instrument, _)| (*instrument).clone());
        oldest.filter(|_| shown.len() > 1)
    }
}

impl Line {
    fn new(topic: Topic, data: TopicData, at: Timestamp) -> Self {
        let head = format!("{}\t{topic}\t", at.as_millis());
        let update = Update { kind: UpdateKind::Snapshot, epoch: Some(Epoch::new("kept")), topic, offset: 0, data };
        let batch = ServerMessage::Batch(Batch { items: vec![Item { stream: NO_STREAM, update }] });
        let batch = String::from_utf8(encode_server(&batch, Encoding::Json)).unwrap_or_default();
        Self { at, text: head + &batch }
    }

    /// Reads the value; `None` if it cannot be read.
    fn data(&self, topic: &Topic) -> Option<TopicData> {
        let batch = self.text.splitn(3, '\t').nth(2)?;
        let Ok(ServerMessage::Batch(batch)) = decode_server_json(batch) else { return None };
        batch.items.into_iter().map(|item| item.update).find(|update| update.topic == *topic).map(|update| update.data)
    }
}

/// Returns the first line of the text of a build.
fn first_line(build: &str) -> String {
    format!("truetape {FORM} {build}")
}

/// Returns true for what is worth showing without a server. A replay has ended by then.
fn is_kept(topic: &Topic) -> bool {
    let is_common = matches!(
        topic.channel(),
        Channel::Status | Channel::Quote | Channel::Dashboard | Channel::Positions | Channel::Orders
    );
    (is_common || is_detail(topic)) && !topic.venue().is_some_and(Venue::is_replay)
}

/// Returns true for what only the pages of one instrument show.
fn is_detail(topic: &Topic) -> bool {
    matches!(topic.channel(), Channel::Book | Channel::Candles | Channel::Ladder | Channel::Tape)
}

/// The form of the text: another one is not read.
const FORM: u32 = 2;

/// More topics than any page shows.
const MAX_KEPT: usize = 600;

/// Some hundred quotes and four or five instruments with 500 candles each: a twentieth of the 5 MB that browsers give a
/// site, and written in a few milliseconds.
const MAX_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::{
        candle::{Candle, Interval},
        decimal::{Price, Quantity},
        event::{AggressorSide, Level, TradeId},
        proof::BookState,
        time::{Monotonic, Now},
    };
    use topics::{
        channels::{
            book::BookData,
            candles::CandlesData,
            desk::{DeskRows, RowText},
            ladder::LadderData,
            quote::QuoteData,
            tape::{TapeData, TapeTrade},
        },
        limits::{BOOK_DEPTH, CANDLES_LENGTH, LADDER_DEPTH, TAPE_LENGTH},
    };

    use super::*;
    use crate::live::{link::LinkState, model::Freshness};

    const BUILD: &str = "0123456789abcdef";

    fn at(ms: u64) -> Now {
        let wall = Timestamp::from_millis(1_700_000_000_000 + i64::try_from(ms).unwrap());
        Now { monotonic: Monotonic::from_zero(Duration::from_millis(ms)), wall }
    }

    fn update(topic: Topic, data: TopicData) -> Update {
        Update { kind: UpdateKind::Snapshot, epoch: Some(Epoch::new("e")), topic, offset: 1, data }
    }

    fn id(symbol: &str) -> InstrumentId {
        InstrumentId::parse(&format!("demo:{symbol}")).unwrap()
    }

    fn quote(ms: u64) -> TopicData {
        let receive_time_us = Some(at(ms).wall.as_micros());
        TopicData::Quote(QuoteData { receive_time_us, last: Price::parse("5.10").ok(), ..QuoteData::default() })
    }

    fn book(state: BookState, depth: usize) -> BookData {
        let side = |from: i128| {
            let level = |idx: usize| Level {
                price: Price::from_mantissa(from + idx as i128, 2).unwrap(),
                quantity: Quantity::parse("123.456789").unwrap(),
            };
            (0..depth).map(level).collect::<Vec<_>>()
        };
        let bids = side(6_160_000).into_iter().rev().collect();
        BookData { state, bids, asks: side(6_170_000), ..BookData::default() }
    }

    fn candles(n_bars: usize) -> TopicData {
        let bar = |idx: usize| {
            let (open_time, price) = (Timestamp::from_millis(1_699_000_000_000 + 60_000 * idx as i64), "61602.01");
            let size = Quantity::parse("123.456789").unwrap();
            Candle::of_trade(open_time, Price::parse(price).unwrap(), size, AggressorSide::Buyer)
        };
        TopicData::Candles(CandlesData { bars: (0..n_bars).map(bar).collect() })
    }

    fn tape(from: u64) -> TopicData {
        let trade = |id: u64| TapeTrade {
            id: TradeId::Sequence(id),
            price: Price::parse("61602.01").unwrap(),
            size: Quantity::parse("0.001").unwrap(),
            aggressor_side: AggressorSide::Buyer,
            venue_time_ms: 1_700_000_000_000,
        };
        TopicData::Tape(TapeData { trades: (from..from + TAPE_LENGTH as u64).map(trade).collect() })
    }

    fn positions() -> Topic {
        Topic::parse("positions:account:paper").unwrap()
    }

    /// A model of the demo market with a quote, a position, and all that a page shows of one instrument.
    fn model() -> LiveModel {
        let mut rows = DeskRows::default();
        rows.rows.insert("demo:AAABBB".to_owned(), RowText::of(&"row").unwrap());
        let mut model = showing(&id("AAABBB"), Interval::M1);
        model.apply(update(positions(), TopicData::Positions(rows)), at(1_000));
        model
    }

    /// A model with as much of one instrument as a page can show.
    fn showing(id: &InstrumentId, interval: Interval) -> LiveModel {
        let mut model = LiveModel::default();
        let deep = LadderData { book: book(BookState::Live, LADDER_DEPTH) };
        for (topic, data) in [
            (Topic::quote(id), quote(900)),
            (Topic::book(id), TopicData::Book(book(BookState::Live, BOOK_DEPTH))),
            (Topic::ladder(1, id), TopicData::Ladder(deep)),
            (Topic::candles(interval, id), candles(CANDLES_LENGTH)),
            (Topic::tape(id), tape(1)),
        ] {
            model.apply(update(topic, data), at(1_000));
        }
        model
    }

    fn topics(kept: &Kept) -> Vec<String> {
        kept.values().map(|(topic, ..)| topic.to_string()).collect()
    }

    #[test]
    fn values_survive_as_text() {
        let mut kept = Kept::default();
        kept.take(&model(), at(1_000).wall);
        assert_eq!(kept.values().count(), 6);
        assert_eq!(Kept::parse(&kept.to_text(BUILD), BUILD), kept);
        let mut page = LiveModel::default();
        page.restore(&kept, at(2_000));
        let (own, shown) = (model(), id("AAABBB"));
        assert_eq!(page.book(&shown), own.book(&shown));
        assert_eq!(page.ladder(1, &shown), own.ladder(1, &shown));
        let bars = |model: &LiveModel| model.candles(&Topic::candles(Interval::M1, &shown)).unwrap().bars().to_vec();
        assert_eq!(bars(&page), bars(&own));
        let trades = |model: &LiveModel| model.tape(&shown).unwrap().newest_first().cloned().collect::<Vec<_>>();
        assert_eq!(trades(&page), trades(&own));
    }

    #[test]
    fn unreadable_text_is_dropped() {
        let mut kept = Kept::default();
        kept.take(&model(), at(1_000).wall);
        let text = kept.to_text(BUILD);
        for other in ["", "\n", "truetape 1 0123456789abcdef\n", "1700000001000 {\"type\":\"batch\"}\n"] {
            assert_eq!(Kept::parse(&text.replacen(&first_line(BUILD), other, 1), BUILD), Kept::default(), "{other}");
        }
        assert_eq!(Kept::parse(&text, "fedcba9876543210"), Kept::default(), "another build");
        for broken in ["", "x", "1\tquote:demo:A", "x\tstatus\t{}", "1\tno_channel:demo:A\t{}", "1\tstatus\t{\"type\":"]
        {
            let read = Kept::parse(&format!("{text}\n{broken}"), BUILD);
            assert_eq!(topics(&read), topics(&kept), "{broken}");
        }
        // A value under another topic's name is not shown as that topic's.
        let moved = text.replacen("\tquote:demo:AAABBB\t", "\tquote:demo:OTHER\t", 1);
        assert_eq!(Kept::parse(&moved, BUILD).values().count(), 5);
    }

    #[test]
    fn a_later_value_takes_the_place_and_others_stay() {
        let mut kept = Kept::default();
        kept.take(&model(), at(1_000).wall);
        let mut later = LiveModel::default();
        later.apply(update(positions(), TopicData::Positions(DeskRows::default())), at(5_000));
        // A stream that has not begun sends an empty state, which replaces nothing.
        let empty = TopicData::Book(BookData::default());
        later.apply(update(Topic::book(&id("AAABBB")), empty), at(5_000));
        kept.take(&later, at(5_000).wall);
        let times: Vec<(String, i64)> = kept
            .values()
            .map(|(topic, _, time)| (topic.to_string(), time.as_millis() - at(0).wall.as_millis()))
            .collect();
        assert_eq!(times.len(), 6);
        for (topic, time) in times {
            assert_eq!(time, if topic == "positions:account:paper" { 5_000 } else { 1_000 }, "{topic}");
        }
    }

    #[test]
    fn one_interval_of_an_instrument_is_kept_and_no_replay() {
        let mut kept = Kept::default();
        kept.take(&showing(&id("AAABBB"), Interval::M1), at(1_000).wall);
        kept.take(&showing(&id("CCCDDD"), Interval::M1), at(2_000).wall);
        kept.take(&showing(&id("AAABBB"), Interval::H1), at(3_000).wall);
        let candles: Vec<String> = topics(&kept).into_iter().filter(|topic| topic.starts_with("candles")).collect();
        assert_eq!(candles, ["candles.1m:demo:CCCDDD", "candles.1h:demo:AAABBB"]);
        let before = kept.clone();
        kept.take(&showing(&InstrumentId::parse("replay-demo:AAABBB").unwrap(), Interval::M1), at(4_000).wall);
        assert_eq!(kept, before);
    }

    #[test]
    fn the_text_is_bounded_and_the_instrument_shown_longest_ago_goes_first() {
        let mut kept = Kept::default();
        let n_shown = 12;
        for n in 0..n_shown {
            kept.take(&showing(&id(&format!("A{n:02}")), Interval::M1), at(1_000 * (n + 1)).wall);
            assert!(kept.to_text(BUILD).len() <= MAX_BYTES + 100);
        }
        // Looked at again, the first one is not the oldest any more.
        let with = |kept: &Kept, channel: &str| -> Vec<String> {
            let own = topics(kept).into_iter().filter(|topic| topic.starts_with(channel));
            own.map(|topic| topic[topic.len() - 3..].to_owned()).collect()
        };
        let shown = with(&kept, "tape");
        assert!((3..8).contains(&shown.len()), "{shown:?}");
        assert_eq!(shown.last().map(String::as_str), Some("A11"));
        for channel in ["book", "candles", "ladder"] {
            assert_eq!(with(&kept, channel), shown, "an instrument goes as a whole: {channel}");
        }
        assert_eq!(with(&kept, "quote").len(), 12, "quotes stay");
        let oldest = id(&shown[0]);
        kept.take(&showing(&oldest, Interval::M1), at(100_000).wall);
        kept.take(&showing(&id("B00"), Interval::M1), at(101_000).wall);
        assert!(with(&kept, "tape").contains(&shown[0]));
        assert!(!with(&kept, "tape").contains(&shown[1]));
    }

    #[test]
    fn of_too_many_quotes_the_oldest_go_and_what_is_shown_stays() {
        let with_quotes = |mut model: LiveModel, name: &str, n_quotes: u64| {
            for n in 0..n_quotes {
                model.apply(update(Topic::quote(&id(&format!("{name}{n:04}"))), quote(900)), at(1_000));
            }
            model
        };
        let count = |kept: &Kept, name: &str| topics(kept).iter().filter(|topic| topic.contains(name)).count();
        let mut kept = Kept::default();
        kept.take(&with_quotes(model(), "OLD", 400), at(1_000).wall);
        kept.take(&with_quotes(model(), "NEW", 400), at(2_000).wall);
        assert_eq!((count(&kept, ""), count(&kept, "NEW"), count(&kept, "AAABBB")), (MAX_KEPT, 400, 5));
        // A page of more quotes than are kept, and of nothing else.
        kept.take(&with_quotes(LiveModel::default(), "MANY", 700), at(3_000).wall);
        assert_eq!((count(&kept, ""), count(&kept, "MANY"), count(&kept, "AAABBB")), (MAX_KEPT, 594, 5));
        assert_eq!(count(&kept, "positions"), 1);
        assert!(kept.to_text(BUILD).len() <= MAX_BYTES);
    }

    #[test]
    fn restored_values_are_old_until_the_server_sends_them() {
        let mut kept = Kept::default();
        kept.take(&model(), at(1_000).wall);
        let mut page = LiveModel::default();
        // Another visit: its clock starts again, half an hour later.
        let now = |ms| Now { monotonic: Monotonic::from_zero(Duration::from_millis(ms)), ..at(1_801_000 + ms) };
        page.set_link(LinkState::Reconnecting { at: Monotonic::ZERO }, Monotonic::ZERO, now(0));
        page.restore(&kept, now(0));
        assert!(page.is_offline());
        let id = id("AAABBB");
        assert_eq!(page.quote(&id).and_then(|quote| quote.last).map(|last| last.to_string()).as_deref(), Some("5.10"));
        let earlier = |ms| Freshness::Earlier { as_of: at(ms).wall, age_ms: 1_801_000 - ms };
        // The quote was a tenth of a second old when it was kept.
        assert_eq!(page.freshness(&[Topic::quote(&id)], now(0)), earlier(900));
        assert_eq!(page.freshness(&[positions()], now(0)), earlier(1_000));
        // They are kept as they were: another visit must not make them younger.
        let mut again = kept.clone();
        again.take(&page, now(0).wall);
        assert_eq!(again, kept);
        // Values that arrived meanwhile are newer than the kept ones.
        page.set_link(LinkState::Connected, now(500).monotonic, now(500));
        page.apply(update(positions(), TopicData::Positions(DeskRows::default())), now(500));
        page.restore(&kept, now(500));
        assert_eq!(page.freshness(&[positions()], now(500)), Freshness::Fresh);
        assert_eq!(page.desk_rows(&positions()).map(|rows| rows.rows.len()), Some(0));
        page.drop_restored();
        assert!(!page.is_offline() && page.quote(&id).is_none());
    }

    #[test]
    fn nothing_of_an_earlier_visit_goes_on_among_live_data() {
        let mut kept = Kept::default();
        kept.take(&model(), at(1_000).wall);
        let mut page = LiveModel::default();
        page.restore(&kept, at(60_000));
        page.set_link(LinkState::Connected, at(60_000).monotonic, at(60_000));
        let id = id("AAABBB");
        let (book_topic, ladder_topic) = (Topic::book(&id), Topic::ladder(1, &id));
        let origin = page.tape(&id).unwrap().origin();
        // The new server numbers its trades as the old one did, and its book is not served yet.
        page.apply(update(Topic::tape(&id), tape(50)), at(60_100));
        let tape = page.tape(&id).unwrap();
        assert_eq!(tape.newest_first().last().map(|row| row.trade.id.clone()), Some(TradeId::Sequence(50)));
        assert_ne!(tape.origin(), origin);
        page.apply(update(book_topic.clone(), TopicData::Book(book(BookState::Resyncing, 0))), at(60_100));
        assert!(page.book(&id).is_some_and(|book| book.bids.is_empty()), "no old level under a new state");
        // A region of both is as old as the older one.
        page.apply(update(book_topic.clone(), TopicData::Book(book(BookState::Live, 3))), at(60_200));
        let both = [ladder_topic.clone(), book_topic.clone()];
        assert!(matches!(page.freshness(&both, at(60_200)), Freshness::Earlier { .. }));
        let deep = LadderData { book: book(BookState::Live, 5) };
        page.apply(update(ladder_topic, TopicData::Ladder(deep)), at(60_300));
        assert_ne!(page.freshness(&both, at(60_300)), Freshness::Waiting);
        assert!(!matches!(page.freshness(&both, at(60_300)), Freshness::Earlier { .. }));
    }
}
