//! `truetape config check|show`: what the server would run with, without running it.

use std::io::Write;

use anyhow::Context;

use super::{Failure, serve};
use crate::config;

/// Flags of `config`: what to do, then the flags `serve` would get.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Say whether the configuration is usable; exit code 2 where it is not.
    Check(serve::Arguments),
    /// Print the whole configuration as TOML, defaults included.
    Show(serve::Arguments),
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (Action::Check(serve) | Action::Show(serve)) = &arguments.action;
    let config = config::load(&serve.sources()).map_err(|error| Failure::Unusable(error.into()))?;
    let text = match arguments.action {
        Action::Check(_) => "the configuration is usable\n".to_owned(),
        Action::Show(_) => config.to_toml(),
    };
    std::io::stdout().write_all(text.as_bytes()).context("write to standard output")?;
    Ok(())
}
