//! A tap gets what a receiver of the highest layer would get, and costs the receivers nothing.

mod common;

use std::time::Duration;

use common::World;
use engine_core::api::{Command, FaultCode, Source};
use engine_core::codec::Codec;
use engine_core::room::taps::Tapped;
use str0m::media::Rid;

const SINK: u64 = 7;

fn tap(world: &mut World, source: Source, track: u32) -> Result<(), FaultCode> {
    let command = Command::StartTap {
        peer_id: "alice".into(),
        source,
        sink: SINK,
        track,
    };
    world.command(command).map(|_| ()).map_err(|f| f.code)
}

/// (track, stream, key frame) of the packets copied since the last call, and the tracks that ended.
fn taken(world: &mut World) -> (Vec<(u32, u32, bool)>, Vec<u32>) {
    let (mut packets, mut ended) = (Vec::new(), Vec::new());
    for one in world.worker.tapped().drain(..) {
        assert_eq!(one.sink(), SINK);
        match one {
            Tapped::Packet {
                track,
                stream,
                packet,
                ..
            } => packets.push((
                track,
                stream,
                packet.codec == Codec::Vp8 && packet.key_frame,
            )),
            Tapped::End { track, .. } => ended.push(track),
        }
    }
    (packets, ended)
}

#[test]
fn a_tap_begins_with_a_key_frame_it_asked_for_and_ends_with_its_track() {
    let mut world = World::new(70);
    world.add_peer("alice", &[Source::Microphone, Source::Camera]);
    let (alice, mids) = world.publish("alice", &[Source::Microphone, Source::Camera]);
    world.run_until_connected();
    assert_eq!(
        tap(&mut world, Source::Camera, 1),
        Err(FaultCode::WrongState),
        "nothing came yet"
    );
    world.stream(alice, Some(mids[0]), Some(mids[1]), 20);
    assert_eq!(tap(&mut world, Source::Camera, 1), Ok(()));
    assert_eq!(tap(&mut world, Source::Microphone, 2), Ok(()));
    assert_eq!(
        tap(&mut world, Source::Camera, 1),
        Err(FaultCode::BadArgument),
        "one number, one tap"
    );
    world.stream(alice, Some(mids[0]), Some(mids[1]), 50);
    let (packets, ended) = taken(&mut world);
    let video: Vec<_> = packets.iter().filter(|p| p.0 == 1).collect();
    assert!(video[0].2, "the first packet begins a key frame");
    assert!(video.len() >= 80, "{} of about 100", video.len());
    assert!(packets.iter().filter(|p| p.0 == 2).count() >= 48);
    assert!(ended.is_empty());

    world
        .command(Command::StopTap {
            sink: SINK,
            track: 2,
        })
        .unwrap();
    world
        .command(Command::SetGrant {
            peer_id: "alice".into(),
            publish: vec![Source::Microphone],
        })
        .unwrap();
    world.stream(alice, Some(mids[0]), None, 10);
    let (packets, ended) = taken(&mut world);
    assert!(packets.is_empty(), "neither the stopped nor the ended one");
    assert_eq!(ended, [2, 1]);
}

#[test]
fn a_muted_track_is_not_copied_and_goes_on_with_a_key_frame() {
    let mut world = World::new(71);
    world.add_peer("alice", &[Source::Camera]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 10);
    tap(&mut world, Source::Camera, 1).unwrap();
    world.stream(alice, None, Some(mids[0]), 20);
    let mute = |muted| Command::SetMuted {
        peer_id: "alice".into(),
        source: Source::Camera,
        muted,
    };
    world.command(mute(true)).unwrap();
    taken(&mut world);
    world.stream(alice, None, Some(mids[0]), 20);
    assert!(taken(&mut world).0.is_empty());
    world.command(mute(false)).unwrap();
    world.stream(alice, None, Some(mids[0]), 30);
    let (packets, _) = taken(&mut world);
    assert!(packets.first().expect("it goes on").2);
}

#[test]
fn of_simulcast_layers_the_highest_that_is_sent_is_followed() {
    const RIDS: [&str; 3] = ["q", "h", "f"];
    let mut world = World::new(72);
    world.add_peer("alice", &[Source::Camera]);
    let alice = world.client();
    let mids = world
        .try_publish("alice", alice, &[Source::Camera], Some(&RIDS), true)
        .unwrap();
    world.run_until_connected();
    let send = |world: &mut World, layers: &[&str], frames: usize| {
        for _ in 0..frames {
            let key = std::mem::take(&mut world.clients[alice].key_frames_asked) > 0;
            let clock = world.video_clock();
            for rid in layers {
                world.video_frame(alice, mids[0], Some(Rid::from(*rid)), key, clock);
            }
            world.run(Duration::from_millis(33));
        }
    };
    send(&mut world, &RIDS, 30);
    tap(&mut world, Source::Camera, 1).unwrap();
    send(&mut world, &RIDS, 30);
    let (packets, _) = taken(&mut world);
    let top = packets[0].1;
    assert!(packets.iter().all(|p| p.1 == top), "one layer");
    // The sender drops its highest layer: within half a second the next one is copied, from a key frame on.
    send(&mut world, &RIDS[..2], 18);
    let (packets, _) = taken(&mut world);
    let switched = packets.iter().find(|p| p.1 != top).expect("another layer");
    assert!(switched.2);
}
