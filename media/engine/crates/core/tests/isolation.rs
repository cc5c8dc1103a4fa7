//! A session that fails is closed and told; everybody else's call goes on.

mod common;

use common::World;
use engine_core::api::{Command, Event, FaultCode, Source, TransportKind};

#[test]
fn a_panicking_subscriber_does_not_take_others_with_it() {
    let mut world = World::new(60);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    world.add_peer("carol", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    world.subscribe("bob");
    let carol = world.subscribe("carol");
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 10);

    world
        .worker
        .poison(common::ROOM, "bob", TransportKind::Subscribe);
    world.stream(alice, None, Some(mids[0]), 100);
    let failed = |e: &Event| {
        matches!(e, Event::SessionFailed { peer_id, transport: TransportKind::Subscribe, reason: "panic", .. }
            if peer_id == "bob")
    };
    assert_eq!(world.count(failed), 1);
    assert!(world.clients[carol].video().len() >= 200);
    assert_eq!(world.worker.counters().sessions_failed, 1);

    let again = world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 50);
    assert!(
        !world.clients[again].video().is_empty(),
        "a new transport works"
    );
}

#[test]
fn a_panicking_publisher_unpublishes_its_tracks() {
    let mut world = World::new(61);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("carol", &[Source::Microphone]);
    world.add_peer("bob", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    let (carol, voice) = world.publish("carol", &[Source::Microphone]);
    let bob = world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 5);
    world.stream(carol, Some(voice[0]), None, 5);
    world
        .worker
        .poison(common::ROOM, "alice", TransportKind::Publish);
    world.stream(alice, None, Some(mids[0]), 5);
    let before = world.clients[bob].audio().len();
    world.stream(carol, Some(voice[0]), None, 20);
    assert!(world.clients[bob].audio().len() >= before + 15);
    assert_eq!(
        world.count(|e| matches!(e, Event::TrackUnpublished { .. })),
        1
    );
    assert_eq!(world.slots("bob").len(), 1);
}

#[test]
fn a_panic_while_slots_are_dealt_is_told_as_well() {
    let mut world = World::new(62);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    world.add_peer("carol", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    world.subscribe("bob");
    let carol = world.subscribe("carol");
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 10);
    world
        .worker
        .poison(common::ROOM, "bob", TransportKind::Subscribe);
    let view = Command::SetView {
        peer_id: "bob".into(),
        publisher_id: "alice".into(),
        source: Source::Camera,
        width: 1,
        height: 1,
    };
    assert_eq!(world.command(view).unwrap_err().code, FaultCode::Internal);
    let failed = |e: &Event| matches!(e, Event::SessionFailed { peer_id, .. } if peer_id == "bob");
    assert_eq!(world.count(failed), 1);
    let before = world.clients[carol].video().len();
    world.stream(alice, None, Some(mids[0]), 20);
    assert!(world.clients[carol].video().len() >= before + 38);
}
