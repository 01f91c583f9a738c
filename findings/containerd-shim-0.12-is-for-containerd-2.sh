#!/usr/bin/env bash
# containerd-shim 0.11.0 and 0.12.0 (crates.io), containerd 1.6.20 (Debian 12). Takes root.
#
# The task API has the same messages under two names: containerd.task.v2.Task, and
# containerd.task.v3.Task since containerd 2.0. containerd-shim 0.11 is for the first, 0.12 for the
# second alone: it serves that name only, and answers `start` with a JSON document in place of an
# address. So a shim that takes the newer crate, with no other change, cannot be used by containerd
# 1.6: that takes the document for the path of a socket.
#
# Seen: the same source, a shim that implements nothing. With 0.11 containerd 1.6 is told that
# creating a container is not supported, which is the crate's own answer. With 0.12 it never gets so
# far: `dial unix {"address":…,"protocol":"ttrpc","version":3}`.
set -euo pipefail
command -v ctr >/dev/null || apt-get install -q -y --no-install-recommends containerd >/dev/null
folder=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; pkill -f "$folder/c.sock" || true; rm -rf "$folder"' EXIT
mkdir -p "$folder/bin" "$folder/rootfs"
cat > "$folder/config.toml" <<TOML
version = 2
root = "$folder/root"
state = "$folder/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$folder/c.sock"
TOML

build() { # VERSION NAME
  mkdir -p "$folder/$2/src"
  cat > "$folder/$2/Cargo.toml" <<TOML
[package]
name = "containerd-shim-$2-v1"
edition = "2024"
[dependencies]
containerd-shim = "=$1"
TOML
  cat > "$folder/$2/src/main.rs" <<'RUST'
use containerd_shim::*;
#[derive(Clone)]
struct Nothing;
impl Shim for Nothing {
    type T = Self;
    fn new(_: &str, _: &Flags, _: &mut Config) -> Self {
        Self
    }
    fn start_shim(&mut self, options: StartOpts) -> Result<String> {
        let id = options.id.clone();
        Ok(spawn(options, &id, Vec::new())?.1)
    }
    fn delete_shim(&mut self) -> Result<DeleteResponse> {
        Ok(DeleteResponse::new())
    }
    fn wait(&mut self) {
        loop {
            std::thread::park();
        }
    }
    fn create_task_service(&self, _: publisher::RemotePublisher) -> Self {
        self.clone()
    }
}
impl Task for Nothing {}
fn main() {
    run::<Nothing>("io.containerd.nothing.v1", None);
}
RUST
  cargo build --quiet --manifest-path "$folder/$2/Cargo.toml" --target-dir "$folder/target"
  cp "$folder/target/debug/containerd-shim-$2-v1" "$folder/bin/"
}
build 0.11.0 eleven
build 0.12.0 twelve

PATH="$folder/bin:$PATH" containerd --config "$folder/config.toml" >"$folder/log" 2>&1 &
server=$!
ctr() { command ctr --address "$folder/c.sock" "$@"; }
until ctr version >/dev/null 2>&1; do kill -0 "$server"; sleep 0.1; done
ctr version | grep Version: | tail -1
try() { ctr run --rootfs --runtime "io.containerd.$1.v1" "$folder/rootfs" "$1" /x 2>&1 | tr -d '\0' || true; }
check() { # NAME TEXT
  said=$(try "$1")
  echo "$1: $said"
  grep -qi "$2" <<< "$said" && echo "as described" || { echo "CHANGED: not \"$2\""; exit 1; }
}
check eleven 'task.v2.Task/Create is not supported'
check twelve 'dial unix {"address":.*"version":3}'
