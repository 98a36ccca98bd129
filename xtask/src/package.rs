//! `cargo xtask package`: everything that is handed out, made from the server's program alone: an archive, a Debian
//! package, a container image, the bill of materials and the checksums.
//!
//! The same program and commit give the same bytes, on whichever machine: entries are sorted, owners are numbers, and
//! every time is that of the commit (or `SOURCE_DATE_EPOCH`). Linux only. Not here: publishing, signing.
//!
//! # Layout
//! - [`archive`]: tar · [`deb`]: the Debian package · [`image`]: the container image · [`sbom`]: the bill of materials
//! - [`linkage`]: the libraries of the program

mod archive;
mod deb;
mod image;
mod linkage;
mod sbom;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

use self::{archive::Archive, linkage::Linkage};
use crate::{house::House, process};

/// Contents of the packages.
#[derive(Debug)]
pub(crate) struct Release {
    program: Vec<u8>,
    linkage: Linkage,
    /// The unit of systemd for `/usr/bin/truetape`, as the program writes it.
    unit: String,
    version: String,
    machine: Machine,
    /// Seconds since 1970.
    time: u64,
}

/// The names of a processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Machine {
    rust: &'static str,
    debian: &'static str,
    oci: &'static str,
}

/// Makes all packages of a program in `folder`, which is emptied before.
///
/// # Errors
/// The program does not run, a file cannot be written, or `dpkg-deb` or git is missing.
pub(crate) fn run(house: &House, program: &Path, folder: &Path) -> anyhow::Result<()> {
    let release = Release::of(house, program)?;
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("empty {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    let Release { version, machine, time, .. } = &release;
    let sbom = sbom::document(house, version, *time)?;
    let stem = format!("truetape-{version}-linux-{}", machine.rust);
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).with_context(|| format!("write {name}"));
    write(&format!("{stem}.tar.gz"), &release.archive(house, &stem, &sbom)?.tar_gz(*time)?)?;
    write(&format!("{stem}.oci.tar"), &image::layout(&release, &sbom)?.tar(*time)?)?;
    write(&format!("truetape-{version}.cdx.json"), sbom.as_bytes())?;
    deb::build(house, &release, &sbom, &folder.join(format!("truetape_{version}_{}.deb", machine.debian)))?;
    write("SHA256SUMS", checksums(folder)?.as_bytes())?;
    eprintln!("\npackages in {}:\n{}", house.shown(folder), fs::read_to_string(folder.join("SHA256SUMS"))?);
    Ok(())
}

impl Release {
    fn of(house: &House, program: &Path) -> anyhow::Result<Self> {
        let says = |words: &[&str]| {
            let shown = format!("{} {}", program.display(), words.join(" "));
            process::output(house.command(program).args(words)).with_context(|| format!("`{shown}` failed"))
        };
        let version = says(&["--version"])?;
        let version = version.strip_prefix("truetape ").context("the program is no truetape")?.to_owned();
        let unit = says(&["service", "show", "--program", "/usr/bin/truetape"])? + "\n";
        let bytes = fs::read(program).with_context(|| format!("read {}", program.display()))?;
        let linkage = Linkage::of(program);
        Ok(Self { program: bytes, linkage, unit, version, machine: Machine::here()?, time: time(house)? })
    }

    /// Returns what is needed without a package manager, in one folder.
    fn archive(&self, house: &House, stem: &str, sbom: &str) -> anyhow::Result<Archive> {
        let mut archive = Archive::default();
        archive.file(&format!("{stem}/truetape"), 0o755, self.program.clone());
        archive.file(&format!("{stem}/truetape.service"), 0o644, self.unit.as_bytes());
        archive.file(&format!("{stem}/sbom.cdx.json"), 0o644, sbom);
        for (name, path) in DOCUMENTS {
            archive.file(&format!("{stem}/{name}"), 0o644, read(house, path)?);
        }
        Ok(archive)
    }
}

impl Machine {
    fn here() -> anyhow::Result<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Ok(Self { rust: "x86_64", debian: "amd64", oci: "amd64" }),
            "aarch64" => Ok(Self { rust: "aarch64", debian: "arm64", oci: "arm64" }),
            other => bail!("no packages are made for {other}"),
        }
    }
}

/// Returns the time of the commit.
fn time(house: &House) -> anyhow::Result<u64> {
    let named = std::env::var("SOURCE_DATE_EPOCH").ok();
    let text = named.or_else(|| process::output(house.command("git").args(["log", "-1", "--format=%ct"])));
    let text = text.context("neither git nor SOURCE_DATE_EPOCH tells the time of the commit")?;
    text.parse().with_context(|| format!("{text:?} is no number of seconds"))
}

fn read(house: &House, path: &str) -> anyhow::Result<Vec<u8>> {
    fs::read(house.root().join(path)).with_context(|| format!("read {path}"))
}

/// Returns the lines of `sha256sum` for the files of a folder.
fn checksums(folder: &Path) -> anyhow::Result<String> {
    let mut names: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    names.sort();
    let mut lines = String::new();
    for path in names {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        lines += &format!("{}  {name}\n", sha256(&fs::read(&path)?));
    }
    Ok(lines)
}

/// Returns the hash in hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Names in packages, and where the files are in the tree.
const DOCUMENTS: [(&str, &str); 6] = [
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("LICENSE-APACHE", "LICENSE-APACHE"),
    ("LICENSE-MIT", "LICENSE-MIT"),
    ("README.md", "README.md"),
    ("self-hosting.md", "docs/self-hosting.md"),
    ("truetape.example.toml", "deploy/truetape.example.toml"),
];

#[cfg(test)]
mod tests;
