//! Texts for the browser's part of the upload form, in the language of the user.

use serde::{Deserialize, Serialize};

/// Path of the page and of its form.
pub const PATH: &str = "/statistics/imports";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UploadLabels {
    pub(crate) submit: String,
    pub(crate) cancel: String,
    pub(crate) progress: String,
    /// Contains the placeholders `%{sent}`, `%{total}` and `%{share}`.
    pub(crate) sending: String,
    pub(crate) counting: String,
    pub(crate) cancelled: String,
    /// Error text for an unreachable server.
    pub(crate) broken: String,
}
