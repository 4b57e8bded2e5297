# shellcheck shell=bash
# Sourced by console.sh, test.sh and bench.sh, from the top of the checkout: where things lie, the tools of the build,
# and the release build.
#
# Tools of a fixed version go to $target_dir/tools: nothing of the user's is replaced, and `rm -rf target` undoes it
# all. A tool of the right version that is already on the PATH is used as it is.

set -euo pipefail

rust_minimum=1.95
node_minimum=20.12
wasm_bindgen=0.2.130 # the crate and the command must be the same version: see `wasm-bindgen` in Cargo.toml

target_dir="${CARGO_TARGET_DIR:-target}"
mkdir -p "$target_dir"
target_dir="$(cd "$target_dir" && pwd)"
tools_dir="$target_dir/tools"
export CARGO_TARGET_DIR="$target_dir"
export PATH="$tools_dir/bin:$tools_dir/node_modules/.bin:$PATH"

step() { printf '==> [%d:%02d] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"; }
stop() {
  printf 'Cannot go on: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null; }

# has_version COMMAND VERSION
has_version() { have "$1" && "$1" --version 2>/dev/null | grep -qwF "$2"; }

# at_least VERSION MINIMUM
at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

# install_crate NAME@VERSION ARGUMENTS…: builds apart from the project, and can be interrupted and taken up again.
# The tools run for seconds: building them fast matters more than their own speed.
install_crate() {
  CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=0 \
    cargo install --root "$tools_dir" --target-dir "$tools_dir/build" "$@"
}

require_build_tools() {
  have cargo || stop "Rust is missing. Install it from https://rustup.rs, then try again."
  have npm || stop "Node.js with npm is missing. Install version 20.12 or later, then try again."
  local rust node
  rust="$(rustc --version | cut -d ' ' -f 2)"
  at_least "$rust" "$rust_minimum" || stop "Rust $rust is too old. Run \`rustup update stable\`, then try again."
  node="$(node --version)"
  at_least "${node#v}" "$node_minimum" || stop "Node.js $node is too old. Install version $node_minimum or later, then try again."
  install_wasm_target
}

install_wasm_target() {
  [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ] && return
  step "Installing the wasm target of Rust"
  have rustup || stop "this Rust lacks the target wasm32-unknown-unknown, and there is no rustup to add it."
  rustup target add wasm32-unknown-unknown
}

# The tools that build the pages' static files. Only wasm-bindgen is compiled, and only if there is none to use or to download.
install_asset_tools() {
  if [ .ci/assets/package-lock.json -nt .ci/assets/node_modules/.package-lock.json ]; then
    step "Installing esbuild and wasm-opt"
    npm ci --prefix .ci/assets --no-audit --no-fund --loglevel=error
  fi
  has_version wasm-bindgen "$wasm_bindgen" && return
  if have cargo-binstall && cargo binstall --no-confirm --log-level warn --root "$tools_dir" --strategies crate-meta-data,quick-install \
    "wasm-bindgen-cli@$wasm_bindgen"; then
    return
  fi
  step "Compiling wasm-bindgen $wasm_bindgen"
  # Without TLS, which only its test runner uses.
  install_crate "wasm-bindgen-cli@$wasm_bindgen" --no-default-features --bin wasm-bindgen
  rm -rf "$tools_dir/build"
}

# install_missing PACKAGE…: of Debian.
install_missing() {
  [ $# -eq 0 ] && return
  local install="apt-get install --yes --no-install-recommends $*"
  if ! have apt-get || [ "$(id -u)" -ne 0 ]; then
    stop "this needs $*. On Debian: sudo $install"
  fi
  step "Installing $*"
  apt-get update --quiet=2
  DEBIAN_FRONTEND=noninteractive $install --quiet=2
}

install_browser_packages() {
  [ end2end/package-lock.json -nt end2end/node_modules/.package-lock.json ] || return 0
  step "Installing the browser tests' packages"
  PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --prefix end2end --no-audit --no-fund --loglevel=error
}

# A build is `dev` or `release`, like the profiles of cargo. Each has a folder of its own.
build_folder() {
  case "$1" in
    dev) echo "$target_dir/debug" ;;
    release) echo "$target_dir/release" ;;
  esac
}

# use_build BUILD: for everything that cargo builds from here on.
use_build() {
  CALLSHEET_ASSETS="$(build_folder "$1")/assets"
  export CALLSHEET_ASSETS
  mkdir -p "$CALLSHEET_ASSETS"
}

# build_assets BUILD: the static files of the pages.
build_assets() {
  local profile=dev folder=debug
  [ "$1" = dev ] || profile=wasm-release folder=wasm-release
  install_asset_tools
  # A target folder of its own, so that the server can be built at the same time.
  cargo build --locked --package callsheet-islands --target wasm32-unknown-unknown --profile "$profile" --target-dir "$target_dir/assets"
  node .ci/assets/build.mjs "$target_dir/assets/wasm32-unknown-unknown/$folder/callsheet_islands.wasm" "$CALLSHEET_ASSETS" "--$1"
}

# in_background COMMAND…: in a process group of its own, whose number is in $background. It ends with this script.
in_background() {
  set -m
  "$@" &
  background=$!
  set +m
  # shellcheck disable=SC2064
  trap "kill -- -$background 2>/dev/null || true" EXIT
}

# nicely COMMAND…: leaves the processor to what is longer.
nicely() {
  renice -n 5 -p "$BASHPID" >/dev/null || true
  "$@"
}

# after_background: its exit code.
after_background() {
  local code=0
  wait "$background" || code=$?
  trap - EXIT
  return "$code"
}

# beside_assets BUILD COMMAND…: runs the command while the static files of the pages are built.
beside_assets() {
  local build="$1" log="$target_dir/assets.log"
  shift
  use_build "$build"
  in_background nicely build_assets "$build" >"$log" 2>&1
  "$@"
  step "Waiting for the static files of the pages"
  after_background || {
    cat "$log" >&2
    stop "the static files of the pages could not be built."
  }
}

# build_console BUILD: the binary. Only its last step, which links it, needs the static files of the pages.
build_console() {
  local stamp
  stamp="$(build_folder "$1")/.callsheet-built"
  mkdir -p "$(build_folder "$1")"
  rm -f "$stamp"
  echo "$PWD" >"$stamp.new" # now: what is edited during the build counts for the next one
  beside_assets "$1" cargo build --locked --package callsheet-server --lib --profile "$1"
  cargo build --locked --package callsheet-server --bin callsheet --profile "$1"
  [ "$1" = dev ] || keep_symbols_apart "$(build_folder "$1")/callsheet"
  mv "$stamp.new" "$stamp"
  touch "$stamp.end"
}

# keep_symbols_apart BINARY: moves its symbols to BINARY.debug, where debuggers and backtraces find them.
keep_symbols_apart() {
  have objcopy || return 0
  objcopy --only-keep-debug "$1" "$1.debug"
  objcopy --strip-all --add-gnu-debuglink="$1.debug" "$1" "$1.stripped"
  mv "$1.stripped" "$1"
}

# Whether no source is newer than the last build, the build was of this checkout, and nobody has built the binary since, perhaps without
# the static files of the pages. Folders count too: their time changes when a file in them is renamed or deleted.
build_is_current() {
  local stamp
  stamp="$(build_folder "$1")/.callsheet-built"
  [ "$(cat "$stamp" 2>/dev/null)" = "$PWD" ] && [ "$stamp.end" -nt "$(build_folder "$1")/callsheet" ] &&
    [ -z "$(find .cargo .ci/assets/* .ci/tools.sh Cargo.toml Cargo.lock src app server style public migrations \
      -name node_modules -prune -o -newer "$stamp" -print -quit)" ]
}
