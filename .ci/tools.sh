# shellcheck shell=bash
# Sourced by console.sh, test.sh and bench.sh, from the top of the checkout: where things lie, the tools of the build,
# and the release build.
#
# Tools of a fixed version go to $target_dir/tools: nothing of the user's is replaced, and `rm -rf target` undoes it
# all. A tool of the right version that is already on the PATH is used as it is.

set -euo pipefail

rust_minimum=1.95
wasm_bindgen=0.2.130 # the crate and the command must be the same version: see `wasm-bindgen` in Cargo.toml
cargo_leptos=0.3.10  # 0.3.11 needs a newer Rust
binaryen=132

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
  CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
    cargo install --root "$tools_dir" --target-dir "$tools_dir/build" "$@"
}

require_languages() {
  have cargo || stop "Rust is missing. Install it from https://rustup.rs, then try again."
  have npm || stop "Node.js with npm is missing. Install version 20 or later, then try again."
  local rust
  rust="$(rustc --version | cut -d ' ' -f 2)"
  at_least "$rust" "$rust_minimum" || stop "Rust $rust is too old. Run \`rustup update stable\`, then try again."
}

install_wasm_target() {
  [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ] && return
  step "Installing the wasm target of Rust"
  have rustup || stop "this Rust lacks the target wasm32-unknown-unknown, and there is no rustup to add it."
  rustup target add wasm32-unknown-unknown
}

install_build_tools() {
  require_languages
  install_wasm_target
  if ! has_version wasm-bindgen "$wasm_bindgen"; then
    step "Installing wasm-bindgen $wasm_bindgen (about 3 min, once)"
    install_crate "wasm-bindgen-cli@$wasm_bindgen"
  fi
  if ! has_version cargo-leptos "$cargo_leptos"; then
    step "Installing cargo-leptos $cargo_leptos (about 5 min, once)"
    install_crate "cargo-leptos@$cargo_leptos" --locked --no-default-features --features no_downloads
  fi
  if ! has_version wasm-opt "$binaryen"; then
    step "Installing wasm-opt $binaryen (seconds, once)"
    npm install --prefix "$tools_dir" --no-save --no-package-lock --no-audit --no-fund --loglevel=error "binaryen@$binaryen"
  fi
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

# As old as the sources of the last release build that succeeded; names its checkout.
release_stamp="$target_dir/release/.callsheet-built"

# Folders count too: their time changes when a file in them is renamed or deleted.
release_is_current() {
  [ "$(cat "$release_stamp" 2>/dev/null)" = "$PWD" ] &&
    [ -z "$(find .cargo Cargo.toml Cargo.lock src app server style public migrations -newer "$release_stamp" -print -quit)" ]
}

# The pages' files lie in `site` beside the binary, as in a development build: neither overwrites the other's.
build_release() {
  mkdir -p "$target_dir/release"
  rm -f "$release_stamp"
  echo "$PWD" >"$release_stamp.new" # now: what is edited during the build counts for the next one
  LEPTOS_SITE_ROOT="$target_dir/release/site" cargo leptos build --release --precompress --cargo-locked
  mv "$release_stamp.new" "$release_stamp"
}
