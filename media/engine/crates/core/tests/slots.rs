//! Fixed slots: what they carry follows screens, speakers, audience and views.

mod common;

use std::time::Duration;

use common::World;
use engine_core::api::{Command, Event, Source};

#[test]
fn a_screen_takes_the_only_video_slot_and_gives_it_back() {
    let mut world = World::new(50);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("carol", &[Source::Screen]);
    world.add_peer_with_slots("bob", &[], 1, 1);
    let (alice, camera) = world.publish("alice", &[Source::Camera]);
    world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, None, Some(camera[0]), 10);
    assert_eq!(world.slots("bob")["1"], ("alice".into(), Source::Camera));

    let (carol, screen) = world.publish("carol", &[Source::Screen]);
    world.run_until_connected();
    world.stream(carol, None, Some(screen[0]), 10);
    assert_eq!(world.slots("bob")["1"], ("carol".into(), Source::Screen));

    world
        .command(Command::RemovePeer {
            peer_id: "carol".into(),
        })
        .unwrap();
    assert_eq!(world.slots("bob")["1"], ("alice".into(), Source::Camera));
}

#[test]
fn the_voice_slot_follows_who_speaks() {
    let mut world = World::new(51);
    world.add_peer("alice", &[Source::Microphone]);
    world.add_peer("carol", &[Source::Microphone]);
    world.add_peer_with_slots("bob", &[], 1, 0);
    let (alice, a) = world.publish("alice", &[Source::Microphone]);
    let (carol, c) = world.publish("carol", &[Source::Microphone]);
    world.subscribe("bob");
    world.run_until_connected();
    let talk = |world: &mut World, alice_level: i8, carol_level: i8| {
        for _ in 0..100 {
            let clock = world.audio_clock();
            world.write(alice, a[0], None, common::Write::audio(clock, alice_level));
            world.write(carol, c[0], None, common::Write::audio(clock, carol_level));
            world.run(Duration::from_millis(20));
        }
    };
    talk(&mut world, -20, -127);
    assert_eq!(world.slots("bob")["0"].0, "alice");
    talk(&mut world, -127, -20);
    assert_eq!(world.slots("bob")["0"].0, "carol");
    let speakers: Vec<Vec<String>> = world
        .events
        .iter()
        .filter_map(|e| match e {
            Event::ActiveSpeakers { peer_ids, .. } => Some(peer_ids.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(speakers.first().unwrap(), &["alice"]);
    assert_eq!(speakers.last().unwrap(), &["carol"]);
}

#[test]
fn only_the_audience_receives() {
    let mut world = World::new(52);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    world.add_peer("eve", &[]);
    let audience = Some(vec!["bob".to_owned()]);
    let source = Source::Camera;
    world
        .command(Command::SetAudience {
            peer_id: "alice".into(),
            source,
            audience,
        })
        .unwrap();
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    let bob = world.subscribe("bob");
    let eve = world.subscribe("eve");
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 20);
    assert!(!world.clients[bob].video().is_empty());
    assert!(world.clients[eve].video().is_empty());
    assert!(world.slots("eve").is_empty());

    world
        .command(Command::SetAudience {
            peer_id: "alice".into(),
            source,
            audience: None,
        })
        .unwrap();
    world.stream(alice, None, Some(mids[0]), 30);
    assert!(!world.clients[eve].video().is_empty());
}

#[test]
fn what_is_not_shown_is_not_sent() {
    let mut world = World::new(53);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    let bob = world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 20);
    let view = |width, height| Command::SetView {
        peer_id: "bob".into(),
        publisher_id: "alice".into(),
        source: Source::Camera,
        width,
        height,
    };
    world.command(view(0, 0)).unwrap();
    world.run(Duration::from_millis(100));
    let before = world.clients[bob].video().len();
    world.stream(alice, None, Some(mids[0]), 20);
    assert_eq!(world.clients[bob].video().len(), before);
    assert!(world.slots("bob").is_empty());
    world.command(view(640, 360)).unwrap();
    world.stream(alice, None, Some(mids[0]), 20);
    assert!(world.clients[bob].video().len() > before);
}

#[test]
fn voice_and_picture_of_one_person_share_a_pair() {
    let mut world = World::new(54);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("carol", &[Source::Microphone, Source::Camera]);
    world.add_peer("bob", &[]);
    let (alice, a) = world.publish("alice", &[Source::Camera]);
    world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, None, Some(a[0]), 5);
    let (carol, c) = world.publish("carol", &[Source::Microphone, Source::Camera]);
    world.run_until_connected();
    world.stream(carol, Some(c[0]), Some(c[1]), 10);
    let slots = world.slots("bob");
    // Audio slots are m-lines 0 and 1, video slots 2 and 3; 1 and 3 are a pair. Alice has video slot 2.
    let voice = slots
        .iter()
        .find(|(_, s)| **s == ("carol".into(), Source::Microphone))
        .unwrap();
    let picture = slots
        .iter()
        .find(|(_, s)| **s == ("carol".into(), Source::Camera))
        .unwrap();
    assert_eq!(slots["2"].0, "alice");
    assert_eq!((voice.0.as_str(), picture.0.as_str()), ("1", "3"));
}
