use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use super::address::Family;
use super::{
    MAX_SEGMENTS, Message, MessageList, PortOptions, ReceiveBatch, SendBatch, SendProgress, UdpPort,
};

fn port(address: &str, options: PortOptions) -> UdpPort {
    UdpPort::bind(address.parse().unwrap(), options).unwrap()
}

fn wait_readable(port: &UdpPort) {
    let mut poll = libc::pollfd {
        fd: port.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one live pollfd.
    let ready = unsafe { libc::poll(&raw mut poll, 1, 5_000) };
    assert_eq!(ready, 1, "nothing arrived within five seconds");
}

/// Receive until `count` datagrams came.
fn collect(port: &UdpPort, batch: &mut ReceiveBatch, count: usize) -> Vec<(SocketAddr, Vec<u8>)> {
    let mut got = Vec::new();
    while got.len() < count {
        wait_readable(port);
        batch.receive(port).unwrap();
        got.extend(batch.datagrams().map(|d| (d.source, d.data.to_vec())));
    }
    got
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 % 251) as u8).collect()
}

#[test]
fn datagrams_to_several_destinations_in_one_call() {
    let sender = port("127.0.0.1:0", PortOptions::default());
    let receivers: Vec<_> = (0..3)
        .map(|_| port("127.0.0.1:0", PortOptions::default()))
        .collect();
    let buffer = pattern(300);
    let messages: Vec<_> = receivers
        .iter()
        .enumerate()
        .map(|(i, r)| Message::datagram(r.local_addr().unwrap(), i * 100, 100))
        .collect();
    let mut send = SendBatch::new(64);
    assert_eq!(
        send.send(&sender, &buffer, &messages),
        SendProgress::Complete
    );
    assert_eq!(send.counters.send_calls, 1);
    assert_eq!(send.counters.sent_datagrams, 3);
    assert_eq!(send.counters.sent_bytes, 300);
    let mut receive = ReceiveBatch::new(8, 2_048);
    for (i, receiver) in receivers.iter().enumerate() {
        let got = collect(receiver, &mut receive, 1);
        assert_eq!(got[0].0, sender.local_addr().unwrap());
        assert_eq!(got[0].1, &buffer[i * 100..i * 100 + 100]);
    }
}

#[test]
fn a_run_arrives_as_its_datagrams_with_and_without_gro() {
    for gro in [true, false] {
        let sender = port("127.0.0.1:0", PortOptions::default());
        let receiver = port(
            "127.0.0.1:0",
            PortOptions {
                gro,
                ..PortOptions::default()
            },
        );
        let buffer = pattern(1_150 * 3 + 700);
        let destination = receiver.local_addr().unwrap();
        let run = Message {
            destination,
            start: 0,
            len: buffer.len(),
            segment: 1_150,
        };
        let mut send = SendBatch::new(4);
        assert_eq!(send.send(&sender, &buffer, &[run]), SendProgress::Complete);
        assert_eq!(
            (send.counters.sent_messages, send.counters.sent_datagrams),
            (1, 4)
        );
        let mut receive = ReceiveBatch::new(8, ReceiveBatch::GRO_ROOM);
        let got = collect(&receiver, &mut receive, 4);
        let sizes: Vec<_> = got.iter().map(|(_, data)| data.len()).collect();
        assert_eq!(sizes, [1_150, 1_150, 1_150, 700]);
        let all: Vec<u8> = got.into_iter().flat_map(|(_, data)| data).collect();
        assert_eq!(all, buffer);
        assert_eq!(receive.counters.received_datagrams, 4);
        assert_eq!(receive.counters.received_bytes, buffer.len() as u64);
    }
}

#[test]
fn without_segmentation_a_run_leaves_as_single_datagrams() {
    let sender = port("127.0.0.1:0", PortOptions::default());
    let receiver = port("127.0.0.1:0", PortOptions::default());
    let destination = receiver.local_addr().unwrap();
    let buffer = pattern(1_000 * 5 + 10);
    let messages = [
        Message::datagram(destination, 0, 10),
        Message {
            destination,
            start: 10,
            len: 4_500,
            segment: 1_000,
        },
        Message::datagram(destination, 4_510, 500),
    ];
    // Room for two entries per call, so that the run is cut between calls too.
    let mut send = SendBatch::new(2);
    send.disable_segmentation();
    assert_eq!(
        send.send(&sender, &buffer, &messages),
        SendProgress::Complete
    );
    assert_eq!(send.counters.sent_datagrams, 7);
    let mut receive = ReceiveBatch::new(8, 2_048);
    let got = collect(&receiver, &mut receive, 7);
    let sizes: Vec<_> = got.iter().map(|(_, data)| data.len()).collect();
    assert_eq!(sizes, [10, 1_000, 1_000, 1_000, 1_000, 500, 500]);
    let all: Vec<u8> = got.into_iter().flat_map(|(_, data)| data).collect();
    assert_eq!(all, &buffer[..5_010]);
}

#[test]
fn a_refused_run_is_split_and_the_rest_still_leaves() {
    let sender = port("127.0.0.1:0", PortOptions::default());
    let receiver = port("127.0.0.1:0", PortOptions::default());
    let destination = receiver.local_addr().unwrap();
    // More segments than any kernel takes (128 since 6.9): refused as a run, fine one by one.
    let segments = 200;
    let buffer = pattern(segments * 20 + 50);
    let messages = [
        Message {
            destination,
            start: 0,
            len: segments * 20,
            segment: 20,
        },
        Message {
            destination,
            start: segments * 20,
            len: 50,
            segment: 25,
        },
    ];
    let mut send = SendBatch::new(64);
    assert_eq!(
        send.send(&sender, &buffer, &messages),
        SendProgress::Complete
    );
    assert_eq!(send.counters.segmentation_refused, 1);
    assert_eq!(send.counters.sent_datagrams, segments as u64 + 2);
    assert_eq!(send.counters.sent_messages, segments as u64 + 1);
    let mut receive = ReceiveBatch::new(64, ReceiveBatch::GRO_ROOM);
    let got = collect(&receiver, &mut receive, segments + 2);
    let all: Vec<u8> = got.into_iter().flat_map(|(_, data)| data).collect();
    assert_eq!(all, buffer);
}

/// Loopback never blocks a sender, so the system call is played here: it takes as many entries as
/// the next of `script` says, or fails.
fn played(
    send: &mut SendBatch,
    messages: &[Message],
    script: &[Result<usize, libc::c_int>],
) -> SendProgress {
    let buffer = pattern(10_000);
    let mut script = script.iter();
    send.send_by(Family::V4, &buffer, messages, |headers| {
        let step = *script.next().expect("a call more than played");
        step.inspect(|taken| assert!(*taken <= headers.len()))
    })
}

#[test]
fn a_full_buffer_stops_the_send_at_a_message() {
    let to: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let run = Message {
        destination: to,
        start: 0,
        len: 1_000,
        segment: 300,
    };
    let messages = [
        Message::datagram(to, 0, 10),
        run,
        Message::datagram(to, 0, 10),
    ];
    let mut send = SendBatch::new(8);
    let progress = played(&mut send, &messages, &[Ok(1), Err(libc::EAGAIN)]);
    assert_eq!(progress, SendProgress::Blocked { next: 1 });
    assert_eq!(send.counters.sent_datagrams, 1);
    assert_eq!(send.counters.would_block, 1);
    let progress = played(&mut send, &messages[1..], &[Err(libc::EINTR), Ok(2)]);
    assert_eq!(progress, SendProgress::Complete);
    assert_eq!(send.counters.sent_datagrams, 6);
    assert_eq!(send.counters.send_errors, 0);
    assert_eq!(
        played(&mut send, &messages, &[Err(libc::ENOBUFS)]),
        SendProgress::Blocked { next: 0 }
    );
    assert_eq!(send.counters.no_buffers, 1);
}

#[test]
fn a_device_without_segmentation_is_asked_only_once() {
    let to: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let run = Message {
        destination: to,
        start: 0,
        len: 1_000,
        segment: 300,
    };
    let mut send = SendBatch::new(8);
    assert_eq!(
        played(&mut send, &[run, run], &[Err(libc::EIO), Ok(8)]),
        SendProgress::Complete
    );
    assert_eq!(send.counters.sent_datagrams, 8);
    assert!(!send.segmentation());
    assert_eq!(played(&mut send, &[run], &[Ok(4)]), SendProgress::Complete);
    assert_eq!(send.counters.segmentation_refused, 1);
}

#[test]
fn a_run_cut_by_a_full_buffer_loses_its_rest_and_is_not_sent_twice() {
    let to: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let run = Message {
        destination: to,
        start: 0,
        len: 1_000,
        segment: 300,
    };
    let mut send = SendBatch::new(8);
    send.disable_segmentation();
    let messages = [run, run];
    let progress = played(&mut send, &messages, &[Ok(1), Ok(2), Err(libc::EAGAIN)]);
    assert_eq!(progress, SendProgress::Blocked { next: 1 });
    assert_eq!(
        (send.counters.sent_datagrams, send.counters.send_errors),
        (3, 1)
    );
    let progress = played(&mut send, &[run], &[Err(libc::EPERM), Ok(3)]);
    assert_eq!(progress, SendProgress::Complete);
    assert_eq!(
        (send.counters.sent_datagrams, send.counters.send_errors),
        (6, 2)
    );
}

#[test]
fn an_impossible_destination_is_counted_and_the_others_leave() {
    let sender = port("127.0.0.1:0", PortOptions::default());
    let receiver = port("127.0.0.1:0", PortOptions::default());
    let destination = receiver.local_addr().unwrap();
    let buffer = pattern(70_000);
    let messages = [
        Message::datagram("[2001:db8::1]:9".parse().unwrap(), 0, 10),
        Message::datagram(destination, 0, 70_000),
        Message::datagram(destination, 0, 10),
    ];
    let mut send = SendBatch::new(64);
    assert_eq!(
        send.send(&sender, &buffer, &messages),
        SendProgress::Complete
    );
    assert_eq!(send.counters.send_errors, 2);
    let mut receive = ReceiveBatch::new(8, 2_048);
    assert_eq!(collect(&receiver, &mut receive, 1)[0].1, &buffer[..10]);
}

#[test]
fn an_oversized_datagram_is_dropped_and_counted() {
    let sender = port("127.0.0.1:0", PortOptions::default());
    let receiver = port(
        "127.0.0.1:0",
        PortOptions {
            gro: false,
            ..PortOptions::default()
        },
    );
    let destination = receiver.local_addr().unwrap();
    let buffer = pattern(3_000);
    let messages = [
        Message::datagram(destination, 0, 3_000),
        Message::datagram(destination, 0, 7),
    ];
    SendBatch::new(8).send(&sender, &buffer, &messages);
    let mut receive = ReceiveBatch::new(8, 2_048);
    let got = collect(&receiver, &mut receive, 1);
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].1, &buffer[..7]);
    assert_eq!(receive.counters.truncated, 1);
}

#[test]
fn nothing_to_receive_is_no_error() {
    let receiver = port("127.0.0.1:0", PortOptions::default());
    let mut receive = ReceiveBatch::new(8, 2_048);
    assert_eq!(receive.receive(&receiver).unwrap(), 0);
    assert_eq!(receive.datagrams().count(), 0);
}

#[test]
fn ipv6_and_mapped_ipv4_on_one_socket() {
    let options = PortOptions {
        only_v6: false,
        ..PortOptions::default()
    };
    let Ok(both) = UdpPort::bind("[::]:0".parse().unwrap(), options) else {
        eprintln!("no IPv6 on this machine");
        return;
    };
    let number = both.local_addr().unwrap().port();
    let v4 = port("127.0.0.1:0", PortOptions::default());
    let buffer = pattern(20);
    let to_both: SocketAddr = ([127, 0, 0, 1], number).into();
    SendBatch::new(4).send(&v4, &buffer, &[Message::datagram(to_both, 0, 20)]);
    let mut receive = ReceiveBatch::new(4, 2_048);
    let got = collect(&both, &mut receive, 1);
    assert_eq!(got[0].0, v4.local_addr().unwrap(), "seen as plain IPv4");
    let mut send = SendBatch::new(4);
    send.send(&both, &buffer, &[Message::datagram(got[0].0, 0, 20)]);
    assert_eq!(collect(&v4, &mut receive, 1)[0].1, buffer);

    let v6 = port("[::1]:0", PortOptions::default());
    let to_both: SocketAddr = (std::net::Ipv6Addr::LOCALHOST, number).into();
    SendBatch::new(4).send(&v6, &buffer, &[Message::datagram(to_both, 0, 20)]);
    assert_eq!(
        collect(&both, &mut receive, 1)[0].0,
        v6.local_addr().unwrap()
    );
}

#[test]
fn kernel_buffers_are_enlarged() {
    let small = port(
        "127.0.0.1:0",
        PortOptions {
            receive_buffer: 65_536,
            send_buffer: 65_536,
            ..PortOptions::default()
        },
    );
    let large = port("127.0.0.1:0", PortOptions::default());
    let (small, large) = (small.buffer_sizes().unwrap(), large.buffer_sizes().unwrap());
    assert!(
        large.0 > small.0 && large.1 > small.1,
        "{small:?} {large:?}"
    );
}

#[test]
fn message_list_joins_what_can_leave_as_one_run() {
    let a: SocketAddr = "127.0.0.1:1000".parse().unwrap();
    let b: SocketAddr = "127.0.0.1:1001".parse().unwrap();
    let mut list = MessageList::default();
    list.push(a, 0, 100); // starts a run
    list.push(a, 100, 100); // joins
    list.push(a, 200, 60); // joins and ends it
    list.push(a, 260, 60); // a shorter segment was last: starts anew
    list.push(a, 320, 80); // longer than the segment: starts anew
    list.push(b, 400, 80); // another destination
    list.push(b, 500, 80); // a gap in the buffer
    assert_eq!(
        list.as_slice(),
        [
            Message {
                destination: a,
                start: 0,
                len: 260,
                segment: 100
            },
            Message::datagram(a, 260, 60),
            Message::datagram(a, 320, 80),
            Message::datagram(b, 400, 80),
            Message::datagram(b, 500, 80),
        ]
    );
    list.clear();
    assert!(list.is_empty());
}

#[test]
fn message_list_keeps_within_the_kernels_limits() {
    let a: SocketAddr = "127.0.0.1:1000".parse().unwrap();
    let mut list = MessageList::default();
    for i in 0..MAX_SEGMENTS * 2 {
        list.push(a, i * 10, 10);
    }
    assert_eq!(list.as_slice().len(), 2);
    assert!(
        list.as_slice()
            .iter()
            .all(|m| m.datagrams() == MAX_SEGMENTS)
    );
    list.clear();
    for i in 0..100 {
        list.push(a, i * 1_200, 1_200);
    }
    assert!(
        list.as_slice()
            .iter()
            .all(|m| m.len <= super::MAX_MESSAGE_BYTES)
    );
    assert_eq!(
        list.as_slice()
            .iter()
            .map(Message::datagrams)
            .sum::<usize>(),
        100
    );
}
