//! NTP time (RFC 3550 section 4) and the anchor that ties the caller's monotonic clock to it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Seconds between 1900-01-01 (NTP) and 1970-01-01 (Unix).
const UNIX_OFFSET_S: u64 = 2_208_988_800;

/// 32.32 fixed point seconds since 1900, as in a sender report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// From wall-clock time; before 1970 saturates.
    #[must_use]
    pub fn from_system_time(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(UNIX_OFFSET_S << 32).plus(since)
    }

    /// Later by `duration`; wraps in 2036 as the format does.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let fraction = (u64::from(duration.subsec_nanos()) << 32) / 1_000_000_000;
        Self(
            self.0
                .wrapping_add(duration.as_secs() << 32)
                .wrapping_add(fraction),
        )
    }

    /// Signed distance `self - earlier` in 2^-32 s.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// The middle 32 bits, as LSR in a report block (RFC 3550 section 6.4.1).
    #[must_use]
    pub fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

/// Fixed pair of monotonic and wall-clock time, taken once by whoever owns the clocks.
#[derive(Debug, Clone, Copy)]
pub struct NtpClock {
    instant: Instant,
    ntp: NtpTime,
}

impl NtpClock {
    #[must_use]
    pub fn new(instant: Instant, wall: SystemTime) -> Self {
        Self {
            instant,
            ntp: NtpTime::from_system_time(wall),
        }
    }

    /// NTP time of a monotonic instant (instants before the anchor give the anchor's time).
    #[must_use]
    pub fn at(&self, now: Instant) -> NtpTime {
        self.ntp.plus(now.saturating_duration_since(self.instant))
    }

    /// The 24-bit 6.18 fixed point seconds of the abs-send-time header extension.
    #[must_use]
    pub fn abs_send_time(&self, now: Instant) -> u32 {
        (self.at(now).0 >> 14) as u32 & 0x00ff_ffff
    }
}
