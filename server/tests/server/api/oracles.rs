//! The documents and the server against others' programs: openapi-spec-validator, jsonschema and schemathesis
//! (`oracles/api_documents.py`).
//!
//! The usual run makes some requests of every operation that changes nothing. `TRUETAPE_API_EXAMPLES=200` makes that many
//! of every operation, and takes minutes.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use server::serve::Server;

use crate::client::demo_config;

/// The folder of the programs that `cargo xtask setup` installs from PyPI.
pub(crate) fn programs() -> PathBuf {
    // Beside the tests' own folder for temporary files: the folder of all builds.
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("api-oracles").join("bin")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_answers_as_the_documents_say() {
    let python = programs().join("python");
    if !python.is_file() {
        println!("skipped: schemathesis is not installed; `cargo xtask setup` installs it");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut config = demo_config();
    config.desk.enabled = true;
    folder.path().clone_into(&mut config.server.data_dir);
    let server = Server::start(config).await.unwrap();
    let options = match env::var(EXAMPLES) {
        Ok(n_examples) => vec!["--max-examples".to_owned(), n_examples],
        Err(_) => USUAL.map(str::to_owned).to_vec(),
    };
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../oracles/api_documents.py");
    let url = server.url();
    let run = move || Command::new(python).arg("-B").arg(program).arg(&url).args(options).output();
    let output = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

/// Says how many requests of every operation are made.
const EXAMPLES: &str = "TRUETAPE_API_EXAMPLES";

/// The usual run: requests that change nothing, the same each time.
const USUAL: [&str; 9] = [
    "--include-method",
    "GET",
    "--max-examples",
    "8",
    "--phases",
    "examples,coverage,fuzzing",
    "--seed",
    "1",
    "--no-shrink",
];
