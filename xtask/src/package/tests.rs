//! The packages of a real program, opened by the programs that will install them. The program is that of the debug build;
//! without one, and without one of those programs, a test says what it left out.

use std::{path::PathBuf, process::Command};

use super::*;

/// A folder that is removed with this.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("xtask-package-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _may_be_gone = fs::remove_dir_all(&self.0);
    }
}

/// Returns the program without its symbols, which are most of a debug build.
fn program(house: &House, folder: &Path) -> Option<PathBuf> {
    let built = std::env::var_os("TRUETAPE_BIN").map_or_else(|| house.target().join("debug/truetape"), PathBuf::from);
    if !built.is_file() {
        eprintln!("skipped: there is no {}", built.display());
        return None;
    }
    let stripped = folder.join("truetape");
    say(Command::new("strip").arg("-o").arg(&stripped).arg(&built));
    Some(stripped)
}

/// Runs a command that has to succeed; returns what it printed.
#[track_caller]
fn say(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn has(program: &str) -> bool {
    let found = process::find_on_path(program).is_some();
    if !found {
        eprintln!("skipped: there is no {program} (Debian package {program})");
    }
    found
}

#[test]
fn packages_hold_a_program_that_runs_and_are_the_same_each_time() {
    let house = House::find().unwrap();
    let folder = Folder::new("all");
    let Some(program) = program(&house, &folder.0) else { return };
    let (first, second) = (folder.0.join("first"), folder.0.join("second"));
    // Both at once: compressing a program of the debug build takes long.
    std::thread::scope(|scope| {
        for packages in [&first, &second] {
            scope.spawn(|| run(&house, &program, packages).unwrap());
        }
    });
    let sums = fs::read_to_string(first.join("SHA256SUMS")).unwrap();
    assert_eq!(sums, fs::read_to_string(second.join("SHA256SUMS")).unwrap());
    assert_eq!(sums.lines().count(), 4, "{sums}");
    say(Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(&first));
    let named = |end: &str| {
        let name = sums.split_whitespace().find(|word| word.ends_with(end)).unwrap();
        first.join(name)
    };
    let version = say(Command::new(&program).arg("--version"));

    let unpacked = folder.0.join("unpacked");
    fs::create_dir_all(&unpacked).unwrap();
    say(Command::new("tar").arg("-xf").arg(named(".tar.gz")).arg("-C").arg(&unpacked).arg("--strip-components=1"));
    assert_eq!(say(Command::new(unpacked.join("truetape")).arg("--version")), version);
    let example = unpacked.join("truetape.example.toml");
    say(Command::new(unpacked.join("truetape")).args(["config", "check", "--config"]).arg(example));

    sbom(&fs::read_to_string(named(".cdx.json")).unwrap());
    if has("dpkg") {
        deb(&named(".deb"), &folder.0.join("deb"), &version);
    }
    image(&named(".oci.tar"), &folder.0.join("image"), &version);
}

fn sbom(text: &str) {
    let document: serde_json::Value = serde_json::from_str(text).unwrap();
    let components = document["components"].as_array().unwrap();
    let find = |name: &str| components.iter().find(|component| component["name"] == name);
    for name in ["tokio", "rustls", "libsqlite3-sys", "server", "leptos", "plotters"] {
        assert!(find(name).is_some(), "{name}");
    }
    for name in ["xtask", "serde_derive", "venue-sim", "criterion"] {
        assert!(find(name).is_none(), "{name}");
    }
    let without = components.iter().filter(|component| component["licenses"].is_null());
    assert_eq!(without.count(), 0, "each has a licence");
    let known: Vec<&str> = components.iter().filter_map(|component| component["bom-ref"].as_str()).collect();
    for dependency in document["dependencies"].as_array().unwrap() {
        for needed in dependency["dependsOn"].as_array().unwrap() {
            assert!(known.contains(&needed.as_str().unwrap()), "{needed}");
        }
    }
}

fn deb(package: &Path, folder: &Path, version: &str) {
    let field = |name: &str| say(Command::new("dpkg-deb").arg("-f").arg(package).arg(name)).trim().to_owned();
    assert_eq!(format!("{} {}", field("Package"), field("Version")), version.trim());
    assert!(field("Depends").starts_with("libc6 (>= 2."), "{}", field("Depends"));
    let listed = say(Command::new("dpkg-deb").arg("-c").arg(package));
    let is_of_root = |line: &str| line.contains(" root/root ");
    assert!(listed.lines().all(is_of_root), "{listed}");
    for path in ["./usr/bin/truetape", "./lib/systemd/system/truetape.service", "./usr/share/doc/truetape/copyright"] {
        assert!(listed.lines().any(|line| line.ends_with(path)), "{path} is not in\n{listed}");
    }
    say(Command::new("dpkg").arg("-x").arg(package).arg(folder));
    assert_eq!(say(Command::new(folder.join("usr/bin/truetape")).arg("--version")), version);
    let unit = fs::read_to_string(folder.join("lib/systemd/system/truetape.service")).unwrap();
    assert!(unit.contains("\nExecStart=/usr/bin/truetape serve "), "{unit}");
    let scripts = folder.join("DEBIAN");
    say(Command::new("dpkg").arg("-e").arg(package).arg(&scripts));
    for script in ["postinst", "postrm", "prerm"] {
        say(Command::new("sh").arg("-n").arg(scripts.join(script)));
    }
}

fn image(archive: &Path, folder: &Path, version: &str) {
    let layout = folder.join("layout");
    fs::create_dir_all(&layout).unwrap();
    say(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(&layout));
    let tag = version.trim().trim_start_matches("truetape ");
    let name = format!("oci:{}:{tag}", layout.display());
    if has("skopeo") {
        let inspected = say(Command::new("skopeo").args(["inspect", "--config", &name]));
        let config: serde_json::Value = serde_json::from_str(&inspected).unwrap();
        assert_eq!((&config["os"], &config["config"]["User"]), (&"linux".into(), &"65532:65532".into()));
        assert_eq!(config["config"]["Entrypoint"], serde_json::json!(["/usr/bin/truetape"]));
        // The check of health is no part of the OCI's form: it is in the file, and skopeo shows only what it knows.
        let found = say(Command::new("grep").args(["-rlF", "\"Healthcheck\""]).arg(layout.join("blobs")));
        assert_eq!(found.lines().count(), 1);
        say(Command::new("skopeo")
            .args(["copy", "--quiet", &name])
            .arg(format!("dir:{}", folder.join("copy").display())));
    }
    if has("umoci") {
        let bundle = folder.join("bundle");
        let image = format!("{}:{tag}", layout.display());
        say(Command::new("umoci").args(["unpack", "--rootless", "--image", &image]).arg(&bundle));
        let root = bundle.join("rootfs");
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(root.join("var/lib/truetape")).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o700);
        // In a root of its own it finds nothing of this machine.
        let mut inside = Command::new("unshare");
        inside.args(["--map-root-user", "--root"]).arg(&root).args(["/usr/bin/truetape", "--version"]);
        match inside.output() {
            Ok(output) if output.status.success() => assert_eq!(String::from_utf8(output.stdout).unwrap(), version),
            other => eprintln!("skipped: no root of its own for a process here: {other:?}"),
        }
    }
}
