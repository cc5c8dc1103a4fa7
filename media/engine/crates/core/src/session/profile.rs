//! The SRTP profile a library session negotiated. The library keeps it to itself, so the DTLS provider
//! it is given notes it on the way through.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion,
    SrtpProfile as LibraryProfile,
};
use str0m::crypto::{CryptoError, CryptoProvider};

use crate::srtp::SrtpProfile;

thread_local! {
    /// The note of the session made last on this thread; [`take_note`] fetches it.
    static LAST: RefCell<Option<ProfileNote>> = const { RefCell::new(None) };
}

/// Filled in when the handshake is done.
#[derive(Debug, Clone, Default)]
pub struct ProfileNote(Arc<AtomicU8>);

impl ProfileNote {
    #[must_use]
    pub fn profile(&self) -> Option<SrtpProfile> {
        match self.0.load(Ordering::Relaxed) {
            1 => Some(SrtpProfile::AeadAes128Gcm),
            2 => Some(SrtpProfile::AeadAes256Gcm),
            3 => Some(SrtpProfile::Aes128CmSha1_80),
            _ => None,
        }
    }

    fn set(&self, profile: Option<SrtpProfile>) {
        let value = match profile {
            Some(SrtpProfile::AeadAes128Gcm) => 1,
            Some(SrtpProfile::AeadAes256Gcm) => 2,
            Some(SrtpProfile::Aes128CmSha1_80) => 3,
            None => 0,
        };
        self.0.store(value, Ordering::Relaxed);
    }
}

/// The note of the session this thread made last.
pub fn take_note() -> ProfileNote {
    LAST.take().unwrap_or_default()
}

/// Our name for a profile of the library.
pub fn from_library(profile: LibraryProfile) -> Option<SrtpProfile> {
    match profile {
        LibraryProfile::AEAD_AES_128_GCM => Some(SrtpProfile::AeadAes128Gcm),
        LibraryProfile::AEAD_AES_256_GCM => Some(SrtpProfile::AeadAes256Gcm),
        LibraryProfile::AES128_CM_SHA1_80 => Some(SrtpProfile::Aes128CmSha1_80),
        _ => None,
    }
}

/// The library's provider with a DTLS that takes notes.
pub fn noting(provider: CryptoProvider) -> CryptoProvider {
    // Providers are static by the library's contract; one per process is made.
    static NOTING: std::sync::OnceLock<Noting> = std::sync::OnceLock::new();
    let dtls_provider = NOTING.get_or_init(|| Noting {
        inner: provider.dtls_provider,
    });
    CryptoProvider {
        dtls_provider,
        ..provider
    }
}

#[derive(Debug)]
struct Noting {
    inner: &'static dyn DtlsProvider,
}

impl DtlsProvider for Noting {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        self.inner.generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        dtls_version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let inner = self.inner.new_dtls(cert, now, dtls_version, mtu)?;
        let note = ProfileNote::default();
        LAST.set(Some(note.clone()));
        Ok(Box::new(NotingInstance { inner, note }))
    }
}

#[derive(Debug)]
struct NotingInstance {
    inner: Box<dyn DtlsInstance>,
    note: ProfileNote,
}

impl DtlsInstance for NotingInstance {
    fn set_active(&mut self, active: bool) {
        self.inner.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.inner.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        let output = self.inner.poll_output(buf);
        if let DtlsOutput::KeyingMaterial(_, profile) = &output {
            self.note.set(from_library(*profile));
        }
        output
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.inner.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.inner.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.inner.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.inner.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.inner.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.inner.close()
    }
}
