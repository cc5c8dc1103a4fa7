//! The highest rate without loss, and the time inside the engine at half of it.

use std::io;
use std::time::Duration;

use super::report::Row;
use super::rig::{Rig, Window};
use super::scenario::Scenario;
use super::{Options, groups, progress};
use crate::limit::PlainLoop;

const TRY: Duration = Duration::from_secs(3);
const START_BITS_PER_S: u64 = 1_000_000;
const MOST_BITS_PER_S: u64 = 200_000_000;
/// Halvings of the interval between the highest good and the lowest bad rate.
const REFINEMENTS: usize = 3;

/// No packet missing, and the senders kept their pace.
fn good(window: &Window, video_bits_per_s: u64) -> bool {
    let wanted = video_bits_per_s as f64 / 8.0 * window.lasted.as_secs_f64();
    window.received.packets >= window.expected && window.sent.bytes as f64 > wanted * 0.9
}

pub fn run(scenario: &Scenario, _options: &Options) -> io::Result<Option<Row>> {
    progress(&format!(
        "{}: looking for the highest rate without loss",
        scenario.name
    ));
    let mut rig = Rig::connect(scenario)?;
    let (mut best, mut bad) = (None, None);
    let mut rate = START_BITS_PER_S;
    let mut refined = 0;
    while rate <= MOST_BITS_PER_S && refined < REFINEMENTS {
        let window = rig.window(TRY, rate)?;
        let fine = good(&window, rate);
        let packets = window.packets_per_s();
        let verdict = if fine { "no loss" } else { "too much" };
        let percent = window.loss() * 100.0;
        progress(&format!(
            "{:.2} Mbit/s: {packets:.0} packets/s, {percent:.3} % lost: {verdict}",
            rate as f64 / 1e6
        ));
        if fine {
            best = Some((rate, packets));
        } else {
            bad = Some(rate);
        }
        rate = match (best, bad) {
            (Some((good, _)), Some(bad)) => {
                refined += 1;
                u64::midpoint(good, bad)
            }
            (Some(_), None) => rate * 2,
            (None, _) if rate > 50_000 => rate / 2,
            (None, _) => return Err(io::Error::other("loss at every rate")),
        };
    }
    let Some((rate, packets)) = best else {
        return Ok(None);
    };
    let half = rate / 2;
    progress(&format!(
        "{}: highest {packets:.0} packets/s; half of that",
        scenario.name
    ));
    let windows = [
        rig.window(TRY, half)?,
        rig.window(TRY, half)?,
        rig.window(TRY, half)?,
    ];
    let sinks = rig.sinks(scenario.receivers())?;
    let groups = groups(scenario, &sinks);
    let limit = PlainLoop::new(&groups, 1)?
        .measure(TRY / 2, half)
        .us_per_packet();
    let limit_gso = PlainLoop::new(&groups, 4)?
        .measure(TRY / 2, half)
        .us_per_packet();
    let name = format!("{}, half of {packets:.0}/s", scenario.name);
    let receivers = scenario.receivers();
    let mut row = Row::new(
        name,
        receivers,
        &windows,
        limit,
        limit_gso,
        rig.memory_per_receiver(),
    );
    row.half_rate = true;
    Ok(Some(row))
}
