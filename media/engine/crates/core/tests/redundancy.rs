//! Redundant audio (RFC 2198): what is lost on the way to us is taken from the next packet, and a receiver whose line loses
//! is sent every packet twice.

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::World;
use engine_core::api::Source;
use engine_core::codec::red;
use str0m::media::Mid;
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite};
use str0m::{Input, Rtc};

const PACKET: Duration = Duration::from_millis(20);

/// A sender of redundant audio and two receivers, of which the first takes it.
struct Call {
    world: World,
    alice: usize,
    mid: Mid,
    bob: usize,
    carol: usize,
    sequence: u64,
}

fn voice(sequence: u64) -> Vec<u8> {
    [&[0xfc][..], &sequence.to_be_bytes()].concat()
}

impl Call {
    fn new(seed: u64) -> Call {
        let mut world = World::new(seed);
        world.add_peer("alice", &[Source::Microphone]);
        world.add_peer("bob", &[]);
        world.add_peer("carol", &[]);
        let alice = world.client_with(|config| config.enable_opus(true, true));
        let mids = world
            .try_publish("alice", alice, &[Source::Microphone], None, true)
            .unwrap();
        let bob = world.client_with(|config| config.enable_opus(true, true));
        world.resubscribe("bob", bob, true);
        let carol = world.client_with(|config| config.enable_opus(true, false));
        world.resubscribe("carol", carol, true);
        world.run_until_connected();
        Call {
            world,
            alice,
            mid: mids[0],
            bob,
            carol,
            sequence: 100,
        }
    }

    /// So many packets, of which some are not sent at all.
    fn speak(&mut self, packets: u64, lost: impl Fn(u64) -> bool) {
        for _ in 0..packets {
            self.sequence += 1;
            let timestamp = (self.sequence * 960) as u32;
            if !lost(self.sequence) {
                let now = self.world.now;
                let payload =
                    red::build(111, 960, &voice(self.sequence - 1), &voice(self.sequence)).unwrap();
                let rtc: &mut Rtc = &mut self.world.clients[self.alice].rtc;
                let write = RtpWrite::new(63.into(), self.sequence.into(), timestamp, now, payload)
                    .ext_vals(ExtensionValues {
                        audio_level: Some(-20),
                        voice_activity: Some(true),
                        ..Default::default()
                    });
                let mut api = rtc.direct_api();
                let stream = api.stream_tx_by_mid(self.mid, None).unwrap();
                stream.write_rtp(write);
                let _ = rtc.handle_input(Input::Timeout(now));
                self.world.drain_client(self.alice);
            }
            self.world.run(PACKET);
        }
    }

    fn heard(&mut self, client: usize) -> Vec<RtpPacket> {
        std::mem::take(&mut self.world.clients[client].packets)
    }
}

/// The numbers of the voices that a receiver has, those of older blocks too.
fn voices(packets: &[RtpPacket]) -> BTreeSet<u64> {
    let number = |block: &[u8]| u64::from_be_bytes(block[1..].try_into().unwrap());
    let mut found = BTreeSet::new();
    for packet in packets {
        if *packet.header.payload_type == red::PAYLOAD_TYPE {
            let read = red::parse(&packet.payload).unwrap();
            found.extend(read.previous.map(|(_, block)| number(block)));
            found.insert(number(read.primary));
        } else {
            found.insert(number(&packet.payload));
        }
    }
    found
}

#[test]
fn what_is_lost_on_the_way_to_us_is_taken_from_the_next_packet() {
    let mut call = Call::new(11);
    call.speak(50, |_| false);
    call.speak(100, |sequence| sequence % 3 == 0);
    call.speak(2, |_| false);
    let heard = call.heard(call.carol);
    assert!(
        heard.iter().all(|p| *p.header.payload_type == 111),
        "opus alone"
    );
    let numbers = voices(&heard);
    let (first, last) = (*numbers.first().unwrap(), *numbers.last().unwrap());
    assert_eq!(
        numbers.len() as u64,
        last - first + 1,
        "no voice is missing"
    );
    assert_eq!(heard.len(), numbers.len(), "and none came twice");
    for pair in heard.windows(2) {
        assert_eq!(*pair[1].seq_no, *pair[0].seq_no + 1);
        assert_eq!(
            pair[1]
                .header
                .timestamp
                .wrapping_sub(pair[0].header.timestamp),
            960
        );
    }
}

#[test]
fn a_line_that_loses_is_sent_everything_twice_and_a_good_one_is_not() {
    let mut call = Call::new(12);
    call.speak(200, |_| false);
    let heard = call.heard(call.bob);
    assert!(
        heard.iter().all(|p| *p.header.payload_type == 111),
        "nothing is lost"
    );
    call.world.impairment.loss = 0.1;
    call.speak(500, |_| false);
    call.heard(call.bob);
    call.heard(call.carol);
    call.speak(1000, |_| false);
    let (bob, carol) = (call.heard(call.bob), call.heard(call.carol));
    assert!(bob.iter().filter(|p| *p.header.payload_type == 63).count() > 800);
    assert!(
        carol.iter().all(|p| *p.header.payload_type == 111),
        "she takes no other"
    );
    let missing = |packets: &[RtpPacket]| {
        let numbers = voices(packets);
        let span = numbers.last().unwrap() - numbers.first().unwrap() + 1;
        (span - numbers.len() as u64) as f64 / span as f64
    };
    // 10 % each way: 1 % is left of the way in, 10 % or 1 % of the way out.
    assert!(
        (0.08..0.15).contains(&missing(&carol)),
        "{}",
        missing(&carol)
    );
    assert!(missing(&bob) < 0.035, "{}", missing(&bob));
    call.world.impairment.loss = 0.0;
    call.speak(900, |_| false);
    call.heard(call.bob);
    call.speak(100, |_| false);
    let calm = call.heard(call.bob);
    assert!(
        calm.iter().all(|p| *p.header.payload_type == 111),
        "good again"
    );
}
