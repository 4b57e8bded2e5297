//! RTMP as it is on the wire: handshake, chunks, messages, AMF0 and commands. Nothing here reads from a socket or knows the console.
//!
//! **Why our own reader.** Publishers are anonymous until their publish is accepted, so every byte before that is hostile, and encoders
//! in the field bend the protocol. Crates that were considered, by their sources (November 2026):
//! - rtmp-rs 0.6: AMF references multiply one 10 KB message into gigabytes; unfinished messages are reserved at their announced length.
//! - scuffle-rtmp 0.2: a peer that closes during the handshake makes it spin; a window size of 0 divides by zero; one reading of extended
//!   timestamps; closeStream and aggregate messages are ignored; a refused publish ends the connection.
//! - `rml_rtmp` 0.8: nested AMF objects overflow the stack; text that is not UTF-8 ends the connection; one unfinished message at a time, so
//!   interleaved chunk streams are mixed up.
//!
//! **Memory.** [`ChunkReader`] holds at most twice the bytes that were received and not yet passed on, plus a fixed table. Nothing is
//! allocated for a length that was only announced.

mod aggregate;
mod amf0;
mod chunk;
mod command;
mod handshake;
mod packet;

pub(crate) use aggregate::unfold;
pub(crate) use amf0::Value;
pub(crate) use chunk::{ChunkError, ChunkReader, Kind, Message};
pub(crate) use command::{Command, Reply, read_command, read_metadata};
pub(crate) use handshake::{Handshake, HandshakeError};
pub(crate) use packet::{Packet, Role, Track, read_packets, role_of};
