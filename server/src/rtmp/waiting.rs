//! Connections that do not publish. They are few and short-lived, so that strangers cannot take the place of publishers.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use callsheet::model::network_of;
use tokio_util::sync::CancellationToken;

/// Most of all networks together, and of one.
const MOST: usize = 1024;
const MOST_OF_NETWORK: usize = 256;

/// Every connection that does not publish. When there are too many, the one that has waited longest gives way.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<Networks>);

#[derive(Debug, Default)]
struct Networks {
    /// The oldest first, with what drops it.
    waiting: HashMap<String, VecDeque<(u64, CancellationToken)>>,
    count: usize,
    next: u64,
}

/// The place of one connection; free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    waiting: Arc<Waiting>,
    network: String,
    number: u64,
}

impl Waiting {
    /// Takes a place. `connection` drops the connection when it has to give way.
    pub(super) fn enter(self: &Arc<Self>, peer: SocketAddr, connection: CancellationToken) -> Place {
        let network = network_of(&peer.ip().to_string());
        let mut networks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_network = networks.waiting.get(&network).map_or(0, VecDeque::len);
        if of_network >= MOST_OF_NETWORK {
            networks.drop_oldest(&network);
        } else if networks.count >= MOST {
            let greediest = networks.waiting.iter().max_by_key(|(_, waiting)| waiting.len());
            if let Some(network) = greediest.map(|(network, _)| network.clone()) {
                networks.drop_oldest(&network);
            }
        }
        networks.next += 1;
        networks.count += 1;
        let number = networks.next;
        networks.waiting.entry(network.clone()).or_default().push_back((number, connection));
        Place { waiting: Arc::clone(self), network, number }
    }
}

impl Networks {
    fn drop_oldest(&mut self, network: &str) {
        if let Some((_, connection)) = self.waiting.get_mut(network).and_then(VecDeque::pop_front) {
            self.count -= 1;
            connection.cancel();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut networks = self.waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(waiting) = networks.waiting.get_mut(&self.network) else { return };
        let before = waiting.len();
        waiting.retain(|(number, _)| *number != self.number);
        let gone = before - waiting.len();
        if waiting.is_empty() {
            networks.waiting.remove(&self.network);
        }
        networks.count -= gone;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(network: u8, port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, network], port))
    }

    #[test]
    fn the_oldest_of_the_greediest_network_gives_way() {
        let waiting = Arc::new(Waiting::default());
        let enter = |network, port| {
            let token = CancellationToken::new();
            (waiting.enter(peer(network, port), token.clone()), token)
        };
        let honest = enter(1, 1);
        let mut greedy: Vec<_> = (0..300).map(|port| enter(2, port)).collect();
        let dropped = greedy.iter().filter(|(_, token)| token.is_cancelled()).count();
        assert_eq!((dropped, greedy[0].1.is_cancelled(), greedy[299].1.is_cancelled()), (44, true, false));

        greedy.extend(
            (3..=200)
                .flat_map(|network| (0..5).map(move |port| (network, port)))
                .map(|(network, port)| enter(network, port)),
        );
        assert!(!honest.1.is_cancelled(), "others have more");
        assert_eq!(waiting.0.lock().expect("lock").count, MOST);
        drop((honest, greedy));
        let networks = waiting.0.lock().expect("lock");
        assert_eq!((networks.count, networks.waiting.len()), (0, 0));
    }
}
