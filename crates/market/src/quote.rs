//! Best bid and ask, last price and day statistics, and the state each lane has published.
//!
//! Best bid and ask come from the venue's own quotes once it has sent one, before that from the top of a live book. A
//! book that is not live gives no quote: the last one stays, with its age. A side that the venue, or a live book, says is
//! empty is withdrawn; nothing else that was known is.

use model::{
    event::{DayStatistics, Level, MarketEvent, Quote, Trade, TradeId},
    proof::{BookState, TrackedBook},
    time::{Now, Timestamp},
};
use topics::{channels::quote::QuoteData, payload::Merge};

use crate::{digits::Digits, seen_trades::Sighting, tape::venue_time};

/// The quote of one instrument, with the venue's digits.
#[derive(Clone, Debug, Default)]
pub(crate) struct QuoteState {
    data: QuoteData,
    has_venue_quotes: bool,
    /// The venue's time of the last trade.
    last_trade: Option<Timestamp>,
    revision: u64,
}

impl QuoteState {
    pub(crate) fn on_quote(&mut self, quote: &Quote, event: &MarketEvent) {
        self.has_venue_quotes = true;
        set_top(&mut self.data, quote);
        self.touch(event);
    }

    /// Processes a trade. A late trade, by its number or by the venue's time, does not change the last price.
    pub(crate) fn on_trade(&mut self, trade: &Trade, sighting: Sighting, event: &MarketEvent) {
        let time = venue_time(event);
        let is_late = match (sighting, &trade.id) {
            (Sighting::Late | Sighting::Seen, _) => true,
            (_, TradeId::Sequence(_)) => false,
            (_, TradeId::Text(_)) => self.last_trade.is_some_and(|last| time < last),
        };
        if !is_late {
            self.last_trade = Some(time);
            self.data.last = Some(trade.price);
            self.data.last_side = Some(trade.aggressor_side);
            self.touch(event);
        }
    }

    /// Processes day statistics. Their last price counts only if the venue sends no trades.
    pub(crate) fn on_day(&mut self, day: &DayStatistics, event: &MarketEvent) {
        let data = &mut self.data;
        data.day_open = day.open.or(data.day_open);
        data.day_high = day.high.or(data.day_high);
        data.day_low = day.low.or(data.day_low);
        data.day_volume = day.volume.or(data.day_volume);
        if self.last_trade.is_none() {
            data.last = day.last.or(data.last);
        }
        self.touch(event);
    }

    /// Notes that the published digits changed.
    pub(crate) fn on_digits(&mut self) {
        self.revision += 1;
    }

    /// Returns a number that rises at each change that does not come from the book.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns the current quote, at the published digits, without a publish time.
    pub(crate) fn current(&self, book: Option<&TrackedBook>, digits: Digits) -> QuoteData {
        let mut data = self.data.clone();
        let live = book.filter(|book| !self.has_venue_quotes && book.state == BookState::Live);
        if let Some(tracked) = live {
            set_top(&mut data, &tracked.book.quote());
            data.venue_time_ms = data.venue_time_ms.max(tracked.event_time.map(Timestamp::as_millis));
            data.receive_time_us = data.receive_time_us.max(tracked.receive_time.map(Timestamp::as_micros));
        }
        for price in
            [&mut data.bid, &mut data.ask, &mut data.last, &mut data.day_open, &mut data.day_high, &mut data.day_low]
        {
            *price = price.map(|price| digits.price(price));
        }
        for size in [&mut data.bid_size, &mut data.ask_size, &mut data.day_volume] {
            *size = size.map(|size| digits.size(size));
        }
        data
    }

    fn touch(&mut self, event: &MarketEvent) {
        self.revision += 1;
        let event_time = event.event_time.map(Timestamp::as_millis);
        self.data.venue_time_ms = self.data.venue_time_ms.max(event_time);
        self.data.receive_time_us = self.data.receive_time_us.max(Some(event.receive_time.as_micros()));
    }
}

/// Sets both sides; an empty one is known to have nothing.
fn set_top(data: &mut QuoteData, quote: &Quote) {
    let parts = |side: Option<Level>| (side.map(|row| row.price), side.map(|row| row.quantity), side.is_none());
    (data.bid, data.bid_size, data.is_bid_gone) = parts(quote.bid);
    (data.ask, data.ask_size, data.is_ask_gone) = parts(quote.ask);
}

/// The state published on one lane.
#[derive(Clone, Debug, Default)]
pub(crate) struct QuoteLane {
    published: QuoteData,
    /// Revisions of the quote and of the book at the last turn.
    seen: Option<(u64, u64)>,
}

impl QuoteLane {
    /// Returns the fields that changed since the last turn. New times alone do not count.
    pub(crate) fn turn(
        &mut self,
        state: &QuoteState,
        (book, book_revision): (Option<&TrackedBook>, u64),
        digits: Digits,
        now: Now,
    ) -> Option<QuoteData> {
        let seen = Some((state.revision(), book_revision));
        if self.seen == seen {
            return None;
        }
        self.seen = seen;
        let current = state.current(book, digits);
        let untimed = QuoteData { venue_time_ms: None, receive_time_us: None, ..current.clone() };
        let mut delta = self.published.diff(&untimed)?;
        delta.venue_time_ms = current.venue_time_ms;
        delta.receive_time_us = current.receive_time_us;
        delta.publish_time_us = Some(now.wall.as_micros());
        self.published.merge(&delta);
        Some(delta)
    }

    /// Returns everything published on this lane.
    pub(crate) fn snapshot(&self) -> QuoteData {
        self.published.clone()
    }
}

#[cfg(test)]
mod tests {
    use model::event::{AggressorSide, MarketEventKind};

    use super::*;
    use crate::testing::{WALL_MS, event, instrument, level, now_at, price, size, trade};

    fn live_book(bid: &str, ask: &str) -> TrackedBook {
        let mut tracked = TrackedBook { state: BookState::Live, ..TrackedBook::default() };
        tracked.book.apply_snapshot(&[level(bid, "1")], &[level(ask, "2")]);
        tracked.receive_time = Some(now_at(40).wall);
        tracked
    }

    fn on_trade(state: &mut QuoteState, sighting: Sighting, event_ms: i64, at: &str) {
        let trade = trade(1, at, "1");
        state.on_trade(&trade, sighting, &event(5, Some(event_ms), MarketEventKind::Trade(trade.clone())));
    }

    #[test]
    fn the_book_gives_a_quote_only_while_live_and_until_the_venue_does() {
        let (mut state, mut lane, mut book) = (QuoteState::default(), QuoteLane::default(), live_book("10", "11"));
        let digits = Digits::of(&instrument("demo:AAABBB", "0.01", "0.1"));
        let delta = lane.turn(&state, (Some(&book), 1), digits, now_at(50)).unwrap();
        assert_eq!(
            (delta.bid.unwrap().to_string(), delta.ask_size.unwrap().to_string()),
            ("10.00".into(), "2.0".into())
        );
        assert_eq!(delta.receive_time_us, Some((WALL_MS + 40) * 1_000));
        assert_eq!(delta.publish_time_us, Some((WALL_MS + 50) * 1_000));
        for not_live in [BookState::Suspect, BookState::Resyncing, BookState::Unverified] {
            book = TrackedBook { state: not_live, ..live_book("12", "13") };
            assert_eq!(lane.turn(&state, (Some(&book), 2), digits, now_at(60)), None);
        }
        assert_eq!(lane.snapshot().bid, Some(price("10")));

        let quote = Quote { bid: Some(level("20", "1")), ask: Some(level("21", "2")) };
        state.on_quote(&quote, &event(70, None, MarketEventKind::Quote(quote)));
        book = live_book("14", "15");
        let delta = lane.turn(&state, (Some(&book), 3), digits, now_at(80)).unwrap();
        assert_eq!((delta.bid, delta.bid_size), (Some(price("20")), None), "only what changed");
    }

    /// From the venue's quote and from a live book: the empty side goes, the other one goes on, and it comes back.
    #[test]
    fn a_side_that_is_gone_is_withdrawn() {
        let digits = Digits::of(&instrument("demo:AAABBB", "0.01", "0.1"));
        let both = Quote { bid: Some(level("10", "1")), ask: Some(level("11", "2")) };
        let bids = Quote { bid: Some(level("10.5", "1")), ask: None };
        let asks = Quote { bid: None, ask: Some(level("11", "2")) };
        let steps = [(both, "10.00 11.00"), (bids, "10.50 -"), (both, "10.00 11.00"), (asks, "- 11.00")];
        let shown =
            |side: Option<model::decimal::Price>| side.map_or_else(|| "-".to_owned(), |price| price.to_string());
        for is_venues in [true, false] {
            let (mut state, mut lane) = (QuoteState::default(), QuoteLane::default());
            let mut merged = QuoteData::default();
            for (number, (quote, expected)) in (1..).zip(steps) {
                let mut book = TrackedBook { state: BookState::Live, ..TrackedBook::default() };
                if is_venues {
                    state.on_quote(&quote, &event(number, None, MarketEventKind::Quote(quote)));
                } else {
                    let rows = |side: Option<Level>| side.into_iter().collect::<Vec<_>>();
                    book.book.apply_snapshot(&rows(quote.bid), &rows(quote.ask));
                }
                let delta = lane.turn(&state, (Some(&book), number), digits, now_at(number)).unwrap();
                merged.merge(&delta);
                assert_eq!(format!("{} {}", shown(merged.bid), shown(merged.ask)), expected);
                assert_eq!((merged.bid_size.is_some(), merged.is_bid_gone), (quote.bid.is_some(), quote.bid.is_none()));
                assert_eq!((merged.ask_size.is_some(), merged.is_ask_gone), (quote.ask.is_some(), quote.ask.is_none()));
                assert_eq!(merged, lane.snapshot());
            }
        }
    }

    #[test]
    fn times_alone_are_no_delta() {
        let (mut state, mut lane) = (QuoteState::default(), QuoteLane::default());
        on_trade(&mut state, Sighting::New, 100, "10");
        assert!(lane.turn(&state, (None, 0), Digits::default(), now_at(1)).is_some());
        on_trade(&mut state, Sighting::New, 200, "10");
        assert_eq!(lane.turn(&state, (None, 0), Digits::default(), now_at(2)), None);
        on_trade(&mut state, Sighting::New, 300, "11");
        let delta = lane.turn(&state, (None, 0), Digits::default(), now_at(3)).unwrap();
        assert_eq!((delta.last, delta.last_side, delta.venue_time_ms), (Some(price("11")), None, Some(300)));
    }

    #[test]
    fn late_trades_are_not_the_last_price() {
        let mut state = QuoteState::default();
        on_trade(&mut state, Sighting::New, 100, "10");
        on_trade(&mut state, Sighting::Late, 101, "99");
        assert_eq!(state.current(None, Digits::default()).last, Some(price("10")));
        let by_time = Trade { id: TradeId::Text("".into()), ..trade(0, "98", "1") };
        state.on_trade(&by_time, Sighting::New, &event(5, Some(99), MarketEventKind::Trade(by_time.clone())));
        assert_eq!(state.current(None, Digits::default()).last, Some(price("10")));
    }

    #[test]
    fn figures_of_the_day_give_a_last_price_where_there_are_no_trades() {
        let mut state = QuoteState::default();
        let day = DayStatistics::published(["1", "3", "1", "2"].map(price), Some(size("9")));
        state.on_day(&day, &event(5, None, MarketEventKind::Day(day)));
        assert_eq!(state.current(None, Digits::default()).last, Some(price("2")));
        on_trade(&mut state, Sighting::New, 100, "2.5");
        state.on_day(&day, &event(6, None, MarketEventKind::Day(day)));
        let current = state.current(None, Digits::default());
        assert_eq!((current.last, current.last_side), (Some(price("2.5")), Some(AggressorSide::Buyer)));
        assert_eq!((current.day_high, current.day_volume), (Some(price("3")), Some(size("9"))));
        // Figures that the venue does not know now stay as they were.
        let partial = DayStatistics::published(["0", "4", "0", "0"].map(price), None);
        state.on_day(&partial, &event(7, None, MarketEventKind::Day(partial)));
        let current = state.current(None, Digits::default());
        assert_eq!((current.day_high, current.day_low), (Some(price("4")), Some(price("1"))));
        assert_eq!((current.last, current.day_volume), (Some(price("2.5")), Some(size("9"))));
    }

    #[test]
    fn zeros_of_the_day_are_not_known() {
        let mut state = QuoteState::default();
        let day = DayStatistics::published(["0", "0", "0", "517.96"].map(price), None);
        state.on_day(&day, &event(5, None, MarketEventKind::Day(day)));
        let current = state.current(None, Digits::default());
        assert_eq!((current.day_open, current.day_high, current.day_low, current.day_volume), (None, None, None, None));
        assert_eq!(current.last, Some(price("517.96")));
    }
}
