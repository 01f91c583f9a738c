#!/usr/bin/env bash
# wasmtime 48.0.8 (crates.io)
#
# A program that asks for wasmtime with `default-features = false` and without the feature `pulley`,
# because it only ever runs native code, compiles Cranelift's back end for Pulley all the same: the
# dependency on wasmtime-internal-cranelift asks for that crate's feature `pulley` itself, whatever
# the program chose, and that pulls in pulley-interpreter too. Leaving the feature out saves no
# build time; Cranelift's code generator is the largest crate of such a build.
#
# Seen: `cargo tree -e features` lists `cranelift-codegen feature "pulley"` and the crate
# pulley-interpreter below a wasmtime whose own feature `pulley` is off.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cargo init --quiet --name host --vcs none
cat >> Cargo.toml <<'TOML'
wasmtime = { version = "=48.0.8", default-features = false, features = ["std", "runtime", "cranelift"] }
TOML
tree=$(cargo tree --quiet -e normal,features)
check() { grep -qF "$1" <<< "$tree" && echo "as described: $1" || { echo "CHANGED: no $1"; exit 1; }; }
if grep -qF 'wasmtime feature "pulley"' <<< "$tree"; then
  echo 'CHANGED: the feature is on by itself'
  exit 1
fi
echo 'as described: wasmtime'"'"'s own feature "pulley" is off'
check 'cranelift-codegen feature "pulley"'
check 'pulley-interpreter v48.0.8'
