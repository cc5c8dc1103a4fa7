//! State of a transport as the control side sees it, from what was heard and when.

use std::time::{Duration, Instant};

use crate::api::TransportState;

/// Silence after which a connected transport counts as disconnected. Browsers check consent every
/// 2.5 s (RFC 7675 §5.1 allows up to 6 s between checks that count).
pub const DISCONNECTED_AFTER: Duration = Duration::from_secs(7);
/// Consent expires (RFC 7675 §5.1): nothing is sent any more.
pub const FAILED_AFTER: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct Liveness {
    state: TransportState,
    ice: bool,
    secured: bool,
    last_heard: Instant,
}

impl Liveness {
    #[must_use]
    pub fn new(now: Instant) -> Liveness {
        Liveness {
            state: TransportState::Connecting,
            ice: false,
            secured: false,
            last_heard: now,
        }
    }

    #[must_use]
    pub fn state(&self) -> TransportState {
        self.state
    }

    /// Whether media may be sent: connected, or quiet for less than consent lasts.
    #[must_use]
    pub fn may_send(&self) -> bool {
        matches!(
            self.state,
            TransportState::Connected | TransportState::Disconnected
        )
    }

    /// Something authentic came.
    pub fn heard(&mut self, now: Instant) {
        self.last_heard = now;
    }

    pub fn set_ice(&mut self, connected: bool) {
        self.ice = connected;
    }

    /// DTLS is done.
    pub fn set_secured(&mut self) {
        self.secured = true;
    }

    /// The new state when it changed.
    pub fn update(&mut self, now: Instant) -> Option<TransportState> {
        use TransportState::{Closed, Connected, Connecting, Disconnected, Failed};
        let silence = now.saturating_duration_since(self.last_heard);
        let state = match self.state {
            Closed => Closed,
            _ if silence >= FAILED_AFTER => Failed,
            _ if !self.secured => Connecting,
            Connecting if !self.ice => Connecting,
            _ if !self.ice || silence >= DISCONNECTED_AFTER => Disconnected,
            _ => Connected,
        };
        if state == self.state {
            return None;
        }
        self.state = state;
        Some(state)
    }

    /// When [`Liveness::update`] can next change by time alone.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        match self.state {
            TransportState::Connected => Some(self.last_heard + DISCONNECTED_AFTER),
            TransportState::Connecting | TransportState::Disconnected => {
                Some(self.last_heard + FAILED_AFTER)
            }
            TransportState::Failed | TransportState::Closed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connects_goes_quiet_fails_and_comes_back() {
        let start = Instant::now();
        let mut live = Liveness::new(start);
        assert_eq!(live.update(start), None);
        live.set_ice(true);
        live.set_secured();
        assert_eq!(live.update(start), Some(TransportState::Connected));
        let quiet = start + DISCONNECTED_AFTER;
        assert_eq!(live.next_timeout(), Some(quiet));
        assert_eq!(live.update(quiet), Some(TransportState::Disconnected));
        assert!(live.may_send());
        let gone = start + FAILED_AFTER;
        assert_eq!(live.update(gone), Some(TransportState::Failed));
        assert!(!live.may_send());
        live.heard(gone);
        assert_eq!(live.update(gone), Some(TransportState::Connected));
    }

    #[test]
    fn never_connected_fails() {
        let start = Instant::now();
        let mut live = Liveness::new(start);
        assert_eq!(
            live.update(start + FAILED_AFTER),
            Some(TransportState::Failed)
        );
    }
}
