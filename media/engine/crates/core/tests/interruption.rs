//! What a subscriber sees when a sender drops a layer, and when a line is dead for seconds: the picture is back soon,
//! without waiting for the receiver's own patience.

mod common;

use std::time::Duration;

use common::{World, is_key_frame};
use engine_core::api::Source;
use str0m::media::{Mid, Rid};

const RIDS: [&str; 3] = ["q", "h", "f"];
const FRAME: Duration = Duration::from_millis(33);

/// A simulcast camera that sends the given layers and answers a request with a key frame of all of them.
fn send(world: &mut World, client: usize, mid: Mid, layers: &[&str], key: bool) {
    let asked = std::mem::take(&mut world.clients[client].key_frames_asked) > 0;
    let clock = world.video_clock();
    for rid in layers {
        world.video_frame(client, mid, Some(Rid::from(*rid)), key || asked, clock);
    }
    world.run(FRAME);
}

#[test]
fn a_layer_its_sender_drops_is_left_within_half_a_second() {
    let mut world = World::new(91);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    let alice = world.client();
    let mids = world
        .try_publish("alice", alice, &[Source::Camera], Some(&RIDS), true)
        .unwrap();
    let bob = world.subscribe("bob");
    world.run_until_connected();
    for frame in 0..60 {
        send(&mut world, alice, mids[0], &RIDS, frame == 0);
    }
    let before = world.clients[bob].video().len();
    let dropped_at = world.now;
    while world.clients[bob].video().len() == before {
        send(&mut world, alice, mids[0], &RIDS[..2], false);
        let still = world.now - dropped_at;
        assert!(
            still < Duration::from_millis(550),
            "a still picture for {still:?}"
        );
    }
    let first = world.clients[bob].video()[before];
    assert!(is_key_frame(first));
}

#[test]
fn a_slow_camera_keeps_its_layer() {
    let mut world = World::new(92);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    let alice = world.client();
    let mids = world
        .try_publish("alice", alice, &[Source::Camera], Some(&RIDS), true)
        .unwrap();
    let bob = world.subscribe("bob");
    world.run_until_connected();
    for frame in 0..60 {
        send(&mut world, alice, mids[0], &RIDS, frame == 0);
    }
    let asked = world.worker.counters().key_frames_requested;
    // Two pictures a second.
    for _ in 0..10 {
        send(&mut world, alice, mids[0], &RIDS, false);
        world.run(Duration::from_millis(470));
    }
    assert_eq!(world.worker.counters().key_frames_requested, asked);
    assert!(!world.clients[bob].video().is_empty());
}

#[test]
fn after_a_blackout_of_the_sender_a_key_frame_is_asked_for_with_its_first_packet() {
    let mut world = World::new(93);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    let bob = world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 60);
    let address = world.clients[alice].address;
    world.blackhole.push(address);
    world.stream(alice, None, Some(mids[0]), 150);
    world.blackhole.clear();
    let before = world.clients[bob].video().len();
    let asked = world.worker.counters().key_frames_requested;
    world.stream(alice, None, Some(mids[0]), 5);
    assert_eq!(world.worker.counters().key_frames_requested, asked + 1);
    let keys = world.clients[bob].video()[before..]
        .iter()
        .filter(|p| is_key_frame(p))
        .count();
    assert_eq!(keys, 1, "100 ms after the line is back");
}

#[test]
fn after_a_blackout_of_a_receiver_a_key_frame_is_asked_for_with_its_first_feedback() {
    let mut world = World::new(94);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    let bob = world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 60);
    let address = world.clients[bob].address;
    world.blackhole.push(address);
    world.stream(alice, None, Some(mids[0]), 150);
    world.blackhole.clear();
    let before = world.clients[bob].video().len();
    world.stream(alice, None, Some(mids[0]), 20);
    assert!(
        world.clients[bob].video()[before..]
            .iter()
            .any(|p| is_key_frame(p)),
        "400 ms after the line is back"
    );
}
