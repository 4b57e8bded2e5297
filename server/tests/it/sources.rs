//! Reports of media servers by HTTP: what is taken, what is refused, and which events come of it.

mod generic;
mod management;
mod nginx_rtmp;
mod stage;
