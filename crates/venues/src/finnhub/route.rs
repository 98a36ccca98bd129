//! Processes frames: trades, prices without a trade, signs of life, refusals.
//!
//! Not here: parsing a frame ([`super::frame`]).

use model::{
    event::{AggressorSide, MarketEventKind, Trade, TradeId},
    status::FeedCause,
    time::Now,
};

use crate::{
    finnhub::{
        conditions::Effect,
        frame::{FinnhubFrame, FinnhubTrade},
        protocol::FinnhubSession,
    },
    kit::protocol::Symbol,
    session::ConnectionId,
};

impl FinnhubSession {
    /// Processes a parsed frame.
    pub(super) fn route(&mut self, connection: ConnectionId, frame: FinnhubFrame<'_>, now: Now) {
        match frame {
            FinnhubFrame::Trades(mut trades) => {
                // A frame mixes symbols, and venues report late: each symbol's trades are put in their own order.
                trades.sort_by_key(FinnhubTrade::time_ms);
                trades.iter().for_each(|trade| self.print(connection, trade, now));
            }
            FinnhubFrame::Ping => self.pool.alive(connection, now.monotonic),
            FinnhubFrame::Error(message) => self.refused(connection, &message, now),
            FinnhubFrame::Unknown => self.out.health.counters.unknown += 1,
        }
    }

    fn print(&mut self, connection: ConnectionId, trade: &FinnhubTrade<'_>, now: Now) {
        let Some(position) = self.data(connection, &trade.symbol, now) else { return };
        self.liveness.data(position, Some(trade.time()), now.monotonic);
        let effect = trade.effect();
        let symbol = &mut self.symbols[position];
        let is_first = symbol.instrument.is_none();
        // A price made elsewhere has digits that the market's prices do not have.
        if effect == Effect::Market && symbol.state.ticks.see(is_first, trade.price, trade.volume) {
            self.describe_ticks(position, now);
        }
        let Symbol { id, state, .. } = &mut self.symbols[position];
        if trade.time() < state.newest {
            self.out.health.counters.out_of_order += 1;
        }
        // Some markets only report prices, with volume 0: these too give the last price and the bars.
        if trade.volume.is_zero()
            && effect == Effect::Market
            && trade.time() >= state.newest
            && let Some(day) = &mut state.day
        {
            day.advance(trade.price);
            let day = *day;
            self.out.event(id, Some(trade.time()), now, MarketEventKind::Day(day));
        }
        state.newest = state.newest.max(trade.time());
        let n_before = if state.last_print.0 == trade.time_ms() { state.last_print.1 + 1 } else { 0 };
        state.last_print = (trade.time_ms(), n_before);
        let print = Trade {
            id: TradeId::Text(format!("{}-{n_before}", trade.time_ms()).into()),
            price: trade.price,
            size: trade.volume,
            aggressor_side: AggressorSide::Unknown,
        };
        let kind = match effect {
            Effect::Market => MarketEventKind::Trade(print),
            Effect::VolumeOnly => MarketEventKind::OffMarketTrade(print),
            Effect::Nothing => return,
        };
        self.out.event(id, Some(trade.time()), now, kind);
    }

    /// Handles a refusal; the venue does not name the subscription: any of those without data may be meant.
    fn refused(&mut self, connection: ConnectionId, message: &str, now: Now) {
        self.pool.alive(connection, now.monotonic);
        self.keep_stated_wait(message, now);
        let detail: String = message.chars().take(200).collect();
        for symbol in self.symbols.iter().filter(|symbol| symbol.instrument.is_none() && !symbol.is_unknown) {
            let cause = FeedCause::Refused { detail: detail.clone() };
            self.out.health.instrument_causes.insert(symbol.id.clone(), cause);
        }
    }
}
