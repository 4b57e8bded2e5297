//! Connections without a publish. Their number is limited, so that strangers cannot lock out publishers.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use callsheet::model::network_of;
use tokio_util::sync::CancellationToken;

/// Maximum number for all networks together. One network may have a quarter of it.
const MAX_CONNECTIONS: usize = 1024;

/// All connections without a publish. When there are too many, the oldest one is closed.
#[derive(Debug)]
pub(super) struct PendingConnections {
    limit: usize,
    networks: Mutex<Networks>,
}

#[derive(Debug, Default)]
struct Networks {
    /// The tokens that close the connections of each network, oldest first.
    pending: HashMap<String, VecDeque<(u64, CancellationToken)>>,
    count: usize,
    next: u64,
}

/// The entry of one connection, removed when dropped.
#[derive(Debug)]
pub(super) struct PendingConnection {
    connections: Arc<PendingConnections>,
    network: String,
    number: u64,
}

impl PendingConnections {
    /// Limits them to an eighth of the file handles that the process may open.
    pub(super) fn new() -> Self {
        let handles = rlimit::Resource::NOFILE.get_soft().unwrap_or(1024);
        Self::with_limit(usize::try_from(handles / 8).unwrap_or(MAX_CONNECTIONS).min(MAX_CONNECTIONS))
    }

    fn with_limit(limit: usize) -> Self {
        Self { limit, networks: Mutex::default() }
    }

    /// Adds a connection, and closes an older one if there are too many. `connection` closes the new one.
    pub(super) fn add(self: &Arc<Self>, peer: SocketAddr, connection: CancellationToken) -> PendingConnection {
        let network = network_of(&peer.ip().to_string());
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        let of_network = networks.pending.get(&network).map_or(0, VecDeque::len);
        if of_network >= self.limit / 4 {
            networks.close_oldest(&network);
        } else if networks.count >= self.limit {
            let largest = networks.pending.iter().max_by_key(|(_, pending)| pending.len());
            if let Some(network) = largest.map(|(network, _)| network.clone()) {
                networks.close_oldest(&network);
            }
        }
        networks.next += 1;
        networks.count += 1;
        let number = networks.next;
        networks.pending.entry(network.clone()).or_default().push_back((number, connection));
        PendingConnection { connections: Arc::clone(self), network, number }
    }
}

impl Networks {
    fn close_oldest(&mut self, network: &str) {
        if let Some((_, connection)) = self.pending.get_mut(network).and_then(VecDeque::pop_front) {
            self.count -= 1;
            connection.cancel();
        }
    }
}

impl Drop for PendingConnection {
    fn drop(&mut self) {
        let mut networks = self.connections.networks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pending) = networks.pending.get_mut(&self.network) else { return };
        let before = pending.len();
        pending.retain(|(number, _)| *number != self.number);
        let removed = before - pending.len();
        if pending.is_empty() {
            networks.pending.remove(&self.network);
        }
        networks.count -= removed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(network: u8, port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, network], port))
    }

    #[test]
    fn the_oldest_connection_of_the_largest_network_is_closed() {
        let connections = Arc::new(PendingConnections::with_limit(MAX_CONNECTIONS));
        let add = |network, port| {
            let token = CancellationToken::new();
            (connections.add(peer(network, port), token.clone()), token)
        };
        let honest = add(1, 1);
        let mut greedy: Vec<_> = (0..300).map(|port| add(2, port)).collect();
        let closed = greedy.iter().filter(|(_, token)| token.is_cancelled()).count();
        assert_eq!((closed, greedy[0].1.is_cancelled(), greedy[299].1.is_cancelled()), (44, true, false));

        greedy.extend(
            (3..=200)
                .flat_map(|network| (0..5).map(move |port| (network, port)))
                .map(|(network, port)| add(network, port)),
        );
        assert!(!honest.1.is_cancelled(), "other networks have more");
        assert_eq!(connections.networks.lock().expect("lock").count, MAX_CONNECTIONS);
        drop((honest, greedy));
        let networks = connections.networks.lock().expect("lock");
        assert_eq!((networks.count, networks.pending.len()), (0, 0));
    }
}
