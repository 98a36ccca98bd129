//! `truetape backup FILE`: a checked copy of the desk's database, also while a server is running.

use std::path::PathBuf;

use anyhow::Context;

use super::{Failure, data::DataFolder, serve, store};

/// Flags of `backup`.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    folder: DataFolder,
    /// The copy; an older one is replaced once the new one is complete.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let folder = arguments.folder.path()?;
    serve::block_on(async {
        let contents = ::store::backup::backup(&folder, &arguments.file).await.context("back up the desk")?;
        store::print(&format!("backed up to {}", arguments.file.display()), &contents)
    })
}
