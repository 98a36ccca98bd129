//! `truetape config check|show`: the configuration that the server would use, without starting it.

use std::io::Write;

use anyhow::Context;

use super::{Failure, serve};
use crate::config;

/// Flags of `config`: the action, then the flags for `serve`.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Check the configuration; exit code 2 if it is not usable.
    Check(serve::Arguments),
    /// Print the whole configuration as TOML, including defaults.
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
