//! Results of transcoders, as they come.
