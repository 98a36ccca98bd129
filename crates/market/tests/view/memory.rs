//! Memory does not grow with time: in steps of two hours, until even the series of days are full, and further.

use market::{View, ViewConfig};
use model::{
    event::{BookUpdate, MarketEventKind, Quote, TradeId},
    proof::{BookState, Books},
    status::FeedHealth,
};
use topics::{lane::Lane, topic::Topic};

use crate::common::{event, id, level, now_at, trade, venue_at};

/// Everything the view holds, as text: grows if any of its collections does.
fn held_bytes(view: &View) -> usize {
    format!("{view:?}").len()
}

#[test]
fn holds_as_much_after_four_years_as_after_three() {
    let (mut view, health, mut books) = (View::new(ViewConfig::default()), FeedHealth::default(), Books::new());
    let topics = [Topic::quote(&id(0)), Topic::tape(&id(0)), Topic::book(&id(0)), Topic::STATUS];
    // One lane is started but never turned, as when its reader's task hangs.
    topics.iter().for_each(|topic| view.start_topic(topic, Lane::Fast));
    view.start_topic(&Topic::tape(&id(0)), Lane::Slow);
    books.entry(id(0)).or_default().state = BookState::Live;
    let mut held = Vec::new();
    for number in 0..18_000_u64 {
        let (millis, wave) = (number * 7_200_000, i64::try_from(number % 500).unwrap());
        let mut apply = |kind: MarketEventKind| view.apply(&event(id(0), millis, Some(venue_at(millis)), kind));
        apply(trade(TradeId::Sequence(1_000_000 + number * 2), 100_000 + wave, 1_000 + wave));
        apply(MarketEventKind::Quote(Quote { bid: Some(level(wave + 1, 1)), ask: Some(level(wave + 2, 1)) }));
        let bids = vec![level(100_000 + wave, wave % 3)];
        let tracked = books.entry(id(0)).or_default();
        tracked.book.apply_delta(&bids, &[]);
        tracked.book.truncate(30);
        apply(MarketEventKind::Book(BookUpdate::Delta { state: BookState::Live, bids, asks: Vec::new() }));
        view.turn(Lane::Fast, now_at(millis), &health, &books);
        let _unanswered = view.take_history_requests();
        if number % 500 == 0 && number > 12_000 {
            held.push(held_bytes(&view));
        }
    }
    let (least, most) = (*held.iter().min().unwrap(), *held.iter().max().unwrap());
    assert!(least > 100_000, "{least}: there is something to hold");
    // Counts get more digits.
    assert!(most - least < least / 200, "{held:?}");
}
