//! Broken texts made from valid ones, by a seed.
//!
//! Not here: their recipients. The server's own test of hostile frames uses this file too.

use venues::kit::backoff::Jitter;

/// Values put in place of others. Some of them are valid in some places.
pub(crate) const VALUES: &[&str] = &[
    "null",
    "true",
    "[]",
    "{}",
    r#""""#,
    r#""x""#,
    r#""NaN""#,
    r#""Infinity""#,
    "NaN",
    "Infinity",
    r#""-1.5""#,
    "-1.5",
    "-1",
    "-0.5",
    "-0",
    "-0.0",
    r#""-0""#,
    r#""1e5""#,
    r#""1e400""#,
    "1e400",
    "1e-30",
    r#""1e-30""#,
    r#""+1""#,
    "+1",
    r#""1.""#,
    "1.",
    r#"".5""#,
    ".5",
    "01",
    "1.5",
    r#""1_000""#,
    "1_000",
    r#"" 1""#,
    "\"\u{ff11}\"",
    "\u{ff11}",
    r#""\ud800""#,
    "99999999999999999999999999999999",
    r#""99999999999999999999999999999999""#,
    "0.00000000000000000000000000000001",
    r#""0.00000000000000000000000000000001""#,
];

/// Nesting depths: around the limits of common parsers, and beyond any stack.
pub(crate) const DEPTHS: [usize; 9] = [31, 32, 33, 127, 128, 129, 8_000, 16_000, 200_000];

/// Returns this many levels of lists or of objects, the innermost empty; closed or left open.
pub(crate) fn nested(n_levels: usize, is_list: bool, is_closed: bool) -> String {
    let (open, middle, close) = if is_list { ("[", "", "]") } else { (r#"{"a":"#, "1", "}") };
    if is_closed {
        format!("{}{middle}{}", open.repeat(n_levels), close.repeat(n_levels))
    } else {
        open.repeat(n_levels)
    }
}

/// Returns a valid text made invalid, or nearly so: cut, flipped bits, other bytes, other types, duplicate fields,
/// depth, length.
pub(crate) fn hostile(random: &mut Jitter, good: &str) -> String {
    let mut below = |end: usize| usize::try_from(random.next_u64() % end.max(1) as u64).expect("invariant: small");
    let members: Vec<usize> = good.match_indices("\":").map(|(at, colon)| at + colon.len()).collect();
    match below(9) {
        0 => String::from_utf8_lossy(&good.as_bytes()[..below(good.len())]).into_owned(),
        1 | 2 => {
            let mut bytes = good.as_bytes().to_vec();
            for _ in 0..=below(3) {
                let (at, byte) = (below(bytes.len()), u8::try_from(below(256)).expect("invariant: a byte"));
                match below(4) {
                    _ if bytes.is_empty() => {}
                    0 => bytes[at] ^= 1 << (byte % 8),
                    1 => bytes[at] = byte,
                    2 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, byte),
                }
            }
            String::from_utf8_lossy(&bytes).into_owned()
        }
        3 | 4 if !members.is_empty() => {
            let from = members[below(members.len())];
            let length = good[from..].find([',', '}', ']']).unwrap_or(0);
            format!("{}{}{}", &good[..from], VALUES[below(VALUES.len())], &good[from + length..])
        }
        5 if !members.is_empty() => {
            let after = members[below(members.len())];
            let key = good[..after - 2].rfind('"').unwrap_or(0);
            format!("{}{}0,{}", &good[..key], &good[key..after], &good[key..])
        }
        6 if !members.is_empty() => {
            let from = members[below(members.len())];
            let deep = nested(DEPTHS[below(7)], below(2) == 0, below(2) == 0);
            format!("{}{deep},{}", &good[..from], &good[from..])
        }
        7 => {
            let long = "y".repeat((64 << 10) + 1);
            good.replacen('"', &format!("\"{}", &long[..[8, 100, 65_537][below(3)]]), 1 + below(2))
        }
        _ => (0..below(200))
            .map(|_| char::from_u32(u32::try_from(below(0x3000)).unwrap_or(0)).unwrap_or('\u{fffd}'))
            .collect(),
    }
}
