//! From verified events to what is shown: topic snapshots and deltas for each cadence lane, of one feed. Pure.
//!
//! Not here: venues' protocols and books (`venues`), the form on the browser socket (`wire`), offsets and subscribers
//! (`hub`). The same [`View`] runs in the server and, in direct mode, in the page.
//!
//! # Layout
//! - [`View`]: the way in and out · `instrument_view`: one instrument and its topics' lanes
//! - [`consolidated`]: one pair over all venues · [`desk_feed`]: what the trading desk receives
//! - [`indicators`]: values of indicators on candles and book
//! - `quote`, `tape`, `book_lane` and `ladder`, `candles`, `quality`, `status`: the channels · `latency`: how long messages took
//! - `seen_trades`: each trade once · `clock`: when things came, and the venue's time · `digits`: published decimals · `lane_state`: a value a lane
//!
//! # Example
//! ```
//! use market::{View, ViewConfig};
//! use model::{
//!     decimal::{Price, Quantity},
//!     event::{AggressorSide, MarketEvent, MarketEventKind, Trade, TradeId},
//!     instrument::InstrumentId,
//!     proof::Books,
//!     status::FeedHealth,
//!     time::{Now, Timestamp},
//! };
//! use topics::{channels::TopicData, lane::Lane, topic::Topic};
//!
//! let instrument = InstrumentId::parse("demo:AAABBB")?;
//! let mut view = View::new(ViewConfig::default());
//! view.start_topic(&Topic::quote(&instrument), Lane::Fast);
//! view.apply(&MarketEvent {
//!     instrument: instrument.clone(),
//!     event_time: Some(Timestamp::from_millis(1_763_668_000_123)),
//!     receive_time: Timestamp::from_millis(1_763_668_000_140),
//!     kind: MarketEventKind::Trade(Trade {
//!         id: TradeId::Sequence(1),
//!         price: Price::parse("61602.01")?,
//!         size: Quantity::parse("0.5")?,
//!         aggressor_side: AggressorSide::Buyer,
//!     }),
//! });
//! let deltas = view.turn(Lane::Fast, Now::default(), &FeedHealth::default(), &Books::new());
//! let [(topic, TopicData::Quote(quote))] = deltas.as_slice() else { panic!("one quote changed") };
//! assert_eq!(topic.to_string(), "quote:demo:AAABBB");
//! assert_eq!(quote.last.map(|price| price.to_string()), Some("61602.01".into()));
//! # Ok::<(), model::error::ModelError>(())
//! ```

mod book_lane;
mod candles;
mod clock;
pub mod consolidated;
pub mod desk_feed;
mod digits;
pub mod indicators;
mod instrument_view;
mod ladder;
mod lane_state;
mod latency;
mod quality;
mod quote;
mod seen_trades;
mod stamps;
mod status;
mod tape;
mod view;

#[cfg(test)]
mod testing;

pub use status::{StatusLane, connection_entry};
pub use view::{View, ViewConfig};
