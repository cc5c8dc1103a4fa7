//! Bitrate over the last half second, in fixed memory.

/// µs of a bucket.
const BUCKET_US: i64 = 25_000;
const BUCKETS: usize = 20;

/// Bytes per bucket of time; times may come slightly out of order.
#[derive(Debug, Default)]
pub(super) struct RateWindow {
    bytes: [u32; BUCKETS],
    /// Number of the newest bucket, and of the first ever.
    newest: i64,
    first: Option<i64>,
}

impl RateWindow {
    pub(super) fn add(&mut self, at_us: i64, bytes: usize) {
        let bucket = at_us.div_euclid(BUCKET_US);
        if self.first.is_none() {
            self.first = Some(bucket);
            self.newest = bucket;
        }
        self.advance(bucket);
        if self.newest - bucket < BUCKETS as i64 {
            self.bytes[position(bucket)] += bytes as u32;
        }
    }

    /// Bitrate up to the newest time added, bit/s; `None` in the first quarter of a second.
    pub(super) fn latest(&self) -> Option<u64> {
        let spanned = self.newest - self.first?;
        if spanned < BUCKETS as i64 / 2 {
            return None;
        }
        // The newest bucket is still filling.
        let full = spanned.min(BUCKETS as i64 - 1);
        Some(self.sum(self.newest - full, full))
    }

    /// Bitrate over the last quarter of a second before the newest time added, bit/s.
    pub(super) fn recent(&self) -> Option<u64> {
        self.latest()?;
        let half = BUCKETS as i64 / 2;
        Some(self.sum(self.newest - half, half))
    }

    /// Bitrate up to `now_us`, bit/s; silence counts.
    pub(super) fn at(&mut self, now_us: i64) -> u64 {
        self.advance(now_us.div_euclid(BUCKET_US));
        self.latest().unwrap_or(0)
    }

    fn sum(&self, from: i64, count: i64) -> u64 {
        let bytes: u64 = (from..from + count)
            .map(|bucket| u64::from(self.bytes[position(bucket)]))
            .sum();
        bytes * 8 * 1_000_000 / (count * BUCKET_US).cast_unsigned()
    }

    fn advance(&mut self, bucket: i64) {
        if bucket <= self.newest {
            return;
        }
        if bucket - self.newest >= BUCKETS as i64 {
            self.bytes = [0; BUCKETS];
        } else {
            for passed in self.newest + 1..=bucket {
                self.bytes[position(passed)] = 0;
            }
        }
        self.newest = bucket;
    }
}

fn position(bucket: i64) -> usize {
    bucket.rem_euclid(BUCKETS as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::RateWindow;

    #[test]
    fn measures_a_steady_rate_and_forgets_it() {
        let mut window = RateWindow::default();
        assert_eq!(window.latest(), None);
        // 1000 bytes every 10 ms are 800 kbit/s.
        for at in 0..200 {
            window.add(at * 10_000 - 1_000_000, 1_000);
        }
        let rate = window.latest().unwrap();
        assert!(rate.abs_diff(800_000) < 50_000, "{rate}");
        assert!(window.recent().unwrap().abs_diff(800_000) < 80_000);
        assert_eq!(window.at(990_000 + 2_000_000), 0, "silence");
    }

    #[test]
    fn late_additions_count_where_they_belong() {
        let mut window = RateWindow::default();
        for at in (0..1_000_000).step_by(10_000) {
            window.add(at, 1_000);
        }
        let before = window.latest().unwrap();
        window.add(700_000, 10_000);
        assert!(window.latest().unwrap() > before);
        let before = window.latest().unwrap();
        window.add(100_000, 10_000);
        assert_eq!(window.latest().unwrap(), before, "too old to matter");
    }
}
