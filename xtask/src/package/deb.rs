//! The Debian package: the program, its unit, documents, and the scripts of `deploy/debian`. Built by `dpkg-deb`.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::Context as _;

use super::{DOCUMENTS, Release, archive::gzip, read};
use crate::{house::House, process};

/// Builds the package in `file`.
///
/// # Errors
/// A file cannot be written, or `dpkg-deb` is missing or refuses.
pub(super) fn build(house: &House, release: &Release, sbom: &str, file: &Path) -> anyhow::Result<()> {
    let tree = file.with_extension("tree");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    let put = |path: &str, mode: u32, bytes: &[u8]| -> anyhow::Result<()> {
        let target = tree.join(path);
        fs::create_dir_all(target.parent().unwrap_or(&tree))?;
        fs::write(&target, bytes).with_context(|| format!("write {}", target.display()))?;
        fs::set_permissions(&target, fs::Permissions::from_mode(mode))?;
        Ok(())
    };
    put("usr/bin/truetape", 0o755, &release.program)?;
    put("lib/systemd/system/truetape.service", 0o644, release.unit.as_bytes())?;
    let documents = "usr/share/doc/truetape";
    put(&format!("{documents}/copyright"), 0o644, &read(house, "deploy/debian/copyright")?)?;
    put(&format!("{documents}/sbom.cdx.json.gz"), 0o644, &gzip(sbom.as_bytes())?)?;
    for (name, path) in DOCUMENTS {
        put(&format!("{documents}/{name}"), 0o644, &read(house, path)?)?;
    }
    let n_bytes: u64 = [release.program.len(), sbom.len()].iter().map(|len| *len as u64).sum();
    put("DEBIAN/control", 0o644, control(release, n_bytes.div_ceil(1_024)).as_bytes())?;
    for script in ["postinst", "postrm", "prerm"] {
        put(&format!("DEBIAN/{script}"), 0o755, &read(house, &format!("deploy/debian/{script}"))?)?;
    }
    // dpkg-deb takes the folders' rights as they are here, whatever this process was started with.
    set_folder_rights(&tree)?;
    let mut dpkg_deb = house.command("dpkg-deb");
    // Not xz: with several threads it cuts the content into blocks by their number, and most of it is packed already.
    dpkg_deb.args(["--root-owner-group", "-Zgzip", "-z6", "--build"]).arg(&tree).arg(file);
    process::run(dpkg_deb.env("SOURCE_DATE_EPOCH", release.time.to_string()))?;
    fs::remove_dir_all(&tree)?;
    Ok(())
}

fn set_folder_rights(folder: &Path) -> anyhow::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            set_folder_rights(&path)?;
        }
    }
    Ok(())
}

fn control(release: &Release, n_kib: u64) -> String {
    let Release { version, machine, linkage, .. } = release;
    let libc = linkage.glibc.map(|(major, minor)| format!("Depends: libc6 (>= {major}.{minor}), libgcc-s1\n"));
    format!(
        "Package: truetape\nVersion: {version}\nArchitecture: {}\nMaintainer: the authors of Truetape\n{}\
         Installed-Size: {n_kib}\nSection: web\nPriority: optional\nDescription: live prices and a paper-trading desk\n \
         Real-time market data of several venues with verified order books, charts,\n alerts and a paper-trading desk, in \
         one server with a page.\n",
        machine.debian,
        libc.unwrap_or_default(),
    )
}
