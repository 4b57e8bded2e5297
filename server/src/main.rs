//! The binary `callsheet`: the library, and the static files of the pages.

use std::process::ExitCode;

use callsheet_server::assets::Assets;
use include_dir::{Dir, include_dir};

/// The static files of the pages, as `.ci/assets/build.mjs` writes them. Embedded here, because they are built beside the library.
static PAGE_ASSETS: Dir = include_dir!("$CALLSHEET_ASSETS");

fn main() -> ExitCode {
    callsheet_server::commands::run(Assets::embedded(&PAGE_ASSETS))
}
