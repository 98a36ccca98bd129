//! `truetape api`: prints the descriptions of the API, as the server sends them.

use std::io::{self, Write};

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::Failure;
use crate::http::documents;

/// The arguments of `truetape api`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Description to print.
    #[arg(value_enum)]
    document: Document,
}

/// The descriptions.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Document {
    /// REST.
    Openapi,
    /// The stream.
    Asyncapi,
}

/// Prints the document.
///
/// # Errors
/// Standard output is closed.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let text = match arguments.document {
        Document::Openapi => documents::openapi(),
        Document::Asyncapi => documents::asyncapi(),
    };
    io::stdout().write_all(text.as_bytes()).context("write to standard output")?;
    Ok(())
}
