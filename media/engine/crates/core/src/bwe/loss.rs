//! Loss-based bound (GCC section 6): below 2 % loss it rises, above 10 % it falls in proportion.

use super::BandwidthConfig;

/// Loss is judged over at least this many packets and this long, µs.
const MIN_PACKETS: u32 = 20;
const INTERVAL_US: i64 = 200_000;
const LOW: f32 = 0.02;
const HIGH: f32 = 0.10;
/// Rise per interval.
const RISE: f64 = 1.05;
/// A fall has to show before the next, µs.
const FALL_INTERVAL_US: i64 = 300_000;

#[derive(Debug)]
pub(super) struct LossBound {
    config: BandwidthConfig,
    bitrate: f64,
    received: u32,
    lost: u32,
    since_us: Option<i64>,
    fallen_us: Option<i64>,
    fraction: f32,
    judged: bool,
}

impl LossBound {
    pub(super) fn new(config: BandwidthConfig) -> Self {
        Self {
            config,
            bitrate: config.max as f64,
            received: 0,
            lost: 0,
            since_us: None,
            fallen_us: None,
            fraction: 0.0,
            judged: false,
        }
    }

    /// bit/s; the configured maximum while there is no reason to bound.
    pub(super) fn bitrate(&self) -> u64 {
        self.bitrate as u64
    }

    /// Loss over the last judged interval.
    pub(super) fn fraction(&self) -> f32 {
        self.fraction
    }

    pub(super) fn is_lossy(&self) -> bool {
        self.fraction > LOW
    }

    /// Count what one feedback told.
    pub(super) fn observe(&mut self, received: u32, lost: u32, now_us: i64) {
        self.received += received;
        self.lost += lost;
        let since = *self.since_us.get_or_insert(now_us);
        let total = self.received + self.lost;
        if total >= MIN_PACKETS && now_us - since >= INTERVAL_US {
            self.observe_fraction(self.lost as f32 / total as f32);
            (self.received, self.lost) = (0, 0);
            self.since_us = Some(now_us);
        }
    }

    /// Loss as the receiver reckoned it.
    pub(super) fn observe_fraction(&mut self, fraction: f32) {
        self.fraction = fraction;
        self.judged = true;
    }

    /// Move the bound after an interval was judged. `estimate`: the delay-based one, bit/s.
    pub(super) fn update(&mut self, estimate: u64, acknowledged: Option<u64>, now_us: i64) {
        if !std::mem::take(&mut self.judged) {
            return;
        }
        let estimate = estimate as f64;
        if self.fraction < LOW {
            // Far above the delay-based estimate it bounds nothing; let it not lag behind when loss comes.
            self.bitrate = (self.bitrate * RISE).min(self.config.max as f64);
        } else if self.fraction > HIGH
            && self
                .fallen_us
                .is_none_or(|last| now_us - last >= FALL_INTERVAL_US)
        {
            let from = self.bitrate.min(estimate);
            let fallen = from * (1.0 - 0.5 * f64::from(self.fraction));
            // What got through did get through.
            let floor = acknowledged.map_or(0.0, |rate| rate as f64 * 0.9).min(from);
            self.bitrate = fallen.max(floor).max(self.config.min as f64);
            self.fallen_us = Some(now_us);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(loss_percent: u32, seconds: i64) -> LossBound {
        let mut bound = LossBound::new(BandwidthConfig::default());
        for interval in 0..seconds * 10 {
            let now_us = interval * 100_000;
            bound.observe(100 - loss_percent, loss_percent, now_us);
            bound.update(1_000_000, None, now_us);
        }
        bound
    }

    #[test]
    fn little_loss_bounds_nothing_and_much_loss_does() {
        assert_eq!(after(1, 10).bitrate(), BandwidthConfig::default().max);
        assert_eq!(
            after(6, 10).bitrate(),
            BandwidthConfig::default().max,
            "held"
        );
        let heavy = after(20, 3);
        assert!(heavy.bitrate() < 600_000, "{}", heavy.bitrate());
        assert!((heavy.fraction() - 0.2).abs() < 0.001);
        assert!(heavy.is_lossy());
    }

    #[test]
    fn a_few_packets_are_no_evidence() {
        let mut bound = LossBound::new(BandwidthConfig::default());
        bound.observe(3, 7, 0);
        bound.observe(3, 6, 1_000_000);
        bound.update(1_000_000, None, 1_000_000);
        assert_eq!(bound.bitrate(), BandwidthConfig::default().max);
    }

    #[test]
    fn what_gets_through_is_a_floor() {
        let mut bound = LossBound::new(BandwidthConfig::default());
        for interval in 0..100 {
            bound.observe(70, 30, interval * 300_000);
            bound.update(1_000_000, Some(800_000), interval * 300_000);
        }
        assert!(bound.bitrate() >= 700_000, "{}", bound.bitrate());
    }
}
