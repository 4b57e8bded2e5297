//! What strangers and broken clients can do to the console: nothing.

mod any_request;
mod cookies;
mod cross_origin;
mod paths;
mod slow_clients;
