//! A whole worker with one peer, given datagrams by strangers and by the peer's own address: STUN with right and
//! wrong integrity, DTLS, RTP and RTCP garbage, over UDP and TCP, with time passing between. The world lives on over
//! some executions, since joining costs a thousand times a datagram: a crash may need the run's seed to come again.

#![no_main]

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use aws_lc_rs::hmac;
use engine_core::api::{Command, Event, Protocol, Request, Source};
use engine_core::output::KeepAll;
use engine_core::packet::ntp::NtpClock;
use engine_core::session::config::TransportConfig;
use engine_core::session::sdp::Description;
use engine_core::session::table::VIDEO_CODECS;
use engine_core::worker::{Worker, WorkerConfig};
use libfuzzer_sys::fuzz_target;

const OFFER: &str = include_str!("../seeds/sdp/chromium_call_offer.sdp");

/// ICE credentials of both ends of one transport.
struct Credentials {
    /// `ours:theirs`, as in USERNAME.
    username: String,
    password: String,
}

struct World {
    worker: Worker,
    now: Instant,
    credentials: Vec<Credentials>,
    executions: u32,
}

/// Executions until the peer leaves and joins anew.
const LIFE: u32 = 500;

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::new());
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        let clock = NtpClock::new(
            now,
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
        );
        let address = "192.0.2.1:5000".parse().unwrap();
        let transports =
            TransportConfig::new(vec![address], vec![address], VIDEO_CODECS.to_vec(), clock)
                .unwrap();
        let config = WorkerConfig {
            index: 0,
            transports,
            stats_interval: Duration::from_secs(1),
        };
        Self {
            worker: Worker::new(config),
            now,
            credentials: Vec::new(),
            executions: 0,
        }
    }

    /// Run a command; the description in its reply.
    fn command(&mut self, command: Command) -> Option<String> {
        let request = Request {
            id: 1,
            room_id: "r".to_owned(),
            command,
        };
        self.worker.handle_command(self.now, request, &mut KeepAll);
        self.worker.finish_turn(self.now, &mut KeepAll);
        let mut events = Vec::new();
        self.worker.take_events(&mut events);
        events.into_iter().find_map(|event| match event {
            Event::Reply { sdp, error, .. } => {
                assert!(error.is_none(), "{error:?}");
                sdp
            }
            _ => None,
        })
    }

    /// A room with a peer that publishes and subscribes.
    fn join(&mut self) {
        let peer_id = || "p".to_owned();
        let publish = vec![Source::Microphone, Source::Camera];
        self.command(Command::CreateRoom);
        let slots = Command::AddPeer {
            peer_id: peer_id(),
            publish,
            audio_slots: 1,
            video_slots: 1,
        };
        self.command(slots);
        let theirs = Description::parse(OFFER).unwrap();
        let tracks = vec![
            ("0".to_owned(), Source::Microphone),
            ("1".to_owned(), Source::Camera),
        ];
        let publish = Command::Publish {
            peer_id: peer_id(),
            sdp: OFFER.to_owned(),
            tracks,
            fresh: true,
        };
        let answer = self.command(publish).unwrap();
        self.credentials = vec![credentials(&answer, &theirs.ice_ufrag)];
        let offer = self
            .command(Command::Subscribe {
                peer_id: peer_id(),
                fresh: true,
            })
            .unwrap();
        self.credentials
            .push(credentials(&offer, &theirs.ice_ufrag));
        let sdp = answer_to(&offer, &theirs);
        self.command(Command::Answer {
            peer_id: peer_id(),
            sdp,
        });
    }

    fn datagram(&mut self, protocol: Protocol, source: SocketAddr, mut data: Vec<u8>) {
        self.worker
            .handle_datagram(self.now, protocol, source, &mut data, &mut KeepAll);
        self.worker.finish_turn(self.now, &mut KeepAll);
        self.worker.outputs().clear();
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        for _ in 0..10 {
            if self.worker.poll_timeout().is_none_or(|at| at > self.now) {
                break;
            }
            self.worker.handle_timeout(self.now, &mut KeepAll);
            self.worker.outputs().clear();
        }
    }
}

fn credentials(ours: &str, their_ufrag: &str) -> Credentials {
    let ours = Description::parse(ours).unwrap();
    Credentials {
        username: format!("{}:{their_ufrag}", ours.ice_ufrag),
        password: ours.ice_pwd,
    }
}

/// A browser's answer to a subscribe offer, with the credentials of `theirs`.
fn answer_to(offer: &str, theirs: &Description) -> String {
    let ours = Description::parse(offer).unwrap();
    let fingerprint = |description: &Description| {
        let digits: Vec<String> = description
            .fingerprint
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect();
        digits.join(":")
    };
    offer
        .replace(&ours.ice_ufrag, &theirs.ice_ufrag)
        .replace(&ours.ice_pwd, &theirs.ice_pwd)
        .replace(&fingerprint(&ours), &fingerprint(theirs))
        .replace("a=setup:actpass", "a=setup:active")
        .replace("a=sendonly", "a=recvonly")
        .replace("a=ice-lite\r\n", "")
}

/// A binding request with `attributes` between the usual ones and MESSAGE-INTEGRITY (RFC 8489 section 14.5).
fn binding_request(credentials: &Credentials, password: &[u8], attributes: &[u8]) -> Vec<u8> {
    let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    message.extend_from_slice(&[7; 12]);
    let username = credentials.username.as_bytes();
    message.extend_from_slice(&[0, 6, 0, username.len() as u8]);
    message.extend_from_slice(username);
    message.resize(message.len().next_multiple_of(4), 0);
    message.extend_from_slice(&[0, 0x24, 0, 4, 0x6e, 0, 0, 1]); // PRIORITY
    message.extend_from_slice(&[0x80, 0x2a, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]); // ICE-CONTROLLING
    message.extend_from_slice(&[0, 0x25, 0, 0]); // USE-CANDIDATE
    message.extend_from_slice(attributes);
    message.resize(message.len().next_multiple_of(4), 0);
    let length = (message.len() - 20 + 24) as u16;
    message[2..4].copy_from_slice(&length.to_be_bytes());
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password);
    let tag = hmac::sign(&key, &message);
    message.extend_from_slice(&[0, 8, 0, 20]);
    message.extend_from_slice(tag.as_ref());
    message
}

fuzz_target!(|data: &[u8]| {
    WORLD.with_borrow_mut(|world| {
        if world.executions % LIFE == 0 || world.worker.counters().sessions < 2 {
            if world.executions > 0 {
                world.command(Command::CloseRoom);
            }
            world.join();
        }
        world.executions += 1;
        let own = [
            SocketAddr::from(([198, 51, 100, 7], 40_000)),
            SocketAddr::from(([198, 51, 100, 7], 40_001)),
        ];
        let mut rest = data;
        while let Some(([action, length], after)) = rest.split_first_chunk::<2>() {
            let length = usize::from(*length) * if action & 0x80 == 0 { 1 } else { 8 };
            let (bytes, after) = after.split_at(length.min(after.len()));
            rest = after;
            let transport = usize::from(action >> 3 & 1);
            let protocol = if action >> 4 & 1 == 0 {
                Protocol::Udp
            } else {
                Protocol::Tcp
            };
            match action & 0x07 {
                0 => world.datagram(
                    protocol,
                    SocketAddr::from(([203, 0, 113, 9], 9)),
                    bytes.to_vec(),
                ),
                1 => {
                    let password = world.credentials[transport].password.clone();
                    let request =
                        binding_request(&world.credentials[transport], password.as_bytes(), bytes);
                    world.datagram(protocol, own[transport], request);
                }
                2 => {
                    let request = binding_request(&world.credentials[transport], b"guess", bytes);
                    world.datagram(protocol, own[transport], request);
                }
                3 => world.pass(Duration::from_millis(10 * bytes.len() as u64)),
                _ => world.datagram(protocol, own[transport], bytes.to_vec()),
            }
        }
        world.worker.take_events(&mut Vec::new());
    });
});
