#!/usr/bin/env bash
# `make run`: builds the console for release when a source is newer than the last build, then starts it.
# Arguments and the environment (CALLSHEET_…) reach `callsheet serve`.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/tools.sh

binary="$target_dir/release/callsheet"
built="$target_dir/release/.callsheet-built" # as old as the last build that succeeded; names its checkout
sources=(.cargo Cargo.toml Cargo.lock src app server style public migrations)

# Folders count too: their time changes when a file in them is renamed or deleted.
up_to_date() {
  [ -x "$binary" ] && [ "$(cat "$built" 2>/dev/null)" = "$PWD" ] && [ -z "$(find "${sources[@]}" -newer "$built" -print -quit)" ]
}

if ! up_to_date; then
  install_build_tools
  step "Building the console for release (about 10 min the first time)"
  mkdir -p "$target_dir/release"
  echo "$PWD" >"$built.new" # now: what is edited during the build counts for the next one
  LEPTOS_SITE_ROOT="$target_dir/release/site" cargo leptos build --release --precompress --cargo-locked
  mv "$built.new" "$built"
fi

step "Starting the console"
exec "$binary" serve "$@"
