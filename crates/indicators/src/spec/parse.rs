//! Reads the text of an indicator.

use model::candle::Interval;

use super::{MAX_BYTES, MAX_DEPTH, Source, Spec};
use crate::{
    definition::{Definition, Parameter},
    error::SpecError,
    registry::definitions,
    source::Field,
};

/// Reads an indicator, and the output at its end if there is one.
pub(super) fn parse(text: &str) -> Result<(Spec, Option<usize>), SpecError> {
    // Never more than the limit is kept, whatever comes.
    let mut compact = String::new();
    let mut bytes = 0;
    for char in text.chars().filter(|char| !char.is_whitespace()).flat_map(char::to_lowercase) {
        bytes += char.len_utf8();
        if bytes <= MAX_BYTES {
            compact.push(char);
        }
    }
    if bytes > MAX_BYTES {
        return Err(SpecError::TooLong { bytes });
    }
    outermost(&compact, 1)
}

fn outermost(text: &str, depth: usize) -> Result<(Spec, Option<usize>), SpecError> {
    if text.is_empty() {
        return Err(SpecError::Empty);
    }
    if depth > MAX_DEPTH {
        return Err(SpecError::TooDeep);
    }
    let (name, arguments, output) = split(text)?;
    let definition = definition_named(name)?;
    let spec = Arguments::read(definition, arguments, depth)?.spec(definition, depth)?;
    if spec.depth() > MAX_DEPTH {
        return Err(SpecError::TooDeep);
    }
    let output = output.map(|name| output_named(definition, name)).transpose()?;
    Ok((spec, output))
}

/// Splits `name(arguments).output`.
fn split(text: &str) -> Result<(&str, &str, Option<&str>), SpecError> {
    let shape = |problem| SpecError::Shape { text: text.to_owned(), problem };
    let Some(open) = text.find('(') else {
        if text.contains(')') {
            return Err(shape("a bracket is not opened"));
        }
        return Ok(match text.split_once('.') {
            Some((name, output)) => (name, "", Some(output)),
            None => (text, "", None),
        });
    };
    let mut depth = 0_usize;
    for (at, char) in text.char_indices().skip_while(|(at, _)| *at < open) {
        match char {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth > 0 {
            continue;
        }
        let (name, inside, rest) = (&text[..open], &text[open + 1..at], &text[at + 1..]);
        return match (rest, rest.strip_prefix('.')) {
            ("", _) => Ok((name, inside, None)),
            (_, Some(output)) => Ok((name, inside, Some(output))),
            (_, None) => Err(shape("something follows the closing bracket")),
        };
    }
    Err(shape("a bracket is not closed"))
}

/// Splits at the commas outside brackets.
fn split_arguments(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    if text.is_empty() {
        return parts;
    }
    for (at, char) in text.char_indices() {
        match char {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Arguments between the brackets.
#[derive(Default)]
struct Arguments {
    parameters: Vec<Option<f64>>,
    source: Option<Source>,
    interval: Option<Interval>,
    forming: Option<bool>,
}

impl Arguments {
    fn read(definition: &'static Definition, text: &str, depth: usize) -> Result<Self, SpecError> {
        let mut found = Self { parameters: vec![None; definition.parameters.len()], ..Self::default() };
        let mut is_named = false;
        for (idx, argument) in split_arguments(text).into_iter().enumerate() {
            // The first `=` is the argument's own: an inner indicator's follows its bracket.
            let named = argument.split_once('=').filter(|(name, _)| !name.contains('('));
            is_named |= named.is_some();
            match named {
                None if is_named => return Err(repeated(definition, argument)),
                None => {
                    let Some(parameter) = definition.parameters.get(idx) else {
                        let known = definition.parameters.len();
                        let value = argument.to_owned();
                        return Err(SpecError::TooManyParameters { indicator: definition.name, known, value });
                    };
                    found.parameters[idx] = Some(number(definition, parameter, argument)?);
                }
                Some((name, value)) => found.named(definition, name, value, depth)?,
            }
        }
        Ok(found)
    }

    fn named(
        &mut self,
        definition: &'static Definition,
        name: &str,
        value: &str,
        depth: usize,
    ) -> Result<(), SpecError> {
        let is_repeated = match name {
            "source" => self.source.replace(source(definition, value, depth)?).is_some(),
            "interval" => self.interval.replace(interval(value)?).is_some(),
            "forming" => match value {
                "0" | "1" => self.forming.replace(value == "1").is_some(),
                _ => return Err(SpecError::Forming { text: value.to_owned() }),
            },
            name => {
                let idx = definition.parameters.iter().position(|parameter| parameter.name == name);
                let Some(idx) = idx else {
                    let mut known: Vec<&str> = definition.parameters.iter().map(|parameter| parameter.name).collect();
                    known.extend(definition.takes_source.then_some("source"));
                    known.extend(["interval", "forming"]);
                    let name = name.to_owned();
                    return Err(SpecError::UnknownParameter {
                        indicator: definition.name,
                        name,
                        known: known.join(", "),
                    });
                };
                let value = number(definition, &definition.parameters[idx], value)?;
                self.parameters[idx].replace(value).is_some()
            }
        };
        if is_repeated { Err(repeated(definition, name)) } else { Ok(()) }
    }

    fn spec(self, definition: &'static Definition, depth: usize) -> Result<Spec, SpecError> {
        if depth > 1 && (self.interval.is_some() || self.forming.is_some()) {
            return Err(SpecError::InnerInterval { indicator: definition.name });
        }
        if self.interval.is_none() && self.forming == Some(true) {
            return Err(SpecError::Forming { text: "1 without an interval".into() });
        }
        let with_defaults = definition.parameters.iter().zip(self.parameters);
        let parameters = with_defaults.map(|(parameter, value)| value.unwrap_or(parameter.default)).collect();
        let source = self.source.unwrap_or(Source::Field(Field::Close));
        Spec::new(definition, parameters, source, self.interval, self.forming == Some(true))
    }
}

fn repeated(definition: &'static Definition, name: &str) -> SpecError {
    SpecError::Repeated { indicator: definition.name, name: name.to_owned() }
}

fn number(definition: &'static Definition, parameter: &'static Parameter, text: &str) -> Result<f64, SpecError> {
    let (indicator, name, is_whole) = (definition.name, parameter.name, parameter.is_whole());
    // Plain decimal text only: `f64` would also read `inf`, `nan` and exponents.
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    let value = text.parse::<f64>().ok().filter(|value| is_plain && !(is_whole && value.fract() != 0.0));
    let Some(value) = value else {
        return Err(SpecError::NotANumber { indicator, name, value: text.to_owned(), is_whole });
    };
    // So that -0 has the text of 0.
    let value = value + 0.0;
    let (min, max) = (parameter.min, parameter.max);
    if !(min..=max).contains(&value) {
        return Err(SpecError::OutOfRange { indicator, name, value, min, max });
    }
    Ok(value)
}

fn source(definition: &'static Definition, text: &str, depth: usize) -> Result<Source, SpecError> {
    let indicator = definition.name;
    if !definition.takes_source {
        return Err(SpecError::NoSource { indicator, input: definition.input.title() });
    }
    if let Some(field) = Field::named(text) {
        return Ok(Source::Field(field));
    }
    match outermost(text, depth + 1) {
        Ok((spec, output)) => Ok(Source::Indicator(spec, output.unwrap_or_default())),
        Err(SpecError::UnknownIndicator { .. } | SpecError::Empty) => {
            let fields = Field::ALL.map(Field::as_str).join(", ");
            Err(SpecError::UnknownSource { indicator, text: text.to_owned(), fields })
        }
        Err(other) => Err(other),
    }
}

fn interval(text: &str) -> Result<Interval, SpecError> {
    text.parse().map_err(|_| {
        let known = Interval::ALL.map(Interval::as_str).join(", ");
        SpecError::UnknownInterval { text: text.to_owned(), known }
    })
}

fn definition_named(name: &str) -> Result<&'static Definition, SpecError> {
    let all = definitions();
    if let Ok(idx) = all.binary_search_by(|definition| definition.name.cmp(name)) {
        return Ok(all[idx]);
    }
    let nearest = all.iter().map(|definition| (distance(name, definition.name), definition.name)).min();
    let remedy = match nearest {
        Some((distance, nearest)) if distance <= 2 && distance < nearest.len() => format!("did you mean {nearest}?"),
        _ => "docs/indicators.md lists them".to_owned(),
    };
    Err(SpecError::UnknownIndicator { name: name.to_owned(), remedy })
}

fn output_named(definition: &'static Definition, name: &str) -> Result<usize, SpecError> {
    definition.output(name).ok_or_else(|| SpecError::UnknownOutput {
        indicator: definition.name,
        name: name.to_owned(),
        known: definition.outputs.iter().map(|output| output.name).collect::<Vec<_>>().join(", "),
    })
}

/// Returns how many letters have to be added, removed or changed (Levenshtein, 1966).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (idx, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = idx + 1;
        for (column, to) in b.iter().enumerate() {
            let change = diagonal + usize::from(from != *to);
            diagonal = row[column + 1];
            row[column + 1] = change.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
