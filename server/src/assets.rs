//! Static files of the pages: scripts, WebAssembly, style sheet, icon.
//!
//! `.ci/assets/build.mjs` builds them, and the binary embeds them. `cargo leptos watch` serves its own folder instead.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use bytes::Bytes;
use callsheet_app::AssetUrls;
use include_dir::{Dir, File};

/// File that maps names to hashed paths.
const MANIFEST: &str = "manifest.json";
/// Folder of the files, and first segment of their URL paths.
const FOLDER: &str = "pkg";

/// The static files. Empty by default.
#[derive(Debug, Default)]
pub struct Assets {
    /// Files and compressed copies by path.
    content: HashMap<String, Bytes>,
    /// Paths by name, such as `pkg/callsheet.0123456789abcdef.css` for `callsheet.css`.
    paths: HashMap<String, String>,
}

/// A static file.
#[derive(Debug, Clone, Copy)]
pub struct Asset<'a> {
    pub content: &'a Bytes,
    pub brotli: Option<&'a Bytes>,
    pub gzip: Option<&'a Bytes>,
    /// The path contains a hash of the content, so the content never changes.
    pub immutable: bool,
}

impl Assets {
    /// Returns the embedded files; none if the binary was built without them.
    #[must_use]
    pub fn embedded(folder: &'static Dir<'static>) -> Self {
        let manifest = folder.get_file(MANIFEST).map(File::contents);
        let paths = manifest.and_then(|manifest| serde_json::from_slice(manifest).ok()).unwrap_or_default();
        let files = folder.dirs().flat_map(Dir::files);
        let content = files
            .filter_map(|file| Some((file.path().to_str()?.to_owned(), Bytes::from_static(file.contents()))))
            .collect();
        Self { content, paths }
    }

    /// Reads the files of a folder, which have plain names.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut assets = Self::default();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Some((path, name)) = path.strip_prefix(folder).ok().and_then(|relative| {
                    Some((relative.to_str()?.to_owned(), relative.file_name()?.to_str()?.to_owned()))
                }) {
                    assets.content.insert(path.clone(), std::fs::read(folder.join(&path))?.into());
                    assets.paths.insert(name, path);
                }
            }
        }
        Ok(assets)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Returns the paths of all files, without compressed copies.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.values().map(String::as_str)
    }

    /// Returns the file at a path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Asset<'_>> {
        let content = self.content.get(path)?;
        let copy = |extension| self.content.get(&format!("{path}{extension}"));
        let immutable = path.rsplit('/').next().is_some_and(|name| !self.paths.contains_key(name));
        Some(Asset { content, brotli: copy(".br"), gzip: copy(".gz"), immutable })
    }

    /// Returns the URLs that pages load.
    #[must_use]
    pub fn urls(&self) -> AssetUrls {
        let url = |name: &str| format!("/{}", self.path_of(name)).into();
        AssetUrls { style_sheet: url("callsheet.css"), chart: url("chart.js"), icon: url("favicon.svg") }
    }

    /// Returns the common name of the script and the WebAssembly, without extension.
    #[must_use]
    pub fn application(&self) -> String {
        let script = self.path_of("callsheet.js");
        let name = script.rsplit('/').next().unwrap_or(&script);
        name.strip_suffix(".js").unwrap_or(name).to_owned()
    }

    fn path_of(&self, name: &str) -> String {
        self.paths.get(name).cloned().unwrap_or_else(|| format!("{FOLDER}/{name}"))
    }
}
