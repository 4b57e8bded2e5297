//! Connections that do not publish. They are few and short-lived, so that strangers cannot take the place of publishers.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use callsheet::model::network_of;
use tokio_util::sync::CancellationToken;

/// Most of all networks together, however many file handles there are. One network has a quarter of them.
const MOST: usize = 1024;

/// Every connection that does not publish. When there are too many, the one that has waited longest gives way.
#[derive(Debug)]
pub(super) struct Waiting {
    most: usize,
    networks: Mutex<Networks>,
}

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
    /// They get an eighth of the file handles that the process may have.
    pub(super) fn new() -> Self {
        let handles = rlimit::Resource::NOFILE.get_soft().unwrap_or(1024);
        Self::up_to(usize::try_from(handles / 8).unwrap_or(MOST).min(MOST))
    }

    fn up_to(most: usize) -> Self {
        Self { most, networks: Mutex::default() }
    }

    /// Takes a place. `connection` drops the connection when it has to give way.
    pub(super) fn enter(self: &Arc<Self>, peer: SocketAddr, connection: CancellationToken) -> Place {
        let network = network_of(&peer.ip().to_string());
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        let of_network = networks.waiting.get(&network).map_or(0, VecDeque::len);
        if of_network >= self.most / 4 {
            networks.drop_oldest(&network);
        } else if networks.count >= self.most {
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
        let mut networks = self.waiting.networks.lock().unwrap_or_else(PoisonError::into_inner);
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
        let waiting = Arc::new(Waiting::up_to(MOST));
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
        assert_eq!(waiting.networks.lock().expect("lock").count, MOST);
        drop((honest, greedy));
        let networks = waiting.networks.lock().expect("lock");
        assert_eq!((networks.count, networks.waiting.len()), (0, 0));
    }
}
