#!/usr/bin/env bash
# `make bench`: deliveries, statistics, the size of the pages' files, and charts in a browser. JSON lines go to target/bench/ too.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/tools.sh

results="$PWD/target/bench"
mkdir -p "$results"

missing=()
have goaccess || missing+=(goaccess) # the other reader of access logs
have "${CHROMIUM:-chromium}" || missing+=(chromium)
have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
install_missing "${missing[@]}"
install_build_tools
install_browser_packages

# What a page's own files weigh on the wire, brotli, and what charts add: bytes.
front_size() {
  local site="$target_dir/release/site"
  sum() { cat "$@" | wc -c; }
  printf '{"bench":"front","wasm":%d,"js":%d,"css":%d,"charts":%d}\n' "$(sum "$site"/pkg/*.wasm.br)" "$(sum "$site"/pkg/*.js.br)" \
    "$(sum "$site"/pkg/*.css.br)" "$(sum "$site"/chart/*.js.br)"
}

.ci/with-postgres.sh --durable cargo bench --locked --package callsheet-server --bench delivery | tee "$results/delivery.jsonl"
.ci/with-postgres.sh --durable cargo bench --locked --package callsheet-server --bench statistics | tee "$results/statistics.jsonl"
release_is_current || build_release
front_size | tee "$results/front.jsonl"
rm -f "$results/browser.jsonl"
(cd end2end && CALLSHEET_BINARY="$target_dir/release/callsheet" BENCH_OUTPUT="$results/browser.jsonl" \
  node_modules/.bin/playwright test --config bench.config.ts)
