//! Whole seconds as text, which the venue writes in bars.
//!
//! Heartbeats carry a programming language's own form, which nothing reads. Not here: times of events
//! ([`crate::kit::utc_time`]).

use std::borrow::Cow;

use model::time::Timestamp;
use serde::{Deserialize, Deserializer, de};

/// Whole seconds since the epoch, as text.
#[derive(Clone, Copy, Debug)]
pub(super) struct CoinbaseSeconds(pub(super) Timestamp);

impl<'de> Deserialize<'de> for CoinbaseSeconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let nanos =
            text.parse::<i64>().ok().filter(|_| is_plain).and_then(|seconds| seconds.checked_mul(1_000_000_000));
        nanos.map(|nanos| Self(Timestamp::from_nanos(nanos))).ok_or_else(|| de::Error::custom("not seconds as text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_plain_text() {
        #[track_caller]
        fn check(text: &str, expected_ms: Option<i64>) {
            let found: Option<CoinbaseSeconds> = serde_json::from_str(text).ok();
            assert_eq!(found.map(|seconds| seconds.0.as_millis()), expected_ms, "{text}");
        }
        check("\"1712192400\"", Some(1_712_192_400_000));
        for bad in
            ["1712192400", "\"\"", "\"+1\"", "\"-1\"", "\"1.5\"", "\"99999999999999999999\"", "\"9999999999999\""]
        {
            check(bad, None);
        }
    }
}
