//! A receiver that offers (WHEP): its own mids and payload types, ICE restart, and what is refused.

mod common;

use std::time::Duration;

use common::World;
use engine_core::api::{Command, FaultCode, Source, TransportKind, TransportState};
use str0m::change::SdpAnswer;
use str0m::format::{Codec, CodecConfig, FormatParams};
use str0m::media::{Direction, Frequency, MediaKind};

/// A player with payload types of its own, that offers video before audio.
fn player(world: &mut World) -> usize {
    world.client_with(|mut config| {
        let codecs: &mut CodecConfig = config.codec_config();
        codecs.clear();
        codecs.add_config(
            120.into(),
            Some(121.into()),
            Codec::Vp8,
            Frequency::NINETY_KHZ,
            None,
            FormatParams::default(),
        );
        config.enable_opus(true, false)
    })
}

fn offer(
    world: &mut World,
    client: usize,
    restart: bool,
) -> (String, str0m::change::SdpPendingOffer) {
    let mut api = world.clients[client].rtc.sdp_api();
    if restart {
        api.ice_restart(true);
    } else {
        api.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        api.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
    }
    let (offer, pending) = api.apply().unwrap();
    (offer.to_sdp_string(), pending)
}

fn watch(world: &mut World, peer: &str, client: usize, fresh: bool, restart: bool) {
    let (sdp, pending) = offer(world, client, restart);
    let answer = world
        .command(Command::SubscribeOffered {
            peer_id: peer.to_owned(),
            sdp,
            fresh,
        })
        .unwrap()
        .unwrap();
    let answer = SdpAnswer::from_sdp_string(&answer).unwrap();
    let rtc = &mut world.clients[client].rtc;
    rtc.sdp_api().accept_answer(pending, answer).unwrap();
    world.drain_client(client);
}

fn received(world: &World, client: usize, payload_type: u8) -> usize {
    let packets = world.clients[client].packets.iter();
    packets
        .filter(|p| *p.header.payload_type == payload_type)
        .count()
}

#[test]
fn a_player_receives_under_its_own_numbers() {
    let mut world = World::new(60);
    world.add_peer("alice", &[Source::Camera, Source::Microphone]);
    world.add_peer("tv", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Camera, Source::Microphone]);
    let tv = player(&mut world);
    watch(&mut world, "tv", tv, true, false);
    world.run_until_connected();
    world.stream(alice, Some(mids[1]), Some(mids[0]), 50);
    assert!(received(&world, tv, 120) >= 90, "video");
    assert!(received(&world, tv, 111) >= 40, "audio");
    assert_eq!(received(&world, tv, 96), 0);
    assert_eq!(
        world.state("tv", TransportKind::Subscribe),
        TransportState::Connected
    );
}

#[test]
fn a_player_restarts_ice() {
    let mut world = World::new(61);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("tv", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    let tv = player(&mut world);
    watch(&mut world, "tv", tv, true, false);
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 20);
    let ufrags = world.local_ufrags().len();

    watch(&mut world, "tv", tv, false, true);
    assert_eq!(world.local_ufrags().len(), ufrags + 1, "new credentials");
    world.run(Duration::from_millis(500));
    let before = received(&world, tv, 120);
    world.stream(alice, None, Some(mids[0]), 50);
    assert!(received(&world, tv, 120) >= before + 90);
}

#[test]
fn a_player_that_loses_packets_gets_them_again() {
    let mut world = World::new(62);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("tv", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    let tv = player(&mut world);
    watch(&mut world, "tv", tv, true, false);
    world.run_until_connected();
    world.impairment.loss = 0.05;
    world.stream(alice, None, Some(mids[0]), 200);
    world.impairment.loss = 0.0;
    world.stream(alice, None, Some(mids[0]), 20);
    assert!(
        received(&world, tv, 120) >= 420,
        "{}",
        received(&world, tv, 120)
    );
}

#[test]
fn what_it_cannot_be_is_refused() {
    let mut world = World::new(63);
    world.add_peer("tv", &[]);
    world.add_peer_with_slots("deaf", &[], 0, 0);
    let tv = player(&mut world);
    let (sdp, _) = offer(&mut world, tv, false);
    let mut try_offer = |peer: &str, sdp: &str| {
        world
            .command(Command::SubscribeOffered {
                peer_id: peer.to_owned(),
                sdp: sdp.to_owned(),
                fresh: true,
            })
            .map_err(|fault| fault.code)
    };
    let bad = Err(FaultCode::BadSdp);
    assert_eq!(try_offer("tv", "garbage"), bad);
    assert_eq!(try_offer("tv", &sdp.replace("recvonly", "sendonly")), bad);
    assert_eq!(
        try_offer("tv", &sdp.replace("VP8", "H263").replace("opus", "PCMU")),
        bad
    );
    assert_eq!(try_offer("deaf", &sdp), bad);
    assert_eq!(try_offer("nobody", &sdp), Err(FaultCode::PeerUnknown));
    assert!(try_offer("tv", &sdp).is_ok());
    // What a page says to a transport of this kind does not fit it.
    let answer = world.command(Command::Answer {
        peer_id: "tv".into(),
        sdp,
    });
    assert_eq!(answer.map_err(|f| f.code), Err(FaultCode::WrongState));
}
