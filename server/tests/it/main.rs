//! Tests of the whole server.

mod api;
