//! What the browser's part of the upload form is told. Every text is in the person's language already.

use serde::{Deserialize, Serialize};

/// Where the form posts to, and where its page is.
pub const PATH: &str = "/statistics/imports";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UploadLabels {
    pub(crate) submit: String,
    pub(crate) cancel: String,
    pub(crate) progress: String,
    /// With the places `%{sent}`, `%{total}` and `%{share}`.
    pub(crate) sending: String,
    pub(crate) counting: String,
    pub(crate) cancelled: String,
    /// Said when the console cannot be reached.
    pub(crate) broken: String,
}
