//! Frames in the form of Coinbase Advanced Trade, numbered as on one connection.

#![allow(dead_code, reason = "each test file uses its part")]

use std::ops::{Deref, DerefMut};

use model::{
    instrument::InstrumentId,
    proof::{BookState, TrackedBook},
};
use venues::session::{ConnectionId, HttpRequest, Input, Output, SessionConfig};

use crate::support::{Rig, listed};

/// A session and its one connection, whose frames are numbered.
pub(crate) struct Feed {
    pub(crate) rig: Rig,
    pub(crate) connection: ConnectionId,
    pub(crate) sequence: u64,
}

impl Deref for Feed {
    type Target = Rig;

    fn deref(&self) -> &Rig {
        &self.rig
    }
}

impl DerefMut for Feed {
    fn deref_mut(&mut self) -> &mut Rig {
        &mut self.rig
    }
}

impl Feed {
    /// Returns a started and connected feed whose messages are sent.
    pub(crate) fn connected(symbols: &[&str]) -> Self {
        Self::of(&listed(symbols))
    }

    pub(crate) fn of(config: &SessionConfig) -> Self {
        let rig = Rig::of("coinbase", config);
        let connection = rig.wanted_connection();
        let mut feed = Self { rig, connection, sequence: 0 };
        feed.reconnect();
        feed
    }

    /// Opens the newest requested connection; its numbers begin at zero.
    pub(crate) fn reconnect(&mut self) {
        self.connection = self.rig.wanted_connection();
        self.sequence = 0;
        let connection = self.connection;
        self.rig.input(Input::Connected(connection));
        self.rig.run(2_000);
    }

    /// Delivers a frame of a channel with the next number.
    pub(crate) fn say(&mut self, channel: &str, events: &str) {
        let frame = self.next(channel, events);
        self.hear(&frame);
    }

    /// Returns the frame of a channel with the next number without delivering it.
    pub(crate) fn next(&mut self, channel: &str, events: &str) -> String {
        let frame = numbered(channel, self.sequence, events);
        self.sequence += 1;
        frame
    }

    /// Delivers a frame unchanged.
    pub(crate) fn hear(&mut self, frame: &str) {
        self.rig.frame(self.connection, frame);
    }

    /// Delivers a small whole book: 100.00 / 101.00.
    pub(crate) fn snapshot(&mut self, symbol: &str) {
        self.say("l2_data", &book("snapshot", symbol, SMALL));
    }

    pub(crate) fn update(&mut self, symbol: &str, rows: &[(&str, &str, &str)]) {
        self.say("l2_data", &book("update", symbol, rows));
    }

    pub(crate) fn heartbeat(&mut self) {
        self.say("heartbeats", r#"{"current_time":"2026-01-02 03:04:05.85 +0000 UTC m=+1.2","heartbeat_counter":7}"#);
    }

    /// Returns the messages sent on the newest connection since the last call of `take`, with their times.
    pub(crate) fn sent(&self) -> Vec<(u64, String)> {
        let sent = self.rig.log.iter().filter_map(|(time, output)| match output {
            Output::Send(on, text) if *on == self.connection => Some((*time, text.clone())),
            _ => None,
        });
        sent.collect()
    }

    pub(crate) fn requests_of(&self, path_end: &str) -> Vec<(u64, HttpRequest)> {
        self.rig.all_requests().into_iter().filter(|(_, request)| request.path.ends_with(path_end)).collect()
    }

    pub(crate) fn tracked(&self, symbol: &str) -> &TrackedBook {
        &self.rig.session.books()[&id(symbol)]
    }

    pub(crate) fn state(&self, symbol: &str) -> BookState {
        self.tracked(symbol).state
    }

    /// Returns the events of one symbol as short words, without those that describe it.
    pub(crate) fn words_of(&self, symbol: &str) -> Vec<String> {
        let start = format!("{symbol} ");
        let words = self.rig.words().into_iter().filter_map(|words| words.strip_prefix(&start).map(str::to_owned));
        words.filter(|words| !words.starts_with("instrument")).collect()
    }
}

const SMALL: &[(&str, &str, &str)] =
    &[("bid", "100.00", "1.0"), ("bid", "99.00", "5.0"), ("offer", "101.00", "3.0"), ("offer", "102.00", "4.0")];

pub(crate) fn id(symbol: &str) -> InstrumentId {
    InstrumentId::parse(&format!("coinbase:{symbol}")).unwrap()
}

pub(crate) fn numbered(channel: &str, sequence: u64, events: &str) -> String {
    format!(
        r#"{{"channel":"{channel}","timestamp":"2025-06-15T15:06:40.228568804Z","sequence_num":{sequence},"events":[{events}]}}"#
    )
}

pub(crate) fn book(kind: &str, symbol: &str, rows: &[(&str, &str, &str)]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|(side, price, quantity)| {
            format!(
                r#"{{"side":"{side}","event_time":"2025-06-15T15:06:40.170326Z","price_level":"{price}","new_quantity":"{quantity}"}}"#
            )
        })
        .collect();
    format!(r#"{{"type":"{kind}","product_id":"{symbol}","updates":[{}]}}"#, rows.join(","))
}

/// Trades in the venue's order: newest first. Times follow the ids.
pub(crate) fn trades(kind: &str, symbol: &str, prints: &[(u64, &str)]) -> String {
    let rows: Vec<String> = prints.iter().map(|(number, side)| print(symbol, *number, side)).collect();
    format!(r#"{{"type":"{kind}","trades":[{}]}}"#, rows.join(","))
}

pub(crate) fn print(symbol: &str, number: u64, side: &str) -> String {
    format!(
        r#"{{"product_id":"{symbol}","trade_id":"{number}","price":"100.50","size":"0.5","time":"2025-06-15T15:06:{:02}.5Z","side":"{side}"}}"#,
        number % 60
    )
}

pub(crate) fn ticker(symbol: &str, bid: &str, ask: &str) -> String {
    format!(
        r#"{{"type":"update","tickers":[{{"type":"ticker","product_id":"{symbol}","price":"110","volume_24_h":"5","low_24_h":"90","high_24_h":"120","low_52_w":"1","high_52_w":"200","price_percent_chg_24_h":"10","best_bid":"{bid}","best_ask":"{ask}","best_bid_quantity":"1.0","best_ask_quantity":"3.0"}}]}}"#
    )
}

pub(crate) fn product(symbol: &str, alias: &str) -> String {
    format!(
        r#"{{"product_id":"{symbol}","price":"110","price_percentage_change_24h":"10","volume_24h":"5","base_increment":"0.00000001","quote_increment":"0.01","quote_min_size":"1","status":"online","trading_disabled":false,"cancel_only":false,"quote_currency_id":"USD","base_currency_id":"AAA","alias":"{alias}","alias_to":[],"high_24h":"120","low_24h":"90"}}"#
    )
}
