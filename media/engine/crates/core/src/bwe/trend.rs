//! Whether a queue builds up: the slope of the one-way delay over recent groups against an adaptive threshold
//! (GCC sections 5.3 to 5.5; the slope is found by linear regression instead of a Kalman filter).

use super::groups::Deltas;

const WINDOW: usize = 20;
const SMOOTHING: f64 = 0.9;
const GAIN: f64 = 4.0;
/// The slope is scaled by the number of groups seen, up to this.
const MAX_GROUPS: u32 = 60;
/// Adaptation of the threshold (GCC section 5.4), per ms.
const RISE: f64 = 0.0087;
const FALL: f64 = 0.039;
/// A trend this far above the threshold is a spike and does not move it.
const SPIKE: f64 = 15.0;
const MIN_THRESHOLD: f64 = 6.0;
const MAX_THRESHOLD: f64 = 600.0;
/// A trend must stay above the threshold this long, ms.
const OVERUSE_MS: f64 = 10.0;

/// State of the bottleneck's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    Normal,
    /// The queue builds up.
    Over,
    /// The queue empties.
    Under,
}

#[derive(Debug)]
pub(super) struct Trend {
    /// Arrival time and smoothed delay, ms.
    samples: [(f64, f64); WINDOW],
    count: u32,
    first_arrival_us: i64,
    accumulated: f64,
    smoothed: f64,
    threshold: f64,
    threshold_at: Option<i64>,
    last: f64,
    over_ms: f64,
    over_count: u32,
    usage: Usage,
}

impl Default for Trend {
    fn default() -> Self {
        Self {
            samples: [(0.0, 0.0); WINDOW],
            count: 0,
            first_arrival_us: 0,
            accumulated: 0.0,
            smoothed: 0.0,
            threshold: 12.5,
            threshold_at: None,
            last: 0.0,
            over_ms: 0.0,
            over_count: 0,
            usage: Usage::Normal,
        }
    }
}

impl Trend {
    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    pub(super) fn update(&mut self, deltas: &Deltas) {
        if self.count == 0 {
            self.first_arrival_us = deltas.at;
        }
        let sent_ms = deltas.sent as f64 / 1_000.0;
        self.accumulated += (deltas.arrival - deltas.sent) as f64 / 1_000.0;
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.accumulated;
        let at_ms = (deltas.at - self.first_arrival_us) as f64 / 1_000.0;
        self.samples[self.count as usize % WINDOW] = (at_ms, self.smoothed);
        // Stays a multiple of the window when it wraps.
        self.count = if self.count == u32::MAX / 20 * 20 {
            WINDOW as u32
        } else {
            self.count + 1
        };
        if self.count < WINDOW as u32 {
            return;
        }
        let Some(slope) = slope(&self.samples) else {
            return;
        };
        self.detect(slope, sent_ms, deltas.at);
    }

    fn detect(&mut self, slope: f64, sent_ms: f64, at_us: i64) {
        let trend = slope * f64::from(self.count.min(MAX_GROUPS)) * GAIN;
        if trend > self.threshold {
            // Half a step at first: when the threshold was crossed in it is not known.
            self.over_ms += if self.over_count == 0 {
                sent_ms / 2.0
            } else {
                sent_ms
            };
            self.over_count += 1;
            if self.over_ms > OVERUSE_MS && self.over_count > 1 && trend >= self.last {
                self.over_ms = 0.0;
                self.over_count = 0;
                self.usage = Usage::Over;
            }
        } else {
            self.over_ms = 0.0;
            self.over_count = 0;
            self.usage = if trend < -self.threshold {
                Usage::Under
            } else {
                Usage::Normal
            };
        }
        self.last = trend;
        self.adapt(trend.abs(), at_us);
    }

    fn adapt(&mut self, trend: f64, at_us: i64) {
        let elapsed_ms = self
            .threshold_at
            .map_or(0.0, |last| (at_us - last) as f64 / 1_000.0);
        self.threshold_at = Some(at_us);
        if trend > self.threshold + SPIKE {
            return;
        }
        let speed = if trend < self.threshold { FALL } else { RISE };
        self.threshold += speed * (trend - self.threshold) * elapsed_ms.clamp(0.0, 100.0);
        self.threshold = self.threshold.clamp(MIN_THRESHOLD, MAX_THRESHOLD);
    }
}

/// Least-squares slope of delay over time; `None` when all samples have one time.
fn slope(samples: &[(f64, f64); WINDOW]) -> Option<f64> {
    let count = samples.len() as f64;
    let (sum_x, sum_y) = samples
        .iter()
        .fold((0.0, 0.0), |(x, y), sample| (x + sample.0, y + sample.1));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (numerator, denominator) = samples.iter().fold((0.0, 0.0), |(top, bottom), sample| {
        let x = sample.0 - mean_x;
        (top + x * (sample.1 - mean_y), bottom + x * x)
    });
    (denominator > 0.0).then(|| numerator / denominator)
}

#[cfg(test)]
mod tests {
    use super::{Trend, Usage};
    use crate::bwe::groups::Deltas;

    /// Groups every 20 ms whose delay grows by `growth_us` each, from `at` on.
    fn feed(trend: &mut Trend, at: &mut i64, groups: usize, growth_us: i64) {
        for _ in 0..groups {
            let arrival = 20_000 + growth_us;
            *at += arrival;
            trend.update(&Deltas {
                sent: 20_000,
                arrival,
                at: *at,
            });
        }
    }

    #[test]
    fn tells_building_and_emptying_queues() {
        let (mut trend, mut at) = (Trend::default(), 0);
        feed(&mut trend, &mut at, 60, 0);
        assert_eq!(trend.usage(), Usage::Normal);
        feed(&mut trend, &mut at, 20, 4_000);
        assert_eq!(trend.usage(), Usage::Over);
        feed(&mut trend, &mut at, 40, -4_000);
        assert_eq!(trend.usage(), Usage::Under);
        feed(&mut trend, &mut at, 120, 0);
        assert_eq!(trend.usage(), Usage::Normal);
    }

    #[test]
    fn jitter_is_no_trend() {
        let (mut trend, mut at) = (Trend::default(), 0);
        for round in 0..500 {
            feed(
                &mut trend,
                &mut at,
                1,
                if round % 2 == 0 { 6_000 } else { -6_000 },
            );
            assert_ne!(trend.usage(), Usage::Over, "round {round}");
        }
    }
}
