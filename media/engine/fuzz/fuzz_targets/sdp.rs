//! Descriptions and candidates of a browser. Our reader takes every input; the library's reader, a hundred times slower
//! under instrumentation, and a worker that publishes, renegotiates and subscribes take parts of them that the inputs
//! themselves choose, so that a crash comes again.

#![no_main]

use std::time::{Duration, Instant, SystemTime};

use engine_core::api::{Command, Request, Source, TransportKind};
use engine_core::output::KeepAll;
use engine_core::packet::ntp::NtpClock;
use engine_core::session::config::TransportConfig;
use engine_core::session::sdp::Description;
use engine_core::session::table::VIDEO_CODECS;
use engine_core::worker::{Worker, WorkerConfig};
use libfuzzer_sys::fuzz_target;
use str0m::Candidate;
use str0m::change::{SdpAnswer, SdpOffer};

/// One of so many inputs goes to the library's reader.
const LIBRARY_ONE_IN: u32 = 64;
/// One of so many goes through a worker.
const WORKER_ONE_IN: u32 = 512;

const SOURCES: [Source; 4] = [
    Source::Microphone,
    Source::Camera,
    Source::Screen,
    Source::ScreenAudio,
];

thread_local! {
    static WORKER: std::cell::RefCell<(Worker, Instant)> = std::cell::RefCell::new(worker());
}

fn worker() -> (Worker, Instant) {
    let now = Instant::now();
    let clock = NtpClock::new(
        now,
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
    );
    let address = "192.0.2.1:5000".parse().unwrap();
    let transports =
        TransportConfig::new(vec![address], vec![address], VIDEO_CODECS.to_vec(), clock).unwrap();
    let config = WorkerConfig {
        index: 0,
        transports,
        stats_interval: Duration::from_secs(1),
    };
    (Worker::new(config), now)
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (candidate, text) = text.split_once('\0').unwrap_or(("", text));
    let mut tracks = Vec::new();
    if let Ok(description) = Description::parse(text) {
        let sending = description
            .media
            .iter()
            .filter(|media| media.direction.sends());
        tracks.extend(
            sending
                .zip(SOURCES)
                .map(|(media, source)| (media.mid.clone(), source)),
        );
    }
    let _ = Candidate::from_sdp_string(candidate);
    let choice = checksum(data);
    if choice.is_multiple_of(LIBRARY_ONE_IN) {
        let _ = SdpAnswer::from_sdp_string(text);
        let _ = SdpOffer::from_sdp_string(text);
    }
    if choice.is_multiple_of(WORKER_ONE_IN) {
        publish_and_subscribe(text, candidate, tracks);
    }
});

/// FNV-1a.
fn checksum(data: &[u8]) -> u32 {
    data.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

fn publish_and_subscribe(text: &str, candidate: &str, tracks: Vec<(String, Source)>) {
    let peer_id = || "p".to_owned();
    WORKER.with_borrow_mut(|(worker, now)| {
        let commands = [
            Command::CreateRoom,
            Command::AddPeer {
                peer_id: peer_id(),
                publish: SOURCES.to_vec(),
                audio_slots: 2,
                video_slots: 2,
            },
            Command::Publish {
                peer_id: peer_id(),
                sdp: text.to_owned(),
                tracks: tracks.clone(),
                fresh: true,
            },
            // The same again renegotiates.
            Command::Publish {
                peer_id: peer_id(),
                sdp: text.to_owned(),
                tracks,
                fresh: false,
            },
            Command::Subscribe {
                peer_id: peer_id(),
                fresh: true,
            },
            Command::Answer {
                peer_id: peer_id(),
                sdp: text.to_owned(),
            },
            Command::AddCandidate {
                peer_id: peer_id(),
                transport: TransportKind::Publish,
                candidate: candidate.to_owned(),
            },
            Command::AddCandidate {
                peer_id: peer_id(),
                transport: TransportKind::Subscribe,
                candidate: candidate.to_owned(),
            },
            Command::CloseRoom,
        ];
        for command in commands {
            let request = Request {
                id: 1,
                room_id: "r".to_owned(),
                command,
            };
            worker.handle_command(*now, request, &mut KeepAll);
            worker.finish_turn(*now, &mut KeepAll);
        }
        worker.outputs().clear();
        worker.take_events(&mut Vec::new());
    });
}
