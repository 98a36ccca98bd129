//! Compiles the page and direct mode's worker to WebAssembly and makes the JavaScript that loads them.
//!
//! Not the site folder: the result lies in `target/front/page-<mode>` until `site` copies what has changed.
//! wasm-bindgen runs as a library of the very version that the page links, so there is no tool to install. wasm-opt
//! (a hundredth less after compression) runs in release builds where it is on PATH.

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
    process, split,
};

/// Compiles the page and makes `truetape.js` and `truetape.wasm` of it, and of the worker `worker.js` and `worker.wasm`,
/// unless they are up to date.
///
/// # Errors
/// Where the compiler or wasm-bindgen fails.
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
    // First no stamp, then the work, then the stamp: a broken run is not taken for a finished one.
    unless_absent(fs::remove_file(&stamp_file))?;
    unless_absent(fs::remove_dir_all(&out))?;
    for (compiled, name) in &programs {
        eprintln!("wasm-bindgen: {}", house.shown(compiled));
        bind(compiled, &out, name, mode)?;
        let wasm = out.join(format!("{name}.wasm"));
        match &wasm_opt {
            Some(program) => process::run(Command::new(program).args(WASM_OPT_ARGS).arg(&wasm).arg("-o").arg(&wasm))?,
            None if mode == Mode::Release => eprintln!("wasm-opt is not on PATH: going on without it"),
            None => {}
        }
    }
    fs::write(&stamp_file, stamp)?;
    Ok(())
}

/// The profile that the page is compiled with; cargo's folder of it has the same name.
pub(crate) fn profile(mode: Mode) -> &'static str {
    match mode {
        Mode::Debug => "wasm-dev",
        Mode::Release => "wasm-release",
    }
}

/// Where [`build`] leaves its files.
pub(crate) fn folder_of(house: &House, mode: Mode) -> PathBuf {
    house.front_target().join(format!("page-{}", mode.word()))
}

/// Makes of a compiled library the script `name.js` and the program `name.wasm` in `out`.
///
/// # Errors
/// Where it has no bindings of our wasm-bindgen.
pub(crate) fn bind(compiled: &Path, out: &Path, name: &str, mode: Mode) -> anyhow::Result<()> {
    // The worker is fetched later as a whole.
    let first = if name == OUTPUT_NAME { split::split(compiled, out, name)? } else { compiled.to_path_buf() };
    Bindgen::new()
        .input_path(first)
        .out_name(name)
        .web(true)?
        .typescript(false)
        // The second part calls the first through its table and memory.
        .keep_lld_exports(name == OUTPUT_NAME)
        // Names make panics and profiles readable; a release page is smaller without.
        .remove_name_section(mode == Mode::Release)
        .remove_producers_section(mode == Mode::Release)
        .generate(out)
        .context("wasm-bindgen")?;
    // With LEPTOS_OUTPUT_NAME the page asks for NAME.wasm, wasm-bindgen writes NAME_bg.wasm and says so in the script.
    let (theirs, ours) = (format!("{name}_bg.wasm"), format!("{name}.wasm"));
    fs::rename(out.join(&theirs), out.join(&ours))?;
    let script = out.join(format!("{name}.js"));
    let text = fs::read_to_string(&script)?;
    fs::write(&script, text.replace(&theirs, &ours))?;
    Ok(())
}

/// What the result depends on: the compiled files (cargo leaves them alone when nothing has changed), this program and
/// the optimiser.
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

/// Takes "there is no such file" for success.
fn unless_absent(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Libraries and what they are called in `/pkg`. The worker is loaded when a reader switches to direct, and never before.
const PROGRAMS: [(&str, &str); 2] = [("frontend", OUTPUT_NAME), ("worker", "worker")];
/// Not `-Oz`: it takes a quarter off the file and adds seven per cent to what is sent, as its code compresses badly.
const WASM_OPT_ARGS: [&str; 2] = ["-O1", "--all-features"];
