//! `engine-bench forward`: the cost of forwarding, scenario by scenario, beside the plain loop.

mod report;
mod rig;
mod saturate;
mod scenario;

use std::io;
use std::time::Duration;

use report::{Requirements, Row};
use rig::{Rig, Window};
use scenario::Scenario;

use crate::limit::{Group, PlainLoop};
use crate::spike::median;

/// What the caller asked for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub json: bool,
    /// 50 receivers alone, or what is chosen below, without the search of the highest rate.
    pub quick: bool,
    /// Search the highest rate without loss only.
    pub saturate: bool,
    /// The rooms of three only.
    pub rooms: bool,
    /// Only these numbers of receivers.
    pub receivers: Vec<usize>,
}

const ROUNDS: usize = 3;
const ENGINE_WINDOW: Duration = Duration::from_secs(4);
const LIMIT_WINDOW: Duration = Duration::from_millis(1_500);

/// Run, print, and tell whether every requirement was met.
pub fn run(options: &Options) -> io::Result<bool> {
    let scenarios = Scenario::chosen(options);
    let mut rows = Vec::new();
    if !options.json {
        report::print_head();
    }
    for scenario in &scenarios {
        if !options.saturate {
            rows.push(measure(scenario, options)?);
            show(rows.last(), options);
        }
        if scenario.searched && !options.quick {
            rows.extend(saturate::run(scenario, options)?);
            show(rows.last(), options);
        }
    }
    let requirements = Requirements::of(&rows);
    if options.json {
        println!("{}", report::json(&rows)?);
        requirements.print(&mut io::stderr())?;
    } else {
        requirements.print(&mut io::stdout())?;
    }
    Ok(requirements.met())
}

fn show(row: Option<&Row>, options: &Options) {
    if let (Some(row), false) = (row, options.json) {
        report::print_row(row);
    }
}

/// Progress, on standard error so that `--json` stays clean.
fn progress(text: &str) {
    eprintln!("  {text}");
}

fn measure(scenario: &Scenario, options: &Options) -> io::Result<Row> {
    progress(&format!(
        "{}: connecting {} receivers",
        scenario.name,
        scenario.receivers()
    ));
    let mut rig = Rig::connect(scenario)?;
    let sinks = rig.sinks(scenario.receivers())?;
    let groups = groups(scenario, &sinks);
    let mut plain = PlainLoop::new(&groups, 1)?;
    let mut fours = PlainLoop::new(&groups, 4)?;
    let mut windows: Vec<Window> = Vec::new();
    let (mut limit, mut limit_gso) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        progress(&format!("{}: round {round} of {ROUNDS}", scenario.name));
        windows.push(rig.window(ENGINE_WINDOW, 1.0)?);
        limit.push(plain.measure(LIMIT_WINDOW, 1.0).us_per_packet());
        limit_gso.push(fours.measure(LIMIT_WINDOW, 1.0).us_per_packet());
        rig.drop_counts()?;
    }
    let _ = options;
    Ok(Row::new(
        scenario.name.clone(),
        scenario.receivers(),
        scenario.receivers_per_room,
        &windows,
        median(&mut limit),
        median(&mut limit_gso),
        rig.memory_per_receiver(),
    ))
}

/// The plain loop's destinations, one group a room.
fn groups(scenario: &Scenario, sinks: &[std::net::SocketAddr]) -> Vec<Group> {
    sinks
        .chunks(scenario.receivers_per_room)
        .map(Group::new)
        .collect()
}
