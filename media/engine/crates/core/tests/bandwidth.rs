//! The bandwidth estimate over a simulated link: a bottleneck with a drop-tail queue, seeded jitter and loss, feedback
//! every 50 ms over the real wire format.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use engine_core::bwe::{Bandwidth, BandwidthConfig};
use engine_core::packet::ntp::{NtpClock, NtpTime};
use engine_core::packet::rtcp::{self, ReportBlock, RtcpPacket, RtcpWriter};

const MS: i64 = 1_000;
const SECOND: i64 = 1_000 * MS;
/// One-way delay of the link and of the way back.
const PROPAGATION: i64 = 25 * MS;
const FEEDBACK_EVERY: i64 = 50 * MS;
/// The queue holds this much time at the link's rate.
const QUEUE: i64 = 300 * MS;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}

/// What the application sends.
enum Source {
    /// Video at the estimate's rate, 30 pictures a second.
    Greedy,
    /// Audio of this many bit/s, a packet every 20 ms.
    Audio(u64),
    /// The highest of fixed layers that fits the estimate.
    Layers(&'static [u64]),
}

struct Link {
    random: Random,
    now: i64,
    started: Instant,
    bandwidth: Bandwidth,
    capacity: u64,
    loss_percent: u64,
    jitter: i64,
    busy_until: i64,
    /// Arrivals not reported yet, by unwrapped sequence number.
    arrivals: BTreeMap<u64, Option<i64>>,
    sent: u64,
    reported: u64,
    feedback_on_its_way: VecDeque<(i64, Vec<u8>)>,
    blocked: bool,
    /// Estimate at each 100 ms.
    trace: Vec<(i64, u64)>,
    layer_changes: u32,
    layer: u64,
}

impl Link {
    fn new(seed: u64, capacity: u64) -> Self {
        let started = Instant::now();
        Self {
            random: Random(seed),
            now: 0,
            started,
            bandwidth: Bandwidth::new(BandwidthConfig::default(), started),
            capacity,
            loss_percent: 0,
            jitter: 2 * MS,
            busy_until: 0,
            arrivals: BTreeMap::new(),
            sent: 0,
            reported: 0,
            feedback_on_its_way: VecDeque::new(),
            blocked: false,
            trace: Vec::new(),
            layer_changes: 0,
            layer: 0,
        }
    }

    fn instant(&self) -> Instant {
        self.started + Duration::from_micros(self.now.cast_unsigned())
    }

    fn send(&mut self, size: usize) {
        let now = self.instant();
        let sequence = self.bandwidth.sent(size, now);
        self.sent += 1;
        assert_eq!(sequence, self.sent as u16);
        let serialization = size as i64 * 8 * SECOND / self.capacity.cast_signed();
        let lost = self.random.below(100) < self.loss_percent;
        let arrival = if lost || self.blocked || self.busy_until - self.now > QUEUE {
            None
        } else {
            self.busy_until = self.busy_until.max(self.now) + serialization;
            let jitter = self.random.below(self.jitter.cast_unsigned()).cast_signed();
            Some(self.busy_until + PROPAGATION + jitter)
        };
        self.arrivals.insert(self.sent, arrival);
    }

    /// What the receiver knows by now, as it would report it.
    fn report(&mut self) {
        let now = self.now;
        let newest = self
            .arrivals
            .iter()
            .rev()
            .find(|(_, at)| at.is_some_and(|at| at <= now))
            .map(|(at, _)| *at);
        let Some(newest) = newest else { return };
        let first = self.reported + 1;
        if newest < first {
            return;
        }
        let times: Vec<Option<i64>> = (first..=newest)
            .map(|sequence| {
                self.arrivals[&sequence]
                    .filter(|at| *at <= now)
                    .map(|at| at + 5 * SECOND)
            })
            .collect();
        self.reported = newest;
        self.arrivals = self.arrivals.split_off(&(newest + 1));
        let mut buffer = vec![0; 4_000];
        let mut writer = RtcpWriter::new(&mut buffer);
        writer
            .transport_feedback(1, 2, 0, first as u16, &times)
            .unwrap();
        let length = writer.len();
        buffer.truncate(length);
        if !self.blocked {
            self.feedback_on_its_way
                .push_back((now + PROPAGATION, buffer));
        }
    }

    fn deliver_feedback(&mut self) {
        while self
            .feedback_on_its_way
            .front()
            .is_some_and(|(at, _)| *at <= self.now)
        {
            let (_, bytes) = self.feedback_on_its_way.pop_front().unwrap();
            let now = self.instant();
            for packet in rtcp::parse(&bytes) {
                let RtcpPacket::TransportFeedback(feedback) = packet else {
                    panic!("{packet:?}")
                };
                self.bandwidth.on_feedback(&feedback, now);
            }
        }
    }

    fn run(&mut self, seconds: i64, source: &Source) {
        let end = self.now + seconds * SECOND;
        while self.now < end {
            self.now += MS;
            let tick = self.now / MS;
            self.deliver_feedback();
            match source {
                Source::Audio(bitrate) if tick % 20 == 0 => self.send((bitrate / 8 / 50) as usize),
                Source::Greedy if tick % 33 == 0 => {
                    self.send_picture(self.bandwidth.estimate().bitrate)
                }
                Source::Layers(layers) if tick % 33 == 0 => {
                    let estimate = self.bandwidth.estimate().bitrate;
                    let fits = layers
                        .iter()
                        .rev()
                        .find(|layer| **layer * 11 / 10 <= estimate);
                    let layer = *fits.unwrap_or(&layers[0]);
                    self.layer_changes += u32::from(layer != self.layer);
                    self.layer = layer;
                    self.send_picture(layer);
                }
                _ => {}
            }
            if self.now % FEEDBACK_EVERY == 0 {
                self.report();
            }
            if tick % 100 == 0 {
                let now = self.instant();
                self.bandwidth.poll(now);
                self.trace
                    .push((self.now, self.bandwidth.estimate().bitrate));
            }
        }
    }

    fn send_picture(&mut self, bitrate: u64) {
        let mut bytes = (bitrate * 33 / 8_000) as usize;
        // Pictures differ in size.
        bytes = bytes * (80 + self.random.below(40) as usize) / 100;
        while bytes > 0 {
            let size = bytes.min(1_200);
            self.send(size.max(60));
            bytes -= size;
        }
    }

    fn mean(&self, last_seconds: i64) -> u64 {
        let from = self.now - last_seconds * SECOND;
        let values: Vec<u64> = self
            .trace
            .iter()
            .filter(|(at, _)| *at > from)
            .map(|(_, bitrate)| *bitrate)
            .collect();
        values.iter().sum::<u64>() / values.len() as u64
    }

    fn least(&self) -> u64 {
        self.trace
            .iter()
            .map(|(_, bitrate)| *bitrate)
            .min()
            .unwrap()
    }
}

#[test]
fn converges_to_the_links_rate() {
    for seed in 1..=3 {
        for capacity in [400_000, 1_500_000, 4_000_000] {
            let mut link = Link::new(seed, capacity);
            link.run(40, &Source::Greedy);
            let mean = link.mean(10);
            let share = mean as f64 / capacity as f64;
            assert!(
                (0.8..1.2).contains(&share),
                "{mean} of {capacity}, seed {seed}"
            );
            let rtt = link.bandwidth.estimate().rtt.unwrap();
            assert!((50..200).contains(&rtt.as_millis()), "{rtt:?}");
        }
    }
}

#[test]
fn whoever_comes_into_a_room_of_many_has_a_page_of_tiles_soon() {
    // One to sixteen pictures of 115 kbit/s.
    const TILES: &[u64] = &[
        115_000, 345_000, 575_000, 805_000, 1_035_000, 1_265_000, 1_495_000, 1_840_000,
    ];
    for seed in 1..=3 {
        let mut link = Link::new(seed, 10_000_000);
        link.run(4, &Source::Layers(TILES));
        let estimate = link.bandwidth.estimate().bitrate;
        assert_eq!(link.layer, 1_840_000, "{estimate}, seed {seed}");
    }
}

#[test]
fn falls_within_two_seconds_and_recovers_within_ten() {
    for seed in 1..=5 {
        let mut link = Link::new(seed, 1_500_000);
        link.run(30, &Source::Greedy);
        link.capacity = 500_000;
        link.run(2, &Source::Greedy);
        let fallen = link.bandwidth.estimate().bitrate;
        assert!(fallen < 600_000, "{fallen}, seed {seed}");
        link.run(13, &Source::Greedy);
        let share = link.mean(5) as f64 / 500_000.0;
        assert!((0.7..1.2).contains(&share), "{share}, seed {seed}");
        link.capacity = 1_500_000;
        link.run(10, &Source::Greedy);
        let recovered = link.mean(1);
        assert!(recovered > 1_200_000, "{recovered}, seed {seed}");
    }
}

#[test]
fn audio_alone_does_not_collapse_the_estimate() {
    for seed in 1..=3 {
        let mut link = Link::new(seed, 2_000_000);
        link.jitter = 15 * MS;
        link.run(120, &Source::Audio(40_000));
        assert!(link.least() >= 500_000, "{} with seed {seed}", link.least());
    }
}

#[test]
fn little_random_loss_is_forgiven_and_much_is_not() {
    let mut link = Link::new(7, 1_500_000);
    link.loss_percent = 1;
    link.run(40, &Source::Greedy);
    assert!(link.mean(10) > 1_100_000, "{}", link.mean(10));

    let mut link = Link::new(8, 20_000_000);
    link.loss_percent = 25;
    link.run(20, &Source::Greedy);
    assert!(link.mean(5) < 900_000, "{}", link.mean(5));
    assert!((0.15..0.35).contains(&link.bandwidth.estimate().loss));
}

#[test]
fn a_blocked_path_backs_off() {
    let mut link = Link::new(3, 2_000_000);
    link.run(10, &Source::Greedy);
    let before = link.bandwidth.estimate().bitrate;
    link.blocked = true;
    link.run(5, &Source::Greedy);
    let after = link.bandwidth.estimate().bitrate;
    assert!(
        (before / 5..before / 3).contains(&after),
        "{before} to {after}"
    );
    link.blocked = false;
    link.run(15, &Source::Greedy);
    assert!(link.mean(1) > before / 2, "{}", link.mean(1));
}

#[test]
fn finds_room_for_a_higher_layer_without_padding() {
    const LAYERS: &[u64] = &[150_000, 500_000, 1_500_000];
    let mut link = Link::new(4, 200_000);
    link.run(20, &Source::Layers(LAYERS));
    assert_eq!(link.layer, 150_000);
    link.capacity = 3_000_000;
    link.run(40, &Source::Layers(LAYERS));
    assert_eq!(
        link.layer,
        1_500_000,
        "estimate {}",
        link.bandwidth.estimate().bitrate
    );
}

#[test]
fn a_layer_that_does_not_fit_is_tried_ever_less() {
    const LAYERS: &[u64] = &[150_000, 500_000, 1_500_000];
    let mut link = Link::new(5, 800_000);
    link.run(60, &Source::Layers(LAYERS));
    link.layer_changes = 0;
    link.run(120, &Source::Layers(LAYERS));
    assert!(
        link.layer_changes <= 16,
        "{} changes in two minutes",
        link.layer_changes
    );
}

#[test]
fn reports_give_the_round_trip_and_loss_without_feedback() {
    let started = Instant::now();
    let clock = NtpClock::new(
        started,
        std::time::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
    );
    let mut bandwidth = Bandwidth::new(BandwidthConfig::default(), started);
    let block = |sent: NtpTime, fraction_lost| ReportBlock {
        ssrc: 1,
        fraction_lost,
        packets_lost: 0,
        highest_sequence: 0,
        jitter: 0,
        last_sr: sent.middle(),
        delay_since_last_sr: 65_536 / 2,
    };
    let sent = clock.at(started + Duration::from_secs(1));
    bandwidth.on_report(
        &block(sent, 64),
        clock.at(started + Duration::from_millis(1_580)),
    );
    let estimate = bandwidth.estimate();
    assert!(
        estimate.rtt.unwrap().as_millis().abs_diff(80) <= 1,
        "{:?}",
        estimate.rtt
    );
    assert!(estimate.bitrate < 1_000_000 && estimate.loss == 0.25);
    // A delay longer than the time that passed.
    bandwidth.on_report(
        &block(sent, 0),
        clock.at(started + Duration::from_millis(1_100)),
    );
    assert!(bandwidth.estimate().rtt.unwrap().as_millis().abs_diff(80) <= 1);
}

#[test]
fn remb_bounds_for_a_while() {
    let started = Instant::now();
    let mut bandwidth = Bandwidth::new(BandwidthConfig::default(), started);
    bandwidth.on_remb(300_000, started);
    assert_eq!(bandwidth.estimate().bitrate, 300_000);
    assert_eq!(bandwidth.poll(started + Duration::from_secs(4)), None);
    let released = bandwidth.poll(started + Duration::from_secs(5)).unwrap();
    assert_eq!(released.bitrate, 1_000_000);
}
