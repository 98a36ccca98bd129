//! The container image, in the layout of the OCI (image-spec 1.1): one layer with the program and nothing but what it
//! needs to run; no shell, no package manager, a user without rights, state in a volume.
//!
//! The program is linked with the C library of the machine that built it, so that library and its loader are copied with
//! it, from where the loader finds them. Certificate authorities and time zones are inside the program. `Healthcheck` is
//! Docker's extension of the image's configuration; other engines ignore it.

use std::fs;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{Release, archive::Archive, sha256};
/// Returns the image's layout as an archive.
///
/// # Errors
/// A library of the program cannot be read.
pub(super) fn layout(release: &Release, sbom: &str) -> anyhow::Result<Archive> {
    let root = root(release, sbom)?.tar(release.time)?;
    let layer = super::archive::gzip(&root)?;
    let created = rfc3339(release.time);
    let config = json!({
        "created": created,
        "architecture": release.machine.oci,
        "os": "linux",
        "config": {
            "User": format!("{USER}:{USER}"),
            "ExposedPorts": { "3000/tcp": {} },
            "Entrypoint": ["/usr/bin/truetape"],
            "Cmd": ["serve", "--data-dir", STATE],
            "WorkingDir": "/etc/truetape",
            "Volumes": { STATE: {} },
            "StopSignal": "SIGTERM",
            "Labels": {
                "org.opencontainers.image.title": "truetape",
                "org.opencontainers.image.version": release.version,
                "org.opencontainers.image.licenses": "MIT OR Apache-2.0",
            },
            "Healthcheck": {
                "Test": ["CMD", "/usr/bin/truetape", "health"],
                "Interval": 30_000_000_000_u64,
                "Timeout": 10_000_000_000_u64,
                "StartPeriod": 10_000_000_000_u64,
                "Retries": 3,
            },
        },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", sha256(&root))] },
        "history": [{ "created": created, "created_by": "cargo xtask package" }],
    });
    let mut layout = Archive::default();
    let mut blob = |media_type: &str, bytes: &[u8]| -> Value {
        let digest = sha256(bytes);
        layout.file(&format!("blobs/sha256/{digest}"), 0o644, bytes);
        json!({ "mediaType": media_type, "digest": format!("sha256:{digest}"), "size": bytes.len() })
    };
    let layer = blob("application/vnd.oci.image.layer.v1.tar+gzip", &layer);
    let config = blob("application/vnd.oci.image.config.v1+json", config.to_string().as_bytes());
    let manifest =
        json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] }).to_string();
    let mut manifest = blob(MANIFEST, manifest.as_bytes());
    manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": release.version });
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest] });
    layout.file("index.json", 0o644, index.to_string());
    layout.file("oci-layout", 0o644, json!({ "imageLayoutVersion": "1.0.0" }).to_string());
    Ok(layout)
}

/// Returns the files that a container sees.
fn root(release: &Release, sbom: &str) -> anyhow::Result<Archive> {
    let mut root = Archive::default();
    root.file("usr/bin/truetape", 0o755, release.program.clone());
    root.file("usr/share/doc/truetape/sbom.cdx.json", 0o644, sbom);
    root.file("etc/passwd", 0o644, format!("truetape:x:{USER}:{USER}::{STATE}:/usr/sbin/nologin\n"));
    root.file("etc/group", 0o644, format!("truetape:x:{USER}:\n"));
    // Without it, the C library would ask a name server for localhost.
    root.file("etc/nsswitch.conf", 0o644, "hosts: files dns\n");
    root.folder("etc/truetape", 0o755, 0);
    root.folder(STATE.trim_start_matches('/'), 0o700, USER);
    for library in &release.linkage.libraries {
        let bytes = fs::read(library).with_context(|| format!("read {library}"))?;
        root.file(library.trim_start_matches('/'), 0o755, bytes);
    }
    if let Ok(copyright) = fs::read("/usr/share/doc/libc6/copyright")
        && !release.linkage.libraries.is_empty()
    {
        root.file("usr/share/doc/libc6/copyright", 0o644, copyright);
    }
    Ok(root)
}

/// Returns a time as text, in UTC.
pub(super) fn rfc3339(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // The civil calendar in eras of 400 years that begin in March, where a leap day is the last of its year.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest % 3_600 / 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A user that exists nowhere else, as images without a distribution have it.
const USER: u32 = 65_532;
const STATE: &str = "/var/lib/truetape";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"),
            (1_796_083_205, "2026-12-01T00:00:05Z"),
        ] {
            assert_eq!(rfc3339(seconds), expected);
        }
    }
}
