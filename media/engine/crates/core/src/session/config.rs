//! What every transport of a worker shares: addresses, certificate, crypto, codecs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use str0m::Candidate;
use str0m::crypto::CryptoProvider;
use str0m::crypto::dtls::{DtlsCert, DtlsVersion};
use str0m::net::TcpType;

use crate::api::{Fault, FaultCode, Protocol};
use crate::codec::Codec;
use crate::packet::ntp::NtpClock;

/// DTLS records stay below this, bytes; the common path MTU less tunnels.
pub const DTLS_MTU: usize = 1200;
/// DTLS 1.2 is what every browser and aiortc speaks (RFC 8827 §6.5).
pub const DTLS_VERSION: DtlsVersion = DtlsVersion::Dtls12;

/// Shared by all transports of one worker.
pub struct TransportConfig {
    /// Host candidates over UDP. The first of an address family stands for the socket.
    pub udp_addresses: Vec<SocketAddr>,
    /// Passive TCP host candidates (RFC 6544); empty without ICE-TCP.
    pub tcp_addresses: Vec<SocketAddr>,
    /// In order of preference.
    pub video_codecs: Vec<Codec>,
    pub certificate: DtlsCert,
    pub crypto: Arc<CryptoProvider>,
    pub clock: NtpClock,
}

impl TransportConfig {
    /// One certificate per worker: its key never leaves the process and lives as long as it does.
    pub fn new(
        udp_addresses: Vec<SocketAddr>,
        tcp_addresses: Vec<SocketAddr>,
        video_codecs: Vec<Codec>,
        clock: NtpClock,
    ) -> Result<TransportConfig, Fault> {
        let crypto = Arc::new(super::profile::noting(str0m::crypto::from_feature_flags()));
        let certificate = crypto
            .dtls_provider
            .generate_certificate()
            .ok_or_else(|| Fault::new(FaultCode::Internal, "no certificate"))?;
        let config = TransportConfig {
            udp_addresses,
            tcp_addresses,
            video_codecs,
            certificate,
            crypto,
            clock,
        };
        if config.candidates()?.is_empty() {
            return Err(Fault::new(FaultCode::BadArgument, "no advertised address"));
        }
        Ok(config)
    }

    /// Host candidates of this worker's sockets, UDP before TCP.
    pub fn candidates(&self) -> Result<Vec<Candidate>, Fault> {
        let bad = |_| Fault::new(FaultCode::BadArgument, "advertised address is not usable");
        let mut candidates = Vec::new();
        for address in &self.udp_addresses {
            candidates.push(
                Candidate::builder()
                    .udp()
                    .host(*address)
                    .build()
                    .map_err(bad)?,
            );
        }
        for address in &self.tcp_addresses {
            let builder = Candidate::builder().tcp().host(*address);
            candidates.push(builder.tcptype(TcpType::Passive).build().map_err(bad)?);
        }
        Ok(candidates)
    }

    /// The candidate address a datagram from `source` came to. The socket may be bound to a wildcard,
    /// so the first advertised address of the family stands for it.
    pub fn local_address(&self, protocol: Protocol, source: SocketAddr) -> SocketAddr {
        let addresses = match protocol {
            Protocol::Udp => &self.udp_addresses,
            Protocol::Tcp => &self.tcp_addresses,
        };
        addresses
            .iter()
            .find(|a| a.is_ipv4() == source.is_ipv4())
            .or(addresses.first())
            .or(self.udp_addresses.first())
            .copied()
            .unwrap_or(source)
    }

    /// The certificate's fingerprint as SDP has it: `sha-256 AA:BB:…` (RFC 8122 §5).
    pub fn fingerprint(&self) -> String {
        use std::fmt::Write as _;
        let mut text = String::from("sha-256 ");
        let digest = self
            .crypto
            .sha256_provider
            .sha256(&self.certificate.certificate);
        for (i, byte) in digest.iter().enumerate() {
            let separator = if i == 0 { "" } else { ":" };
            let _ = write!(text, "{separator}{byte:02X}");
        }
        text
    }
}

/// Where a transport's datagrams go: the session appends here, the worker sends.
pub trait DatagramSink {
    fn send(&mut self, protocol: Protocol, destination: SocketAddr, datagram: &[u8]);
}

impl Protocol {
    pub(crate) fn to_str0m(self) -> str0m::net::Protocol {
        match self {
            Protocol::Udp => str0m::net::Protocol::Udp,
            Protocol::Tcp => str0m::net::Protocol::Tcp,
        }
    }

    pub(crate) fn from_str0m(protocol: str0m::net::Protocol) -> Protocol {
        match protocol {
            str0m::net::Protocol::Udp => Protocol::Udp,
            _ => Protocol::Tcp,
        }
    }
}

/// The earlier of two optional instants.
pub(crate) fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
