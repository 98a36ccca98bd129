//! `truetape restore FILE`: puts a backup in the place of the desk's database, and keeps the one that was there.

use std::path::PathBuf;

use anyhow::Context;

use super::{Failure, data::DataFolder, serve, store};

/// Flags of `restore`.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    folder: DataFolder,
    /// The backup.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let folder = arguments.folder.path()?;
    serve::block_on(async {
        let (contents, kept) = ::store::backup::restore(&folder, &arguments.file).await.context("restore the desk")?;
        store::print(&format!("restored from {}", arguments.file.display()), &contents)?;
        match kept {
            Some(kept) => store::say(&format!("the database that was there is kept as {}", kept.display())),
            None => Ok(()),
        }
    })
}
