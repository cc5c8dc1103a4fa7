//! A publisher's VP8 and Opus reach a subscriber, rewritten to the fixed table, in order and continuous.

mod common;

use std::time::Duration;

use common::World;
use engine_core::api::{Event, Source, TransportKind, TransportState};

#[test]
fn camera_and_microphone_reach_a_subscriber() {
    let mut world = World::new(1);
    world.add_peer("alice", &[Source::Microphone, Source::Camera]);
    world.add_peer("bob", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Microphone, Source::Camera]);
    let bob = world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, Some(mids[0]), Some(mids[1]), 100);

    assert_eq!(
        world.state("alice", TransportKind::Publish),
        TransportState::Connected
    );
    assert_eq!(
        world.state("bob", TransportKind::Subscribe),
        TransportState::Connected
    );
    let published = world.count(|e| matches!(e, Event::TrackPublished { .. }));
    assert_eq!(published, 2);
    let slots = world.slots("bob");
    assert_eq!(slots["0"], ("alice".to_owned(), Source::Microphone));
    assert_eq!(slots["2"], ("alice".to_owned(), Source::Camera));

    let video = world.clients[bob].video();
    let audio = world.clients[bob].audio();
    assert!(video.len() >= 190, "video packets: {}", video.len());
    assert!(audio.len() >= 95, "audio packets: {}", audio.len());
    assert!(
        common::is_key_frame(video[0]),
        "the first picture can be decoded"
    );
    for packets in [&video, &audio] {
        assert!(
            *packets[0].seq_no < 32_768,
            "a late joiner must not guess a rollover"
        );
        for pair in packets.windows(2) {
            assert_eq!(*pair[1].seq_no, *pair[0].seq_no + 1, "no hole");
        }
    }
    assert_eq!(video[0].payload.len(), 400);
    assert_eq!(audio[0].header.ext_vals.audio_level, Some(-20));
}

#[test]
fn the_srtp_profile_is_told_and_is_gcm() {
    let mut world = World::new(2);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    world.publish("alice", &[Source::Camera]);
    world.subscribe("bob");
    world.run_until_connected();
    let profiles: Vec<_> = world
        .events
        .iter()
        .filter_map(|e| match e {
            Event::TransportChanged {
                state: TransportState::Connected,
                srtp_profile,
                ..
            } => Some(*srtp_profile),
            _ => None,
        })
        .collect();
    assert_eq!(profiles.len(), 2);
    for profile in profiles {
        assert!(profile.is_some_and(|p| p.contains("GCM")), "{profile:?}");
    }
}

#[test]
fn a_subscriber_that_waits_for_our_hello_is_connected_within_a_few_round_trips() {
    let mut world = World::new(7);
    world.add_peer("bob", &[]);
    let begun = world.now;
    // The client answers `setup:passive`: the hello is ours, and there is no path yet when the answer comes.
    let bob = world.subscribe("bob");
    world.run_until("bob connects", |w| w.clients[bob].connected);
    let took = world.now - begun;
    assert!(took < Duration::from_millis(500), "took {took:?}");
}
