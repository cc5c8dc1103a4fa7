//! The engine's process: the real runtime, told what to do over standard input.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine_runtime::api::{Command, Event, Source};
use engine_runtime::poller::{Interest, Poller};
use engine_runtime::{Engine, EngineConfig};
use serde_json::Value;

use crate::engine_protocol::{FromEngine, ToEngine, Usage};
use crate::sdp::{AUDIO_MID, VIDEO_MID};
use crate::usage;

/// Name prefix of the workers' threads.
const WORKER_THREADS: &str = "media-";

/// Our request ids by the engine's.
type Asked = Mutex<HashMap<u64, u64>>;

/// Run until standard input closes.
pub fn run() -> io::Result<()> {
    usage::raise_file_limit();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let config = EngineConfig {
        workers,
        ..EngineConfig::default()
    };
    let engine = Arc::new(Engine::start(&config)?);
    let asked = Arc::new(Asked::default());
    {
        let (engine, asked) = (Arc::clone(&engine), Arc::clone(&asked));
        std::thread::spawn(move || tell_replies(&engine, &asked));
    }
    say(&FromEngine::Ready)?;
    for line in io::stdin().lock().lines() {
        match serde_json::from_str(&line?)? {
            ToEngine::Report { id } => say(&FromEngine::Report {
                id,
                usage: used(&engine)?,
            })?,
            command => {
                let (id, room, command) = translate(command);
                // Held until the id is known: its reply may come at once.
                let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
                asked.insert(engine.request(&room, command), id);
            }
        }
    }
    engine.close();
    Ok(())
}

fn tell_replies(engine: &Engine, asked: &Asked) -> io::Result<()> {
    let mut poller = Poller::new()?;
    poller.add(engine.event_fd(), 0, Interest::Read)?;
    let mut ready = Vec::new();
    loop {
        poller.wait(Some(Duration::from_secs(1)), &mut ready)?;
        for event in engine.take_events(1_024) {
            if let Event::Reply {
                request_id,
                error,
                sdp,
                ..
            } = event
            {
                let id = asked
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&request_id);
                let error = error.map(|fault| fault.to_string());
                say(&FromEngine::Reply {
                    id: id.unwrap_or_default(),
                    error,
                    sdp,
                })?;
            }
        }
    }
}

fn translate(command: ToEngine) -> (u64, String, Command) {
    match command {
        ToEngine::CreateRoom { id, room } => (id, room, Command::CreateRoom),
        ToEngine::AddPeer {
            id,
            room,
            peer,
            publishes,
            slots,
        } => {
            let publish = if publishes {
                vec![Source::Microphone, Source::Camera]
            } else {
                Vec::new()
            };
            let (audio_slots, video_slots) = (slots, slots);
            let command = Command::AddPeer {
                peer_id: peer,
                publish,
                audio_slots,
                video_slots,
            };
            (id, room, command)
        }
        ToEngine::Publish {
            id,
            room,
            peer,
            sdp,
        } => {
            let tracks = vec![
                (AUDIO_MID.to_owned(), Source::Microphone),
                (VIDEO_MID.to_owned(), Source::Camera),
            ];
            (
                id,
                room,
                Command::Publish {
                    peer_id: peer,
                    sdp,
                    tracks,
                    fresh: true,
                },
            )
        }
        ToEngine::Subscribe { id, room, peer } => (
            id,
            room,
            Command::Subscribe {
                peer_id: peer,
                fresh: true,
            },
        ),
        ToEngine::Answer {
            id,
            room,
            peer,
            sdp,
        } => (id, room, Command::Answer { peer_id: peer, sdp }),
        ToEngine::RemovePeer { id, room, peer } => {
            (id, room, Command::RemovePeer { peer_id: peer })
        }
        ToEngine::Report { .. } => unreachable!("reports are not commands"),
    }
}

fn used(engine: &Engine) -> io::Result<Usage> {
    let metrics: Value = serde_json::from_str(&engine.metrics_json())?;
    let figure = |name: &str| metrics[name].as_u64().unwrap_or(0);
    let mut time_inside = BTreeMap::new();
    for worker in metrics["workers"].as_array().into_iter().flatten() {
        for bucket in worker["time_in_engine_us"].as_array().into_iter().flatten() {
            if let (Some(bound), Some(count)) = (bucket[0].as_u64(), bucket[1].as_u64()) {
                *time_inside.entry(bound).or_insert(0) += count;
            }
        }
    }
    let dropped = metrics["packets_dropped"].as_object();
    Ok(Usage {
        worker_cpu_us: usage::named_threads_cpu(WORKER_THREADS).as_micros() as u64,
        resident_bytes: usage::resident_bytes(),
        packets_forwarded: figure("rtp_out"),
        packets_in: figure("rtp_in"),
        system_calls: figure("wait_calls") + figure("receive_calls") + figure("send_calls"),
        messages: figure("sent_messages"),
        dropped: dropped
            .into_iter()
            .flatten()
            .filter_map(|(_, count)| count.as_u64())
            .sum(),
        time_inside: time_inside
            .into_iter()
            .map(|(bound, count)| (bound as f64, count))
            .collect(),
    })
}

fn say(message: &FromEngine) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}
