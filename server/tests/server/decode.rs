//! `decode` on tapes written by hand: every figure of the summary, and no recording bad enough to fail.

use server::cli::decode::{Decoder, tape_file::TapeFile};
use venues::replay::Replay;

fn decode(tape: &str) -> (Vec<serde_json::Value>, serde_json::Value) {
    let folder = std::env::temp_dir().join(format!("truetape-decode-{}-{:x}", std::process::id(), tape.len()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("tape.jsonl");
    std::fs::write(&path, tape).unwrap();
    let mut out = Vec::new();
    let mut decoder = Decoder::new(Replay::new("binance").unwrap(), &mut out, true);
    decoder.file(TapeFile::open(&path).unwrap()).unwrap();
    decoder.finish().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let mut lines: Vec<serde_json::Value> =
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.pop().unwrap();
    (lines, summary)
}
