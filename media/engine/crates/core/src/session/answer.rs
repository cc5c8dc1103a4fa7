//! The subscribe transport the other way round: the receiver offers m-lines, we answer them (RFC 3264, WHEP).
//! What is sent has the receiver's own mids, payload types and extension ids.

use std::fmt::Write as _;

use super::sdp::{Description, MediaLine};
use super::table::codec_name;
use crate::api::MediaKind;
use crate::codec::{Codec, PayloadTypes};
use crate::packet::ext::{ExtensionIds, uri};

/// Feedback we understand of a receiver. No NACK for audio, as in our own offer.
const VIDEO_FEEDBACK: [&str; 5] = ["transport-cc", "goog-remb", "nack", "nack pli", "ccm fir"];
const AUDIO_FEEDBACK: [&str; 1] = ["transport-cc"];

/// A codec of an m-line that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
struct TakenCodec {
    codec: Codec,
    payload_type: u8,
    rtx: Option<u8>,
    format: Option<String>,
    feedback: Vec<&'static str>,
}

/// One m-line of the receiver's offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerLine {
    pub kind: Option<MediaKind>,
    pub mid: String,
    head: String,
    codecs: Vec<TakenCodec>,
    extensions: Vec<(u8, &'static str)>,
    pub ids: ExtensionIds,
}

impl AnswerLine {
    /// Whether something may be sent on it; else it is answered with port 0.
    pub fn taken(&self) -> bool {
        !self.codecs.is_empty()
    }

    pub fn codecs(&self) -> Vec<Codec> {
        self.codecs.iter().map(|c| c.codec).collect()
    }

    pub fn payload_types(&self) -> PayloadTypes {
        let mut numbers = PayloadTypes::default();
        for taken in &self.codecs {
            numbers.set(taken.codec, taken.payload_type, taken.rtx);
        }
        numbers
    }

    /// Whether anything of it can be sent again (RFC 4588).
    pub fn repairs(&self) -> bool {
        self.codecs.iter().any(|c| c.rtx.is_some())
    }

    fn refused(media: &MediaLine) -> AnswerLine {
        AnswerLine {
            kind: media.kind,
            mid: media.mid.clone(),
            head: media.head.clone(),
            codecs: Vec::new(),
            extensions: Vec::new(),
            ids: ExtensionIds::offered(&[]),
        }
    }

    fn read(media: &MediaLine, kind: MediaKind, video_codecs: &[Codec]) -> AnswerLine {
        let known = match kind {
            MediaKind::Audio => &[Codec::Opus][..],
            MediaKind::Video => video_codecs,
        };
        let ids = ExtensionIds::offered(&media.extensions);
        let own: &[(u8, &'static str)] = match kind {
            MediaKind::Audio => &[(ids.audio_level, uri::AUDIO_LEVEL)],
            MediaKind::Video => &[
                (ids.orientation, uri::ORIENTATION),
                (ids.playout_delay, uri::PLAYOUT_DELAY),
            ],
        };
        let common = [
            (ids.abs_send_time, uri::ABS_SEND_TIME),
            (ids.transport_cc, uri::TRANSPORT_CC),
            (ids.mid, uri::MID),
        ];
        AnswerLine {
            codecs: known.iter().filter_map(|c| taken(media, *c)).collect(),
            extensions: common
                .iter()
                .chain(own)
                .copied()
                .filter(|(id, _)| *id != 0)
                .collect(),
            ids,
            ..AnswerLine::refused(media)
        }
    }
}

/// What of an offer can be sent to: at most so many m-lines of a kind, each that receives and has a codec of ours.
pub fn read_offer(
    offer: &Description,
    video_codecs: &[Codec],
    audio: usize,
    video: usize,
) -> Vec<AnswerLine> {
    let (mut audio, mut video) = (audio, video);
    let mut lines = Vec::with_capacity(offer.media.len());
    for media in &offer.media {
        let left = match media.kind {
            Some(MediaKind::Audio) => &mut audio,
            Some(MediaKind::Video) => &mut video,
            None => {
                lines.push(AnswerLine::refused(media));
                continue;
            }
        };
        let line = match media.kind {
            Some(kind) if *left > 0 && !media.rejected && media.direction.receives() => {
                AnswerLine::read(media, kind, video_codecs)
            }
            _ => AnswerLine::refused(media),
        };
        *left -= usize::from(line.taken());
        lines.push(line);
    }
    lines
}

/// The first payload type of the offer under which what our publishers send can be received as it is.
fn taken(media: &MediaLine, codec: Codec) -> Option<TakenCodec> {
    let format_of = |pt: u8| {
        let format = media.formats.iter().find(|(known, _)| *known == pt);
        format.map(|(_, format)| format.as_str())
    };
    // RFC 5761 §4: these numbers could be RTCP on one port.
    let fits = |pt: u8| {
        !(64..96).contains(&pt)
            && media
                .codecs
                .iter()
                .any(|(known, c)| *known == pt && *c == codec)
            && suits(codec, format_of(pt).unwrap_or(""))
    };
    let payload_type = media.payload_types.iter().copied().find(|pt| fits(*pt))?;
    let repeats = |pt: &u8| {
        let apt = format_of(*pt).and_then(|format| parameter(format, "apt"));
        apt.and_then(|apt| apt.parse().ok()) == Some(payload_type)
    };
    let wanted = match codec.is_video() {
        true => &VIDEO_FEEDBACK[..],
        false => &AUDIO_FEEDBACK[..],
    };
    let offered = |kind: &&str| {
        media
            .feedback
            .iter()
            .any(|(pt, given)| pt.is_none_or(|pt| pt == payload_type) && given == kind)
    };
    Some(TakenCodec {
        codec,
        payload_type,
        rtx: media.repairs.iter().copied().find(repeats),
        format: format_of(payload_type).map(str::to_owned),
        feedback: wanted
            .iter()
            .copied()
            .filter(|kind| offered(kind))
            .collect(),
    })
}

/// Whether a form of a codec is the one our publishers send.
fn suits(codec: Codec, format: &str) -> bool {
    match codec {
        // RFC 6184 §8.1: baseline without a word; fragments need mode 1.
        Codec::H264 => {
            parameter(format, "packetization-mode") == Some("1")
                && parameter(format, "profile-level-id").is_none_or(|p| p.starts_with("42"))
        }
        Codec::Vp9 => parameter(format, "profile-id").is_none_or(|p| p == "0"),
        Codec::Opus | Codec::Vp8 | Codec::Av1 => true,
    }
}

fn parameter<'a>(format: &'a str, name: &str) -> Option<&'a str> {
    format.split(';').find_map(|part| {
        let (known, value) = part.trim().split_once('=')?;
        (known == name).then_some(value)
    })
}

/// The SSRCs of an m-line that is sent on.
#[derive(Debug, Clone, Copy)]
pub struct Sending {
    pub ssrc: u32,
    pub rtx_ssrc: Option<u32>,
}

/// What the answer is written from. `sending` has an entry for every line that is taken.
pub struct Answer<'a> {
    pub session_id: u64,
    pub version: u32,
    pub ice_ufrag: &'a str,
    pub ice_pwd: &'a str,
    /// `sha-256 AA:BB:…`
    pub fingerprint: &'a str,
    /// We open the DTLS association.
    pub active: bool,
    pub candidates: &'a [String],
    pub cname: &'a str,
    pub lines: &'a [AnswerLine],
    pub sending: &'a [Option<Sending>],
}

impl Answer<'_> {
    pub fn write(&self) -> String {
        let mut out = String::with_capacity(512 + self.lines.len() * 1000);
        // Writing to a String cannot fail.
        let _ = self.write_to(&mut out);
        out
    }

    fn write_to(&self, out: &mut String) -> std::fmt::Result {
        write!(
            out,
            "v=0\r\no=- {} {} IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE",
            self.session_id, self.version
        )?;
        for line in self.lines.iter().filter(|line| line.taken()) {
            write!(out, " {}", line.mid)?;
        }
        out.push_str("\r\na=msid-semantic: WMS *\r\na=ice-lite\r\n");
        let mut first = true;
        for (line, sending) in self.lines.iter().zip(self.sending) {
            match sending {
                Some(sending) => {
                    self.write_line(out, line, *sending, std::mem::take(&mut first))?;
                }
                None => write_refusal(out, line)?,
            }
        }
        Ok(())
    }

    fn write_line(
        &self,
        out: &mut String,
        line: &AnswerLine,
        sending: Sending,
        first: bool,
    ) -> std::fmt::Result {
        let word = line.head.split(' ').next().unwrap_or("video");
        write!(out, "m={word} 9 UDP/TLS/RTP/SAVPF")?;
        for taken in &line.codecs {
            write!(out, " {}", taken.payload_type)?;
            if let Some(rtx) = taken.rtx {
                write!(out, " {rtx}")?;
            }
        }
        write!(
            out,
            "\r\nc=IN IP4 0.0.0.0\r\na=mid:{}\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=fingerprint:{}\r\n\
             a=setup:{}\r\na=sendonly\r\na=rtcp-mux\r\na=rtcp-rsize\r\n",
            line.mid,
            self.ice_ufrag,
            self.ice_pwd,
            self.fingerprint,
            if self.active { "active" } else { "passive" }
        )?;
        if first {
            for candidate in self.candidates {
                write!(out, "a={candidate}\r\n")?;
            }
            out.push_str("a=end-of-candidates\r\n");
        }
        for (id, uri) in &line.extensions {
            write!(out, "a=extmap:{id} {uri}\r\n")?;
        }
        for taken in &line.codecs {
            write_codec(out, taken)?;
        }
        // One stream: what is watched is played in sync (RFC 9725 §4.4.2, the draft of WHEP the same).
        write!(out, "a=msid:stream {}\r\n", line.mid)?;
        let ssrc = sending.ssrc;
        if let Some(rtx) = sending.rtx_ssrc {
            write!(out, "a=ssrc-group:FID {ssrc} {rtx}\r\n")?;
        }
        for ssrc in [Some(ssrc), sending.rtx_ssrc].into_iter().flatten() {
            write!(out, "a=ssrc:{ssrc} cname:{}\r\n", self.cname)?;
        }
        Ok(())
    }
}

fn write_codec(out: &mut String, taken: &TakenCodec) -> std::fmt::Result {
    let (codec, pt) = (taken.codec, taken.payload_type);
    let channels = if codec == Codec::Opus { "/2" } else { "" };
    let clock = codec.clock_rate();
    write!(
        out,
        "a=rtpmap:{pt} {}/{clock}{channels}\r\n",
        codec_name(codec)
    )?;
    for kind in &taken.feedback {
        write!(out, "a=rtcp-fb:{pt} {kind}\r\n")?;
    }
    if let Some(format) = &taken.format {
        write!(out, "a=fmtp:{pt} {format}\r\n")?;
    }
    if let Some(rtx) = taken.rtx {
        write!(
            out,
            "a=rtpmap:{rtx} rtx/{clock}\r\na=fmtp:{rtx} apt={pt}\r\n"
        )?;
    }
    Ok(())
}

/// The m-line as it came, with port 0 (RFC 3264 §6).
fn write_refusal(out: &mut String, line: &AnswerLine) -> std::fmt::Result {
    let mut fields = line.head.splitn(3, ' ');
    let (word, rest) = (fields.next().unwrap_or("video"), fields.nth(1));
    let rest = rest.unwrap_or("UDP/TLS/RTP/SAVPF 0");
    write!(
        out,
        "m={word} 0 {rest}\r\nc=IN IP4 0.0.0.0\r\na=mid:{}\r\na=inactive\r\n",
        line.mid
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::table::VIDEO_CODECS;

    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE v a d x\r\n\
        a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 120 121 122 123 124\r\na=mid:v\r\na=recvonly\r\na=rtpmap:120 H264/90000\r\n\
        a=fmtp:120 packetization-mode=0;profile-level-id=42e01f\r\na=rtpmap:121 H264/90000\r\n\
        a=fmtp:121 Packetization-Mode=1;profile-level-id=42e01f\r\na=rtpmap:122 rtx/90000\r\na=fmtp:122 apt=121\r\n\
        a=rtpmap:123 VP8/90000\r\na=rtpmap:124 VP9/90000\r\na=fmtp:124 profile-id=2\r\na=rtcp-fb:* nack pli\r\n\
        a=rtcp-fb:121 nack\r\na=rtcp-fb:121 goog-lntf\r\na=extmap:7 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
        a=extmap:15 urn:3gpp:video-orientation\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 97\r\na=mid:a\r\na=recvonly\r\na=rtpmap:97 opus/48000/2\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 123\r\na=mid:x\r\na=sendonly\r\na=rtpmap:123 VP8/90000\r\n";

    fn answer(lines: &[AnswerLine]) -> String {
        let sending: Vec<Option<Sending>> = lines
            .iter()
            .map(|line| {
                line.taken().then_some(Sending {
                    ssrc: 5,
                    rtx_ssrc: line.repairs().then_some(6),
                })
            })
            .collect();
        Answer {
            session_id: 7,
            version: 1,
            ice_ufrag: "ufragufrag",
            ice_pwd: "passwordpasswordpassword",
            fingerprint: "sha-256 AA:BB",
            active: false,
            candidates: &["candidate:1 1 udp 1 127.0.0.1 5000 typ host".to_owned()],
            cname: "c",
            lines,
            sending: &sending,
        }
        .write()
    }

    #[test]
    fn takes_the_numbers_of_the_offer() {
        let offer = Description::parse(OFFER).unwrap();
        let lines = read_offer(&offer, &VIDEO_CODECS, 4, 4);
        assert_eq!(lines[0].codecs(), [Codec::Vp8, Codec::H264]);
        let numbers = lines[0].payload_types();
        assert_eq!(numbers.of(Codec::H264), 121);
        assert_eq!(numbers.rtx_of(Codec::H264), Some(122));
        assert_eq!(
            (numbers.of(Codec::Vp8), numbers.rtx_of(Codec::Vp8)),
            (123, None)
        );
        assert_eq!((lines[0].ids.mid, lines[0].ids.orientation), (7, 0));
        assert!(lines[1].taken() && !lines[2].taken() && !lines[3].taken());
    }

    #[test]
    fn the_answer_reads_back() {
        let offer = Description::parse(OFFER).unwrap();
        let text = answer(&read_offer(&offer, &VIDEO_CODECS, 4, 4));
        let read = Description::parse(&text).unwrap();
        let mids: Vec<&str> = read.media.iter().map(|m| m.mid.as_str()).collect();
        assert_eq!(mids, ["v", "a", "d", "x"]);
        let rejected: Vec<bool> = read.media.iter().map(|m| m.rejected).collect();
        assert_eq!(rejected, [false, false, true, true]);
        assert!(text.contains("a=group:BUNDLE v a\r\n"));
        assert!(text.contains("a=rtcp-fb:121 nack\r\na=rtcp-fb:121 nack pli\r\n"));
        assert!(!text.contains("goog-lntf"));
        assert!(text.contains("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
        assert_eq!(text.matches("a=candidate:").count(), 1);
    }

    #[test]
    fn no_more_lines_than_there_is_room() {
        let offer = Description::parse(OFFER).unwrap();
        let lines = read_offer(&offer, &VIDEO_CODECS, 0, 1);
        let taken: Vec<bool> = lines.iter().map(AnswerLine::taken).collect();
        assert_eq!(taken, [true, false, false, false]);
    }
}
