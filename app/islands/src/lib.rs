//! The parts of the pages that run in the browser, as WebAssembly: the islands of `callsheet_app`.
#![cfg(target_family = "wasm")]

// Links the islands, which nothing here names.
extern crate callsheet_app;

/// Starts the islands of the page. Called by the page's script.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
