//! Garbage, forgeries and strangers on the media port are counted and change nothing.

mod common;

use std::net::SocketAddr;

use common::World;
use engine_core::api::{Source, TransportKind, TransportState};
use engine_core::counters::DropReason;
use str0m::ice::{StunMessage, TransId};

const STRANGER: &str = "203.0.113.66:6666";

fn call(seed: u64) -> (World, usize, str0m::media::Mid, usize) {
    let mut world = World::new(seed);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    let bob = world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 10);
    (world, alice, mids[0], bob)
}

fn dropped(world: &World, reason: DropReason) -> u64 {
    world.worker.counters().dropped[reason as usize]
}

/// The call is as it was.
fn goes_on(world: &mut World, alice: usize, mid: str0m::media::Mid, bob: usize) {
    let before = world.clients[bob].video().len();
    world.stream(alice, None, Some(mid), 20);
    assert!(world.clients[bob].video().len() >= before + 38);
    assert_eq!(
        world.state("bob", TransportKind::Subscribe),
        TransportState::Connected
    );
    assert_eq!(
        world.state("alice", TransportKind::Publish),
        TransportState::Connected
    );
    assert_eq!(world.worker.counters().sessions_failed, 0);
}

#[test]
fn random_bytes_from_anywhere() {
    let (mut world, alice, mid, bob) = call(70);
    let known = [world.clients[alice].address, world.clients[bob].address];
    for round in 0..20_000_u64 {
        let len = (world.random.next() % 300) as usize;
        let mut data: Vec<u8> = (0..len).map(|_| world.random.next() as u8).collect();
        if let Some(first) = data.first_mut() {
            // Every class of RFC 7983 gets its share.
            *first = [0, 1, 20, 22, 63, 128, 144, 191][round as usize % 8];
        }
        let from = match round % 3 {
            0 => STRANGER.parse().unwrap(),
            n => known[n as usize - 1],
        };
        world.inject(from, &mut data);
    }
    world.run(std::time::Duration::from_millis(10));
    assert!(dropped(&world, DropReason::UnknownAddress) > 1000);
    assert!(dropped(&world, DropReason::BadStun) > 1000);
    assert!(dropped(&world, DropReason::BadSrtp) > 100);
    goes_on(&mut world, alice, mid, bob);
}

#[test]
fn stun_with_a_wrong_integrity_moves_nobody() {
    let (mut world, alice, mid, bob) = call(71);
    for kind in ["alice", "bob"] {
        let ufrags = world.local_ufrags();
        let ufrag = &ufrags[usize::from(kind == "bob")];
        let username = format!("{ufrag}:whatever");
        let request =
            StunMessage::binding_request(&username, TransId::new(), true, 7, 1_845_501_695, true);
        let mut datagram = vec![0; 512];
        let len = request
            .to_bytes(Some(b"not the password"), &mut datagram, |_, _| [7; 20])
            .unwrap();
        datagram.truncate(len);
        let before = dropped(&world, DropReason::BadStun);
        let stranger: SocketAddr = STRANGER.parse().unwrap();
        world.inject(stranger, &mut datagram);
        assert_eq!(dropped(&world, DropReason::BadStun), before + 1, "{kind}");
        // Still a stranger: what it sends next is nobody's.
        let unknown = dropped(&world, DropReason::UnknownAddress);
        world.inject(
            stranger,
            &mut [0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9],
        );
        assert_eq!(dropped(&world, DropReason::UnknownAddress), unknown + 1);
    }
    goes_on(&mut world, alice, mid, bob);
}

#[test]
fn dtls_from_a_stranger_is_nobodys() {
    let (mut world, alice, mid, bob) = call(72);
    let before = dropped(&world, DropReason::UnknownAddress);
    let mut hello = vec![22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 40];
    hello.resize(53, 1);
    world.inject(STRANGER.parse().unwrap(), &mut hello);
    assert_eq!(dropped(&world, DropReason::UnknownAddress), before + 1);
    assert!(world.worker.outputs().is_empty(), "no answer either");
    goes_on(&mut world, alice, mid, bob);
}

#[test]
fn a_replayed_rtcp_packet_is_counted_once() {
    let (mut world, alice, mid, bob) = call(73);
    world.record = Some(Vec::new());
    world.stream(alice, None, Some(mid), 100);
    let address = world.clients[bob].address;
    let recorded = world.record.take().unwrap();
    let compounds: Vec<Vec<u8>> = recorded
        .into_iter()
        .filter(|(from, data)| {
            *from == address && (192..224).contains(&data[1]) && data[0] >> 6 == 2
        })
        .map(|(_, data)| data)
        .collect();
    assert!(!compounds.is_empty());
    let before = dropped(&world, DropReason::Replay);
    for mut compound in compounds.clone() {
        world.inject(address, &mut compound);
    }
    assert_eq!(
        dropped(&world, DropReason::Replay),
        before + compounds.len() as u64
    );
    goes_on(&mut world, alice, mid, bob);
}

#[test]
fn truncated_rtp_and_rtcp_of_a_known_address() {
    let (mut world, alice, mid, bob) = call(74);
    world.record = Some(Vec::new());
    world.stream(alice, None, Some(mid), 10);
    for (from, data) in world.record.take().unwrap() {
        for len in [1, 2, 4, 11, 12, 15, data.len() / 2, data.len() - 1] {
            let mut part = data[..len.min(data.len())].to_vec();
            world.inject(from, &mut part);
        }
    }
    goes_on(&mut world, alice, mid, bob);
}
