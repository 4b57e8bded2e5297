//! The RTMP protocol: handshake, chunks, messages, AMF0 and commands, without any I/O.
//!
//! **Why no crate.** Publishers are anonymous until their publish is accepted, so earlier bytes may be hostile, and many encoders deviate from
//! the specification. The sources of these crates were reviewed in November 2026:
//! - rtmp-rs 0.6: AMF references expand a 10 KB message to gigabytes; memory is reserved for the announced length of a message.
//! - scuffle-rtmp 0.2: busy loop if a peer closes during the handshake; division by zero for a window size of 0; supports one form of
//!   extended timestamps; ignores closeStream and aggregate messages; closes the connection after a refused publish.
//! - `rml_rtmp` 0.8: nested AMF objects overflow the stack; text that is not UTF-8 closes the connection; supports one unfinished message
//!   at a time, so interleaved chunk streams are mixed up.
//!
//! **Memory.** [`ChunkReader`] holds at most twice the bytes that were received and not yet returned, plus a fixed table. An announced
//! length allocates nothing.

mod aggregate;
mod amf0;
mod chunk;
mod command;
mod handshake;
mod packet;

pub(crate) use aggregate::split_aggregate;
pub(crate) use amf0::Value;
pub(crate) use chunk::{ChunkError, ChunkReader, Message, MessageKind};
pub(crate) use command::{Command, Reply, read_command, read_metadata};
pub(crate) use handshake::{Handshake, HandshakeError};
pub(crate) use packet::{MediaKind, Packet, PacketRole, read_packets, role_of};
