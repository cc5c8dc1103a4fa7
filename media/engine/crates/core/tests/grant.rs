//! A grant is what the control side said, whatever a browser sends.

mod common;

use common::{ROOM, World};
use engine_core::api::{Command, Event, FaultCode, Source};
use engine_core::counters::DropReason;
use str0m::media::{Direction, MediaKind};

#[test]
fn a_source_that_is_not_granted_is_refused() {
    let mut world = World::new(20);
    world.add_peer("agent", &[Source::Microphone]);
    let client = world.client();
    let refused = world
        .try_publish("agent", client, &[Source::Screen], None, true)
        .unwrap_err();
    assert_eq!(refused.code, FaultCode::OutsideGrant);
}

#[test]
fn a_sending_line_without_a_source_is_refused() {
    let mut world = World::new(21);
    world.add_peer("agent", &[Source::Microphone]);
    let client = world.client();
    let mut api = world.clients[client].rtc.sdp_api();
    let audio = api.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
    api.add_media(MediaKind::Video, Direction::SendRecv, None, None, None);
    let (offer, _) = api.apply().unwrap();
    let refused = world
        .command(Command::Publish {
            peer_id: "agent".into(),
            sdp: offer.to_sdp_string(),
            tracks: vec![(audio.to_string(), Source::Microphone)],
            fresh: true,
        })
        .unwrap_err();
    assert_eq!(refused.code, FaultCode::OutsideGrant);
}

#[test]
fn a_source_on_a_line_of_another_kind_is_refused() {
    let mut world = World::new(22);
    world.add_peer("agent", &[Source::Camera]);
    let client = world.client();
    let mut api = world.clients[client].rtc.sdp_api();
    let audio = api.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
    let (offer, _) = api.apply().unwrap();
    let refused = world
        .command(Command::Publish {
            peer_id: "agent".into(),
            sdp: offer.to_sdp_string(),
            tracks: vec![(audio.to_string(), Source::Camera)],
            fresh: true,
        })
        .unwrap_err();
    assert_eq!(refused.code, FaultCode::BadArgument);
}

#[test]
fn a_grant_taken_away_ends_the_track_and_its_packets_are_counted() {
    let mut world = World::new(23);
    world.add_peer("alice", &[Source::Camera, Source::Microphone]);
    world.add_peer("bob", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Microphone, Source::Camera]);
    let bob = world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, Some(mids[0]), Some(mids[1]), 20);
    assert_eq!(world.slots("bob").len(), 2);

    let publish = vec![Source::Microphone];
    world
        .command(Command::SetGrant {
            peer_id: "alice".into(),
            publish,
        })
        .unwrap();
    world.run(std::time::Duration::from_millis(50));
    let video_before = world.clients[bob].video().len();
    let audio_before = world.clients[bob].audio().len();
    let dropped = |w: &World| w.worker.counters().dropped[DropReason::OutsideGrant as usize];
    let before = dropped(&world);
    world.stream(alice, Some(mids[0]), Some(mids[1]), 20);

    assert_eq!(
        world.clients[bob].video().len(),
        video_before,
        "no picture any more"
    );
    assert!(
        world.clients[bob].audio().len() >= audio_before + 15,
        "the voice goes on"
    );
    assert!(dropped(&world) >= before + 30);
    let unpublished = |e: &Event| {
        *e == Event::TrackUnpublished {
            room_id: ROOM.into(),
            peer_id: "alice".into(),
            source: Source::Camera,
        }
    };
    assert_eq!(world.count(unpublished), 1);
    assert_eq!(world.slots("bob").len(), 1);
}
