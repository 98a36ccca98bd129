//! `tape-hash VENUE FILE [desk]`: prints the fingerprint of a recording, or of the desk that trades it, to be compared
//! with a browser's.
//!
//! A test tool; not part of the product.

#[cfg(not(target_arch = "wasm32"))]
fn main() -> anyhow::Result<()> {
    use std::{
        fs::File,
        io::{BufRead as _, BufReader, Read},
    };

    use anyhow::Context as _;

    let mut arguments = std::env::args().skip(1);
    let (Some(venue), Some(path), what) = (arguments.next(), arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: tape-hash VENUE FILE [desk] (.jsonl or .jsonl.gz)");
    };
    let file = File::open(&path).with_context(|| format!("open {path}"))?;
    let plain: Box<dyn Read> =
        if path.ends_with(".gz") { Box::new(flate2::read::GzDecoder::new(file)) } else { Box::new(file) };
    let lines = BufReader::new(plain).lines();
    if what.as_deref() == Some("desk") {
        let mut hash = worker::fill_hash::FillHash::new(&venue)?;
        for line in lines {
            hash.feed(&line.with_context(|| format!("read {path}"))?)?;
        }
        println!("{}", hash.finish());
        return Ok(());
    }
    let mut hash = worker::recording_hash::RecordingHash::new(&venue)?;
    for line in lines {
        hash.feed(&line.with_context(|| format!("read {path}"))?)?;
    }
    println!("{}", hash.finish());
    Ok(())
}

/// The page uses only the library.
#[cfg(target_arch = "wasm32")]
fn main() {}
