//! The engine with real threads and sockets: commands, events, and what a hostile TCP peer gets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use engine_runtime::api::{Command, Event, FaultCode};
use engine_runtime::{Engine, EngineConfig};

/// Wait for the event descriptor and take events until one is wanted.
fn wait_for(engine: &Engine, wanted: impl Fn(&Event) -> bool) -> Event {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        for event in engine.take_events(1) {
            if wanted(&event) {
                return event;
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "the event never came");
        let mut entry = libc::pollfd {
            fd: engine.event_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one live entry.
        unsafe { libc::poll(&raw mut entry, 1, left.as_millis() as libc::c_int) };
    }
}

fn reply(engine: &Engine, id: u64) -> Result<Option<String>, FaultCode> {
    let event = wait_for(
        engine,
        |e| matches!(e, Event::Reply { request_id, .. } if *request_id == id),
    );
    match event {
        Event::Reply {
            error: Some(fault), ..
        } => Err(fault.code),
        Event::Reply { sdp, .. } => Ok(sdp),
        _ => unreachable!(),
    }
}

fn figure(engine: &Engine, path: &str) -> u64 {
    let metrics: serde_json::Value = serde_json::from_str(&engine.metrics_json()).unwrap();
    let value = path.split('.').fold(&metrics, |value, name| &value[name]);
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{path} in the metrics"))
}

/// Let the worker turn until something is so.
fn until(engine: &Engine, what: &str, done: impl Fn(&Engine) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let _ = reply(engine, engine.request("turns", Command::CreateRoom));
    while !done(engine) {
        assert!(Instant::now() < deadline, "never happened: {what}");
        // Answered by the worker, which publishes its figures in the same turn.
        let turn = Command::RemovePeer {
            peer_id: "nobody".into(),
        };
        let _ = reply(engine, engine.request("turns", turn));
    }
}

fn add_peer(engine: &Engine, room: &str, peer: &str) {
    let command = Command::AddPeer {
        peer_id: peer.into(),
        publish: vec![],
        audio_slots: 1,
        video_slots: 1,
    };
    reply(engine, engine.request(room, command)).unwrap();
}

#[test]
fn rooms_are_pinned_to_the_worker_with_least_to_do() {
    let config = EngineConfig {
        workers: 2,
        ..EngineConfig::default()
    };
    let engine = Engine::start(&config).unwrap();
    let ports: Vec<u16> = engine.addresses().iter().map(SocketAddr::port).collect();
    assert_ne!(ports[0], ports[1]);
    let worker_of = |room: &str| {
        let id = engine.request(room, Command::CreateRoom);
        match wait_for(
            &engine,
            |e| matches!(e, Event::Reply { request_id, .. } if *request_id == id),
        ) {
            Event::Reply {
                worker: Some(worker),
                ..
            } => worker,
            other => panic!("{other:?}"),
        }
    };
    let first = worker_of("a");
    add_peer(&engine, "a", "alice");
    add_peer(&engine, "a", "bob");
    assert_ne!(worker_of("b"), first);
    assert_ne!(worker_of("c"), first);
    engine.close();
    engine.close();
}

#[test]
fn every_command_is_answered_once_in_order() {
    let engine = Engine::start(&EngineConfig::default()).unwrap();
    let ids = [
        engine.request(
            "room",
            Command::RemovePeer {
                peer_id: "nobody".into(),
            },
        ),
        engine.request("room", Command::CreateRoom),
        engine.request("room", Command::CreateRoom),
        engine.request(
            "room",
            Command::RemovePeer {
                peer_id: "nobody".into(),
            },
        ),
        engine.request("room", Command::CloseRoom),
    ];
    let codes: Vec<_> = ids.iter().map(|id| reply(&engine, *id).err()).collect();
    assert_eq!(
        codes,
        [
            Some(FaultCode::RoomUnknown),
            None,
            Some(FaultCode::RoomExists),
            Some(FaultCode::PeerUnknown),
            None
        ]
    );
}

#[test]
fn the_offer_names_both_ports() {
    let engine = Engine::start(&EngineConfig::default()).unwrap();
    reply(&engine, engine.request("room", Command::CreateRoom)).unwrap();
    add_peer(&engine, "room", "alice");
    let subscribe = Command::Subscribe {
        peer_id: "alice".into(),
        fresh: true,
    };
    let offer = reply(&engine, engine.request("room", subscribe))
        .unwrap()
        .unwrap();
    let port = engine.addresses()[0].port();
    let candidates: Vec<&str> = offer
        .lines()
        .filter(|l| l.starts_with("a=candidate:"))
        .collect();
    assert_eq!(candidates.len(), 2, "{candidates:?}");
    assert!(candidates[0].contains("udp") && candidates[0].contains(&format!(" {port} ")));
    assert!(candidates[1].contains("tcp") && candidates[1].contains("tcptype passive"));
}

#[test]
fn garbage_over_udp_and_tcp_is_counted() {
    let engine = Engine::start(&EngineConfig::default()).unwrap();
    let address = engine.addresses()[0];
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..50 {
        socket.send_to(&[255; 40], address).unwrap();
        socket.send_to(&[0; 40], address).unwrap();
        socket.send_to(&[128; 40], address).unwrap();
    }
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(&[0, 4, 255, 255, 255, 255, 0, 3, 128, 96])
        .unwrap();
    stream.write_all(&[7]).unwrap();
    until(&engine, "everything was counted", |e| {
        figure(e, "packets_dropped.malformed") == 51
            && figure(e, "packets_dropped.bad_stun") == 50
            && figure(e, "packets_dropped.unknown_address") == 51
    });
    assert_eq!(figure(&engine, "tcp_packets_in"), 2);
    assert_eq!(figure(&engine, "worker_panics"), 0);
}

#[test]
fn a_frame_no_peer_sends_ends_the_connection() {
    let engine = Engine::start(&EngineConfig::default()).unwrap();
    let mut stream = TcpStream::connect(engine.addresses()[0]).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = [0; 16];
    // Closed, with or without our unread bytes as the reason.
    assert!(matches!(stream.read(&mut answer), Ok(0) | Err(_)));
    until(&engine, "it was forgotten", |e| {
        figure(e, "tcp_connections") == 0
    });
    assert_eq!(figure(&engine, "tcp_accepted"), 1);
}

#[test]
fn one_address_gets_so_many_connections() {
    let engine = Engine::start(&EngineConfig::default()).unwrap();
    let streams: Vec<TcpStream> = (0..140)
        .map(|_| TcpStream::connect(engine.addresses()[0]).unwrap())
        .collect();
    until(&engine, "all were decided", |e| {
        figure(e, "tcp_accepted") + figure(e, "tcp_refused") == 140
    });
    assert_eq!(figure(&engine, "tcp_accepted"), 128);
    drop(streams);
    until(&engine, "they were forgotten", |e| {
        figure(e, "tcp_connections") == 0
    });
}

#[test]
fn a_taken_port_is_an_error() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port_base = taken.local_addr().unwrap().port();
    let error = Engine::start(&EngineConfig {
        port_base,
        ..EngineConfig::default()
    });
    assert_eq!(
        error.err().map(|e| e.kind()),
        Some(std::io::ErrorKind::AddrInUse)
    );
}
