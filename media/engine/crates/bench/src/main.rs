//! Benchmarks of the packet engine. `engine-bench help` tells the modes.

mod child;
mod engine_process;
mod engine_protocol;
mod forward;
mod limit;
mod load;
mod media;
mod poller;
mod sdp;
mod spike;
mod transport;
mod usage;

use std::process::ExitCode;

const HELP: &str = "engine-bench MODE

  forward [--json] [--quick] [--saturate] [--rooms] [RECEIVERS...]
                        cost of forwarding, scenario by scenario, beside the plain loop
  spike [RECEIVERS...]  str0m alone as the forwarder, against the plain loop (default 50 500)
  engine, load          processes that the other modes start";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let result = match arguments.first().map(String::as_str) {
        Some("spike") => {
            let numbers: Vec<usize> = rest.iter().filter_map(|n| n.parse().ok()).collect();
            spike::run(if numbers.is_empty() {
                &[50, 500]
            } else {
                &numbers
            })
        }
        Some("forward") => match forward::run(&options(rest)) {
            Ok(true) => Ok(()),
            Ok(false) => return ExitCode::FAILURE,
            Err(error) => Err(error),
        },
        Some("engine") => engine_process::run(),
        Some("load") => load::run(),
        Some("help" | "--help" | "-h") => {
            println!("{HELP}");
            Ok(())
        }
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("engine-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options(arguments: &[String]) -> forward::Options {
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    forward::Options {
        json: has("--json"),
        quick: has("--quick"),
        saturate: has("--saturate"),
        rooms: has("--rooms"),
        receivers: arguments
            .iter()
            .filter_map(|argument| argument.parse().ok())
            .collect(),
    }
}
