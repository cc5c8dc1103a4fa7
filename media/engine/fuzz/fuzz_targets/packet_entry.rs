//! Arbitrary bytes on the media ports: classes, stream framing, STUN routing, RTP, SRTP and SRTCP.

#![no_main]

use std::cell::RefCell;

use engine_core::packet::demux::{DatagramClass, classify};
use engine_core::packet::framing::{FrameDecoder, MAX_FRAME_LEN};
use engine_core::packet::rtp::RtpView;
use engine_core::packet::stun::binding_request_ufrag;
use engine_core::srtp::{DtlsRole, SrtpProfile, SrtpReceiver, SrtpSender};
use libfuzzer_sys::fuzz_target;

const PROFILES: [SrtpProfile; 3] = [
    SrtpProfile::AeadAes128Gcm,
    SrtpProfile::AeadAes256Gcm,
    SrtpProfile::Aes128CmSha1_80,
];

struct Keys {
    sender: SrtpSender,
    receiver: SrtpReceiver,
}

fn keys(profile: SrtpProfile) -> Keys {
    let material: Vec<u8> = (0..profile.keying_material_len() as u8).collect();
    Keys {
        sender: SrtpSender::new(profile, &material, DtlsRole::Client).unwrap(),
        receiver: SrtpReceiver::new(profile, &material, DtlsRole::Server).unwrap(),
    }
}

thread_local! {
    // Deriving keys is most of the cost of an execution. Only authenticated packets change state, and those are
    // given to receivers of their own.
    static FOREIGN: RefCell<Vec<Keys>> = RefCell::new(PROFILES.map(keys).into());
}

fuzz_target!(|data: &[u8]| {
    framing(data);
    datagram(data);
});

/// The same frames come out however the stream is cut.
fn framing(data: &[u8]) {
    let Some((&step, stream)) = data.split_first() else {
        return;
    };
    let mut whole = Vec::new();
    let whole_result = FrameDecoder::new().push(stream, |frame| whole.push(frame.to_vec()));
    let mut decoder = FrameDecoder::new();
    let mut pieces = Vec::new();
    let mut result = Ok(());
    for piece in stream.chunks(usize::from(step).max(1)) {
        result = decoder.push(piece, |frame| pieces.push(frame.to_vec()));
        assert!(decoder.buffered() <= 2 + MAX_FRAME_LEN);
        if result.is_err() {
            break;
        }
    }
    assert_eq!(whole, pieces);
    assert_eq!(whole_result, result);
    for frame in whole {
        datagram(&frame);
    }
}

fn datagram(data: &[u8]) {
    match classify(data) {
        DatagramClass::Stun => {
            if let Some(ufrag) = binding_request_ufrag(data) {
                assert!(!ufrag.is_empty() && !ufrag.contains(':'));
            }
        }
        DatagramClass::Rtp => rtp(data),
        DatagramClass::Rtcp => rtcp(data),
        DatagramClass::Dtls | DatagramClass::Unknown => {}
    }
}

/// Nothing foreign authenticates; what we protect ourselves comes back as it was.
fn rtp(data: &[u8]) {
    let header_len = RtpView::parse_encrypted(data).map(|view| view.header_len());
    FOREIGN.with_borrow_mut(|all| {
        for keys in all {
            let mut copy = data.to_vec();
            assert!(keys.receiver.unprotect_rtp(&mut copy).is_err());
            let Some(header_len) = header_len else {
                continue;
            };
            let mut own = data.to_vec();
            own.resize(data.len() + keys.sender.profile().rtp_overhead(), 0);
            let length = keys
                .sender
                .protect_rtp(&mut own, header_len, data.len(), 0)
                .unwrap();
            assert_eq!(length, own.len());
        }
    });
    if header_len.is_some() {
        let Keys {
            sender,
            mut receiver,
        } = keys(PROFILES[data.len() % 3]);
        let mut own = data.to_vec();
        own.resize(data.len() + sender.profile().rtp_overhead(), 0);
        sender
            .protect_rtp(&mut own, header_len.unwrap(), data.len(), 0)
            .unwrap();
        let mut opened = own.clone();
        assert_eq!(receiver.unprotect_rtp(&mut opened), Ok(data.len()));
        assert_eq!(&opened[..data.len()], data);
        assert!(receiver.unprotect_rtp(&mut own).is_err(), "replay");
    }
}

fn rtcp(data: &[u8]) {
    FOREIGN.with_borrow_mut(|all| {
        for keys in all {
            let mut copy = data.to_vec();
            assert!(keys.receiver.unprotect_rtcp(&mut copy).is_err());
        }
    });
    let Keys {
        mut sender,
        mut receiver,
    } = keys(PROFILES[data.len() % 3]);
    let mut own = data.to_vec();
    own.resize(data.len() + sender.profile().rtcp_overhead(), 0);
    if let Ok(length) = sender.protect_rtcp(&mut own, data.len()) {
        assert_eq!(receiver.unprotect_rtcp(&mut own[..length]), Ok(data.len()));
        assert_eq!(&own[..data.len()], data);
    }
}
