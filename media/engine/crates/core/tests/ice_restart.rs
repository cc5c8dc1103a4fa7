//! New ICE credentials on either transport: the call goes on, with the keys it had.

mod common;

use std::time::Duration;

use common::World;
use engine_core::api::{Source, TransportKind, TransportState};

#[test]
fn the_publisher_restarts_ice() {
    let mut world = World::new(30);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    let bob = world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 20);

    world.restart_publisher("alice", alice, mids[0]);
    world.run(Duration::from_millis(500));
    let before = world.clients[bob].video().len();
    world.stream(alice, None, Some(mids[0]), 50);
    assert!(world.clients[bob].video().len() >= before + 90);
    assert_eq!(
        world.state("alice", TransportKind::Publish),
        TransportState::Connected
    );
}

#[test]
fn the_server_restarts_ice_of_a_subscriber() {
    let mut world = World::new(31);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    let bob = world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 20);

    world.resubscribe("bob", bob, false);
    world.run(Duration::from_millis(500));
    let before = world.clients[bob].video().len();
    world.stream(alice, None, Some(mids[0]), 50);
    let video = world.clients[bob].video();
    assert!(video.len() >= before + 90);
    for pair in video.windows(2) {
        assert_eq!(
            *pair[1].seq_no,
            *pair[0].seq_no + 1,
            "one stream throughout"
        );
    }
    assert_eq!(
        world.state("bob", TransportKind::Subscribe),
        TransportState::Connected
    );
}

#[test]
fn a_path_that_goes_quiet_is_disconnected_and_comes_back() {
    let mut world = World::new(32);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    let bob = world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 10);

    let address = world.clients[bob].address;
    world.blackhole.push(address);
    world.run(Duration::from_secs(10));
    assert_eq!(
        world.state("bob", TransportKind::Subscribe),
        TransportState::Disconnected
    );
    world.blackhole.clear();
    world.run(Duration::from_secs(5));
    assert_eq!(
        world.state("bob", TransportKind::Subscribe),
        TransportState::Connected
    );
    let before = world.clients[bob].video().len();
    world.stream(alice, None, Some(mids[0]), 20);
    assert!(world.clients[bob].video().len() > before);
}

#[test]
fn media_follows_a_translator_that_gave_a_new_port() {
    let mut world = World::new(33);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    let bob = world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 20);
    world.clients[bob].address.set_port(50_001);
    world.clients[alice].address.set_port(50_002);
    // The browsers' next consent checks come from the new ports.
    world.stream(alice, None, Some(mids[0]), 200);
    let before = world.clients[bob].video().len();
    world.stream(alice, None, Some(mids[0]), 50);
    assert!(world.clients[bob].video().len() >= before + 90);
    let asked = world.clients[alice].key_frames_asked;
    let ssrc = *world.clients[bob].video()[0].header.ssrc;
    world.ask_key_frame(bob, ssrc);
    world.run(Duration::from_millis(100));
    assert!(
        world.clients[alice].key_frames_asked > asked,
        "the publisher hears us as well"
    );
}

#[test]
fn a_pair_that_was_checked_serves_until_one_is_nominated() {
    let mut world = World::new(34);
    world.never_nominate = true;
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    let bob = world.subscribe("bob");
    let begun = world.now;
    world.run_until_connected();
    assert!(world.now - begun < Duration::from_secs(2));
    world.stream(alice, None, Some(mids[0]), 20);
    assert!(!world.clients[bob].video().is_empty());
}

#[test]
fn after_a_restart_the_publisher_is_answered_where_it_checks_before_it_nominates() {
    let mut world = World::new(35);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    let bob = world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 20);

    world.never_nominate = true;
    let lost = world.clients[alice].address;
    world.blackhole.push(lost);
    world.clients[alice].address.set_port(50_003);
    world.restart_publisher("alice", alice, mids[0]);
    world.run(Duration::from_millis(500));
    let asked = world.clients[alice].key_frames_asked;
    world.stream(alice, None, Some(mids[0]), 5);
    let ssrc = *world.clients[bob].video()[0].header.ssrc;
    world.ask_key_frame(bob, ssrc);
    world.run(Duration::from_millis(100));
    assert!(
        world.clients[alice].key_frames_asked > asked,
        "the way that was lost is not waited for"
    );
}
