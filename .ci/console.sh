#!/usr/bin/env bash
# `make run`: builds the console for release when a source is newer than the last build, then starts it.
# The environment (CALLSHEET_…) and arguments, if any, reach `callsheet serve`.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/tools.sh

if ! release_is_current; then
  install_build_tools
  step "Building the console for release (about 10 min the first time)"
  build_release
fi

step "Starting the console"
exec "$target_dir/release/callsheet" serve "$@"
