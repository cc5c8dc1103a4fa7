//! The highest rate without loss, and the time inside the engine at half of it.

use std::io;
use std::time::Duration;

use super::report::Row;
use super::rig::{Rig, Window};
use super::scenario::Scenario;
use super::{Options, groups, progress};
use crate::limit::PlainLoop;
use crate::media::VIDEO_BITS_PER_S;

const TRY: Duration = Duration::from_secs(3);
const MOST: f64 = 1_024.0;
/// Halvings of the interval between the highest good and the lowest bad speed.
const REFINEMENTS: usize = 3;

/// No packet missing, and the senders kept their pace.
fn good(window: &Window, speed: f64) -> bool {
    let wanted = VIDEO_BITS_PER_S as f64 / 8.0 * speed * window.lasted.as_secs_f64();
    window.received.packets >= window.expected && window.sent.bytes as f64 > wanted * 0.9
}

/// The rate is raised by sending the same packets faster, not larger frames: that is what more
/// senders in as many rooms would be.
pub fn run(scenario: &Scenario, _options: &Options) -> io::Result<Option<Row>> {
    progress(&format!(
        "{}: looking for the highest rate without loss",
        scenario.name
    ));
    let mut rig = Rig::connect(scenario)?;
    let (mut best, mut bad) = (None, None);
    let mut speed = 1.0;
    let mut refined = 0;
    while speed <= MOST && refined < REFINEMENTS {
        let window = rig.window(TRY, speed)?;
        let fine = good(&window, speed);
        let packets = window.packets_per_s();
        let verdict = if fine { "no loss" } else { "too much" };
        let percent = window.loss() * 100.0;
        progress(&format!(
            "speed {speed:.2}: {packets:.0} packets/s, {percent:.3} % lost: {verdict}"
        ));
        if fine {
            best = Some((speed, packets));
        } else {
            bad = Some(speed);
        }
        speed = match (best, bad) {
            (Some((good, _)), Some(bad)) => {
                refined += 1;
                f64::midpoint(good, bad)
            }
            (Some(_), None) => speed * 2.0,
            (None, _) if speed > 0.05 => speed / 2.0,
            (None, _) => return Err(io::Error::other("loss at every rate")),
        };
    }
    let Some((speed, packets)) = best else {
        return Ok(None);
    };
    let half = speed / 2.0;
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
        scenario.receivers_per_room,
        &windows,
        limit,
        limit_gso,
        rig.memory_per_receiver(),
    );
    row.half_rate = true;
    Ok(Some(row))
}
