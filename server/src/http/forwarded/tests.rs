//! Tests of the caller behind proxies, by tables and against callers that write the headers themselves.

use axum::http::HeaderValue;
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::config::{Config, Network};

/// 127.0.0.1 and 10.0.0.0/8 are proxies.
fn proxies() -> TrustedProxies {
    let mut config = Config::default();
    config.server.trusted_proxies =
        ["127.0.0.1", "10.0.0.0/8", "fd00::/8"].map(|network| Network::parse(network).unwrap()).to_vec();
    TrustedProxies::new(config)
}

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

/// Compares the caller, and `https` if so, with `expected`; an empty text means a refusal.
#[track_caller]
fn check(connected: &str, lines: &[(&'static str, &str)], expected: &str) {
    let found = proxies().caller(connected.parse().unwrap(), &headers(lines));
    let found = found.map_or_else(
        |_| String::new(),
        |(address, scheme)| format!("{address}{}", if scheme == Scheme::Https { " https" } else { "" }),
    );
    assert_eq!(found, expected, "{connected} {lines:?}");
}

const XFF: &str = "x-forwarded-for";
const XFP: &str = "x-forwarded-proto";
const FWD: &str = "forwarded";

#[test]
fn headers_of_others_mean_nothing() {
    for lines in [
        &[(XFF, "1.2.3.4"), (XFP, "https")][..],
        &[(FWD, "for=1.2.3.4;proto=https")],
        &[(XFF, "rubbish"), (XFP, "gopher"), (FWD, "\"")],
    ] {
        check("192.0.2.7", lines, "192.0.2.7");
        check("127.0.0.2", lines, "127.0.0.2");
        check("::ffff:192.0.2.7", lines, "192.0.2.7");
    }
}

#[test]
fn the_rightmost_stranger_is_the_caller() {
    for (list, expected) in [
        ("192.0.2.7", "192.0.2.7"),
        ("1.2.3.4, 192.0.2.7", "192.0.2.7"),
        ("rubbish, 192.0.2.7", "192.0.2.7"),
        ("127.0.0.1, 192.0.2.7", "192.0.2.7"),
        ("1.2.3.4,192.0.2.7, 10.0.0.3 ,10.9.9.9", "192.0.2.7"),
        ("10.0.0.3, 10.9.9.9", "10.0.0.3"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        (", ,192.0.2.7,", "192.0.2.7"),
        ("", "127.0.0.1"),
        ("unknown", ""),
        ("192.0.2.7, unknown", ""),
        ("192.0.2.7, 10.0.0.3, 300.1.1.1", ""),
        ("192.0.2.7:99999", ""),
        ("[192.0.2.7]", ""),
    ] {
        check("127.0.0.1", &[(XFF, list)], expected);
    }
    check("127.0.0.1", &[(XFF, "1.2.3.4"), (XFF, "192.0.2.7")], "192.0.2.7");
    check("127.0.0.1", &[], "127.0.0.1");
}

#[test]
fn the_standard_header_says_the_same() {
    for (line, expected) in [
        ("for=192.0.2.7", "192.0.2.7"),
        ("For=1.2.3.4, for=192.0.2.7;proto=https;by=10.0.0.1", "192.0.2.7 https"),
        ("for=\"[2001:db8::1]:4711\"", "2001:db8::1"),
        ("for=\"a,b\", for=192.0.2.7", "192.0.2.7"),
        ("for=192.0.2.7, for=10.1.1.1; proto=http", "192.0.2.7"),
        ("for=_hidden", ""),
        ("for=1.2.3.4, proto=https", ""),
        ("for=1.2.3.4, by=10.0.0.1", ""),
        ("for=\"1.2.3.4, for=192.0.2.7", ""),
        ("for=192.0.2.7;for=1.2.3.4", ""),
        ("192.0.2.7", ""),
    ] {
        check("127.0.0.1", &[(FWD, line)], expected);
    }
    check("127.0.0.1", &[(FWD, "for=192.0.2.7"), (XFF, "192.0.2.7")], "192.0.2.7");
    check("127.0.0.1", &[(FWD, "for=1.2.3.4"), (XFF, "192.0.2.7")], "");
}

#[test]
fn the_scheme_is_that_of_the_last_proxy() {
    for (word, expected) in [
        ("https", "192.0.2.7 https"),
        ("HTTPS", "192.0.2.7 https"),
        ("wss", "192.0.2.7 https"),
        ("http", "192.0.2.7"),
        ("http, https", "192.0.2.7 https"),
        ("https, http", "192.0.2.7"),
        ("gopher", ""),
        ("", ""),
    ] {
        check("10.0.0.9", &[(XFF, "192.0.2.7"), (XFP, word)], expected);
    }
    // A proxy may add a line of its own.
    check("10.0.0.9", &[(XFF, "192.0.2.7"), (XFP, "https"), (XFP, "http")], "192.0.2.7");
}

/// Values that a caller may send, close to the headers' grammar.
fn invention() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("for=".to_owned()),
        Just("proto=https".to_owned()),
        Just("127.0.0.1".to_owned()),
        Just("10.0.0.1".to_owned()),
        Just("1.2.3.4".to_owned()),
        Just("[fd00::1]".to_owned()),
        Just("unknown".to_owned()),
        "[,;\"\\\\ =:\\[\\]]{1,3}",
        "[ -~]{0,4}",
    ];
    vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// Nobody passes for another: the caller is whom the proxy was called by, or the request is refused.
    #[test]
    fn inventions_change_nothing(
        inventions in vec((prop_oneof![Just(XFF), Just(FWD)], invention()), 0..4),
        is_standard in any::<bool>(),
        is_line_of_its_own in any::<bool>(),
        host in 1_u8..255,
    ) {
        let real = format!("192.0.2.{host}");
        let (name, added) = if is_standard { (FWD, format!("for={real}")) } else { (XFF, real.clone()) };
        let mut lines: Vec<(&'static str, String)> = inventions;
        // As proxies add it: behind what there is, on the same line or on a new one.
        match lines.iter_mut().rfind(|(known, _)| *known == name) {
            Some((_, value)) if !is_line_of_its_own => *value = format!("{value}, {added}"),
            _ => lines.push((name, added)),
        }
        let lines: Vec<(&'static str, &str)> = lines.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if let Ok((caller, _)) = proxies().caller("127.0.0.1".parse().unwrap(), &headers(&lines)) {
            prop_assert_eq!(caller.to_string(), real);
        }
        let direct = proxies().caller("198.51.100.1".parse().unwrap(), &headers(&lines)).unwrap();
        prop_assert_eq!(direct.0.to_string(), "198.51.100.1");
    }
}
