//! What frames mean for the session: prints, prices without a print, signs of life, refusals.
//!
//! Not here: how a frame is read ([`super::frame`]).

use model::{
    event::{AggressorSide, MarketEventKind, Trade, TradeId},
    status::FeedCause,
    time::Now,
};

use crate::{
    finnhub::{
        frame::{self, FinnhubFrame, FinnhubTrade},
        limits::FRAME_BYTES,
        session::FinnhubSession,
    },
    session::ConnectionId,
};

impl FinnhubSession {
    /// A text frame came.
    pub(super) fn frame(&mut self, connection: ConnectionId, text: &str, now: Now) {
        if !self.pool.has(connection) {
            return;
        }
        self.out.frame(now);
        let frame = if text.len() <= FRAME_BYTES { frame::parse(text).ok() } else { None };
        match frame {
            Some(FinnhubFrame::Trades(mut trades)) => {
                // A frame mixes symbols, and venues report late: each symbol's prints go in their own order.
                trades.sort_by_key(FinnhubTrade::time_ms);
                trades.iter().for_each(|trade| self.print(connection, trade, now));
            }
            Some(FinnhubFrame::Ping) => self.pool.alive(connection, now.monotonic),
            Some(FinnhubFrame::Error(message)) => self.refused(connection, &message, now),
            Some(FinnhubFrame::Unknown) => self.out.health.counters.unknown += 1,
            None => self.out.health.counters.malformed += 1,
        }
    }

    fn print(&mut self, connection: ConnectionId, trade: &FinnhubTrade<'_>, now: Now) {
        let position = self.named(&trade.symbol).filter(|position| !self.streams[*position].is_unknown);
        self.pool.data(connection, position, now, &mut self.out);
        let Some(position) = position else { return };
        self.liveness.data(position, Some(trade.time()), now.monotonic);
        let stream = &mut self.streams[position];
        self.out.health.instrument_causes.remove(&stream.id);
        self.out.health.silences.remove(&stream.id);
        let is_first = stream.instrument.is_none();
        if stream.ticks.see(is_first, trade.price, trade.volume) {
            self.describe(position, now);
        }
        let stream = &mut self.streams[position];
        if trade.time() < stream.newest {
            self.out.health.counters.out_of_order += 1;
        }
        // A price without volume is no print: some markets only say where the price is.
        if trade.volume.is_zero() {
            if trade.time() >= stream.newest
                && let Some(day) = &mut stream.day
            {
                (day.last, day.high, day.low) = (trade.price, day.high.max(trade.price), day.low.min(trade.price));
                let day = *day;
                self.out.event(&stream.id, Some(trade.time()), now, MarketEventKind::Day(day));
            }
            stream.newest = stream.newest.max(trade.time());
            return;
        }
        stream.newest = stream.newest.max(trade.time());
        let n_before = if stream.last_print.0 == trade.time_ms() { stream.last_print.1 + 1 } else { 0 };
        stream.last_print = (trade.time_ms(), n_before);
        let print = Trade {
            id: TradeId::Text(format!("{}-{n_before}", trade.time_ms()).into()),
            price: trade.price,
            size: trade.volume,
            aggressor_side: AggressorSide::Unknown,
        };
        self.out.event(&stream.id, Some(trade.time()), now, MarketEventKind::Trade(print));
    }

    /// The venue does not say which subscription it refuses: those that have had no data may be meant.
    fn refused(&mut self, connection: ConnectionId, message: &str, now: Now) {
        self.pool.alive(connection, now.monotonic);
        let detail: String = message.chars().take(200).collect();
        for stream in self.streams.iter().filter(|stream| stream.instrument.is_none() && !stream.is_unknown) {
            let cause = FeedCause::Refused { detail: detail.clone() };
            self.out.health.instrument_causes.insert(stream.id.clone(), cause);
        }
    }
}
