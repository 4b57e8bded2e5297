#!/usr/bin/env bash
# `make run` and `make dev`: build the console if a source is newer than the last build, then start it.
#   console.sh release|dev [ARGUMENTS…]   arguments and environment (CALLSHEET_…) go to `callsheet serve`
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/tools.sh

profile="${1:-release}"
shift || true

if ! build_is_current "$profile"; then
  require_build_tools
  step "Building the console (the first build compiles all of it and takes minutes)"
  build_console "$profile"
fi

step "Starting the console"
exec "$(build_folder "$profile")/callsheet" serve "$@"
