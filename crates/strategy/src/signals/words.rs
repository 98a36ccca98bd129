//! Words of rules: lines and directions in plain English.

use indicators::{
    source::Field,
    spec::{Source, Spec},
};
use model::alert::signal::{Approach, Line, Meaning};

/// Returns a line as people write it (`EMA 12`, `the price`).
pub(crate) fn line(line: &Line) -> String {
    match line {
        Line::Price => "the price".to_owned(),
        Line::Level(level) => number(*level),
        Line::Spread => "the spread".to_owned(),
        Line::Imbalance => "the imbalance".to_owned(),
        Line::Indicator(text) => match Spec::parse_output(text) {
            Ok((spec, output)) => indicator(&spec, output),
            // A text that is none is shown as it is; the rule's check says what is wrong.
            Err(_) => text.clone(),
        },
    }
}

/// Returns an indicator as people write it (`MACD 12/26/9 signal`, `SMA 9 of RSI 14 on 1h`).
fn indicator(spec: &Spec, output: usize) -> String {
    let parameters: Vec<String> = spec.parameters().iter().map(ToString::to_string).collect();
    let mut words = vec![spec.definition().name.to_uppercase()];
    if !parameters.is_empty() {
        words.push(parameters.join("/"));
    }
    if let [_, _, ..] = spec.definition().outputs
        && let Some(output) = spec.definition().outputs.get(output)
    {
        words.push(output.title.to_lowercase());
    }
    match spec.source() {
        Source::Field(Field::Close) => {}
        Source::Field(field) => words.push(format!("of {}", field.as_str())),
        Source::Indicator(inner, output) => words.push(format!("of {}", indicator(inner, *output))),
    }
    words.extend(spec.interval().map(|interval| format!("on {interval}")));
    words.join(" ")
}

/// Returns a number with thousands separated (`62,000.5`).
pub(crate) fn number(number: f64) -> String {
    let text = number.to_string();
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(whole, part)| (whole, Some(part)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::from(sign);
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if let Some(fraction) = fraction {
        grouped.push('.');
        grouped.push_str(fraction);
    }
    grouped
}

/// Returns the word of a direction.
pub(crate) fn by_approach(approach: Approach, up: &str, down: &str, either: &str) -> String {
    match approach {
        Approach::Up => up,
        Approach::Down => down,
        Approach::Either => either,
    }
    .to_owned()
}

/// Adds how a movement is read, where that is not as usual.
pub(crate) fn with_meaning(clause: String, meaning: Meaning) -> String {
    match meaning {
        Meaning::Follow => clause,
        Meaning::Fade => format!("{clause} (faded)"),
        Meaning::Neutral => format!("{clause} (neutral)"),
    }
}

/// Returns a count of bars.
pub(crate) fn bars(n_bars: u32) -> String {
    if n_bars == 1 { "bar".to_owned() } else { format!("{n_bars} bars") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_thousands_separated() {
        for (value, expected) in
            [(0.5, "0.5"), (999.0, "999"), (1_000.0, "1,000"), (-62_000.25, "-62,000.25"), (1e6, "1,000,000")]
        {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn indicators_read_as_people_write_them() {
        for (text, expected) in [
            ("ema(12)", "EMA 12"),
            ("macd.signal", "MACD 12/26/9 signal"),
            ("sma(9, source=rsi(14))", "SMA 9 of RSI 14"),
            ("ema(20,source=hl2,interval=1h)", "EMA 20 of hl2 on 1h"),
            ("nonsense(", "nonsense("),
        ] {
            assert_eq!(line(&Line::Indicator(text.to_owned())), expected);
        }
    }
}
