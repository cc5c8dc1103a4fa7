//! Which session a datagram or a due time belongs to: by address, by ufrag, by timer. One look-up per
//! datagram, whatever the number of sessions.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::SocketAddr;
use std::time::Instant;

use crate::api::{Protocol, TransportKind};

/// Names one session of a worker. The generation tells it from an earlier one at the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    pub room: u32,
    pub peer: u32,
    pub kind: TransportKind,
    pub generation: u32,
}

/// Addresses one session may have at once: network changes, TCP beside UDP.
const MAX_ADDRESSES: usize = 16;

#[derive(Debug, Default)]
pub struct Routes {
    by_address: HashMap<(Protocol, SocketAddr), SessionKey>,
    by_ufrag: HashMap<String, SessionKey>,
    addresses: HashMap<SessionKey, Vec<(Protocol, SocketAddr)>>,
    timers: BinaryHeap<Reverse<(Instant, SessionKey)>>,
    next_generation: u32,
}

impl Routes {
    pub fn new_key(&mut self, room: usize, peer: usize, kind: TransportKind) -> SessionKey {
        self.next_generation = self.next_generation.wrapping_add(1);
        let generation = self.next_generation;
        SessionKey {
            room: room as u32,
            peer: peer as u32,
            kind,
            generation,
        }
    }

    #[must_use]
    pub fn by_address(&self, protocol: Protocol, source: SocketAddr) -> Option<SessionKey> {
        self.by_address.get(&(protocol, source)).copied()
    }

    #[must_use]
    pub fn by_ufrag(&self, ufrag: &str) -> Option<SessionKey> {
        self.by_ufrag.get(ufrag).copied()
    }

    pub fn bind_ufrag(&mut self, ufrag: &str, key: SessionKey) {
        self.by_ufrag.insert(ufrag.to_owned(), key);
    }

    pub fn unbind_ufrag(&mut self, ufrag: &str) {
        self.by_ufrag.remove(ufrag);
    }

    /// An authenticated STUN request of the session came from this address.
    pub fn bind_address(&mut self, protocol: Protocol, source: SocketAddr, key: SessionKey) {
        let previous = self.by_address.insert((protocol, source), key);
        if previous == Some(key) {
            return;
        }
        if let Some(previous) = previous
            && let Some(list) = self.addresses.get_mut(&previous)
        {
            list.retain(|address| *address != (protocol, source));
        }
        let list = self.addresses.entry(key).or_default();
        list.push((protocol, source));
        if list.len() > MAX_ADDRESSES {
            let oldest = list.remove(0);
            self.by_address.remove(&oldest);
        }
    }

    /// A TCP connection is gone.
    pub fn unbind_address(&mut self, protocol: Protocol, source: SocketAddr) {
        if let Some(key) = self.by_address.remove(&(protocol, source))
            && let Some(list) = self.addresses.get_mut(&key)
        {
            list.retain(|address| *address != (protocol, source));
        }
    }

    /// A session is gone.
    pub fn remove(&mut self, key: SessionKey, ufrag: &str) {
        if self.by_ufrag.get(ufrag) == Some(&key) {
            self.by_ufrag.remove(ufrag);
        }
        self.remove_addresses(key);
    }

    /// A session is gone and its ufrag with it is not known any more (it failed).
    pub fn purge(&mut self, key: SessionKey) {
        self.by_ufrag.retain(|_, other| *other != key);
        self.remove_addresses(key);
    }

    fn remove_addresses(&mut self, key: SessionKey) {
        for address in self.addresses.remove(&key).unwrap_or_default() {
            if self.by_address.get(&address) == Some(&key) {
                self.by_address.remove(&address);
            }
        }
    }

    /// Wake the session at `at`, unless it is woken earlier anyway.
    pub fn schedule(&mut self, key: SessionKey, at: Instant, scheduled: &mut Option<Instant>) {
        if scheduled.is_none_or(|earlier| at < earlier) {
            *scheduled = Some(at);
            self.timers.push(Reverse((at, key)));
        }
    }

    #[must_use]
    pub fn next_timer(&self) -> Option<Instant> {
        self.timers.peek().map(|Reverse((at, _))| *at)
    }

    /// The next session whose time has come, with the time it was woken for.
    pub fn pop_due(&mut self, now: Instant) -> Option<(Instant, SessionKey)> {
        let Reverse((at, _)) = self.timers.peek()?;
        if *at > now {
            return None;
        }
        self.timers.pop().map(|Reverse(entry)| entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_address_belongs_to_the_last_session_that_proved_it() {
        let mut routes = Routes::default();
        let source: SocketAddr = "192.0.2.1:5000".parse().unwrap();
        let first = routes.new_key(0, 0, TransportKind::Publish);
        let second = routes.new_key(0, 1, TransportKind::Publish);
        routes.bind_address(Protocol::Udp, source, first);
        routes.bind_address(Protocol::Udp, source, second);
        assert_eq!(routes.by_address(Protocol::Udp, source), Some(second));
        assert_eq!(routes.by_address(Protocol::Tcp, source), None);
        routes.remove(first, "");
        assert_eq!(routes.by_address(Protocol::Udp, source), Some(second));
        routes.purge(second);
        assert_eq!(routes.by_address(Protocol::Udp, source), None);
    }

    #[test]
    fn addresses_of_a_session_are_bounded() {
        let mut routes = Routes::default();
        let key = routes.new_key(0, 0, TransportKind::Publish);
        for port in 1..=100 {
            routes.bind_address(Protocol::Udp, ([192, 0, 2, 1], port).into(), key);
        }
        assert_eq!(routes.by_address.len(), MAX_ADDRESSES);
    }

    #[test]
    fn only_an_earlier_time_is_scheduled() {
        let mut routes = Routes::default();
        let key = routes.new_key(0, 0, TransportKind::Publish);
        let now = Instant::now();
        let mut scheduled = None;
        routes.schedule(key, now + Duration::from_secs(2), &mut scheduled);
        routes.schedule(key, now + Duration::from_secs(3), &mut scheduled);
        routes.schedule(key, now + Duration::from_secs(1), &mut scheduled);
        assert_eq!(routes.next_timer(), Some(now + Duration::from_secs(1)));
        assert!(routes.pop_due(now).is_none());
        assert_eq!(routes.timers.len(), 2);
    }
}
