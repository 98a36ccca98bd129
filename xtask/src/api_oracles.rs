//! The Python environment with which the tests check the documents of the API (`oracles/api_documents.py`) and the
//! WebSocket (`kosoku`).
//!
//! Without it those tests are skipped and say so: it needs Python 3.11 or newer and PyPI.

use std::{fs, path::Path};

use anyhow::Context as _;

use crate::{
    house::House,
    process,
    setup::{said, say},
};

/// Makes the environment and installs the pinned packages, unless they are there.
pub(crate) fn ensure(house: &House) {
    let folder = house.target().join("api-oracles");
    if let Err(error) = install(house, &folder) {
        said("schemathesis", &format!("{error:#}; the tests of the API's documents and of the WebSocket are skipped"));
        // A half-made environment would fail the test.
        let _absent = fs::remove_dir_all(&folder);
    }
}

fn install(house: &House, folder: &Path) -> anyhow::Result<()> {
    let requirements = house.root().join("oracles/api-requirements.txt");
    let wanted = fs::read_to_string(&requirements).context("read oracles/api-requirements.txt")?;
    let stamp = folder.join("requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        said("schemathesis", "up to date");
        return Ok(());
    }
    say(
        "schemathesis",
        "installing it and kosoku from PyPI into an environment of their own: they check the API and the WebSocket",
    );
    process::run(house.command("python3").args(["-m", "venv"]).arg(folder))?;
    let python = folder.join("bin").join("python");
    process::run(house.command(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(&requirements))?;
    fs::write(&stamp, wanted).context("note what is installed")
}
