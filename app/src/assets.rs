//! The static files of the pages.

use std::sync::Arc;

/// Where pages load their static files from. The build puts a hash into the names.
#[derive(Debug, Clone)]
pub struct AssetUrls {
    pub style_sheet: Arc<str>,
    /// Draws charts.
    pub chart: Arc<str>,
    pub icon: Arc<str>,
}
