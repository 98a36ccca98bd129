//! What is asked for on a connection: four streams a symbol, in messages that keep the venue's limits.
//!
//! Not here: when a message goes out and what became of it ([`crate::kit::connection`]).

use serde::Serialize;

use crate::{
    binance::limits::{STREAMS_PER_MESSAGE, STREAMS_PER_SYMBOL},
    kit::connection::Subscription,
};

/// Streams followed for each symbol: prints, best bid and ask, the book, figures of 24 hours.
const STREAMS: [&str; STREAMS_PER_SYMBOL] = ["trade", "bookTicker", "depth@100ms", "miniTicker"];

/// Messages that subscribe to `members`; `symbol` gives a position's symbol, `n_requests` numbers the messages.
pub(super) fn messages<'a>(
    members: &[usize],
    symbol: impl Fn(usize) -> Option<&'a str>,
    n_requests: &mut u64,
) -> Vec<Subscription> {
    #[derive(Serialize)]
    struct Subscribe {
        method: &'static str,
        params: Vec<String>,
        id: u64,
    }
    let chunks = members.chunks(STREAMS_PER_MESSAGE / STREAMS_PER_SYMBOL);
    let messages = chunks.filter_map(|symbols| {
        // An upper-case symbol in a stream's name gives no error and no data.
        let names = symbols.iter().filter_map(|position| symbol(*position)).map(str::to_lowercase);
        let params = names.flat_map(|name| STREAMS.map(|stream| format!("{name}@{stream}"))).collect();
        *n_requests += 1;
        let text = serde_json::to_string(&Subscribe { method: "SUBSCRIBE", params, id: *n_requests }).ok()?;
        Some(Subscription { symbols: symbols.to_vec(), request: Some(*n_requests), text })
    });
    messages.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_asked_for_in_messages_of_bounded_size() {
        let names: Vec<String> = (0..120).map(|idx| format!("S{idx}")).collect();
        let members: Vec<usize> = (0..120).collect();
        let mut n_requests = 7;
        let messages = messages(&members, |position| names.get(position).map(String::as_str), &mut n_requests);
        let counts: Vec<(Option<u64>, usize, usize)> = messages
            .iter()
            .map(|message| (message.request, message.symbols.len(), message.text.matches("@bookTicker").count()))
            .collect();
        assert_eq!(counts, [(Some(8), 50, 50), (Some(9), 50, 50), (Some(10), 20, 20)]);
        let start =
            r#"{"method":"SUBSCRIBE","params":["s0@trade","s0@bookTicker","s0@depth@100ms","s0@miniTicker","s1@"#;
        assert!(messages[0].text.starts_with(start), "{}", messages[0].text);
        assert!(messages[0].text.ends_with(r#""],"id":8}"#));
    }
}
