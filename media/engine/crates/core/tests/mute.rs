//! Muting stops a track in the engine; resuming a video brings a key frame.

mod common;

use std::time::Duration;

use common::{World, is_key_frame};
use engine_core::api::{Command, Source};
use engine_core::counters::DropReason;

fn set_muted(world: &mut World, source: Source, muted: bool) {
    world
        .command(Command::SetMuted {
            peer_id: "alice".into(),
            source,
            muted,
        })
        .unwrap();
}

#[test]
fn a_muted_track_is_not_forwarded_and_resumes_with_a_key_frame() {
    let mut world = World::new(40);
    world.add_peer("alice", &[Source::Microphone, Source::Camera]);
    world.add_peer("bob", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Microphone, Source::Camera]);
    let bob = world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, Some(mids[0]), Some(mids[1]), 30);

    set_muted(&mut world, Source::Camera, true);
    set_muted(&mut world, Source::Microphone, true);
    world.run(Duration::from_millis(100));
    let (video, audio) = (
        world.clients[bob].video().len(),
        world.clients[bob].audio().len(),
    );
    for _ in 0..30 {
        let (clock, tone) = (world.video_clock(), world.audio_clock());
        world.video_frame(alice, mids[1], None, false, clock);
        world.write(alice, mids[0], None, common::Write::audio(tone, -20));
        world.run(Duration::from_millis(20));
    }
    assert_eq!(world.clients[bob].video().len(), video);
    assert_eq!(world.clients[bob].audio().len(), audio);
    assert!(world.worker.counters().dropped[DropReason::Muted as usize] >= 80);
    assert_eq!(world.slots("bob").len(), 2, "a muted track keeps its slots");

    set_muted(&mut world, Source::Camera, false);
    set_muted(&mut world, Source::Microphone, false);
    for _ in 0..30 {
        let asked = std::mem::take(&mut world.clients[alice].key_frames_asked) > 0;
        let (clock, tone) = (world.video_clock(), world.audio_clock());
        world.video_frame(alice, mids[1], None, asked, clock);
        world.write(alice, mids[0], None, common::Write::audio(tone, -20));
        world.run(Duration::from_millis(20));
    }
    let after = &world.clients[bob].video()[video..];
    assert!(is_key_frame(after.first().expect("the picture is back")));
    assert!(world.clients[bob].audio().len() >= audio + 25);
    for packets in [world.clients[bob].video(), world.clients[bob].audio()] {
        for pair in packets.windows(2) {
            assert_eq!(
                *pair[1].seq_no,
                *pair[0].seq_no + 1,
                "no hole over the mute"
            );
        }
    }
}

#[test]
fn a_track_muted_before_it_is_published_stays_silent() {
    let mut world = World::new(41);
    world.add_peer("alice", &[Source::Microphone]);
    world.add_peer("bob", &[]);
    set_muted(&mut world, Source::Microphone, true);
    let (alice, mids) = world.publish("alice", &[Source::Microphone]);
    let bob = world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, Some(mids[0]), None, 20);
    assert!(world.clients[bob].audio().is_empty());
}
