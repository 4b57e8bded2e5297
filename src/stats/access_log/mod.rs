//! Access logs: from lines to sums by domain and five-minute bin.
//!
//! A line is parsed to a [`LogEntry`] or a [`LineError`]. A [`Tally`] sums entries by domain and bin; unknown hosts are summed under
//! [`OTHER`](super::OTHER). A [`LogReader`] reads a file from start to end and emits a [`Batch`] about every 256 MiB, always at the end of
//! a line.
//!
//! **Duplicates.** The imported part of a file is identified by two digests of its uncompressed content: `head`, of the first 4 KiB (or of
//! the complete lines if fewer bytes are imported), and `prefix`, of everything up to `offset`. The caller stores the three with each batch.
//! When a file is read again (renamed, recompressed, grown, or complete after it was truncated), its head matches a stored one, and
//! [`LogReader::resume`] skips the longest known prefix. Limitation: a copy that is truncated after the complete file was imported counts
//! as a new file, because no digest of its end is stored.
//!
//! **Time.** The timestamp of a line is the end of its request. Bytes are spread evenly over the duration ([`spread()`]); the request, its
//! cache hit and its status are counted in the bin of the end.
//!
//! **Performance.** A line costs no allocation, no regular expression, and one hash lookup each for its host and its bin.

mod cdn;
mod combined;
mod decompress;
mod format;
mod hosts;
mod json;
mod line_error;
mod notes;
mod numbers;
mod parser;
mod reader;
mod spread;
mod tally;
mod times;
mod tokens;
mod w3c;

#[cfg(test)]
mod tests;

pub use decompress::is_compressed;
pub use format::{Format, UnsupportedContent};
pub use hosts::KnownHosts;
pub use json::NGINX_LOG_FORMAT;
pub use line_error::{BadLine, LineError};
pub use notes::{Note, NoteCount, Notes};
pub use parser::{LogEntry, Parser};
pub use reader::{Batch, KnownPrefix, LogReader, ReadEnd, Tail};
pub use spread::spread;
pub use tally::{ImportReport, Tally, UnknownHost};
