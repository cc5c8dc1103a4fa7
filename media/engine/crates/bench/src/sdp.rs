//! As much SDP as the load client needs: it reads what the engine writes and answers it.

use std::fmt::Write as _;
use std::net::SocketAddr;

/// Transport description of one end (all m-lines are bundled).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportLines {
    pub ufrag: String,
    pub pwd: String,
    /// SHA-256 of the certificate, `AB:CD:…`.
    pub fingerprint: String,
    pub candidates: Vec<SocketAddr>,
}

impl TransportLines {
    pub fn read(sdp: &str) -> Option<Self> {
        let value = |name: &str| {
            let prefix = format!("a={name}:");
            sdp.lines()
                .find_map(|line| line.strip_prefix(&prefix))
                .map(str::trim)
        };
        let fingerprint = value("fingerprint")?.strip_prefix("sha-256 ")?.to_owned();
        let mut candidates: Vec<SocketAddr> = sdp
            .lines()
            .filter_map(|line| line.strip_prefix("a=candidate:"))
            .filter_map(udp_candidate)
            .collect();
        candidates.sort();
        candidates.dedup();
        Some(Self {
            ufrag: value("ice-ufrag")?.to_owned(),
            pwd: value("ice-pwd")?.to_owned(),
            fingerprint,
            candidates,
        })
    }

    fn write(&self, out: &mut String, setup: &str) {
        let _ = write!(
            out,
            "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=fingerprint:sha-256 {}\r\na=setup:{setup}\r\n",
            self.ufrag, self.pwd, self.fingerprint
        );
        for (i, address) in self.candidates.iter().enumerate() {
            let (ip, port) = (address.ip(), address.port());
            let _ = write!(
                out,
                "a=candidate:{i} 1 udp 2130706431 {ip} {port} typ host\r\n"
            );
        }
    }
}

/// RFC 8839 section 5.1: foundation, component, transport, priority, address, port, `typ`.
fn udp_candidate(value: &str) -> Option<SocketAddr> {
    let fields: Vec<&str> = value.split_whitespace().collect();
    if !fields.get(2)?.eq_ignore_ascii_case("udp") {
        return None;
    }
    Some(SocketAddr::new(
        fields.get(4)?.parse().ok()?,
        fields.get(5)?.parse().ok()?,
    ))
}

const SESSION: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";

/// Extension identifiers of the sender's offer.
pub mod extension {
    pub const MID: u8 = 1;
    pub const ABS_SEND_TIME: u8 = 2;
    pub const TRANSPORT_CC: u8 = 3;
    pub const AUDIO_LEVEL: u8 = 4;
}

pub const AUDIO_PAYLOAD_TYPE: u8 = 111;
pub const VIDEO_PAYLOAD_TYPE: u8 = 96;
pub const AUDIO_MID: &str = "0";
pub const VIDEO_MID: &str = "1";

/// The offer of a sender: one Opus and one VP8 m-line.
pub fn publish_offer(transport: &TransportLines, audio_ssrc: u32, video_ssrc: u32) -> String {
    let mut sdp = String::from(SESSION);
    let _ = write!(
        sdp,
        "a=group:BUNDLE {AUDIO_MID} {VIDEO_MID}\r\na=extmap-allow-mixed\r\n"
    );
    let extensions = |sdp: &mut String, audio: bool| {
        let _ = write!(
            sdp,
            "a=extmap:{} urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
             a=extmap:{} http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n\
             a=extmap:{} http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n",
            extension::MID,
            extension::ABS_SEND_TIME,
            extension::TRANSPORT_CC,
        );
        if audio {
            let id = extension::AUDIO_LEVEL;
            let _ = write!(
                sdp,
                "a=extmap:{id} urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
            );
        }
    };
    let pt = AUDIO_PAYLOAD_TYPE;
    let _ = write!(
        sdp,
        "m=audio 9 UDP/TLS/RTP/SAVPF {pt}\r\nc=IN IP4 0.0.0.0\r\n"
    );
    transport.write(&mut sdp, "actpass");
    extensions(&mut sdp, true);
    let _ = write!(
        sdp,
        "a=mid:{AUDIO_MID}\r\na=sendonly\r\na=rtcp-mux\r\na=rtcp-rsize\r\n\
         a=rtpmap:{pt} opus/48000/2\r\na=fmtp:{pt} minptime=10;useinbandfec=1\r\n\
         a=rtcp-fb:{pt} transport-cc\r\na=msid:bench audio\r\n\
         a=ssrc:{audio_ssrc} cname:bench\r\na=ssrc:{audio_ssrc} msid:bench audio\r\n",
    );
    let pt = VIDEO_PAYLOAD_TYPE;
    let _ = write!(
        sdp,
        "m=video 9 UDP/TLS/RTP/SAVPF {pt}\r\nc=IN IP4 0.0.0.0\r\n"
    );
    transport.write(&mut sdp, "actpass");
    extensions(&mut sdp, false);
    let _ = write!(
        sdp,
        "a=mid:{VIDEO_MID}\r\na=sendonly\r\na=rtcp-mux\r\na=rtcp-rsize\r\n\
         a=rtpmap:{pt} VP8/90000\r\na=rtcp-fb:{pt} nack\r\na=rtcp-fb:{pt} nack pli\r\n\
         a=rtcp-fb:{pt} ccm fir\r\na=rtcp-fb:{pt} transport-cc\r\na=msid:bench video\r\n\
         a=ssrc:{video_ssrc} cname:bench\r\na=ssrc:{video_ssrc} msid:bench video\r\n",
    );
    sdp
}

/// Answer a subscribe offer: every m-line taken, receive only, we start DTLS.
pub fn subscribe_answer(offer: &str, transport: &TransportLines) -> String {
    const KEPT: [&str; 6] = [
        "a=mid:",
        "a=rtpmap:",
        "a=fmtp:",
        "a=rtcp-fb:",
        "a=extmap:",
        "a=rtcp-mux",
    ];
    let mut sdp = String::from(SESSION);
    let mut media = false;
    for line in offer.lines().map(str::trim_end) {
        if line.starts_with("a=group:BUNDLE") {
            let _ = write!(sdp, "{line}\r\n");
        } else if line.starts_with("m=") {
            media = true;
            let _ = write!(sdp, "{line}\r\nc=IN IP4 0.0.0.0\r\n");
            transport.write(&mut sdp, "active");
            sdp.push_str("a=recvonly\r\n");
        } else if media && KEPT.iter().any(|prefix| line.starts_with(prefix)) {
            let _ = write!(sdp, "{line}\r\n");
        }
    }
    sdp
}

/// What a receiver must know of its slots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceiveLines {
    /// Payload types of video (not RTX).
    pub video: Vec<u8>,
    pub audio: Vec<u8>,
    pub transport_cc: Option<u8>,
}

impl ReceiveLines {
    pub fn read(offer: &str) -> Self {
        let mut lines = Self::default();
        let mut video = false;
        for line in offer.lines().map(str::trim_end) {
            if let Some(rest) = line.strip_prefix("m=") {
                video = rest.starts_with("video");
            } else if let Some(rest) = line.strip_prefix("a=rtpmap:") {
                let Some((pt, name)) = rest.split_once(' ') else {
                    continue;
                };
                let Ok(pt) = pt.parse() else { continue };
                if !name.starts_with("rtx/") {
                    let list = if video {
                        &mut lines.video
                    } else {
                        &mut lines.audio
                    };
                    if !list.contains(&pt) {
                        list.push(pt);
                    }
                }
            } else if let Some(rest) = line.strip_prefix("a=extmap:")
                && rest.contains("transport-wide-cc")
            {
                lines.transport_cc = rest.split([' ', '/']).next().and_then(|id| id.parse().ok());
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> TransportLines {
        TransportLines {
            ufrag: "abcd".into(),
            pwd: "secretsecretsecretsecret".into(),
            fingerprint: "AB:CD".into(),
            candidates: vec!["127.0.0.1:4000".parse().unwrap()],
        }
    }

    #[test]
    fn an_offer_reads_back() {
        let offer = publish_offer(&lines(), 1, 2);
        assert_eq!(TransportLines::read(&offer), Some(lines()));
        assert_eq!(offer.matches("m=").count(), 2);
    }

    #[test]
    fn an_answer_takes_every_line() {
        let offer = publish_offer(&lines(), 1, 2);
        let answer = subscribe_answer(&offer, &lines());
        assert_eq!(answer.matches("a=recvonly").count(), 2);
        assert_eq!(answer.matches("a=setup:active").count(), 2);
        assert!(!answer.contains("a=sendonly") && !answer.contains("a=ssrc"));
        let receive = ReceiveLines::read(&offer);
        assert_eq!((receive.audio, receive.video), (vec![111], vec![96]));
        assert_eq!(receive.transport_cc, Some(3));
    }

    #[test]
    fn tcp_candidates_are_left_out() {
        let tcp = "1 1 tcp 1 127.0.0.1 9 typ host tcptype passive";
        assert_eq!(udp_candidate(tcp), None);
    }
}
