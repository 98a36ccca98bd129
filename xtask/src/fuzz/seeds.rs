//! The initial fuzz inputs: hand-written frames from the tests, and recorded ones if available.
//!
//! Written at each run into the corpus, which is never committed. The tests contain frames as raw strings; an input of
//! one shape serves every target of that shape (`fuzz/src/play.rs` explains the bytes).

use std::{
    env, fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use flate2::read::MultiGzDecoder;
use serde_json::json;

use crate::test::CAPTURES;

/// Writes the inputs of all `targets` into the folders of their names below `corpus`.
///
/// # Errors
/// A file cannot be read or written.
pub(super) fn write(root: &Path, targets: &[String], corpus: &Path) -> anyhow::Result<()> {
    let venues: Vec<&String> =
        targets.iter().filter(|target| root.join("crates/venues/src").join(target).is_dir()).collect();
    let captures = env::var_os(CAPTURES).map(PathBuf::from).filter(|folder| folder.is_dir());
    let mut inputs = Vec::new();
    for (number, venue) in (0_u8..).zip(&venues) {
        let others = venues.iter().filter(|other| other != &venue);
        let is_about_another =
            |path: &Path| others.clone().any(|other| path.to_string_lossy().contains(other.as_str()));
        let mut frames = Vec::new();
        for folder in [root.join("crates/venues/src").join(venue), root.join("crates/venues/tests")] {
            for path in files_below(&folder)?.iter().filter(|path| !is_about_another(path)) {
                frames.extend(raw_strings(&fs::read_to_string(path)?));
            }
        }
        frames.retain(|frame| frame.contains(['{', '[']));
        inputs.extend(frames.iter().flat_map(|frame| of_frame(venue, number, frame)));
        inputs.push(Input::new(venue, [b"0", frames.join("\n").as_bytes()].concat()));
        let recordings = captures.as_ref().map(|folder| files_below(&folder.join(venue))).transpose()?;
        for path in recordings.unwrap_or_default() {
            inputs.extend(of_recording(venue, number, &path)?);
        }
    }
    for folder in ["crates/wire/src", "crates/wire/tests"] {
        for path in files_below(&root.join(folder))? {
            let messages = raw_strings(&fs::read_to_string(path)?);
            inputs.extend(messages.into_iter().map(|message| Input::new("client", message.into_bytes())));
        }
    }
    for target in targets {
        fs::create_dir_all(corpus.join(target))?;
    }
    for (number, input) in inputs.iter().enumerate() {
        let bytes = &input.bytes[..input.bytes.len().min(LONGEST)];
        let file = corpus.join(&input.target).join(format!("seed-{number:05}"));
        fs::write(&file, bytes).with_context(|| format!("write {}", file.display()))?;
    }
    Ok(())
}

struct Input {
    target: String,
    bytes: Vec<u8>,
}

impl Input {
    fn new(target: &str, bytes: Vec<u8>) -> Self {
        Self { target: target.to_owned(), bytes }
    }
}

/// Returns a text as a frame, as an answer, and as both in a recording.
fn of_frame(venue: &str, number: u8, text: &str) -> Vec<Input> {
    let line = |t: &str| json!({"t": t, "ts": 1_750_000_000, "url": "https://host.test/", "data": text}).to_string();
    let answer = [b"200", text.as_bytes()].concat();
    vec![
        Input::new(venue, [b"0", text.as_bytes(), b"\n\x03", text.as_bytes()].concat()),
        Input::new(venue, answer.clone()),
        Input::new("rest", [&[number], answer.as_slice()].concat()),
        Input::new("recording", [&[number], line("recv").as_bytes(), b"\n", line("http").as_bytes()].concat()),
    ]
}

/// Returns the beginning of a recording as frames and as a recording, or a recorded answer.
fn of_recording(venue: &str, number: u8, path: &Path) -> anyhow::Result<Vec<Input>> {
    let bytes = fs::read(path)?;
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text)?;
    } else {
        text = String::from_utf8_lossy(&bytes).into_owned();
    }
    if !path.to_string_lossy().contains(".jsonl") {
        return Ok(of_frame(venue, number, text.trim()));
    }
    let mut inputs = Vec::new();
    let (mut recording, mut frames) = (vec![number], b"1".to_vec());
    for line in text.lines() {
        let entry: serde_json::Value = serde_json::from_str(line)?;
        let Some(data) = entry["data"].as_str() else { continue };
        if line.len() > LONGEST / 4 {
            continue;
        }
        if entry["t"] == "http" {
            inputs.push(Input::new("rest", [[number].as_slice(), b"000", data.as_bytes()].concat()));
            frames.push(b'\x03');
        }
        if entry["t"] == "recv" || entry["t"] == "http" {
            frames.extend_from_slice(data.as_bytes());
            frames.push(b'\n');
        }
        recording.extend_from_slice(line.as_bytes());
        recording.push(b'\n');
        if recording.len() > LONGEST / 2 {
            inputs.push(Input::new("recording", std::mem::replace(&mut recording, vec![number])));
            inputs.push(Input::new(venue, std::mem::replace(&mut frames, b"0".to_vec())));
            if inputs.len() > OF_ONE_RECORDING {
                return Ok(inputs);
            }
        }
    }
    inputs.push(Input::new("recording", recording));
    inputs.push(Input::new(venue, frames));
    Ok(inputs)
}

/// Returns the texts of all raw strings (`r#"…"#`), on one line each. In format strings, double braces become single
/// ones, and a number replaces each value.
fn raw_strings(source: &str) -> Vec<String> {
    let texts = source.split("r#\"").skip(1).filter_map(|rest| rest.split_once("\"#")).map(|(text, _)| text);
    texts
        .map(|text| if text.contains("{{") { filled_in(text) } else { text.to_owned() })
        .map(|text| text.replace('\n', " "))
        .collect()
}

fn filled_in(format: &str) -> String {
    let mut text = String::new();
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        text += before;
        let is_brace = from.starts_with("{{") || from.starts_with("}}");
        rest = match from.find('}').filter(|_| from.starts_with('{') && !is_brace) {
            Some(end) => {
                text.push('1');
                &from[end + 1..]
            }
            None => {
                text += &from[..1];
                &from[if is_brace { 2 } else { 1 }..]
            }
        };
    }
    text + rest
}

fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() { files.extend(files_below(&path)?) } else { files.push(path) }
    }
    files.sort();
    Ok(files)
}

/// As long as an input may be.
const LONGEST: usize = 65_536;
/// Inputs out of one recording; more of the same teaches little.
const OF_ONE_RECORDING: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_out_of_tests_and_formats_filled_in() {
        let source = concat!(
            "let a = r#\"{\"a\":[1]}\"",
            "#; let b = format!(\n    r#\"{{\"s\":\"{symbol}\",\"n\":{:02},\n\"x\":{{}}}}\"",
            "#);"
        );
        assert_eq!(raw_strings(source), [r#"{"a":[1]}"#, r#"{"s":"1","n":1, "x":{}}"#]);
    }
}
