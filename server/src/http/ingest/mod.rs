//! Reports of external media servers. Each adapter reads its server's requests into calls of the console; nothing is
//! looked up or stored here.

mod flv;
pub mod generic;
mod handlers;
pub mod nginx_rtmp;

pub use flv::{FlvFacts, flv_facts};
pub use handlers::report;

/// The request is not what the adapter's server sends. The text is for the answer and the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHook {
    #[error("the body is not a JSON object")]
    NotJson,
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error("`{field}` must be {expected}")]
    Bad { field: &'static str, expected: &'static str },
}

/// How much of a text is taken. Databases index names, and PostgreSQL keeps no NUL.
struct Limit {
    /// In characters.
    most: usize,
    expected: &'static str,
}

/// For what names a session or a recorder.
const NAME: Limit = Limit { most: 200, expected: "at most 200 characters, without NUL" };
/// For what says where a file lies or why something failed.
const TEXT: Limit = Limit { most: 2_048, expected: "at most 2048 characters, without NUL" };

impl Limit {
    fn check(&self, field: &'static str, text: String) -> Result<String, BadHook> {
        if text.contains('\0') || text.chars().count() > self.most {
            return Err(BadHook::Bad { field, expected: self.expected });
        }
        Ok(text)
    }
}
