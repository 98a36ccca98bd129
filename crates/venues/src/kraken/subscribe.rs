//! What is asked for on a connection: the instruments, and three channels a symbol.
//!
//! Source: <https://docs.kraken.com/api/docs/websocket-v2/book>. The venue answers with our number, once a symbol; the number
//! holds the channel, because a refusal does not name it. Not here: when a message goes out and what became of it
//! ([`crate::kit::connection`]).

use serde::Serialize;

use crate::{
    kit::connection::Subscription,
    kraken::limits::{BOOK_DEPTH, SYMBOLS_PER_MESSAGE},
};

/// What can be subscribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Channel {
    Instrument,
    Book,
    Trade,
    Ticker,
}

impl Channel {
    /// Those of a symbol, in the order in which they are asked for.
    const OF_SYMBOL: [Self; 3] = [Self::Book, Self::Trade, Self::Ticker];

    /// The channel that the message of that number was about.
    pub(super) fn of_request(request: u64) -> Self {
        match request % 4 {
            0 => Self::Instrument,
            1 => Self::Book,
            2 => Self::Trade,
            _ => Self::Ticker,
        }
    }

    fn request(self, n_messages: &mut u64) -> u64 {
        *n_messages += 1;
        *n_messages * 4 + self as u64
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Instrument => "instrument",
            Self::Book => "book",
            Self::Trade => "trade",
            Self::Ticker => "ticker",
        }
    }
}

/// What is done with a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Subscribe,
    Unsubscribe,
}

/// Messages that subscribe to everything of `members`; `symbol` gives a position's symbol, `n_messages` numbers the messages.
pub(super) fn messages<'a>(
    members: &[usize],
    symbol: impl Fn(usize) -> Option<&'a str>,
    n_messages: &mut u64,
) -> Vec<Subscription> {
    let mut messages: Vec<Subscription> =
        message(Method::Subscribe, Channel::Instrument, &[], n_messages).into_iter().collect();
    for chunk in members.chunks(SYMBOLS_PER_MESSAGE) {
        let symbols: Vec<(usize, &str)> =
            chunk.iter().filter_map(|position| Some((*position, symbol(*position)?))).collect();
        messages.extend(
            Channel::OF_SYMBOL
                .into_iter()
                .filter_map(|channel| message(Method::Subscribe, channel, &symbols, n_messages)),
        );
    }
    messages
}

/// A message about one channel of some symbols, given as position and name.
pub(super) fn message(
    method: Method,
    channel: Channel,
    symbols: &[(usize, &str)],
    n_messages: &mut u64,
) -> Option<Subscription> {
    #[derive(Serialize)]
    struct Message<'a> {
        method: &'static str,
        params: Params<'a>,
        req_id: u64,
    }
    #[derive(Serialize)]
    struct Params<'a> {
        channel: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        symbol: Option<Vec<&'a str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        depth: Option<usize>,
        #[serde(skip_serializing_if = "Option::is_none")]
        event_trigger: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        snapshot: Option<bool>,
    }
    let is_subscription = method == Method::Subscribe;
    let request = channel.request(n_messages);
    let message = Message {
        method: if is_subscription { "subscribe" } else { "unsubscribe" },
        params: Params {
            channel: channel.as_str(),
            symbol: (channel != Channel::Instrument).then(|| symbols.iter().map(|(_, name)| *name).collect()),
            depth: (channel == Channel::Book).then_some(BOOK_DEPTH),
            // Every change of the best bid and ask, not only those that come with a print.
            event_trigger: (channel == Channel::Ticker && is_subscription).then_some("bbo"),
            // The newest prints close the gap that a lost connection left.
            snapshot: is_subscription.then_some(true),
        },
        req_id: request,
    };
    let text = serde_json::to_string(&message).ok()?;
    let symbols = symbols.iter().map(|(position, _)| *position).collect();
    Some(Subscription { symbols, request: Some(request), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_channels_a_symbol_in_messages_of_bounded_size() {
        let names: Vec<String> = (0..70).map(|idx| format!("S{idx}/USD")).collect();
        let members: Vec<usize> = (0..70).collect();
        let mut n_messages = 0;
        let messages = messages(&members, |position| names.get(position).map(String::as_str), &mut n_messages);
        let shown: Vec<(Channel, usize, usize)> = messages
            .iter()
            .map(|message| {
                let channel = Channel::of_request(message.request.unwrap());
                (channel, message.symbols.len(), message.text.matches("/USD").count())
            })
            .collect();
        use Channel::{Book, Instrument, Ticker, Trade};
        let expected = [
            (Instrument, 0, 0),
            (Book, 50, 50),
            (Trade, 50, 50),
            (Ticker, 50, 50),
            (Book, 20, 20),
            (Trade, 20, 20),
            (Ticker, 20, 20),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn wording() {
        #[track_caller]
        fn check(method: Method, channel: Channel, expected: &str) {
            let message = message(method, channel, &[(3, "BTC/USD")], &mut 1).unwrap();
            assert_eq!(message.text, expected);
        }
        check(
            Method::Subscribe,
            Channel::Book,
            r#"{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":100,"snapshot":true},"req_id":9}"#,
        );
        check(
            Method::Unsubscribe,
            Channel::Book,
            r#"{"method":"unsubscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":100},"req_id":9}"#,
        );
        check(
            Method::Subscribe,
            Channel::Ticker,
            r#"{"method":"subscribe","params":{"channel":"ticker","symbol":["BTC/USD"],"event_trigger":"bbo","snapshot":true},"req_id":11}"#,
        );
        check(
            Method::Subscribe,
            Channel::Instrument,
            r#"{"method":"subscribe","params":{"channel":"instrument","snapshot":true},"req_id":8}"#,
        );
    }
}
