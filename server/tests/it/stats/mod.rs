//! Statistics on both databases: what comes in, in which slots it shows, and to whom.
//!
//! Expected figures come from [`oracle`], which is slow and simple and shares no code with the console.

mod access;
mod imports;
mod inventory;
mod killed;
mod oracle;
mod retention;
mod stage;
mod transcoding;
mod usage;
mod watched;
mod zones;
