//! Access logs: from lines to sums by domain and five-minute point.
//!
//! **Words.** A *line* becomes a [`Hit`] or is [`Bad`]. A [`Tally`] sums hits by domain and point; hosts that the console does not know
//! are summed under [`OTHER`](super::OTHER). A [`Reading`] takes a file from its first byte to its last and hands over a [`Batch`] about
//! every 256 MiB, always at the end of a line.
//!
//! **Once only.** What was taken of a file is known by two digests of its unpacked content: `head`, of the first 4 KiB (or of the whole
//! lines that were taken, when that is less), and `prefix`, of everything up to `offset`. Whoever stores a batch stores the three with it. A file that is
//! read again (under another name, packed otherwise, grown since, whole after it was cut short) has a head in common with what is
//! stored, and [`Reading::resume`] passes over the longest prefix that is known already. A copy that was cut short after the whole file was
//! taken is another file to them: no digest is kept of where it ends.
//!
//! **Time.** A line is stamped at the end of its request, so its bytes are spread evenly over `[end − duration, end]` ([`spread()`]); the
//! request itself, its hit and its status are counted at the point of the end.
//!
//! **Speed.** A line costs no allocation, no regular expression and one look-up each for its host and its point.

mod assumptions;
mod cdn;
mod combined;
mod format;
mod hosts;
mod json;
mod line_error;
mod numbers;
mod parser;
mod reader;
mod spread;
mod tally;
mod times;
mod tokens;
mod unpack;
mod w3c;

#[cfg(test)]
mod tests;

pub use assumptions::{Note, Noted, Notes};
pub use format::{Foreign, Format};
pub use hosts::KnownHosts;
pub use json::NGINX_LOG_FORMAT;
pub use line_error::{Bad, BadLine};
pub use parser::{Hit, Parser};
pub use reader::{Batch, Digest, End, Known, Reading, Tail};
pub use spread::{POINT_SECONDS, spread};
pub use tally::{Report, Tally, UnknownHost};
pub use unpack::is_packed;
