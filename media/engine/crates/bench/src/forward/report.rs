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
    /// Packets decrypted and compared, and how many of them were wrong.
    #[serde(skip)]
    pub checked: (u64, u64),
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
            checked: (
                windows.iter().map(|w| w.received.checked).sum(),
                windows.iter().map(|w| w.received.wrong).sum(),
            ),
            half_rate: false,
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
        "{:<28} {:>9} {:>8} {:>7} {:>7} {:>6} {:>8} {:>8} {:>9} {:>8} {:>9} {:>9}",
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
        "checked"
    );
}

pub fn print_row(row: &Row) {
    println!(
        "{:<28} {:>9.0} {:>8.2} {:>7.2} {:>7.2} {:>6.2} {:>8.0} {:>8.0} {:>8.3}% {:>8.0} {:>9.3} {:>9}",
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
        row.checked.0,
    );
}

const MAX_RATIO: f64 = 2.0;
const MAX_MEMORY: u64 = 300_000;
const MAX_GROWTH: f64 = 1.3;
const MAX_P99_US: f64 = 2_000.0;

/// Each requirement with what was seen.
pub struct Requirements(Vec<(bool, String)>);

impl Requirements {
    pub fn of(rows: &[Row]) -> Self {
        let mut all = Vec::new();
        for row in rows {
            let name = &row.scenario;
            if row.half_rate {
                let met = row.p99_us < MAX_P99_US;
                all.push((
                    met,
                    format!("{name}: p99 {:.0} µs, below {MAX_P99_US}", row.p99_us),
                ));
                continue;
            }
            if row.receivers >= 50 {
                let met = row.ratio <= MAX_RATIO;
                let text = format!("{name}: {:.2} of the plain loop, at most 2", row.ratio);
                all.push((met, text));
                let kilobytes = row.memory_per_receiver_bytes / 1_000;
                let met = row.memory_per_receiver_bytes <= MAX_MEMORY;
                all.push((
                    met,
                    format!("{name}: {kilobytes} KB a receiver, at most 300"),
                ));
            }
            if row.checked.1 > 0 || row.checked.0 == 0 {
                let (checked, wrong) = row.checked;
                all.push((
                    false,
                    format!("{name}: {wrong} of {checked} checked packets wrong"),
                ));
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
            all.push((met, text));
        }
        Self(all)
    }

    pub fn met(&self) -> bool {
        self.0.iter().all(|(met, _)| *met)
    }

    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        for (met, text) in &self.0 {
            writeln!(out, "{} {text}", if *met { "ok  " } else { "MISS" })?;
        }
        Ok(())
    }
}
