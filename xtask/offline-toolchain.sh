#!/usr/bin/env bash
# Builds a private Rust toolchain directory with a wasm32-unknown-unknown std from
# Debian's rustc-web, for machines where `rustup target add` cannot download.
# Idempotent: does nothing when the directory already matches the rustc on the machine.
#   usage: offline-toolchain.sh [DIR]     prints DIR on its last line
set -euo pipefail
DIR="${1:-${XDG_CACHE_HOME:-$HOME/.cache}/rust-wasm-toolchain}"
HOSTRUST=/usr
PKGS="rustc-web cargo-web rust-web-src rust-web-llvm rust-web-clippy rustfmt-web"
install_missing() {
  missing=""
  for p in "$@"; do dpkg -s "$p" >/dev/null 2>&1 || missing="$missing $p"; done
  [ -n "$missing" ] || return 0
  SUDO=""; [ "$(id -u)" = 0 ] || SUDO="sudo -n"
  $SUDO apt-get update -qq
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive $SUDO apt-get install -y -qq --no-install-recommends $missing >&2
}
# shellcheck disable=SC2086
install_missing $PKGS
# rust-lld links to the linker of the same LLVM (lld-22), whose package no other package depends on.
LLD="$(basename "$(readlink "$HOSTRUST/bin/rust-lld")")"
command -v "$LLD" >/dev/null || install_missing "$LLD"
TARGET=wasm32-unknown-unknown
STAMP="$($HOSTRUST/bin/rustc -vV | sha256sum | cut -c1-16)-v3"
if [ "$(cat "$DIR/.stamp" 2>/dev/null || true)" = "$STAMP" ]; then
  echo "up to date: $($HOSTRUST/bin/rustc --version)" >&2; echo "$DIR"; exit 0
fi
TMP="$DIR.tmp.$$"; trap 'rm -rf "$TMP"' EXIT
mkdir -p "$TMP/crate/src" "$TMP/out/bin" "$TMP/out/lib/rustlib/$TARGET/lib"
HOST="$($HOSTRUST/bin/rustc -vV | sed -n 's/^host: //p')"
printf '[package]\nname="stdbuild"\nversion="0.0.0"\nedition="2021"\n[lib]\n[workspace]\n[profile.release]\npanic="unwind"\n' > "$TMP/crate/Cargo.toml"
echo > "$TMP/crate/src/lib.rs"
( cd "$TMP/crate" && env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u RUSTUP_TOOLCHAIN -u CARGO_BUILD_TARGET \
    RUSTC_BOOTSTRAP=1 RUSTC=$HOSTRUST/bin/rustc PATH="$HOSTRUST/bin:$PATH" CARGO_TARGET_DIR="$TMP/t" \
    $HOSTRUST/bin/cargo build -q -Z build-std=std,panic_abort,panic_unwind,proc_macro,test --target $TARGET --release >&2 )
# everything except our own empty crate goes into the sysroot
for f in "$TMP/t/$TARGET/release/deps"/*.rlib; do
  case "$f" in */libstdbuild-*) ;; *) cp "$f" "$TMP/out/lib/rustlib/$TARGET/lib/";; esac
done
ln -s "$HOSTRUST/lib/rustlib/$HOST" "$TMP/out/lib/rustlib/$HOST"
ln -s "$HOSTRUST/lib/rustlib/src"   "$TMP/out/lib/rustlib/src"
ln -s "$HOSTRUST/lib/rustlib/etc"   "$TMP/out/lib/rustlib/etc"
for b in rustc rustdoc clippy-driver; do
cat > "$TMP/out/bin/$b" <<W
#!/bin/sh
# rustc finds its std beside librustc_driver.so, so a symlink would look in /usr: pass --sysroot.
# (cargo clippy calls "clippy-driver RUSTC ...": the path it hands on comes first)
D="\$(cd "\$(dirname "\$(readlink -f "\$0")")/.." && pwd)"
export SYSROOT="\$D"
exec $HOSTRUST/bin/$b "\$@" --sysroot "\$D"
W
chmod +x "$TMP/out/bin/$b"; done
for b in cargo cargo-fmt rustfmt rust-lld; do ln -s "$HOSTRUST/bin/$b" "$TMP/out/bin/$b"; done
# a copy, not a symlink: cargo-clippy runs the clippy-driver beside its own (resolved) path
cp "$HOSTRUST/bin/cargo-clippy" "$TMP/out/bin/cargo-clippy"
echo "$STAMP" > "$TMP/out/.stamp"
rm -rf "$DIR.old"; [ -d "$DIR" ] && mv "$DIR" "$DIR.old"; mkdir -p "$(dirname "$DIR")"; mv "$TMP/out" "$DIR"; rm -rf "$DIR.old"
echo "built: $(du -sh "$DIR" | cut -f1)" >&2; echo "$DIR"
