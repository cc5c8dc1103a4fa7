//! What the network loses, doubles and reorders arrives whole: publishers' packets are repaired by NACK,
//! subscribers' by RTX from the shared cache.

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::{Impairment, World};
use engine_core::api::Source;

#[test]
fn video_is_whole_over_a_lossy_network() {
    for seed in 10..13 {
        let mut world = World::new(seed);
        world.add_peer("alice", &[Source::Camera]);
        world.add_peer("bob", &[]);
        let (alice, mids) = world.publish("alice", &[Source::Camera]);
        let bob = world.subscribe("bob");
        world.run_until_connected();
        world.impairment = Impairment {
            loss: 0.05,
            duplication: 0.02,
            reordering: 0.1,
            delay: Duration::from_millis(20),
        };
        world.stream(alice, None, Some(mids[0]), 200);
        world.impairment = Impairment::default();
        world.stream(alice, None, Some(mids[0]), 20);
        world.run(Duration::from_secs(1));

        let video = world.clients[bob].video();
        let numbers: BTreeSet<u64> = video.iter().map(|p| *p.seq_no).collect();
        let (first, last) = (*numbers.first().unwrap(), *numbers.last().unwrap());
        let expected = last - first + 1;
        let missing = expected - numbers.len() as u64;
        assert!(expected >= 400, "seed {seed}: {expected} packets");
        assert!(
            missing * 200 <= expected,
            "seed {seed}: {missing} of {expected} missing"
        );
        assert_eq!(numbers.len(), video.len(), "seed {seed}: nothing twice");
        assert!(world.worker.counters().retransmissions > 5, "seed {seed}");
    }
}
