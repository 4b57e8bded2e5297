//! Access logs: from lines to sums by domain and five-minute point.
