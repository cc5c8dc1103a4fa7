//! The subscribe transport below RTP: ICE-lite and DTLS by the library, keys handed out.
//!
//! RTP and RTCP never come here. The library therefore never sends SRTP under these keys, which is
//! what lets our own egress use them without a nonce ever repeating (RFC 7714 §10.1).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use str0m::Candidate;
use str0m::crypto::CryptoProvider;
use str0m::crypto::dtls::{DtlsInstance, DtlsOutput};
use str0m::ice::{IceAgent, IceAgentEvent, IceCreds, StunMessage, StunPacket};

use super::config::{DTLS_MTU, DTLS_VERSION, DatagramSink, TransportConfig, earliest};
use super::profile::from_library;
use super::sdp::{Description, Setup};
use crate::api::{Fault, FaultCode, Protocol};
use crate::srtp::{DtlsRole, SrtpProfile};

/// STUN requests kept by the agent until the answer comes, each answered by one timeout call.
const MAX_QUEUED_CHECKS: usize = 100;

/// What a link tells its session.
pub enum LinkEvent {
    /// The browser chose this path.
    Selected {
        protocol: Protocol,
        address: SocketAddr,
    },
    /// DTLS is done and the peer's certificate is the one of its description.
    Keys {
        material: Vec<u8>,
        profile: SrtpProfile,
        role: DtlsRole,
    },
    /// The peer closed DTLS.
    Closed,
    /// DTLS cannot go on; nothing on this link is trusted any more.
    Failed(&'static str),
}

pub struct Link {
    ice: IceAgent,
    dtls: Box<dyn DtlsInstance>,
    crypto: Arc<CryptoProvider>,
    fingerprint: Option<(String, Vec<u8>)>,
    /// Certificate seen and found to be the announced one.
    verified: bool,
    pending_keys: Option<(Vec<u8>, SrtpProfile)>,
    selected: Option<(Protocol, SocketAddr)>,
    /// The selection is news.
    moved: bool,
    /// The browser nominated a pair since the last restart.
    nominated: bool,
    dtls_started: bool,
    dtls_timeout: Option<Instant>,
    dead: bool,
}

impl Link {
    pub fn new(config: &TransportConfig, now: Instant) -> Result<Link, Fault> {
        let hmac = config.crypto.sha1_hmac_provider;
        let mut ice = IceAgent::with_hmac(IceCreds::new(), hmac);
        ice.set_ice_lite(true);
        ice.set_controlling(false);
        for candidate in config.candidates()? {
            ice.add_local_candidate(candidate);
        }
        let dtls = config
            .crypto
            .dtls_provider
            .new_dtls(&config.certificate, now, DTLS_VERSION, Some(DTLS_MTU))
            .map_err(|_| Fault::new(FaultCode::Internal, "DTLS does not start"))?;
        Ok(Link {
            ice,
            dtls,
            crypto: config.crypto.clone(),
            fingerprint: None,
            verified: false,
            pending_keys: None,
            selected: None,
            moved: false,
            nominated: false,
            dtls_started: false,
            dtls_timeout: None,
            dead: false,
        })
    }

    pub fn local_credentials(&self) -> &IceCreds {
        self.ice.local_credentials()
    }

    /// Candidates as `candidate:…` attribute values.
    pub fn local_candidates(&self) -> Vec<String> {
        self.ice
            .local_candidates()
            .map(|c| c.to_sdp_string())
            .collect()
    }

    /// New local credentials (RFC 8445 §9). Media goes on over the old path until a new one is chosen.
    pub fn restart(&mut self) {
        self.ice.ice_restart(IceCreds::new(), true);
        self.nominated = false;
    }

    /// Take the browser's side of the offer.
    pub fn accept(&mut self, answer: &Description, now: Instant) -> Result<(), Fault> {
        let bad = |what| Fault::new(FaultCode::BadSdp, what);
        if answer.ice_lite {
            return Err(bad("both sides are ICE-lite"));
        }
        match &self.fingerprint {
            // The association outlives an ICE restart, and so does its certificate (RFC 8842 §5.5).
            Some((hash, bytes)) => {
                if *hash != answer.fingerprint_hash || *bytes != answer.fingerprint {
                    return Err(bad("the certificate changed"));
                }
            }
            None => {
                if !matches!(answer.fingerprint_hash.as_str(), "sha-256" | "sha-1") {
                    return Err(bad("unknown fingerprint hash"));
                }
                let fingerprint = (answer.fingerprint_hash.clone(), answer.fingerprint.clone());
                self.fingerprint = Some(fingerprint);
            }
        }
        self.ice.set_remote_credentials(IceCreds {
            ufrag: answer.ice_ufrag.clone(),
            pass: answer.ice_pwd.clone(),
        });
        for candidate in &answer.candidates {
            // A candidate we cannot use (mDNS name, other family) is no fault of the answer.
            if let Ok(candidate) = Candidate::from_sdp_string(candidate) {
                self.ice.add_remote_candidate(candidate);
            }
        }
        if !self.dtls_started {
            self.dtls_started = true;
            // The answer chooses (RFC 8842 §5.3); without a choice the browser is the client.
            self.dtls.set_active(answer.setup == Some(Setup::Passive));
            self.dtls_timeout = Some(now);
        }
        for _ in 0..MAX_QUEUED_CHECKS {
            self.ice.handle_timeout(now);
        }
        Ok(())
    }

    pub fn add_candidate(&mut self, candidate: Candidate) {
        self.ice.add_remote_candidate(candidate);
    }

    /// A STUN datagram; false when it does not parse or its integrity is wrong.
    pub fn handle_stun(
        &mut self,
        now: Instant,
        protocol: Protocol,
        source: SocketAddr,
        destination: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        let Ok(message) = StunMessage::parse(datagram) else {
            return false;
        };
        let chosen = message.use_candidate();
        let packet = StunPacket {
            proto: protocol.to_str0m(),
            source,
            destination,
            message,
        };
        let accepted = self.ice.handle_packet(now, packet);
        if accepted {
            self.ice.handle_timeout(now);
            // Before it has nominated one, any pair the browser has checked will do (RFC 8445 §12.1):
            // it says hello there and may nominate seconds later.
            if chosen || !self.nominated {
                self.nominated |= chosen;
                self.select(protocol, source);
            }
        }
        accepted
    }

    /// The browser decides (RFC 8445 §8.1.1): its latest nomination counts. The agent alone would stay
    /// with the pair of highest priority until that times out, long after the browser left it.
    fn select(&mut self, protocol: Protocol, address: SocketAddr) {
        if self.selected != Some((protocol, address)) {
            self.selected = Some((protocol, address));
            self.moved = true;
        }
    }

    pub fn handle_dtls(&mut self, now: Instant, datagram: &[u8]) {
        if !self.dtls_started || self.dead {
            return;
        }
        let _ = self.dtls.handle_timeout(now);
        if self.dtls.handle_packet(datagram).is_err() {
            self.dead = true;
        }
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        if self.ice.poll_timeout().is_none_or(|at| at <= now) {
            self.ice.handle_timeout(now);
        }
        // A hello of ours before there is a path would be lost, and repeated only a second later.
        if !self.dead
            && self.selected.is_some()
            && self.dtls_timeout.is_some_and(|at| at <= now)
            && self.dtls.handle_timeout(now).is_err()
        {
            self.dead = true;
        }
    }

    /// Drain what the library wants sent and what happened. `scratch` holds one DTLS record.
    pub fn poll(
        &mut self,
        scratch: &mut [u8],
        sink: &mut dyn DatagramSink,
        on_event: &mut dyn FnMut(LinkEvent),
    ) {
        while let Some(event) = self.ice.poll_event() {
            match event {
                IceAgentEvent::NominatedSend {
                    proto, destination, ..
                } => {
                    if self.selected.is_none() {
                        self.select(Protocol::from_str0m(proto), destination);
                    }
                }
                // Connected is who was heard on a selected path; silence is the session's to judge.
                IceAgentEvent::IceConnectionStateChange(_)
                | IceAgentEvent::IceRestart(_)
                | IceAgentEvent::DiscoveredRecv { .. } => {}
            }
        }
        if std::mem::take(&mut self.moved)
            && let Some((protocol, address)) = self.selected
        {
            on_event(LinkEvent::Selected { protocol, address });
        }
        while let Some(transmit) = self.ice.poll_transmit() {
            let protocol = Protocol::from_str0m(transmit.proto);
            sink.send(protocol, transmit.destination, &transmit.contents);
        }
        self.poll_dtls(scratch, sink, on_event);
    }

    fn poll_dtls(
        &mut self,
        scratch: &mut [u8],
        sink: &mut dyn DatagramSink,
        on_event: &mut dyn FnMut(LinkEvent),
    ) {
        if !self.dtls_started || self.selected.is_none() {
            return;
        }
        loop {
            if self.dead {
                self.dtls_timeout = None;
                on_event(LinkEvent::Failed("dtls_failed"));
                self.dtls_started = false;
                return;
            }
            match self.dtls.poll_output(scratch) {
                DtlsOutput::Packet(record) => {
                    if let Some((protocol, address)) = self.selected {
                        sink.send(protocol, address, record);
                    }
                }
                DtlsOutput::Timeout(at) => {
                    self.dtls_timeout = Some(at);
                    return;
                }
                DtlsOutput::PeerCert(der) => {
                    self.verified = matches_fingerprint(&self.crypto, &self.fingerprint, der);
                    self.dead = !self.verified;
                }
                DtlsOutput::KeyingMaterial(material, profile) => {
                    let Some(profile) = from_library(profile) else {
                        self.dead = true;
                        continue;
                    };
                    self.pending_keys = Some((material.as_ref().to_vec(), profile));
                }
                DtlsOutput::Connected => {}
                DtlsOutput::CloseNotify => on_event(LinkEvent::Closed),
                DtlsOutput::ApplicationData(_) => {}
                _ => self.dead = true,
            }
            // Keys count only after the certificate was found to be the announced one.
            if self.verified
                && let Some((material, profile)) = self.pending_keys.take()
            {
                let role = if self.dtls.is_active() {
                    DtlsRole::Client
                } else {
                    DtlsRole::Server
                };
                on_event(LinkEvent::Keys {
                    material,
                    profile,
                    role,
                });
            }
        }
    }

    /// Say goodbye (close_notify); the records come out of the next [`Link::poll`].
    pub fn close(&mut self) {
        if self.dtls_started && !self.dead {
            let _ = self.dtls.close();
        }
    }

    pub fn poll_timeout(&mut self) -> Option<Instant> {
        let dtls = self.dtls_timeout.filter(|_| self.selected.is_some());
        earliest(self.ice.poll_timeout(), dtls)
    }
}

fn matches_fingerprint(
    crypto: &CryptoProvider,
    announced: &Option<(String, Vec<u8>)>,
    der: &[u8],
) -> bool {
    match announced {
        Some((hash, bytes)) if hash == "sha-256" => {
            crypto.sha256_provider.sha256(der).as_slice() == bytes.as_slice()
        }
        Some((hash, bytes)) if hash == "sha-1" => {
            crypto.sha1_provider.sha1(der).as_slice() == bytes.as_slice()
        }
        _ => false,
    }
}
