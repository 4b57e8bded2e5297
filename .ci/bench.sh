#!/usr/bin/env bash
# `make bench`: deliveries, statistics, sizes, and the console in a browser. JSON lines go to target/bench/ too.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/tools.sh

results="$PWD/target/bench"
mkdir -p "$results"

missing=()
have goaccess || missing+=(goaccess) # the other reader of access logs
have "${CHROMIUM:-chromium-headless-shell}" || missing+=(chromium-headless-shell)
have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
install_missing "${missing[@]}"
require_build_tools
install_browser_packages

# Bytes of the pages' static files on the wire (brotli), of charts, which only their pages load, and of the binary.
sizes() {
  local pkg="$CALLSHEET_ASSETS/pkg"
  size() { stat --format %s "$@"; }
  printf '{"bench":"sizes","wasm":%d,"js":%d,"css":%d,"charts":%d,"binary":%d}\n' "$(size "$pkg"/callsheet.*.wasm.br)" \
    "$(size "$pkg"/callsheet.*.js.br)" "$(size "$pkg"/callsheet.*.css.br)" "$(size "$pkg"/chart.*.js.br)" \
    "$(size "$target_dir/release/callsheet")"
}

# First: `cargo bench` builds the binary again, and must find the static files.
use_build release
build_is_current release || build_console release
sizes | tee "$results/sizes.jsonl"
.ci/with-postgres.sh --durable cargo bench --locked --package callsheet-server --bench delivery | tee "$results/delivery.jsonl"
.ci/with-postgres.sh --durable cargo bench --locked --package callsheet-server --bench statistics | tee "$results/statistics.jsonl"
rm -f "$results/browser.jsonl"
(cd end2end && CALLSHEET_BINARY="$target_dir/release/callsheet" BENCH_OUTPUT="$results/browser.jsonl" \
  node_modules/.bin/playwright test --config bench.config.ts)
