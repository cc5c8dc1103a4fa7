//! Delay-based rate: additive or multiplicative increase, multiplicative decrease (GCC sections 5.5 and 5.6).

use std::time::Duration;

use super::BandwidthConfig;
use super::trend::Usage;

/// Of the acknowledged bitrate after an overuse.
const DECREASE: f64 = 0.85;
/// One overuse may at most halve the rate: the acknowledged rate of a bursty source can read low.
const MAX_DECREASE: f64 = 0.5;
/// Growth a second far from the known capacity.
const GROWTH: f64 = 1.15;
/// Growth a second from the start until the path has shown where it ends: whoever comes into a room of many wants its
/// pictures now. No step goes beyond what `CONFIRMED` allows, as a browser's first probes go to three times the start.
const START_GROWTH: f64 = 2.0;
/// Growth a second past what is acknowledged, after a clean stretch.
const PROBE_GROWTH: f64 = 1.10;
/// The estimate grows no further than this times the acknowledged rate while it is being confirmed.
const CONFIRMED: f64 = 1.5;
/// How far a probe may go beyond the acknowledged rate: to the next simulcast layer.
const PROBE_REACH: f64 = 4.0;
/// Less than this of the estimate being sent is an application that wants no more.
const LIMITED: f64 = 0.5;
/// First wait before a probe, and the longest.
const PROBE_WAIT_US: i64 = 5_000_000;
const MAX_PROBE_WAIT_US: i64 = 80_000_000;

/// What one feedback showed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Observation {
    pub now_us: i64,
    pub usage: Usage,
    /// bit/s over half a second.
    pub acknowledged: Option<u64>,
    /// bit/s over the last quarter of a second.
    pub recent: Option<u64>,
    /// bit/s over half a second.
    pub sent: u64,
    pub rtt: Option<Duration>,
    /// Loss is above what a healthy path has.
    pub lossy: bool,
}

/// Mean and spread of the acknowledged rate at overuses: where the capacity was last found.
#[derive(Debug, Clone, Copy)]
struct Capacity {
    mean: f64,
    /// Variance divided by the mean.
    spread: f64,
}

impl Capacity {
    fn new(sample: f64) -> Self {
        Self {
            mean: sample,
            spread: 400.0,
        }
    }

    fn observe(&mut self, sample: f64) {
        const WEIGHT: f64 = 0.05;
        let error = sample - self.mean;
        self.mean += WEIGHT * error;
        self.spread += WEIGHT * (error * error / self.mean.max(1.0) - self.spread);
        // Of kbit/s, as in the reference implementation's bounds: 0.4 to 2.5.
        self.spread = self.spread.clamp(400.0, 2_500.0);
    }

    fn deviation(&self) -> f64 {
        (self.spread * self.mean).sqrt() * 3.0
    }
}

#[derive(Debug)]
pub(super) struct Rate {
    config: BandwidthConfig,
    bitrate: f64,
    capacity: Option<Capacity>,
    updated_us: Option<i64>,
    decreased_us: Option<i64>,
    /// No overuse, loss or silence yet.
    starting: bool,
    /// Grown past what is acknowledged since then.
    probing_since: Option<i64>,
    probe_wait_us: i64,
    /// Rate before feedback stayed away.
    before_silence: Option<f64>,
}

impl Rate {
    pub(super) fn new(config: BandwidthConfig) -> Self {
        Self {
            config,
            bitrate: config.start as f64,
            capacity: None,
            updated_us: None,
            decreased_us: None,
            starting: true,
            probing_since: None,
            probe_wait_us: PROBE_WAIT_US,
            before_silence: None,
        }
    }

    /// bit/s.
    pub(super) fn bitrate(&self) -> u64 {
        self.bitrate as u64
    }

    pub(super) fn update(&mut self, seen: &Observation) {
        let Some(acknowledged) = seen.acknowledged else {
            return;
        };
        self.before_silence = None;
        self.starting &= !seen.lossy && seen.usage != Usage::Over;
        let acknowledged = acknowledged as f64;
        match seen.usage {
            Usage::Over => self.decrease(acknowledged, seen),
            // The queue empties: growing now would fill it again.
            Usage::Under => {}
            Usage::Normal => self.increase(acknowledged, seen),
        }
        self.bitrate = self
            .bitrate
            .clamp(self.config.min as f64, self.config.max as f64);
        self.updated_us = Some(seen.now_us);
    }

    /// Feedback stays away. Silence says that the path is gone, not how wide it will be: the rate falls to a
    /// quarter at most.
    pub(super) fn back_off(&mut self, now_us: i64) {
        let before = *self.before_silence.get_or_insert(self.bitrate);
        self.bitrate = (self.bitrate * MAX_DECREASE)
            .max(before * MAX_DECREASE * MAX_DECREASE)
            .max(self.config.min as f64);
        self.decreased_us = Some(now_us);
        self.starting = false;
        self.probing_since = None;
    }

    fn decrease(&mut self, acknowledged: f64, seen: &Observation) {
        let limited = (seen.sent as f64) < LIMITED * self.bitrate;
        // One decrease has to show before the next: a round trip and the receiver's feedback interval.
        let wait = if limited {
            Duration::from_secs(1)
        } else {
            response_time(seen.rtt)
        };
        if self
            .decreased_us
            .is_some_and(|last| seen.now_us - last < wait.as_micros() as i64)
        {
            return;
        }
        if let Some(since) = self.probing_since.take()
            && seen.now_us - since < 10_000_000
        {
            self.probe_wait_us = (self.probe_wait_us * 2).min(MAX_PROBE_WAIT_US);
        }
        let recent = seen.recent.map_or(acknowledged, |recent| recent as f64);
        let target = DECREASE * acknowledged.min(recent);
        self.bitrate = if limited {
            // What little is sent can hardly be the cause, and tells nothing of the capacity.
            (DECREASE * self.bitrate)
                .max(2.0 * acknowledged)
                .min(self.bitrate)
        } else {
            match &mut self.capacity {
                Some(capacity) if (acknowledged - capacity.mean).abs() <= capacity.deviation() => {
                    capacity.observe(acknowledged);
                }
                capacity => *capacity = Some(Capacity::new(acknowledged)),
            }
            target.max(MAX_DECREASE * self.bitrate).min(self.bitrate)
        };
        self.decreased_us = Some(seen.now_us);
    }

    fn increase(&mut self, acknowledged: f64, seen: &Observation) {
        let elapsed_us = self
            .updated_us
            .map_or(0, |last| (seen.now_us - last).clamp(0, 1_000_000));
        let elapsed = elapsed_us as f64 / 1_000_000.0;
        if self
            .capacity
            .is_some_and(|known| acknowledged > known.mean + known.deviation())
        {
            self.capacity = None;
        }
        let confirmed = CONFIRMED * acknowledged + 10_000.0;
        if self.bitrate < confirmed {
            self.probing_since = None;
            let grown = match self.capacity {
                Some(_) => self.bitrate + additive(self.bitrate, seen.rtt) * elapsed,
                None if self.starting => self.bitrate * START_GROWTH.powf(elapsed),
                None => self.bitrate * GROWTH.powf(elapsed),
            };
            self.bitrate = grown.min(confirmed);
            return;
        }
        let clean_us = seen.now_us - self.decreased_us.unwrap_or(i64::MIN / 2);
        let reach = (PROBE_REACH * acknowledged).max(self.config.start as f64);
        if clean_us < self.probe_wait_us || seen.lossy || self.bitrate >= reach {
            return;
        }
        if clean_us > 2 * MAX_PROBE_WAIT_US {
            self.probe_wait_us = PROBE_WAIT_US;
        }
        self.probing_since = Some(seen.now_us);
        self.bitrate = (self.bitrate * PROBE_GROWTH.powf(elapsed)).min(reach);
    }
}

fn response_time(rtt: Option<Duration>) -> Duration {
    rtt.unwrap_or(Duration::from_millis(200))
        .min(Duration::from_secs(1))
        + Duration::from_millis(100)
}

/// Near the capacity: about one packet more per response time (GCC section 5.5), in bit/s a second.
fn additive(bitrate: f64, rtt: Option<Duration>) -> f64 {
    let frame_bits = bitrate / 30.0;
    let packets = (frame_bits / (8.0 * 1_200.0)).ceil().max(1.0);
    (frame_bits / packets / response_time(rtt).as_secs_f64()).max(4_000.0)
}
