//! The stream's messages: those from a client to the server, and those from the server to the page, in both forms. Any
//! message that decodes is encoded and decodes again to the same.
//!
//! Not here: the server's handling of a message.

#![no_main]

use fuzz::mutate;
use topics::topic::{Topic, TopicPattern};
use wire::{
    Encoding, Frame, decode_client, decode_server, decode_server_json, encode_client, encode_server,
    message::{ServerMessage, StreamName, Subscribed},
    names::StreamNames,
};

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::text(data, size, max_size, seed)
});
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    for frame in [Frame::Binary(data), Frame::Text(&text)] {
        if let Ok(message) = decode_client(frame) {
            let binary = encode_client(&message, Encoding::Binary);
            assert_eq!(decode_client(Frame::Binary(&binary)), Ok(message.clone()));
            let json = String::from_utf8(encode_client(&message, Encoding::Json)).expect("JSON is text");
            assert_eq!(decode_client(Frame::Text(&json)), Ok(message));
        }
    }
    let names = names();
    if let Ok(message) = decode_server(data, &names) {
        let again = encode_server(&message, Encoding::Binary);
        assert_eq!(decode_server(&again, &names), Ok(message));
    }
    if let Ok(message) = decode_server_json(&text) {
        let json = String::from_utf8(encode_server(&message, Encoding::Json)).expect("JSON is text");
        assert_eq!(decode_server_json(&json), Ok(message));
    }
    if let Ok(topic) = Topic::parse(&text) {
        assert_eq!(topic.to_string(), text);
    }
    if let Ok(pattern) = TopicPattern::parse(&text) {
        assert_eq!(pattern.to_string(), text);
    }
});

/// One stream of each channel.
fn names() -> StreamNames {
    let topics = [
        "quote:d:A",
        "tape:d:A",
        "book:d:A",
        "candles.1m:d:A",
        "quality:d:A",
        "consolidated:all:A/B",
        "status",
        "system",
        "replay",
    ];
    let named = topics
        .iter()
        .zip(1..)
        .filter_map(|(topic, stream)| Some(StreamName { stream, topic: Topic::parse(topic).ok()? }));
    let mut names = StreamNames::new();
    names.learn(&ServerMessage::Subscribed(Subscribed { id: 0, topics: named.collect() }));
    names
}
