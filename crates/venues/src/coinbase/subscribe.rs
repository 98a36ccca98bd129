//! What is asked for on a connection: one channel a message, heartbeats first, and the book's channel again.
//!
//! The venue answers with no number of ours, so no answer is waited for. Not here: when a message goes out
//! ([`crate::kit::connection`]).

use serde::Serialize;

use crate::kit::connection::Subscription;

/// Channels with data, by the name that messages use: the book's frames call theirs `l2_data`.
pub(super) const CHANNELS: [&str; 3] = [BOOK_CHANNEL, "market_trades", "ticker"];
const BOOK_CHANNEL: &str = "level2";

/// Heartbeats: without them the venue closes channels that are quiet for a minute.
pub(super) fn heartbeats() -> Option<Subscription> {
    message(Verb::Subscribe, "heartbeats", &[])
}

/// Everything about these products.
pub(super) fn everything(products: &[(usize, &str)]) -> Vec<Subscription> {
    if products.is_empty() {
        return Vec::new();
    }
    CHANNELS.iter().filter_map(|channel| message(Verb::Subscribe, channel, products)).collect()
}

/// A fresh snapshot of these products' books.
pub(super) fn books_again(products: &[(usize, &str)]) -> Vec<Subscription> {
    [Verb::Unsubscribe, Verb::Subscribe].into_iter().filter_map(|verb| message(verb, BOOK_CHANNEL, products)).collect()
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Subscribe,
    Unsubscribe,
}

fn message(verb: Verb, channel: &str, products: &[(usize, &str)]) -> Option<Subscription> {
    #[derive(Serialize)]
    struct Message<'a> {
        #[serde(rename = "type")]
        verb: Verb,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        product_ids: Vec<&'a str>,
        channel: &'a str,
    }
    let product_ids = products.iter().map(|(_, product)| *product).collect();
    let text = serde_json::to_string(&Message { verb, product_ids, channel }).ok()?;
    Some(Subscription { symbols: products.iter().map(|(position, _)| *position).collect(), request: None, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_channel_a_message() {
        let products = [(3, "AAA-USD"), (5, "B\"B-USD")];
        let texts: Vec<String> = heartbeats()
            .into_iter()
            .chain(everything(&products))
            .chain(books_again(&products[..1]))
            .map(|message| message.text)
            .collect();
        assert_eq!(
            texts,
            [
                r#"{"type":"subscribe","channel":"heartbeats"}"#,
                r#"{"type":"subscribe","product_ids":["AAA-USD","B\"B-USD"],"channel":"level2"}"#,
                r#"{"type":"subscribe","product_ids":["AAA-USD","B\"B-USD"],"channel":"market_trades"}"#,
                r#"{"type":"subscribe","product_ids":["AAA-USD","B\"B-USD"],"channel":"ticker"}"#,
                r#"{"type":"unsubscribe","product_ids":["AAA-USD"],"channel":"level2"}"#,
                r#"{"type":"subscribe","product_ids":["AAA-USD"],"channel":"level2"}"#,
            ]
        );
        assert!(everything(&[]).is_empty());
    }
}
