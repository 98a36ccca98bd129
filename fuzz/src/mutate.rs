//! Mutations of text made of JSON: tokens are replaced, lines repeated, moved and dropped, so that most results are
//! still valid JSON and get past the parser. Every other time libFuzzer changes bytes arbitrarily.
//!
//! Not a JSON parser: strings, numbers and words are found by their characters, and broken text stays broken.

/// Changes `data[..size]` in place and returns the new size, at most `max_size`; the same seed makes the same change.
pub fn text(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut dice = Dice(u64::from(seed) | 1 << 40);
    if dice.below(2) == 0 {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    let mut bytes = data[..size].to_vec();
    for _ in 0..=dice.below(3) {
        bytes = if dice.below(4) == 0 { change_lines(&bytes, &mut dice) } else { change_token(&bytes, &mut dice) };
    }
    let size = bytes.len().min(max_size);
    data[..size].copy_from_slice(&bytes[..size]);
    size
}

fn change_lines(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let (at, to) = (dice.below(lines.len()), dice.below(lines.len()));
    match dice.below(3) {
        0 => lines.insert(to, lines[at]),
        1 => lines.swap(at, to),
        _ => drop(lines.remove(at)),
    }
    lines.join(&b'\n')
}

fn change_token(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let tokens = tokens(bytes);
    if tokens.is_empty() {
        return [bytes, dice.pick(STRANGE).as_bytes()].concat();
    }
    let (start, end) = *dice.pick(&tokens);
    let (from, to) = *dice.pick(&tokens);
    let own = &bytes[start..end];
    let new = match dice.below(6) {
        0 => bytes[from..to].to_vec(),
        1 => Vec::new(),
        2 => own.repeat(2),
        // A number as text, and text as a number.
        3 => own
            .strip_prefix(b"\"")
            .and_then(|own| own.strip_suffix(b"\""))
            .map_or_else(|| [b"\"", own, b"\""].concat(), <[u8]>::to_vec),
        4 => next_number(own).unwrap_or_else(|| dice.pick(STRANGE).as_bytes().to_vec()),
        _ => dice.pick(STRANGE).as_bytes().to_vec(),
    };
    [&bytes[..start], &new, &bytes[end..]].concat()
}

/// Returns the next number: sequence numbers and ids continue.
fn next_number(token: &[u8]) -> Option<Vec<u8>> {
    let number: u64 = std::str::from_utf8(token).ok()?.parse().ok()?;
    Some(number.checked_add(1)?.to_string().into_bytes())
}

/// Returns start and end of every string, number and word.
fn tokens(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        at += 1;
        match bytes[start] {
            b'"' => {
                while at < bytes.len() && !matches!(bytes[at], b'"' | b'\n') {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at = (at + 1).min(bytes.len());
            }
            byte if is_of_word(byte) => {
                while at < bytes.len() && is_of_word(bytes[at]) {
                    at += 1;
                }
            }
            _ => continue,
        }
        tokens.push((start, at));
    }
    tokens
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-')
}

/// A small generator of numbers; not random, not secure.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// Values that code reading prices, ids, times and names may fail on.
const STRANGE: &[&str] = &[
    "0",
    "-0",
    "-1",
    "1e400",
    "1e-30",
    "0.00000000000000000000000000001",
    "79228162514264337593543950335",
    "79228162514264337593543950336",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "253402300799999",
    "\"\"",
    "\"0\"",
    "\"-1\"",
    "\"1e5\"",
    "\"NaN\"",
    "\"\u{ff11}\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\"0x\"",
    "\"0xffffffffffffffff\"",
    "\"9999-12-31T23:59:59.999999999Z\"",
    "\"-0001-01-01T00:00:00Z\"",
    "null",
    "true",
    "[]",
    "{}",
    "[[],[]]",
    "[[\"1\",\"1\"],[\"1\",\"1\"]]",
    "\"snapshot\"",
    "\"update\"",
    "\"error\"",
];
