//! Compiles the page and direct mode's worker to WebAssembly and generates the JavaScript that loads them.
//!
//! Not the site folder: the result is in `target/front/page-<mode>` until `site` copies the changed files. wasm-bindgen
//! runs as a library of exactly the version that the page links, so there is no tool to install. Release builds are
//! packed (`pack`); before that, wasm-opt runs if it is on PATH.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::UNIX_EPOCH,
};

use anyhow::Context as _;
use wasm_bindgen_cli_support::Bindgen;

use crate::{
    builds::{Mode, OUTPUT_NAME, WASM},
    house::House,
    pack, process, split,
};

/// Compiles the page to `truetape.js` and `truetape.wasm`, and the worker to `worker.js` and `worker.wasm`, unless they
/// are up to date.
///
/// # Errors
/// The compiler or wasm-bindgen fails.
pub(crate) fn build(house: &House, mode: Mode) -> anyhow::Result<()> {
    let profile = profile(mode);
    let mut cargo = house.cargo();
    cargo.args(["build", "-p", "frontend", "-p", "worker", "--lib", "--target", WASM, "--profile", profile]);
    process::run(cargo.arg("--target-dir").arg(house.shown(&house.front_target())))?;

    let compiled_in = house.front_target().join(WASM).join(profile);
    let programs = PROGRAMS.map(|(library, name)| (compiled_in.join(format!("{library}.wasm")), name));
    let wasm_opt = process::find_on_path("wasm-opt").filter(|_| mode == Mode::Release);
    let stamp = stamp(programs.iter().map(|(compiled, _)| compiled.as_path()), wasm_opt.as_deref())?;
    let out = folder_of(house, mode);
    let stamp_file = out.with_extension("stamp");
    if fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp) && out.is_dir() {
        return Ok(());
    }
    // First remove the stamp, then do the work, then write the stamp: so an interrupted run does not count as finished.
    unless_absent(fs::remove_file(&stamp_file))?;
    unless_absent(fs::remove_dir_all(&out))?;
    for (compiled, name) in &programs {
        eprintln!("wasm-bindgen: {}", house.shown(compiled));
        bind(compiled, &out, name, mode)?;
        let wasm = out.join(format!("{name}.wasm"));
        match &wasm_opt {
            Some(program) => process::run(Command::new(program).args(WASM_OPT_ARGS).arg(&wasm).arg("-o").arg(&wasm))?,
            None if mode == Mode::Release => eprintln!("wasm-opt is not on PATH: continuing without it"),
            None => {}
        }
    }
    if mode == Mode::Release {
        for file in fs::read_dir(&out)? {
            let file = file?.path();
            if file.extension().is_some_and(|extension| extension == "wasm") {
                pack::pack(&file).with_context(|| format!("pack {}", file.display()))?;
            }
        }
    }
    fs::write(&stamp_file, stamp)?;
    Ok(())
}

/// Returns the profile for the page; cargo's folder for it has the same name.
pub(crate) fn profile(mode: Mode) -> &'static str {
    match mode {
        Mode::Debug => "wasm-dev",
        Mode::Release => "wasm-release",
    }
}

/// Returns where [`build`] writes its files.
pub(crate) fn folder_of(house: &House, mode: Mode) -> PathBuf {
    house.front_target().join(format!("page-{}", mode.word()))
}

/// Converts a compiled library to the script `name.js` and the program `name.wasm` in `out`.
///
/// # Errors
/// The library has no bindings of our wasm-bindgen version.
pub(crate) fn bind(compiled: &Path, out: &Path, name: &str, mode: Mode) -> anyhow::Result<()> {
    // The worker is fetched later in one piece.
    let first = if name == OUTPUT_NAME { split::split(compiled, out, name)? } else { compiled.to_path_buf() };
    Bindgen::new()
        .input_path(first)
        .out_name(name)
        .web(true)?
        .typescript(false)
        // The second part calls the first through its table and memory.
        .keep_lld_exports(name == OUTPUT_NAME)
        // Names make panics and profiles readable; a release page is smaller without them.
        .remove_name_section(mode == Mode::Release)
        .remove_producers_section(mode == Mode::Release)
        .generate(out)
        .context("wasm-bindgen")?;
    // The page requests NAME.wasm, but wasm-bindgen writes NAME_bg.wasm and names that in the script.
    let (theirs, ours) = (format!("{name}_bg.wasm"), format!("{name}.wasm"));
    fs::rename(out.join(&theirs), out.join(&ours))?;
    let script = out.join(format!("{name}.js"));
    let text = fs::read_to_string(&script)?;
    fs::write(&script, text.replace(&theirs, &ours))?;
    Ok(())
}

/// The inputs of the result: the compiled files (which cargo leaves alone if nothing has changed), this program and the
/// optimiser.
fn stamp<'a>(compiled: impl Iterator<Item = &'a Path>, wasm_opt: Option<&'a Path>) -> anyhow::Result<String> {
    let mut stamp = String::new();
    let own = std::env::current_exe()?;
    let files = compiled.chain(wasm_opt).map(Path::to_path_buf).chain([own]);
    for file in files {
        let metadata = fs::metadata(&file).with_context(|| format!("read {}", file.display()))?;
        let modified = metadata.modified()?.duration_since(UNIX_EPOCH)?.as_nanos();
        stamp += &format!("{} {} {modified}\n", file.display(), metadata.len());
    }
    Ok(stamp)
}

/// Treats "there is no such file" as success.
fn unless_absent(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Libraries and the names of their files. The worker is loaded when a reader switches to direct, and never before.
const PROGRAMS: [(&str, &str); 2] = [("frontend", OUTPUT_NAME), ("worker", "worker")];
/// Not `-Oz`: it makes the file a quarter smaller but the compressed file 7 % larger, as its code compresses badly.
const WASM_OPT_ARGS: [&str; 2] = ["-O1", "--all-features"];
