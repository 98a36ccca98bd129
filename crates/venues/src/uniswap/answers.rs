//! Processes a node's answers: tokens, prices, new blocks, swaps.
//!
//! Not here: when requests are sent ([`crate::kit::requests`]), JSON ([`super::rpc`]).

use std::sync::Arc;

use model::{
    event::{MarketEventKind, Trade, TradeId},
    status::{FeedCause, Silence},
    time::{Now, Timestamp},
};
use ruint::aliases::U256;

use crate::{
    budget::stated_wait,
    kit::{protocol::Unreadable, requests::Task},
    session::{HttpAnswer, HttpFailure, RequestId},
    uniswap::{
        history::Outcome,
        pool::{PoolInfo, Token},
        protocol::{Purpose, UniswapSession},
        rpc::{self, Answers, Block, Log},
        swap::{self, SWAP_TOPIC, Swap},
    },
};

/// Why an answer is useless.
enum Trouble {
    /// It could not be parsed.
    Malformed,
    /// The node refused a call.
    Refused { detail: String, is_limit: bool },
}

impl UniswapSession {
    /// Processes a node's answer.
    ///
    /// # Errors
    /// The answer cannot be parsed.
    pub(super) fn take_answer(&mut self, task: &Task<Purpose>, body: &str, now: Now) -> Result<(), Unreadable> {
        self.out.frame(now);
        match self.digest(&task.purpose, body, now) {
            Ok(()) => self.out.set_polling(true),
            Err(Trouble::Malformed) => return Err(Unreadable),
            Err(Trouble::Refused { detail, is_limit }) => {
                if is_limit {
                    self.requests.refused_as_too_many(stated_wait(&detail, now.wall), now, &mut self.out);
                } else {
                    self.out.set_rest_cause(Some(FeedCause::Refused { detail }));
                }
                self.retry(task.clone(), now);
            }
        }
        Ok(())
    }

    /// Processes the end of a request to the subgraph.
    pub(super) fn take_history(&mut self, id: RequestId, result: Result<HttpAnswer<'_>, HttpFailure>, now: Now) {
        let Some(history) = &mut self.protocol.history else { return };
        let symbols = &self.symbols;
        let outcome = history.answered(id, result, now, |pool| symbols.get(pool)?.state.info.as_ref());
        self.out.health.counters.malformed += history.take_malformed();
        match outcome {
            Outcome::None => {}
            Outcome::Bars(pool, bars) => {
                self.out.set_venue_cause(None);
                self.out.event(&self.symbols[pool].id, None, now, MarketEventKind::History(bars));
            }
            Outcome::Cause(cause) => self.out.set_venue_cause(Some(cause)),
        }
    }

    fn digest(&mut self, purpose: &Purpose, body: &str, now: Now) -> Result<(), Trouble> {
        let answers = rpc::answers(body).map_err(|_| Trouble::Malformed)?;
        match purpose {
            Purpose::Tokens { pool } => self.tokens(*pool, &answers, now),
            Purpose::Details { pool } => self.details(*pool, &answers, now),
            Purpose::Block => {
                let block: Block<'_> = read(&answers, 0)?;
                let number = swap::quantity(&block.number).ok_or(Trouble::Malformed)?;
                let time_s = swap::quantity(&block.timestamp).ok_or(Trouble::Malformed)?;
                self.want_swaps(number, time_s, now);
                Ok(())
            }
            Purpose::Swaps { to, time_s, .. } => {
                let logs: Vec<Log<'_>> = read(&answers, 0)?;
                self.protocol.last_block = Some(*to);
                let block_time = stamp(*time_s);
                for symbol in &self.symbols {
                    self.out.health.silences.insert(symbol.id.clone(), Silence::QuietByVenue);
                }
                logs.iter().for_each(|log| self.swap(log, block_time, now));
                Ok(())
            }
        }
    }

    fn tokens(&mut self, pool: usize, answers: &Answers<'_>, now: Now) -> Result<(), Trouble> {
        let token = |call| -> Result<Option<String>, Trouble> {
            let data: &str = read(answers, call)?;
            let words = swap::words(data).ok_or(Trouble::Malformed)?;
            let address = words.first().map(|word| format!("{word:#066x}")).filter(|_| words.len() == 1);
            Ok(address.map(|word| format!("0x{}", &word[26..])))
        };
        match (token(0)?, token(1)?) {
            (Some(token0), Some(token1)) => {
                self.symbols[pool].state.tokens = Some([token0, token1]);
                self.requests.push(Task::new(Purpose::Details { pool }), now.monotonic);
            }
            // The address does not answer, or is not a pool.
            _ => self.mark_unknown(pool),
        }
        Ok(())
    }

    fn details(&mut self, pool: usize, answers: &Answers<'_>, now: Now) -> Result<(), Trouble> {
        let Some([address0, address1]) = self.symbols[pool].state.tokens.clone() else { return Ok(()) };
        let token = |symbol, decimals, address: String| -> Result<Option<Token>, Trouble> {
            let name = match read(answers, symbol) {
                Ok(data) => swap::text(data),
                // A token without a name.
                Err(Trouble::Refused { is_limit: false, .. }) => None,
                Err(trouble) => return Err(trouble),
            };
            let decimals: &str = read(answers, decimals)?;
            let words = swap::words(decimals).ok_or(Trouble::Malformed)?;
            let decimals = words.first().and_then(|word| u32::try_from(*word).ok());
            Ok(decimals.map(|decimals| Token { symbol: name.unwrap_or(address), decimals }))
        };
        let (token0, token1) = (token(0, 1, address0)?, token(2, 3, address1)?);
        let slot: &str = read(answers, 4)?;
        let root = swap::words(slot).and_then(|words| words.first().copied()).unwrap_or(U256::ZERO);
        let info = token0.zip(token1).and_then(|(token0, token1)| PoolInfo::new(token0, token1));
        let described = info.and_then(|info| {
            let instrument = info.instrument(&self.symbols[pool].id, info.price(root)?)?;
            Some((info, instrument))
        });
        match described {
            Some((info, instrument)) => {
                self.symbols[pool].state.info = Some(info);
                self.learn(pool, Arc::new(instrument), now);
                if let Some(history) = &mut self.protocol.history {
                    history.known(pool, now);
                }
            }
            None => self.mark_unknown(pool),
        }
        Ok(())
    }

    fn swap(&mut self, log: &Log<'_>, block_time: Timestamp, now: Now) {
        let is_swap = log.topics.first().is_some_and(|topic| topic.eq_ignore_ascii_case(SWAP_TOPIC));
        let symbol = self.symbols.iter().find(|symbol| symbol.name().eq_ignore_ascii_case(&log.address));
        let Some((symbol, info)) = symbol.and_then(|symbol| Some((symbol, symbol.state.info.as_ref()?))) else {
            return;
        };
        if !is_swap || log.removed {
            self.out.health.counters.unknown += u64::from(!is_swap);
            return;
        }
        let number = swap::quantity(&log.log_index);
        let print = Swap::parse(&log.data).and_then(|swap| info.print(&swap));
        let (Some(number), Some(print), Some(_)) = (number, print, swap::quantity(&log.block_number)) else {
            self.out.health.counters.malformed += 1;
            return;
        };
        let id: Arc<str> = format!("{}#{number}", log.transaction_hash.to_lowercase()).into();
        if !self.protocol.seen.note(&id) {
            self.out.health.counters.duplicates += 1;
            return;
        }
        let time = log.block_timestamp.as_deref().and_then(swap::quantity).map_or(block_time, stamp);
        let trade =
            Trade { id: TradeId::Text(id), price: print.price, size: print.size, aggressor_side: print.aggressor_side };
        self.out.health.silences.remove(&symbol.id);
        self.out.event(&symbol.id, Some(time), now, MarketEventKind::Trade(trade));
    }
}

/// Returns the answer to one call.
fn read<'a, T: serde::Deserialize<'a>>(answers: &Answers<'a>, call: u64) -> Result<T, Trouble> {
    match answers.get(&call) {
        Some(Ok(result)) => serde_json::from_str(result.get()).map_err(|_| Trouble::Malformed),
        Some(Err(error)) => Err(Trouble::Refused { detail: error.detail(), is_limit: error.is_limit() }),
        // One refusal for the whole batch has the first number.
        None => match answers.get(&0) {
            Some(Err(error)) => Err(Trouble::Refused { detail: error.detail(), is_limit: error.is_limit() }),
            _ => Err(Trouble::Malformed),
        },
    }
}

fn stamp(time_s: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(time_s).unwrap_or(i64::MAX).saturating_mul(1_000))
}
