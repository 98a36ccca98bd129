//! Keeps the input that `cargo xtask build` needs to split the compiled page in two: the linker's list of references
//! between functions.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-cdylib=--emit-relocs");
}
