//! Reports of media servers by HTTP: what is taken, what is refused, and which events come of it.

mod any_order;
mod contests;
mod early;
mod generic;
mod hostile;
mod management;
mod nginx_rtmp;
mod stage;
