//! `truetape store check`: reads every page and index of the desk's database.

use std::io::Write;

use anyhow::Context;
use store::backup::{Contents, check};

use super::{Failure, data::DataFolder, serve};

/// Flags of `store`: the action.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Check the database; exit code 78 if it is damaged.
    Check(DataFolder),
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Action::Check(folder) = &arguments.action;
    let folder = folder.path()?;
    serve::block_on(async {
        let contents = check(&folder).await.context("check the desk")?;
        print("the database is in order", &contents)
    })
}

/// Prints a sentence and what a file contains.
pub fn print(sentence: &str, contents: &Contents) -> anyhow::Result<()> {
    let rows = contents.n_rows.iter().map(|(table, n_rows)| format!("  {table}: {n_rows}"));
    let lines: Vec<String> = [format!("{sentence} (form {})", contents.version)].into_iter().chain(rows).collect();
    say(&lines.join("\n"))
}

/// Prints a line.
pub fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("write to standard output")
}
