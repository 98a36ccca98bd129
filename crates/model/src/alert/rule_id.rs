//! The name of a rule, for signals and alerts alike.

use crate::trading::checked_text;

checked_text! {
    /// A rule's name in addresses and records, unique among the rules of its sort (signals, alerts).
    RuleId, |text| (1..=32).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')),
    "^[a-z0-9_-]{1,32}$",
    "1 to 32 of a to z, 0 to 9, - and _"
}
