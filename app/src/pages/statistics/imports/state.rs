//! What the upload form shows, as it travels between server and browser. Every text is in the person's language already.

use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// Where the form posts to, and where its page is.
pub const PATH: &str = "/statistics/imports";

/// What the form starts with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UploadStart {
    pub(crate) labels: UploadLabels,
    /// Value and text of each.
    pub(crate) formats: Vec<(String, String)>,
    /// What was typed before the form was refused.
    pub(crate) format: String,
    pub(crate) domain: String,
    pub(crate) error: Option<UiError>,
    /// Of the file that was sent last.
    pub(crate) outcome: Option<Outcome>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UploadLabels {
    pub(crate) file: String,
    pub(crate) file_help: String,
    pub(crate) format: String,
    pub(crate) domain: String,
    pub(crate) domain_help: String,
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

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) tone: OutcomeTone,
    pub(crate) title: String,
    pub(crate) notes: Vec<String>,
    /// Name and value of each.
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) bad: Option<BadLines>,
    pub(crate) unknown: Option<UnknownHosts>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OutcomeTone {
    Good,
    /// There is something to look at.
    Mixed,
    /// Nothing was counted that could have been.
    Bad,
    /// Nothing was new.
    Plain,
}

impl OutcomeTone {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Good => "note ok outcome",
            Self::Mixed => "note warn outcome",
            Self::Bad => "note bad outcome",
            Self::Plain => "note outcome",
        }
    }
}

/// Lines that were not counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BadLines {
    pub(crate) title: String,
    pub(crate) heads: [String; 2],
    /// Numbers of lines, and their reason.
    pub(crate) rows: Vec<[String; 2]>,
}

/// Hosts that are counted together, because the console does not know them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UnknownHosts {
    pub(crate) title: String,
    pub(crate) help: String,
    pub(crate) heads: [String; 2],
    pub(crate) rows: Vec<UnknownHost>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UnknownHost {
    pub(crate) host: String,
    pub(crate) requests: String,
    /// Address and text of the link that adds it; none for what is no host name.
    pub(crate) add: Option<(String, String)>,
}
