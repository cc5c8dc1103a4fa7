//! Who joins late sees a picture at once: a key frame is asked for when the transport connects, and a
//! thousand joiners do not ask a thousand times.

mod common;

use std::time::Duration;

use common::{World, is_key_frame};
use engine_core::api::{Source, TransportKind, TransportState};

#[test]
fn the_first_picture_is_a_key_frame_and_comes_soon() {
    let mut world = World::new(3);
    world.add_peer("alice", &[Source::Camera]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 50);
    let asked = world.worker.counters().key_frames_requested;
    assert_eq!(asked, 0, "nobody watches, nobody asks");

    world.add_peer("bob", &[]);
    let bob = world.subscribe("bob");
    let connected =
        |w: &World| w.state("bob", TransportKind::Subscribe) == TransportState::Connected;
    while !connected(&world) {
        world.stream(alice, None, Some(mids[0]), 1);
    }
    let since = world.now;
    world.stream(alice, None, Some(mids[0]), 20);
    let video = world.clients[bob].video();
    let first = video.first().expect("a picture");
    assert!(is_key_frame(first));
    assert_eq!(world.worker.counters().key_frames_requested, 1);
    // One way there with the request, the next picture, two ways back.
    let waited = first.timestamp.saturating_duration_since(since);
    assert!(waited < Duration::from_millis(60), "{waited:?}");
}

#[test]
fn many_joiners_cost_few_requests() {
    let mut world = World::new(4);
    world.add_peer("alice", &[Source::Camera]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 10);
    let names: Vec<String> = (0..30).map(|i| format!("viewer{i}")).collect();
    for name in &names {
        world.add_peer(name, &[]);
        world.subscribe(name);
    }
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 50);
    for client in 1..=names.len() {
        assert!(is_key_frame(world.clients[client].video()[0]));
    }
    let requested = world.worker.counters().key_frames_requested;
    assert!((1..=3).contains(&requested), "{requested} requests");
}

#[test]
fn a_decoder_in_trouble_gets_a_key_frame_at_a_sane_rate() {
    let mut world = World::new(5);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    let bob = world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 50);
    let before = world.worker.counters().key_frames_requested;
    let ssrc = *world.clients[bob].video()[0].header.ssrc;
    for _ in 0..50 {
        world.ask_key_frame(bob, ssrc);
        world.stream(alice, None, Some(mids[0]), 1);
    }
    let requested = world.worker.counters().key_frames_requested - before;
    assert!(
        (2..=4).contains(&requested),
        "{requested} requests in a second"
    );
}
