//! Rows, the table for people, the JSON, and what is required.

use std::io::{self, Write};

use serde::Serialize;

use super::rig::Window;
use crate::spike::median;

/// One line of the result. The field names are the interface of `--json`.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub scenario: String,
    pub receivers: usize,
    pub packets_per_s: f64,
    pub cpu_us_per_packet: f64,
    pub limit_us_per_packet: f64,
    pub limit_gso_us_per_packet: f64,
    pub ratio: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub loss: f64,
    pub memory_per_receiver_bytes: u64,
    pub syscalls_per_packet: f64,
    /// Packets that left in one message.
    #[serde(skip)]
    pub packets_per_message: f64,
    /// Packets decrypted and compared, and how many of them were wrong.
    #[serde(skip)]
    pub checked: (u64, u64),
    /// Receivers in one room.
    #[serde(skip)]
    pub room: usize,
    /// This row is a run at half of the highest rate without loss.
    #[serde(skip)]
    pub half_rate: bool,
}

fn median_of(windows: &[Window], figure: impl Fn(&Window) -> f64) -> f64 {
    median(&mut windows.iter().map(figure).collect::<Vec<_>>())
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

impl Row {
    pub fn new(
        scenario: String,
        receivers: usize,
        room: usize,
        windows: &[Window],
        limit: f64,
        limit_gso: f64,
        memory: u64,
    ) -> Self {
        let cpu = median_of(windows, Window::cpu_us_per_packet);
        let calls =
            |w: &Window| w.usage.system_calls as f64 / w.usage.packets_forwarded.max(1) as f64;
        let expected: u64 = windows.iter().map(|w| w.expected).sum();
        let received: u64 = windows.iter().map(|w| w.received.packets).sum();
        let lost = expected.saturating_sub(received);
        Self {
            scenario,
            receivers,
            packets_per_s: round(median_of(windows, Window::packets_per_s), 0),
            cpu_us_per_packet: round(cpu, 3),
            limit_us_per_packet: round(limit, 3),
            limit_gso_us_per_packet: round(limit_gso, 3),
            ratio: round(cpu / limit, 3),
            p50_us: round(median_of(windows, |w| w.usage.quantile_us(0.50)), 1),
            p99_us: round(median_of(windows, |w| w.usage.quantile_us(0.99)), 1),
            loss: lost as f64 / expected.max(1) as f64,
            memory_per_receiver_bytes: memory,
            syscalls_per_packet: round(median_of(windows, calls), 4),
            packets_per_message: median_of(windows, |w| {
                w.usage.packets_forwarded as f64 / w.usage.messages.max(1) as f64
            }),
            checked: (
                windows.iter().map(|w| w.received.checked).sum(),
                windows.iter().map(|w| w.received.wrong).sum(),
            ),
            room,
            half_rate: false,
        }
    }

    fn latency(&self) -> (Verdict, String) {
        let p99 = self.p99_us;
        let text = format!("{}: p99 inside the engine {p99:.0} µs", self.scenario);
        if self.room <= MAX_ROOM_OF_P99 {
            (
                Verdict::of(p99 < MAX_P99_US),
                format!("{text}, below {MAX_P99_US:.0}"),
            )
        } else {
            // A frame of the benchmark is 5.6 packets on average.
            let burst = self.limit_gso_us_per_packet * 5.6 * self.room as f64;
            (
                Verdict::Note,
                format!("{text}; the plain GSO loop needs {burst:.0} for a frame"),
            )
        }
    }
}

pub fn json(rows: &[Row]) -> io::Result<String> {
    #[derive(Serialize)]
    struct Rows<'a> {
        rows: &'a [Row],
    }
    Ok(serde_json::to_string(&Rows { rows })?)
}

pub fn print_head() {
    println!(
        "{:<28} {:>9} {:>8} {:>7} {:>7} {:>6} {:>8} {:>8} {:>9} {:>8} {:>9} {:>7} {:>9}",
        "scenario",
        "packets/s",
        "CPU µs",
        "plain",
        "GSO×4",
        "ratio",
        "p50 µs",
        "p99 µs",
        "loss",
        "KB/recv",
        "calls/pkt",
        "pkt/msg",
        "checked"
    );
}

pub fn print_row(row: &Row) {
    println!(
        "{:<28} {:>9.0} {:>8.2} {:>7.2} {:>7.2} {:>6.2} {:>8.0} {:>8.0} {:>8.3}% {:>8.0} {:>9.3} {:>7.1} {:>9}",
        row.scenario,
        row.packets_per_s,
        row.cpu_us_per_packet,
        row.limit_us_per_packet,
        row.limit_gso_us_per_packet,
        row.ratio,
        row.p50_us,
        row.p99_us,
        row.loss * 100.0,
        row.memory_per_receiver_bytes as f64 / 1_000.0,
        row.syscalls_per_packet,
        row.packets_per_message,
        row.checked.0,
    );
}

const MAX_RATIO: f64 = 2.0;
const MAX_MEMORY: u64 = 300_000;
const MAX_GROWTH: f64 = 1.3;
const MAX_P99_US: f64 = 2_000.0;
/// Up to so many receivers in a room the last one must not wait for the others. In larger rooms
/// the burst itself is the time: the plain loop needs as long for it.
const MAX_ROOM_OF_P99: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Met,
    Missed,
    /// Told, not required.
    Note,
}

impl Verdict {
    fn of(met: bool) -> Self {
        if met { Self::Met } else { Self::Missed }
    }
}

/// Each requirement with what was seen.
pub struct Requirements(Vec<(Verdict, String)>);

impl Requirements {
    pub fn of(rows: &[Row]) -> Self {
        let mut all = Vec::new();
        for row in rows {
            let name = &row.scenario;
            if row.half_rate {
                all.push(row.latency());
                continue;
            }
            if row.receivers >= 50 {
                let met = row.ratio <= MAX_RATIO;
                let text = format!("{name}: {:.2} of the plain loop, at most 2", row.ratio);
                all.push((Verdict::of(met), text));
                let kilobytes = row.memory_per_receiver_bytes / 1_000;
                let met = row.memory_per_receiver_bytes <= MAX_MEMORY;
                let text = format!("{name}: {kilobytes} KB a receiver, at most 300");
                all.push((Verdict::of(met), text));
            }
            if row.checked.1 > 0 || row.checked.0 == 0 {
                let (checked, wrong) = row.checked;
                let text = format!("{name}: {wrong} of {checked} checked packets wrong");
                all.push((Verdict::Missed, text));
            }
        }
        let cost = |receivers: usize| {
            rows.iter()
                .find(|row| row.scenario == format!("1 to {receivers}"))
                .map(|row| row.cpu_us_per_packet)
        };
        if let (Some(few), Some(many)) = (cost(50), cost(1_000)) {
            let growth = many / few;
            let met = growth <= MAX_GROWTH;
            let text = format!("cost from 50 to 1,000 receivers: times {growth:.2}, at most 1.3");
            all.push((Verdict::of(met), text));
        }
        Self(all)
    }

    pub fn met(&self) -> bool {
        self.0
            .iter()
            .all(|(verdict, _)| *verdict != Verdict::Missed)
    }

    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        for (verdict, text) in &self.0 {
            let word = match verdict {
                Verdict::Met => "ok  ",
                Verdict::Missed => "MISS",
                Verdict::Note => "note",
            };
            writeln!(out, "{word} {text}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(scenario: &str, receivers: usize, cpu: f64) -> Row {
        Row {
            scenario: scenario.into(),
            receivers,
            packets_per_s: 1.0,
            cpu_us_per_packet: cpu,
            limit_us_per_packet: 4.0,
            limit_gso_us_per_packet: 2.0,
            ratio: cpu / 4.0,
            p50_us: 1.0,
            p99_us: 1.0,
            loss: 0.0,
            memory_per_receiver_bytes: 100_000,
            syscalls_per_packet: 0.1,
            packets_per_message: 3.0,
            checked: (10, 0),
            room: receivers,
            half_rate: false,
        }
    }

    fn met(rows: &[Row]) -> bool {
        Requirements::of(rows).met()
    }

    #[test]
    fn what_is_required_from_fifty_receivers_on() {
        assert!(met(&[row("1 to 1", 1, 50.0), row("1 to 50", 50, 8.0)]));
        assert!(!met(&[row("1 to 50", 50, 8.1)]));
        assert!(!met(&[Row {
            memory_per_receiver_bytes: 300_001,
            ..row("1 to 50", 50, 1.0)
        }]));
        assert!(!met(&[Row {
            checked: (10, 1),
            ..row("1 to 1", 1, 1.0)
        }]));
        assert!(!met(&[Row {
            checked: (0, 0),
            ..row("1 to 1", 1, 1.0)
        }]));
    }

    #[test]
    fn the_cost_may_not_grow_with_the_receivers() {
        assert!(met(&[
            row("1 to 50", 50, 2.0),
            row("1 to 1000", 1_000, 2.6)
        ]));
        assert!(!met(&[
            row("1 to 50", 50, 2.0),
            row("1 to 1000", 1_000, 2.7)
        ]));
    }

    #[test]
    fn the_time_inside_at_half_rate() {
        let half = |receivers, p99_us| Row {
            half_rate: true,
            p99_us,
            ..row("half", receivers, 1.0)
        };
        assert!(met(&[half(50, 1_999.0)]));
        assert!(!met(&[half(50, 2_000.0)]));
        assert!(met(&[half(200, 2_000.0)]), "a note only");
    }

    #[test]
    fn json_has_the_documented_fields_only() {
        let text = json(&[row("1 to 50", 50, 1.0)]).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut names: Vec<&String> = value["rows"][0].as_object().unwrap().keys().collect();
        names.sort();
        let wanted = [
            "cpu_us_per_packet",
            "limit_gso_us_per_packet",
            "limit_us_per_packet",
            "loss",
            "memory_per_receiver_bytes",
            "p50_us",
            "p99_us",
            "packets_per_s",
            "ratio",
            "receivers",
            "scenario",
            "syscalls_per_packet",
        ];
        assert_eq!(names, wanted);
    }
}
