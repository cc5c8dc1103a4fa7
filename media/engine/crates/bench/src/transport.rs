//! ICE (controlling) and DTLS (client) of one load client; SRTP keys come out, RTP stays outside.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::{Config, Dtls, DtlsCertificate, Output, SrtpProfile, certificate};
use is::stun::{StunMessage, StunPacket};
use is::{Candidate, IceAgent, IceAgentEvent, IceCreds, Protocol};

use crate::sdp::TransportLines;

/// One certificate for all clients of a process: making a thousand would time the client.
pub struct Identity {
    certificate: DtlsCertificate,
    fingerprint: String,
    config: Arc<Config>,
}

impl Identity {
    pub fn new() -> Self {
        let certificate = certificate::generate_self_signed_certificate().expect("certificate");
        let digest = certificate::calculate_fingerprint(&certificate.certificate);
        let fingerprint = certificate::format_fingerprint(&digest);
        // A thousand handshakes at once on a small machine take a while.
        let config = Config::builder()
            .handshake_timeout(Duration::from_secs(60))
            .flight_retries(8)
            .build()
            .expect("DTLS config");
        Self {
            certificate,
            fingerprint,
            config: Arc::new(config),
        }
    }
}

/// DTLS exporter output and the profile both ends agreed on (RFC 5764).
pub struct Keys {
    pub material: Vec<u8>,
    pub profile: SrtpProfile,
}

/// What a transport wants to send.
pub type Outbox = Vec<(SocketAddr, Vec<u8>)>;

pub struct Transport {
    agent: IceAgent,
    dtls: Dtls,
    local: SocketAddr,
    fingerprint: String,
    remote_fingerprint: Option<String>,
    nominated: Option<SocketAddr>,
    keys: Option<Keys>,
    wake: Instant,
    dtls_wake: Option<Instant>,
}

impl Transport {
    pub fn new(identity: &Identity, local: SocketAddr, now: Instant) -> Self {
        let mut agent = IceAgent::new(IceCreds::new());
        agent.set_controlling(true);
        agent.add_local_candidate(Candidate::host(local, "udp").expect("host candidate"));
        let config = Arc::clone(&identity.config);
        let mut dtls = Dtls::new_12(config, identity.certificate.clone(), now);
        dtls.set_active(true);
        Self {
            agent,
            dtls,
            local,
            fingerprint: identity.fingerprint.clone(),
            remote_fingerprint: None,
            nominated: None,
            keys: None,
            wake: now,
            dtls_wake: None,
        }
    }

    pub fn lines(&self) -> TransportLines {
        let credentials = self.agent.local_credentials();
        TransportLines {
            ufrag: credentials.ufrag.clone(),
            pwd: credentials.pass.clone(),
            fingerprint: self.fingerprint.clone(),
            candidates: vec![self.local],
        }
    }

    pub fn set_remote(&mut self, lines: &TransportLines) {
        self.remote_fingerprint = Some(lines.fingerprint.clone());
        self.agent.set_remote_credentials(IceCreds {
            ufrag: lines.ufrag.clone(),
            pass: lines.pwd.clone(),
        });
        for address in &lines.candidates {
            self.agent
                .add_remote_candidate(Candidate::host(*address, "udp").expect("candidate"));
        }
    }

    /// Where media goes, once ICE chose and DTLS gave keys.
    pub fn connected(&self) -> Option<SocketAddr> {
        self.nominated.filter(|_| self.keys.is_some())
    }

    pub fn keys(&self) -> Option<&Keys> {
        self.keys.as_ref()
    }

    /// When [`tick`](Self::tick) is next due.
    pub fn wake(&self) -> Instant {
        self.wake
    }

    /// A STUN or DTLS datagram (RFC 7983: first byte below 64).
    pub fn receive(&mut self, now: Instant, source: SocketAddr, data: &[u8], out: &mut Outbox) {
        if data[0] < 4 {
            if let Ok(message) = StunMessage::parse(data) {
                let packet = StunPacket {
                    proto: Protocol::Udp,
                    source,
                    destination: self.local,
                    message,
                };
                self.agent.handle_packet(now, packet);
            }
        } else {
            self.dtls.handle_timeout(now).expect("DTLS with the engine");
            self.dtls.handle_packet(data).expect("DTLS with the engine");
            self.poll_dtls(source, out);
        }
        self.tick(now, out);
    }

    pub fn tick(&mut self, now: Instant, out: &mut Outbox) {
        self.agent.handle_timeout(now);
        while let Some(transmit) = self.agent.poll_transmit() {
            out.push((transmit.destination, transmit.contents.to_vec()));
        }
        while let Some(event) = self.agent.poll_event() {
            if let IceAgentEvent::NominatedSend { destination, .. } = event {
                self.nominated = Some(destination);
            }
        }
        if let Some(destination) = self.nominated
            && self.keys.is_none()
        {
            self.dtls.handle_timeout(now).expect("DTLS with the engine");
            self.poll_dtls(destination, out);
        }
        let ice = self
            .agent
            .poll_timeout()
            .unwrap_or(now + Duration::from_secs(1));
        self.wake = self.dtls_wake.map_or(ice, |dtls| dtls.min(ice));
    }

    fn poll_dtls(&mut self, destination: SocketAddr, out: &mut Outbox) {
        let mut buffer = vec![0; 4_096];
        loop {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(packet) => out.push((destination, packet.to_vec())),
                Output::BufferTooSmall { needed } => buffer.resize(needed, 0),
                Output::PeerCert(der) => {
                    let digest = certificate::calculate_fingerprint(der);
                    let fingerprint = certificate::format_fingerprint(&digest);
                    assert_eq!(
                        Some(fingerprint),
                        self.remote_fingerprint,
                        "a stranger's DTLS"
                    );
                }
                Output::KeyingMaterial(material, profile) => {
                    self.keys = Some(Keys {
                        material: material.to_vec(),
                        profile,
                    });
                }
                Output::Timeout(at) => {
                    self.dtls_wake = self.keys.is_none().then_some(at);
                    return;
                }
                _ => {}
            }
        }
    }
}
