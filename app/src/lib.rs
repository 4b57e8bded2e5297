//! What the Callsheet console shows.
//!
//! **Where things run.** Pages, their texts and their data live on the server alone: a page asks the use cases of the core
//! and becomes HTML before the first byte leaves. Only *islands* run in the browser as well, and each of them is a form
//! or a button that also works without script; charts alone are drawn by a script of their own, from the table below them
//! (`public/chart`). Server functions are where forms post to.
//!
//! Architecture invariant: no catalog, no page and no view of the core that an island does not need is part of the wasm.
//!
//! `shell` is the document, `routes` names every page, `page` is the one way in which a page is answered, `forms` is the
//! one way in which a form is, `context` tells both who asks. Below `pages` and `components` the features have the names
//! that they have in the core.

// A view is one type as deep as its page.
#![recursion_limit = "256"]
#![expect(unreachable_pub, reason = "the macros of leptos make components, islands and server functions public")]
#[cfg(feature = "ssr")]
mod assets;
#[cfg(feature = "ssr")]
mod context;
#[cfg(feature = "ssr")]
mod details;
mod error;
#[cfg(feature = "ssr")]
mod form_cookie;
#[cfg(feature = "ssr")]
mod forms;
#[cfg(feature = "ssr")]
mod frame;
#[cfg(feature = "ssr")]
mod page;
#[cfg(feature = "ssr")]
mod query;
#[cfg(feature = "ssr")]
mod request;
#[cfg(feature = "ssr")]
mod routes;
#[cfg(feature = "ssr")]
mod shell;
#[cfg(feature = "ssr")]
mod texts;
#[cfg(feature = "ssr")]
mod times;
#[cfg(feature = "ssr")]
mod units;

mod components;
mod pages;

#[cfg(feature = "ssr")]
pub use assets::AssetUrls;
#[cfg(feature = "ssr")]
pub use context::{
    ApiDescription, ClientAddress, RtmpPort, SESSION_ADDRESS, SESSION_AGENT, SESSION_USER, provide_app_context,
    session_hash,
};
pub use error::UiError;
#[cfg(feature = "ssr")]
pub use form_cookie::FormCookie;
#[cfg(feature = "ssr")]
pub use pages::audit::AuditExport;
#[cfg(feature = "ssr")]
pub use pages::statistics::{imports, reports};
#[cfg(feature = "ssr")]
pub use routes::App;
#[cfg(feature = "ssr")]
pub use shell::{failure_page, shell};
#[cfg(feature = "ssr")]
pub use texts::{Locale, Texts};
