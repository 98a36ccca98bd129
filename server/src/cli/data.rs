//! The data folder of commands that work on its files.

use std::path::PathBuf;

use super::Failure;
use crate::config::{self, Sources};

/// Flags that name a data folder, as `serve` has them.
#[derive(Clone, Debug, clap::Args)]
pub struct DataFolder {
    /// Folder of the database, recordings and certificates.
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<String>,
    /// Configuration file [default: truetape.toml in the working folder, if it exists].
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

impl DataFolder {
    /// Returns the folder that `serve` would use.
    ///
    /// # Errors
    /// The configuration is not usable.
    pub fn path(&self) -> Result<PathBuf, Failure> {
        let flags = self.data_dir.iter().map(|text| ("--data-dir", "server.data_dir", text.clone())).collect();
        let sources = Sources { file: self.config.clone(), flags, ..Sources::of_process() };
        let config = config::load(&sources).map_err(|error| Failure::Unusable(error.into()))?;
        Ok(config.server.data_dir)
    }
}
