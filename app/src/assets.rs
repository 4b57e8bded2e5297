//! The static files of the pages.

use std::sync::Arc;

/// URLs of the static files of the pages. In a release the file names contain a hash.
#[derive(Debug, Clone)]
pub struct AssetUrls {
    pub style_sheet: Arc<str>,
    /// Draws charts.
    pub chart: Arc<str>,
    pub icon: Arc<str>,
}
