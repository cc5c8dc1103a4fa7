//! A room of fifty with cameras: who is looked at is sent, who speaks loudest is heard, and the most slots there are.

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::{World, Write};
use engine_core::api::{Command, FaultCode, Source};
use str0m::media::Mid;

const PEOPLE: usize = 50;
const PAGE: usize = 16;

fn names() -> Vec<String> {
    (0..PEOPLE).map(|number| format!("p{number:02}")).collect()
}

/// Everybody sends a picture every 100 ms, a key frame when asked.
fn all_send(world: &mut World, senders: &[(usize, Vec<Mid>)], pictures: usize) {
    for _ in 0..pictures {
        for (client, mids) in senders {
            let asked = std::mem::take(&mut world.clients[*client].key_frames_asked) > 0;
            let timestamp = world.video_clock();
            world.video_frame(*client, mids[0], None, asked, timestamp);
        }
        world.run(Duration::from_millis(100));
    }
}

fn look_at(world: &mut World, first: usize) {
    for (number, publisher_id) in names().into_iter().enumerate() {
        let shown = (first..first + PAGE).contains(&number);
        let (width, height) = if shown { (320, 180) } else { (0, 0) };
        let view = Command::SetView {
            peer_id: "bob".into(),
            publisher_id,
            source: Source::Camera,
            width,
            height,
        };
        world.command(view).unwrap();
    }
}

fn seen(world: &World) -> BTreeSet<String> {
    let slots = world.slots("bob");
    slots.into_values().map(|(person, _)| person).collect()
}

#[test]
fn of_fifty_cameras_the_page_that_is_looked_at_is_sent() {
    let mut world = World::new(70);
    let names = names();
    let mut senders = Vec::new();
    for name in &names {
        world.add_peer(name, &[Source::Camera]);
        senders.push(world.publish(name, &[Source::Camera]));
    }
    world.add_peer_with_slots("bob", &[], 6, 17);
    let bob = world.subscribe("bob");
    world.run_until_connected();
    all_send(&mut world, &senders, 2);
    for first in [0, PAGE, 34, 0] {
        look_at(&mut world, first);
        let page: BTreeSet<String> = names[first..first + PAGE].iter().cloned().collect();
        assert_eq!(seen(&world), page);
        all_send(&mut world, &senders, 10);
        let before = world.clients[bob].packets.len();
        all_send(&mut world, &senders, 3);
        let packets = &world.clients[bob].packets[before..];
        let streams: BTreeSet<u32> = packets.iter().map(|p| *p.header.ssrc).collect();
        assert_eq!(streams.len(), PAGE, "page from {first}");
        assert_eq!(
            packets.len(),
            PAGE * 3 * 2,
            "two packets a picture, no other camera"
        );
    }
}

#[test]
fn of_many_voices_the_loudest_are_heard() {
    let mut world = World::new(71);
    let names: Vec<String> = (0..12).map(|number| format!("p{number:02}")).collect();
    let mut senders = Vec::new();
    for name in &names {
        world.add_peer(name, &[Source::Microphone]);
        senders.push(world.publish(name, &[Source::Microphone]));
    }
    world.add_peer_with_slots("bob", &[], 6, 0);
    world.subscribe("bob");
    world.run_until_connected();
    let talk = |world: &mut World, level: &dyn Fn(usize) -> i8| {
        for _ in 0..100 {
            let clock = world.audio_clock();
            for (number, (client, mids)) in senders.iter().enumerate() {
                world.write(*client, mids[0], None, Write::audio(clock, level(number)));
            }
            world.run(Duration::from_millis(20));
        }
    };
    // The first six murmur: they have the slots.
    talk(&mut world, &|number| if number < 6 { -48 } else { -127 });
    assert_eq!(seen(&world), names[..6].iter().cloned().collect());
    // All twelve speak, the last six much louder.
    talk(&mut world, &|number| if number < 6 { -48 } else { -25 });
    assert_eq!(seen(&world), names[6..].iter().cloned().collect());
    // As loud as each other: nobody is cut off.
    talk(&mut world, &|_| -25);
    assert_eq!(seen(&world), names[6..].iter().cloned().collect());
}

#[test]
fn as_many_slots_as_an_answer_can_have() {
    let mut world = World::new(72);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer_with_slots("bob", &[], 16, 32);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    let bob = world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 5);
    assert!(!world.clients[bob].video().is_empty());
    for (audio_slots, video_slots) in [(17, 32), (33, 0), (0, 33), (u32::MAX, u32::MAX)] {
        let fault = world
            .command(Command::AddPeer {
                peer_id: "carol".into(),
                publish: Vec::new(),
                audio_slots,
                video_slots,
            })
            .unwrap_err();
        assert_eq!(fault.code, FaultCode::BadArgument);
    }
}
