//! Processes REST answers: day statistics, history, and whether a silent symbol is dead.
//!
//! Not here: when requests are sent ([`crate::kit::requests`]).

use model::{
    candle::Interval,
    decimal::Quantity,
    event::{CandleHistory, MarketEventKind},
    status::FeedCause,
    time::Now,
};

use crate::{
    finnhub::{
        ATTEMPTS,
        protocol::{FinnhubSession, Purpose},
        rest::{FinnhubCandles, FinnhubQuote},
    },
    kit::{bars, protocol::Unreadable, requests::Task},
};

impl FinnhubSession {
    /// Processes an answer.
    ///
    /// # Errors
    /// The answer cannot be parsed.
    pub(super) fn take_answer(&mut self, task: &Task<Purpose>, body: &str, now: Now) -> Result<(), Unreadable> {
        match &task.purpose {
            Purpose::Quote { symbol } => {
                let quote: FinnhubQuote = serde_json::from_str(body)?;
                if quote.is_unknown() {
                    self.zeros(task, *symbol, now);
                } else {
                    self.quote(*symbol, &quote, now);
                }
            }
            Purpose::Probe { symbol } => {
                let quote: FinnhubQuote = serde_json::from_str(body)?;
                self.probed(*symbol, Some(quote.time()), now);
            }
            Purpose::History { symbol, interval, .. } => {
                let candles = serde_json::from_str::<FinnhubCandles>(body)?.candles().ok_or(Unreadable)?;
                let candles = if *interval == Interval::H4 { bars::joined(*interval, candles) } else { candles };
                let history = CandleHistory { interval: *interval, candles };
                self.out.event(&self.symbols[*symbol].id, None, now, MarketEventKind::History(history));
            }
        }
        Ok(())
    }

    /// Handles a quote of zeros: an unknown symbol, or a moment's fault of the venue about a known one. The same answer
    /// to every attempt decides, unless a trade or an earlier quote has proved the symbol.
    fn zeros(&mut self, task: &Task<Purpose>, position: usize, now: Now) {
        if self.symbols[position].instrument.is_some() {
            return;
        }
        if task.n_failed + 1 < ATTEMPTS {
            self.retry(task.clone(), now);
        } else {
            self.mark_unknown(position);
        }
    }

    /// Processes the refusal of a request.
    pub(super) fn take_refusal(&mut self, task: Task<Purpose>, status: u16, now: Now) {
        if status == 401 {
            let detail = "the venue does not accept the token: check venues.finnhub.token".to_owned();
            self.out.set_rest_cause(Some(FeedCause::CredentialsRefused { detail }));
            self.retry(task, now);
        }
    }

    /// Processes day statistics as of the last trade: they never replace newer ones.
    fn quote(&mut self, position: usize, quote: &FinnhubQuote, now: Now) {
        if self.polling.is_on() {
            self.out.set_polling(true);
        }
        let symbol = &mut self.symbols[position];
        if symbol.instrument.is_none() && symbol.state.ticks.see(true, quote.last(), Quantity::ZERO) {
            self.describe_ticks(position, now);
        }
        let symbol = &mut self.symbols[position];
        if symbol.state.day.is_some() && quote.time() <= symbol.state.newest {
            return;
        }
        symbol.state.newest = symbol.state.newest.max(quote.time());
        symbol.state.day = Some(quote.day());
        self.out.event(&symbol.id, Some(quote.time()), now, MarketEventKind::Day(quote.day()));
    }
}
