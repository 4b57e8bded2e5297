//! The binary `callsheet`: the library, and the static files of the pages.

use std::process::ExitCode;

use callsheet_server::assets::Assets;
use rust_embed::RustEmbed;

/// The static files of the pages, as `.ci/assets/build.mjs` writes them. Embedded here, because they are built beside the library.
#[derive(RustEmbed)]
#[folder = "$CALLSHEET_ASSETS"]
#[allow_missing = true]
struct PageAssets;

fn main() -> ExitCode {
    callsheet_server::commands::run(Assets::embedded::<PageAssets>())
}
