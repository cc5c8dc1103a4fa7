//! Session descriptions (RFC 8866) as far as the engine needs them: a bounded reader for what a
//! browser sends, and the writer of the subscribe offer. The reader never panics and never
//! allocates beyond its limits. Over 500 lines: reader and writer share one grammar and stay in one place.

use std::fmt::Write as _;

use super::table::{AUDIO_EXTENSIONS, VIDEO_EXTENSIONS, codec_by_name, codec_name, fmtp};
use crate::api::MediaKind;
use crate::codec::{Codec, red};

/// Longer descriptions are refused before they are read.
pub const MAX_SDP_BYTES: usize = 64 * 1024;
/// More m-lines are refused. No peer has more receive slots than this, so that every answer to an offer of ours can be
/// read; one of so many is 53 KB in Chromium.
pub const MAX_MEDIA_LINES: usize = 48;
const MAX_LINES: usize = 4096;
const MAX_TOKEN: usize = 256;
const MAX_HEAD: usize = 1024;
const MAX_CANDIDATES: usize = 64;
const MAX_RIDS: usize = 4;

/// Why a description was refused. The text holds nothing of the description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SdpFault(pub &'static str);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }
}

/// The setup attribute (RFC 8842 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setup {
    Active,
    Passive,
    ActPass,
}

/// What the engine reads of one m-line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaLine {
    /// None for an application or unknown m-line.
    pub kind: Option<MediaKind>,
    /// Behind `m=`, as it came: a refusal of the line repeats it with port 0.
    pub head: String,
    pub mid: String,
    /// Port 0: the m-line is rejected or stopped (RFC 3264 §6), unless it is `bundle-only` (RFC 8843 §6), as Firefox
    /// and webrtcbin offer every line but the first.
    pub rejected: bool,
    pub direction: Direction,
    pub payload_types: Vec<u8>,
    pub codecs: Vec<(u8, Codec)>,
    pub extensions: Vec<(u8, String)>,
    /// Format parameters by payload type (`a=fmtp`).
    pub formats: Vec<(u8, String)>,
    /// Payload types of retransmissions (RFC 4588); what they repeat is in their format.
    pub repairs: Vec<u8>,
    /// `a=rtcp-fb`; None is any payload type.
    pub feedback: Vec<(Option<u8>, String)>,
    /// rids of `a=simulcast:send`, in the order of the attribute.
    pub send_rids: Vec<String>,
}

/// What the engine reads of a description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub ice_ufrag: String,
    pub ice_pwd: String,
    pub ice_lite: bool,
    pub fingerprint_hash: String,
    pub fingerprint: Vec<u8>,
    pub setup: Option<Setup>,
    pub candidates: Vec<String>,
    pub media: Vec<MediaLine>,
}

impl Description {
    /// Read a description. Refuses what is too long, has no credentials, no fingerprint or no m-line.
    pub fn parse(text: &str) -> Result<Description, SdpFault> {
        if text.len() > MAX_SDP_BYTES {
            return Err(SdpFault("description too long"));
        }
        let mut reader = Reader::default();
        for (count, line) in text.split('\n').enumerate() {
            if count >= MAX_LINES {
                return Err(SdpFault("too many lines"));
            }
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            let Some((kind, value)) = line.split_once('=') else {
                return Err(SdpFault("a line without a type"));
            };
            match kind {
                "m" => reader.media_line(value)?,
                "a" => reader.attribute(value)?,
                _ if kind.len() == 1 => {}
                _ => return Err(SdpFault("a line without a type")),
            }
        }
        reader.finish()
    }
}

#[derive(Default)]
struct Reader {
    ufrag: Option<String>,
    pwd: Option<String>,
    ice_lite: bool,
    fingerprint: Option<(String, Vec<u8>)>,
    setup: Option<Setup>,
    candidates: Vec<String>,
    session_direction: Option<Direction>,
    media: Vec<MediaLine>,
}

impl Reader {
    fn media_line(&mut self, value: &str) -> Result<(), SdpFault> {
        if self.media.len() >= MAX_MEDIA_LINES {
            return Err(SdpFault("too many m-lines"));
        }
        if value.len() > MAX_HEAD {
            return Err(SdpFault("an m-line too long"));
        }
        let mut fields = value.split(' ');
        let kind = match fields.next() {
            Some("audio") => Some(MediaKind::Audio),
            Some("video") => Some(MediaKind::Video),
            _ => None,
        };
        let port = fields
            .next()
            .and_then(|p| p.split('/').next())
            .and_then(|p| p.parse::<u16>().ok())
            .ok_or(SdpFault("an m-line without a port"))?;
        fields
            .next()
            .filter(|p| !p.is_empty())
            .ok_or(SdpFault("an m-line without a protocol"))?;
        let payload_types = match kind {
            Some(_) => fields
                .filter_map(|f| f.parse::<u8>().ok())
                .filter(|pt| *pt < 128)
                .take(64)
                .collect(),
            None => Vec::new(),
        };
        self.media.push(MediaLine {
            kind,
            head: value.trim_end().to_owned(),
            mid: String::new(),
            rejected: port == 0,
            direction: self.session_direction.unwrap_or(Direction::SendRecv),
            payload_types,
            codecs: Vec::new(),
            extensions: Vec::new(),
            formats: Vec::new(),
            repairs: Vec::new(),
            feedback: Vec::new(),
            send_rids: Vec::new(),
        });
        Ok(())
    }

    fn attribute(&mut self, attribute: &str) -> Result<(), SdpFault> {
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        match name {
            "ice-ufrag" => {
                let value = bounded(value, 4, MAX_TOKEN, "ice-ufrag")?;
                match &self.ufrag {
                    // One BUNDLE group: one set of credentials (RFC 8843 §7.1.3).
                    Some(known) if known != value && self.bundled() => {
                        return Err(SdpFault("different ICE credentials in one bundle"));
                    }
                    Some(_) => {}
                    None => self.ufrag = Some(value.to_owned()),
                }
            }
            "ice-pwd" => {
                let value = bounded(value, 22, MAX_TOKEN, "ice-pwd")?;
                if self.pwd.is_none() {
                    self.pwd = Some(value.to_owned());
                }
            }
            "ice-lite" => self.ice_lite = true,
            "fingerprint" => self.fingerprint(value)?,
            "setup" => {
                let setup = match value {
                    "active" => Setup::Active,
                    "passive" => Setup::Passive,
                    "actpass" => Setup::ActPass,
                    _ => return Err(SdpFault("unknown setup")),
                };
                self.setup.get_or_insert(setup);
            }
            "candidate" => {
                if self.candidates.len() < MAX_CANDIDATES && attribute.len() <= 512 {
                    self.candidates.push(attribute.to_owned());
                }
            }
            "sendrecv" => self.direction(Direction::SendRecv),
            "sendonly" => self.direction(Direction::SendOnly),
            "recvonly" => self.direction(Direction::RecvOnly),
            "inactive" => self.direction(Direction::Inactive),
            _ => {
                if let Some(media) = self.media.last_mut() {
                    media_attribute(media, name, value)?;
                }
            }
        }
        Ok(())
    }

    fn bundled(&self) -> bool {
        !self.media.is_empty()
    }

    fn direction(&mut self, direction: Direction) {
        match self.media.last_mut() {
            Some(media) => media.direction = direction,
            None => self.session_direction = Some(direction),
        }
    }

    fn fingerprint(&mut self, value: &str) -> Result<(), SdpFault> {
        const BAD: SdpFault = SdpFault("fingerprint does not parse");
        let (hash, digits) = value.split_once(' ').ok_or(BAD)?;
        if hash.len() > 16 || digits.len() > 200 {
            return Err(BAD);
        }
        let bytes = digits
            .trim()
            .split(':')
            .map(|d| u8::from_str_radix(d, 16))
            .collect::<Result<Vec<u8>, _>>()
            .map_err(|_| BAD)?;
        let hash = hash.to_ascii_lowercase();
        // Several may be given; sha-256 is the one that is checked (RFC 8122 §5).
        if self.fingerprint.is_none() || hash == "sha-256" {
            self.fingerprint = Some((hash, bytes));
        }
        Ok(())
    }

    fn finish(self) -> Result<Description, SdpFault> {
        if self.media.is_empty() {
            return Err(SdpFault("no m-line"));
        }
        for (i, media) in self.media.iter().enumerate() {
            if media.mid.is_empty() {
                return Err(SdpFault("an m-line without mid"));
            }
            if self.media[..i].iter().any(|m| m.mid == media.mid) {
                return Err(SdpFault("one mid twice"));
            }
        }
        let (fingerprint_hash, fingerprint) = self.fingerprint.ok_or(SdpFault("no fingerprint"))?;
        Ok(Description {
            ice_ufrag: self.ufrag.ok_or(SdpFault("no ice-ufrag"))?,
            ice_pwd: self.pwd.ok_or(SdpFault("no ice-pwd"))?,
            ice_lite: self.ice_lite,
            fingerprint_hash,
            fingerprint,
            setup: self.setup,
            candidates: self.candidates,
            media: self.media,
        })
    }
}

fn media_attribute(media: &mut MediaLine, name: &str, value: &str) -> Result<(), SdpFault> {
    match name {
        // str0m's mids hold 16 bytes; browsers use one or two digits.
        "mid" => media.mid = bounded(value, 1, 16, "mid")?.to_owned(),
        "bundle-only" => media.rejected = false,
        "rtpmap" => {
            if let Some((pt, encoding)) = value.split_once(' ')
                && let Ok(pt) = pt.parse::<u8>()
                && media.codecs.len() + media.repairs.len() < 64
            {
                let name = encoding.split('/').next().unwrap_or("");
                if let Some(codec) = codec_by_name(name) {
                    media.codecs.push((pt, codec));
                } else if name.eq_ignore_ascii_case("rtx") {
                    media.repairs.push(pt);
                }
            }
        }
        "fmtp" => {
            if let Some((pt, format)) = value.split_once(' ')
                && let Ok(pt) = pt.parse::<u8>()
                && format.len() <= MAX_TOKEN
                && media.formats.len() < 64
            {
                media.formats.push((pt, format.trim().to_ascii_lowercase()));
            }
        }
        "rtcp-fb" => {
            if let Some((pt, kind)) = value.split_once(' ')
                && kind.len() <= 32
                && media.feedback.len() < 256
            {
                let any = pt == "*";
                let pt = pt.parse::<u8>().ok();
                if any || pt.is_some() {
                    media.feedback.push((pt, kind.trim().to_owned()));
                }
            }
        }
        "extmap" => {
            if let Some((id, rest)) = value.split_once(' ')
                && let Ok(id) = id.split('/').next().unwrap_or("").parse::<u8>()
                && let Some(uri) = rest.split(' ').next()
                && uri.len() <= MAX_TOKEN
                && media.extensions.len() < 32
            {
                media.extensions.push((id, uri.to_owned()));
            }
        }
        "simulcast" => {
            let mut fields = value.split(' ');
            while let (Some(direction), Some(list)) = (fields.next(), fields.next()) {
                if direction != "send" {
                    continue;
                }
                // RFC 8853 §5.1: streams by ';', alternatives by ',', '~' for paused.
                media.send_rids = list
                    .split(';')
                    .filter_map(|alternatives| alternatives.split(',').next())
                    .map(|rid| rid.trim_start_matches('~'))
                    .filter(|rid| !rid.is_empty() && rid.len() <= 8)
                    .take(MAX_RIDS + 1)
                    .map(str::to_owned)
                    .collect();
                if media.send_rids.len() > MAX_RIDS {
                    return Err(SdpFault("too many simulcast layers"));
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn bounded<'a>(
    value: &'a str,
    least: usize,
    most: usize,
    what: &'static str,
) -> Result<&'a str, SdpFault> {
    let value = value.trim();
    if value.len() < least || value.len() > most || !value.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(SdpFault(what));
    }
    Ok(value)
}

/// One receive slot as the offer names it.
#[derive(Debug, Clone, Copy)]
pub struct OfferSlot {
    pub kind: MediaKind,
    pub ssrc: u32,
    /// Retransmissions (RFC 4588); video only.
    pub rtx_ssrc: Option<u32>,
    /// Audio and video slots of one number are played in sync, so they share a stream id.
    pub pair: usize,
}

/// What the subscribe offer is written from. The m-line index is the mid.
pub struct Offer<'a> {
    pub session_id: u64,
    pub version: u32,
    pub ice_ufrag: &'a str,
    pub ice_pwd: &'a str,
    /// `sha-256 AA:BB:…`
    pub fingerprint: &'a str,
    pub candidates: &'a [String],
    pub cname: &'a str,
    pub slots: &'a [OfferSlot],
    pub video_codecs: &'a [Codec],
}

impl Offer<'_> {
    pub fn write(&self) -> String {
        let mut out = String::with_capacity(512 + self.slots.len() * 1400);
        // Writing to a String cannot fail.
        let _ = self.write_to(&mut out);
        out
    }

    fn write_to(&self, out: &mut String) -> std::fmt::Result {
        write!(
            out,
            "v=0\r\no=- {} {} IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n",
            self.session_id, self.version
        )?;
        out.push_str("a=group:BUNDLE");
        for mid in 0..self.slots.len() {
            write!(out, " {mid}")?;
        }
        out.push_str("\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS *\r\na=ice-lite\r\n");
        for (mid, slot) in self.slots.iter().enumerate() {
            self.write_slot(out, mid, slot)?;
        }
        Ok(())
    }

    fn write_slot(&self, out: &mut String, mid: usize, slot: &OfferSlot) -> std::fmt::Result {
        let codecs: &[Codec] = match slot.kind {
            MediaKind::Audio => &[Codec::Opus],
            MediaKind::Video => self.video_codecs,
        };
        out.push_str(match slot.kind {
            MediaKind::Audio => "m=audio 9 UDP/TLS/RTP/SAVPF",
            MediaKind::Video => "m=video 9 UDP/TLS/RTP/SAVPF",
        });
        for codec in codecs {
            write!(out, " {}", codec.payload_type())?;
            if let Some(rtx) = codec.rtx_payload_type() {
                write!(out, " {rtx}")?;
            }
        }
        if slot.kind == MediaKind::Audio {
            write!(out, " {}", red::PAYLOAD_TYPE)?;
        }
        write!(
            out,
            "\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=fingerprint:{}\r\n\
             a=setup:actpass\r\na=sendonly\r\na=rtcp-mux\r\na=rtcp-rsize\r\n",
            self.ice_ufrag, self.ice_pwd, self.fingerprint
        )?;
        if mid == 0 {
            for candidate in self.candidates {
                write!(out, "a={candidate}\r\n")?;
            }
            out.push_str("a=end-of-candidates\r\n");
        }
        let extensions: &[(u8, &str)] = match slot.kind {
            MediaKind::Audio => &AUDIO_EXTENSIONS,
            MediaKind::Video => &VIDEO_EXTENSIONS,
        };
        for (id, uri) in extensions {
            write!(out, "a=extmap:{id} {uri}\r\n")?;
        }
        for codec in codecs {
            write_codec(out, *codec)?;
        }
        if slot.kind == MediaKind::Audio {
            let (red, opus) = (red::PAYLOAD_TYPE, Codec::Opus.payload_type());
            write!(
                out,
                "a=rtpmap:{red} red/48000/2\r\na=fmtp:{red} {opus}/{opus}\r\n"
            )?;
        }
        let (ssrc, pair) = (slot.ssrc, slot.pair);
        write!(out, "a=msid:sync-{pair} slot-{mid}\r\n")?;
        if let Some(rtx) = slot.rtx_ssrc {
            write!(out, "a=ssrc-group:FID {ssrc} {rtx}\r\n")?;
        }
        for ssrc in [Some(ssrc), slot.rtx_ssrc].into_iter().flatten() {
            write!(
                out,
                "a=ssrc:{ssrc} cname:{}\r\na=ssrc:{ssrc} msid:sync-{pair} slot-{mid}\r\n",
                self.cname
            )?;
        }
        Ok(())
    }
}

fn write_codec(out: &mut String, codec: Codec) -> std::fmt::Result {
    let pt = codec.payload_type();
    let channels = if codec == Codec::Opus { "/2" } else { "" };
    write!(
        out,
        "a=rtpmap:{pt} {}/{}{channels}\r\na=rtcp-fb:{pt} transport-cc\r\n",
        codec_name(codec),
        codec.clock_rate()
    )?;
    // No NACK for audio: without RTX a repeated packet would use its nonce twice (RFC 7714 §8.4).
    if codec.is_video() {
        write!(
            out,
            "a=rtcp-fb:{pt} nack\r\na=rtcp-fb:{pt} nack pli\r\na=rtcp-fb:{pt} ccm fir\r\n"
        )?;
    }
    if let Some(fmtp) = fmtp(codec) {
        write!(out, "a=fmtp:{pt} {fmtp}\r\n")?;
    }
    if let Some(rtx) = codec.rtx_payload_type() {
        write!(
            out,
            "a=rtpmap:{rtx} rtx/{}\r\na=fmtp:{rtx} apt={pt}\r\n",
            codec.clock_rate()
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> String {
        let slots = [
            OfferSlot {
                kind: MediaKind::Audio,
                ssrc: 1,
                rtx_ssrc: None,
                pair: 0,
            },
            OfferSlot {
                kind: MediaKind::Video,
                ssrc: 2,
                rtx_ssrc: Some(3),
                pair: 0,
            },
        ];
        Offer {
            session_id: 7,
            version: 1,
            ice_ufrag: "ufragufrag",
            ice_pwd: "passwordpasswordpassword",
            fingerprint: "sha-256 AA:BB",
            candidates: &["candidate:1 1 udp 1 127.0.0.1 5000 typ host".to_owned()],
            cname: "c",
            slots: &slots,
            video_codecs: &crate::session::table::VIDEO_CODECS,
        }
        .write()
    }

    #[test]
    fn our_offer_reads_back() {
        let read = Description::parse(&offer()).unwrap();
        assert_eq!(read.ice_ufrag, "ufragufrag");
        assert!(read.ice_lite);
        assert_eq!(read.fingerprint, [0xaa, 0xbb]);
        assert_eq!(read.setup, Some(Setup::ActPass));
        assert_eq!(read.candidates.len(), 1);
        assert_eq!(read.media.len(), 2);
        assert_eq!(read.media[1].mid, "1");
        assert_eq!(read.media[1].direction, Direction::SendOnly);
        assert!(read.media[1].codecs.contains(&(102, Codec::H264)));
        assert_eq!(read.media[1].payload_types.len(), 8);
    }

    #[test]
    fn simulcast_rids_in_order() {
        let text = offer() + "a=simulcast:send q;h;~f recv x\r\n";
        let read = Description::parse(&text).unwrap();
        assert_eq!(read.media[1].send_rids, ["q", "h", "f"]);
    }

    #[test]
    fn refuses_what_is_out_of_bounds() {
        let fault = |text: &str| Description::parse(text).unwrap_err();
        assert_eq!(fault(""), SdpFault("no m-line"));
        assert_eq!(fault("garbage"), SdpFault("a line without a type"));
        assert_eq!(
            fault(&"x".repeat(MAX_SDP_BYTES + 1)),
            SdpFault("description too long")
        );
        let many = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n".repeat(MAX_MEDIA_LINES + 1);
        assert_eq!(fault(&many), SdpFault("too many m-lines"));
        assert_eq!(
            fault(&offer().replace("a=mid:1", "a=mid:0")),
            SdpFault("one mid twice")
        );
        assert_eq!(
            fault(&offer().replace("a=fingerprint", "a=fingerprints")),
            SdpFault("no fingerprint")
        );
    }

    #[test]
    fn every_prefix_is_read_without_panic() {
        let text = offer();
        for end in 0..text.len() {
            let _ = Description::parse(&text[..end]);
        }
    }
}
