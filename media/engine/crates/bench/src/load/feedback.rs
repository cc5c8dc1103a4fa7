//! RTCP a browser sends as a receiver: transport-wide feedback and receiver reports.

use super::tracker::Tracker;

/// Packets that arrived since the last feedback, by transport-wide sequence number
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
#[derive(Debug, Default)]
pub struct Arrivals {
    seen: Vec<(u16, u64)>,
    count: u8,
}

const TRANSPORT_FEEDBACK: u8 = 205;
const RECEIVER_REPORT: u8 = 201;
/// Reference time unit and delta unit, µs.
const REFERENCE_UNIT: u64 = 64_000;
const DELTA_UNIT: u64 = 250;

impl Arrivals {
    pub fn note(&mut self, sequence: u16, at_us: u64) {
        self.seen.push((sequence, at_us));
    }

    /// Append the feedback for what was noted and forget it. Nothing noted: nothing appended.
    pub fn write(&mut self, sender_ssrc: u32, media_ssrc: u32, out: &mut Vec<u8>) {
        let Some(&(first, first_us)) = self.seen.first() else {
            return;
        };
        self.seen
            .sort_by_key(|(sequence, _)| sequence.wrapping_sub(first) as i16);
        self.seen.dedup_by_key(|(sequence, _)| *sequence);
        let base = self.seen[0].0;
        let start = out.len();
        out.extend([0x80 | 15, TRANSPORT_FEEDBACK, 0, 0]);
        out.extend(sender_ssrc.to_be_bytes());
        out.extend(media_ssrc.to_be_bytes());
        out.extend(base.to_be_bytes());
        let span = self
            .seen
            .last()
            .map_or(0, |(last, _)| last.wrapping_sub(base))
            + 1;
        out.extend(span.to_be_bytes());
        let reference = first_us.min(self.seen[0].1) / REFERENCE_UNIT;
        out.extend(((reference as u32) << 8 | u32::from(self.count)).to_be_bytes());
        self.count = self.count.wrapping_add(1);
        let mut deltas = Vec::with_capacity(self.seen.len() * 2);
        let mut clock = reference * REFERENCE_UNIT / DELTA_UNIT;
        let mut run: Option<(u16, u16)> = None;
        let mut next = base;
        for (sequence, at_us) in self.seen.drain(..) {
            let gap = sequence.wrapping_sub(next);
            if gap > 0 {
                push_run(out, &mut run, 0, gap);
            }
            next = sequence.wrapping_add(1);
            let ticks = at_us / DELTA_UNIT;
            let delta = ticks as i64 - clock as i64;
            clock = ticks;
            if let Ok(small) = u8::try_from(delta) {
                push_run(out, &mut run, 1, 1);
                deltas.push(small);
            } else {
                push_run(out, &mut run, 2, 1);
                let large = delta.clamp(i64::from(i16::MIN), i64::from(i16::MAX)) as i16;
                deltas.extend(large.to_be_bytes());
            }
        }
        flush_run(out, &mut run);
        out.extend(deltas);
        while !(out.len() - start).is_multiple_of(4) {
            out.push(0);
        }
        set_length(out, start);
    }
}

fn push_run(out: &mut Vec<u8>, run: &mut Option<(u16, u16)>, symbol: u16, count: u16) {
    match run {
        Some((of, length)) if *of == symbol && *length + count < 0x2000 => *length += count,
        _ => {
            flush_run(out, run);
            *run = Some((symbol, count.min(0x1fff)));
        }
    }
}

fn flush_run(out: &mut Vec<u8>, run: &mut Option<(u16, u16)>) {
    if let Some((symbol, length)) = run.take() {
        out.extend((symbol << 13 | length).to_be_bytes());
    }
}

fn set_length(out: &mut [u8], start: usize) {
    let words = ((out.len() - start) / 4 - 1) as u16;
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

/// Append a receiver report of up to 31 streams (RFC 3550 section 6.4.2).
pub fn receiver_report(sender_ssrc: u32, streams: &[Tracker], out: &mut Vec<u8>) {
    let start = out.len();
    let streams = &streams[..streams.len().min(31)];
    out.extend([0x80 | streams.len() as u8, RECEIVER_REPORT, 0, 0]);
    out.extend(sender_ssrc.to_be_bytes());
    for stream in streams {
        out.extend(stream.ssrc.to_be_bytes());
        let lost = stream.missing().min(0x7f_ffff) as u32;
        out.extend(lost.to_be_bytes());
        out.extend(stream.extended_highest().to_be_bytes());
        // No jitter, no sender report seen: the load client measures neither.
        out.extend([0; 12]);
    }
    set_length(out, start);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feedback_is_laid_out_as_the_draft_says() {
        let mut arrivals = Arrivals::default();
        arrivals.note(10, 128_000);
        arrivals.note(11, 128_500);
        arrivals.note(14, 328_500);
        let mut out = Vec::new();
        arrivals.write(1, 2, &mut out);
        assert_eq!(out.len() % 4, 0);
        assert_eq!(out[..4], [0x8f, 205, 0, (out.len() / 4 - 1) as u8]);
        assert_eq!(
            out[12..20],
            [0, 10, 0, 5, 0, 0, 2, 0],
            "base, count, reference 2, feedback 0"
        );
        // Received small twice, lost twice, received large once.
        assert_eq!(out[20..26], [0x20, 2, 0, 2, 0x40, 1]);
        assert_eq!(
            out[26..30],
            [0, 2, 0x03, 0x20],
            "deltas 0, 2 and 800 of 250 µs"
        );
        let again = out.len();
        arrivals.write(1, 2, &mut out);
        assert_eq!(out.len(), again, "nothing noted, nothing said");
    }

    #[test]
    fn reports_hold_one_block_a_stream() {
        let mut out = Vec::new();
        receiver_report(7, &[Tracker::new(1, 5), Tracker::new(2, 9)], &mut out);
        assert_eq!(out.len(), 8 + 2 * 24);
        assert_eq!(out[..4], [0x82, 201, 0, 13]);
        assert_eq!(out[8 + 8..8 + 12], [0, 0, 0, 5]);
    }
}
