//! Sources as pages and the API show them.

use serde::{Deserialize, Serialize};

use crate::{Millis, SourceId, string_enum};

string_enum!(
    /// The protocol of a source.
    Adapter {
        /// The built-in RTMP ingest.
        BuiltIn = "built-in",
        /// nginx with the RTMP module.
        NginxRtmp = "nginx-rtmp",
        /// Signed JSON with the event names of callbacks.
        Generic = "generic",
    }
);

impl Adapter {
    /// Returns whether the source can disconnect a publisher: the built-in ingest at once, nginx-rtmp when its heartbeat is refused.
    #[must_use]
    pub const fn can_drop(self) -> bool {
        matches!(self, Self::BuiltIn | Self::NginxRtmp)
    }

    /// Returns whether the source sends heartbeats from the start of each publish. For others it depends on their settings.
    #[must_use]
    pub const fn sends_heartbeats(self) -> bool {
        matches!(self, Self::BuiltIn)
    }

    /// Returns whether the source reports a publish before it knows whether the name is free. It refuses a second publisher without a
    /// report. The built-in ingest reports a publish when nobody else can have it.
    #[must_use]
    pub const fn may_refuse(self) -> bool {
        matches!(self, Self::NginxRtmp | Self::Generic)
    }

    /// Returns whether the source keeps its parts and reports each of them eventually, even after a restart.
    #[must_use]
    pub const fn keeps_parts(self) -> bool {
        matches!(self, Self::BuiltIn)
    }

    /// Returns whether the source sends its reports in order. Other sources use several connections, so reports may overtake each other.
    #[must_use]
    pub const fn reports_in_order(self) -> bool {
        matches!(self, Self::BuiltIn)
    }

    /// Returns whether the source reports only complete parts. The recording then starts with the publish.
    #[must_use]
    pub const fn records_at_publish(self) -> bool {
        matches!(self, Self::NginxRtmp)
    }
}

/// A source. `ingest_path`, which contains the secret, is set only for actors who may manage sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceView {
    pub id: SourceId,
    pub adapter: Adapter,
    pub name: String,
    pub default_domain: Option<String>,
    pub created_at: Millis,
    pub last_seen_at: Option<Millis>,
    /// `/ingest/<adapter>/<secret>`.
    pub ingest_path: Option<String>,
}

/// A refused publish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusalView {
    pub at: Millis,
    pub source: String,
    pub host: String,
    pub app: String,
    pub stream: String,
    pub client: Option<String>,
    /// Stable code of the reason.
    pub code: String,
    pub reason: String,
}
