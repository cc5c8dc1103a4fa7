//! Commands: each is answered once, and a wrong one with a stable code.

mod common;

use common::World;
use engine_core::api::{Command, Event, FaultCode, Source, TransportKind, TransportState};

fn peer(peer_id: &str) -> Command {
    Command::AddPeer {
        peer_id: peer_id.into(),
        publish: vec![],
        audio_slots: 1,
        video_slots: 1,
    }
}

#[test]
fn wrong_commands_have_stable_codes() {
    let mut world = World::new(80);
    let mut code = |command| world.command(command).unwrap_err().code;
    assert_eq!(code(Command::CreateRoom), FaultCode::RoomExists);
    let publish = |sdp: &str| Command::Publish {
        peer_id: "alice".into(),
        sdp: sdp.into(),
        tracks: vec![],
        fresh: true,
    };
    assert_eq!(code(publish("v=0")), FaultCode::PeerUnknown);
    assert_eq!(
        code(Command::RemovePeer {
            peer_id: "alice".into()
        }),
        FaultCode::PeerUnknown
    );
    assert_eq!(code(peer("")), FaultCode::BadArgument);
    world.command(peer("alice")).unwrap();
    let mut code = |command| world.command(command).unwrap_err().code;
    assert_eq!(code(peer("alice")), FaultCode::PeerExists);
    assert_eq!(code(publish("v=0")), FaultCode::BadSdp);
    assert_eq!(code(publish("no description")), FaultCode::BadSdp);
    let answer = |sdp: &str| Command::Answer {
        peer_id: "alice".into(),
        sdp: sdp.into(),
    };
    assert_eq!(code(answer("v=0")), FaultCode::WrongState);
    let candidate = |text: &str| Command::AddCandidate {
        peer_id: "alice".into(),
        transport: TransportKind::Subscribe,
        candidate: text.into(),
    };
    assert_eq!(code(candidate("")), FaultCode::WrongState);
    let offer = world.command(Command::Subscribe {
        peer_id: "alice".into(),
        fresh: true,
    });
    assert!(offer.unwrap().unwrap().contains("a=ice-lite"));
    let mut code = |command| world.command(command).unwrap_err().code;
    assert_eq!(code(answer("v=0")), FaultCode::BadSdp);
    assert_eq!(
        code(candidate("candidate:garbage")),
        FaultCode::BadCandidate
    );
    assert_eq!(code(candidate(&"x".repeat(4096))), FaultCode::BadCandidate);
    world.command(candidate("")).unwrap();
    let host = "candidate:1 1 udp 2122260223 192.0.2.9 50000 typ host generation 0 ufrag abcd";
    world.command(candidate(host)).unwrap();
    let name = "candidate:1 1 udp 2122260223 0a1b.local 50000 typ host";
    world.command(candidate(name)).unwrap();
}

#[test]
fn an_answer_of_other_lines_is_refused() {
    let mut world = World::new(81);
    world.add_peer("alice", &[]);
    world.add_peer_with_slots("bob", &[], 1, 0);
    let other = world.command(Command::Subscribe {
        peer_id: "bob".into(),
        fresh: true,
    });
    let other = other.unwrap().unwrap().replace("a=ice-lite\r\n", "");
    world
        .command(Command::Subscribe {
            peer_id: "alice".into(),
            fresh: true,
        })
        .unwrap();
    let refused = world.command(Command::Answer {
        peer_id: "alice".into(),
        sdp: other,
    });
    assert_eq!(refused.unwrap_err().code, FaultCode::BadSdp);
}

#[test]
fn a_peer_leaves_in_order() {
    let mut world = World::new(82);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 5);
    world.events.clear();
    world
        .command(Command::RemovePeer {
            peer_id: "alice".into(),
        })
        .unwrap();
    let kinds: Vec<&str> = world
        .events
        .iter()
        .map(|e| match e {
            Event::SlotAssigned {
                publisher_id: None, ..
            } => "slot free",
            Event::TrackUnpublished { .. } => "unpublished",
            Event::TransportChanged {
                state: TransportState::Closed,
                ..
            } => "closed",
            _ => "other",
        })
        .collect();
    assert_eq!(kinds, ["slot free", "unpublished", "closed"]);
    assert_eq!(world.worker.counters().peers, 1);
    assert_eq!(world.worker.counters().sessions, 1);
    world.command(Command::CloseRoom).unwrap();
    assert_eq!(world.worker.counters().rooms, 0);
    assert_eq!(world.worker.counters().sessions, 0);
    assert_eq!(
        world.command(peer("carol")).unwrap_err().code,
        FaultCode::RoomUnknown
    );
}

#[test]
fn a_fresh_publish_replaces_the_old_transport() {
    let mut world = World::new(83);
    world.add_peer("alice", &[Source::Camera]);
    world.add_peer("bob", &[]);
    let (alice, mids) = world.publish("alice", &[Source::Camera]);
    let bob = world.subscribe("bob");
    world.run_until_connected();
    world.stream(alice, None, Some(mids[0]), 10);
    let (again, mids) = world.publish("alice", &[Source::Camera]);
    world.clients[alice].connected = true;
    world.run_until_connected();
    let before = world.clients[bob].video().len();
    world.stream(again, None, Some(mids[0]), 20);
    assert!(world.clients[bob].video().len() >= before + 38);
    assert_eq!(
        world.count(|e| matches!(e, Event::TrackPublished { .. })),
        2
    );
    assert_eq!(
        world.count(|e| matches!(e, Event::TrackUnpublished { .. })),
        1
    );
}
