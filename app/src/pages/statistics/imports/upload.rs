//! State of an upload in the browser.

use leptos::html::Div;
use leptos::prelude::*;

/// Progress of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Idle,
    /// Bytes of the request.
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only a browser sends"))]
    Sending {
        sent: u64,
        total: u64,
    },
    /// Sent; the server counts the lines.
    Counting,
}

/// Signals of the upload form.
#[derive(Clone, Copy)]
pub(super) struct Upload {
    /// An element within the form.
    pub(super) place: NodeRef<Div>,
    pub(super) phase: RwSignal<Phase>,
    /// An error that belongs to no field.
    pub(super) wrong: RwSignal<Option<String>>,
    /// The user has cancelled.
    pub(super) cancelled: RwSignal<bool>,
    /// Error text for an unreachable server.
    #[cfg(feature = "hydrate")]
    pub(super) broken: StoredValue<String>,
    #[cfg(feature = "hydrate")]
    pub(super) request: StoredValue<Option<web_sys::XmlHttpRequest>, LocalStorage>,
}

impl Upload {
    pub(super) fn is_idle(self) -> bool {
        self.phase.get() == Phase::Idle
    }
}
