//! Checks that every JSON example in `docs/stream-protocol.md` is a message of this crate, and each listed word is
//! known.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use model::candle::Interval;
use topics::{channels::Channel, topic::Topic};
use wire::{
    Encoding, Frame, close_code::CloseCode, decode_client, decode_server_json, encode_client, encode_server,
    message::ServerMessage,
};

const DOCUMENT: &str = include_str!("../../../docs/stream-protocol.md");

/// Compares text: a field in the document that the crate does not know would be lost.
#[track_caller]
fn check(example: &str) {
    let encoded = match decode_client(Frame::Text(example)) {
        Ok(message) => encode_client(&message, Encoding::Json),
        Err(_) => encode_server(&decode_server_json(example).expect(example), Encoding::Json),
    };
    assert_eq!(String::from_utf8(encoded).unwrap(), example);
}

#[test]
fn examples_are_messages() {
    let (mut n_messages, mut n_data, mut heading) = (0, 0, "");
    for line in DOCUMENT.lines() {
        heading = line.strip_prefix("### ").unwrap_or(heading);
        let line = line.strip_prefix("-> ").or(line.strip_prefix("<- ")).unwrap_or(line);
        if line.starts_with(r#"{"type""#) {
            check(line);
            n_messages += 1;
        } else if line.starts_with('{') {
            let topic = match heading {
                "status" | "system" | "replay" | "signals" | "alerts" | "rules" | "operations" | "alert_channels" => {
                    heading.to_owned()
                }
                "indicators" => "indicators.1m.macd(12,26,9):demo:AAABBB".to_owned(),
                "candles" => "candles.1m:demo:AAABBB".to_owned(),
                "ladder" => "ladder.50:demo:AAABBB".to_owned(),
                "consolidated" => "consolidated:all:AAA/BBB".to_owned(),
                "dashboard" | "orders" | "trades" | "positions" | "performance" | "strategies" | "events" => {
                    format!("{heading}:account:paper")
                }
                channel => format!("{channel}:demo:AAABBB"),
            };
            check(&format!(
                r#"{{"type":"batch","items":[{{"kind":"snapshot","topic":"{topic}","offset":1,"data":{line}}}]}}"#
            ));
            n_data += 1;
        }
    }
    assert!(n_messages >= 20 && n_data == Channel::ALL.len(), "{n_messages} {n_data}");
}

#[test]
fn words_are_all_there() {
    for channel in Channel::ALL {
        assert!(DOCUMENT.contains(&format!("\n### {channel}\n")), "{channel}");
    }
    for interval in Interval::ALL {
        assert!(DOCUMENT.contains(&format!("`{interval}`")), "{interval}");
    }
    for code in (1_000..5_000).map(CloseCode).filter(|code| code.reason() != "closed") {
        assert!(DOCUMENT.contains(&format!("| {} | `{}` |", code.0, code.reason())), "{code:?}");
    }
    let topics =
        DOCUMENT.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | ")).map(|(topic, _)| topic);
    let named: Vec<Topic> = topics.filter(|text| text.contains(':')).map(|text| Topic::parse(text).unwrap()).collect();
    assert_eq!(named.len(), 15, "the table of topics");
}

#[test]
fn refusal_codes_are_listed_in_the_order_of_their_numbers() {
    let table = DOCUMENT.split("| code | |\n|---|---|\n").nth(1).unwrap();
    let codes: Vec<&str> =
        table.lines().map_while(|line| line.strip_prefix("| `")?.split_once('`')).map(|row| row.0).collect();
    for (number, code) in (1_u8..).zip(&codes) {
        let text = format!(r#"{{"type":"refused","code":"{code}","message":""}}"#);
        let message = decode_server_json(&text).unwrap();
        assert!(
            matches!(&message, ServerMessage::Refused(refused) if refused.code != wire::message::RefusalCode::Unknown)
        );
        assert_eq!(encode_server(&message, Encoding::Binary), [1, 4, 0, number, 0], "{code}");
    }
    assert_eq!(codes.len(), 26);
}
