//! PyO3 glue: the module `media._engine`. Parses arguments, releases the GIL, calls the runtime.

mod synthetic;

use std::os::fd::BorrowedFd;
use std::str::FromStr as _;

use engine_runtime::api::{Command, Source, TransportKind};
use engine_runtime::{Engine as Runtime, EngineConfig};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// The engine: one thread per worker, each owning one UDP and one TCP port.
#[pyclass(module = "media._engine", frozen)]
struct Engine {
    runtime: Runtime,
}

fn sources(names: Vec<String>) -> PyResult<Vec<Source>> {
    names.iter().map(|name| source(name)).collect()
}

fn source(name: &str) -> PyResult<Source> {
    Source::parse(name).ok_or_else(|| PyValueError::new_err(format!("unknown source {name:?}")))
}

impl Engine {
    fn request(&self, py: Python<'_>, room_id: &str, command: Command) -> u64 {
        py.detach(|| self.runtime.request(room_id, command))
    }
}

#[pymethods]
impl Engine {
    #[new]
    fn new(py: Python<'_>, config: &str) -> PyResult<Engine> {
        let config = EngineConfig::from_json(config).map_err(PyValueError::new_err)?;
        let runtime =
            py.detach(|| Runtime::start(&config))
                .map_err(|error| match error.kind() {
                    std::io::ErrorKind::InvalidInput => PyValueError::new_err(error.to_string()),
                    _ => PyOSError::new_err(error.to_string()),
                })?;
        Ok(Engine { runtime })
    }

    #[getter]
    fn event_fd(&self) -> i32 {
        self.runtime.event_fd()
    }

    #[pyo3(signature = (max_events = 1024))]
    fn poll_events<'py>(&self, py: Python<'py>, max_events: usize) -> Bound<'py, PyBytes> {
        let batch = py.detach(|| self.runtime.take_events_json(max_events));
        PyBytes::new(py, &batch)
    }

    fn create_room(&self, py: Python<'_>, room_id: &str) -> u64 {
        self.request(py, room_id, Command::CreateRoom)
    }

    fn close_room(&self, py: Python<'_>, room_id: &str) -> u64 {
        self.request(py, room_id, Command::CloseRoom)
    }

    fn add_peer(
        &self,
        py: Python<'_>,
        room_id: &str,
        peer_id: String,
        publish: Vec<String>,
        audio_slots: u32,
        video_slots: u32,
    ) -> PyResult<u64> {
        let publish = sources(publish)?;
        let command = Command::AddPeer {
            peer_id,
            publish,
            audio_slots,
            video_slots,
        };
        Ok(self.request(py, room_id, command))
    }

    fn remove_peer(&self, py: Python<'_>, room_id: &str, peer_id: String) -> u64 {
        self.request(py, room_id, Command::RemovePeer { peer_id })
    }

    fn set_grant(
        &self,
        py: Python<'_>,
        room_id: &str,
        peer_id: String,
        publish: Vec<String>,
    ) -> PyResult<u64> {
        let publish = sources(publish)?;
        Ok(self.request(py, room_id, Command::SetGrant { peer_id, publish }))
    }

    fn publish(
        &self,
        py: Python<'_>,
        room_id: &str,
        peer_id: String,
        sdp: String,
        tracks: Vec<(String, String)>,
        fresh: bool,
    ) -> PyResult<u64> {
        let tracks = tracks
            .into_iter()
            .map(|(mid, name)| source(&name).map(|source| (mid, source)))
            .collect::<PyResult<Vec<_>>>()?;
        Ok(self.request(
            py,
            room_id,
            Command::Publish {
                peer_id,
                sdp,
                tracks,
                fresh,
            },
        ))
    }

    fn subscribe(&self, py: Python<'_>, room_id: &str, peer_id: String, fresh: bool) -> u64 {
        self.request(py, room_id, Command::Subscribe { peer_id, fresh })
    }

    fn subscribe_offered(
        &self,
        py: Python<'_>,
        room_id: &str,
        peer_id: String,
        sdp: String,
        fresh: bool,
    ) -> u64 {
        let command = Command::SubscribeOffered {
            peer_id,
            sdp,
            fresh,
        };
        self.request(py, room_id, command)
    }

    fn answer(&self, py: Python<'_>, room_id: &str, peer_id: String, sdp: String) -> u64 {
        self.request(py, room_id, Command::Answer { peer_id, sdp })
    }

    fn add_candidate(
        &self,
        py: Python<'_>,
        room_id: &str,
        peer_id: String,
        transport: &str,
        candidate: String,
    ) -> PyResult<u64> {
        let transport = TransportKind::from_str(transport)
            .map_err(|()| PyValueError::new_err(format!("unknown transport {transport:?}")))?;
        let command = Command::AddCandidate {
            peer_id,
            transport,
            candidate,
        };
        Ok(self.request(py, room_id, command))
    }

    fn set_muted(
        &self,
        py: Python<'_>,
        room_id: &str,
        peer_id: String,
        source: &str,
        muted: bool,
    ) -> PyResult<u64> {
        let source = self::source(source)?;
        Ok(self.request(
            py,
            room_id,
            Command::SetMuted {
                peer_id,
                source,
                muted,
            },
        ))
    }

    fn set_audience(
        &self,
        py: Python<'_>,
        room_id: &str,
        peer_id: String,
        source: &str,
        audience: Option<Vec<String>>,
    ) -> PyResult<u64> {
        let source = self::source(source)?;
        Ok(self.request(
            py,
            room_id,
            Command::SetAudience {
                peer_id,
                source,
                audience,
            },
        ))
    }

    #[allow(clippy::too_many_arguments)] // The stub's signature.
    fn set_view(
        &self,
        py: Python<'_>,
        room_id: &str,
        peer_id: String,
        publisher_id: String,
        source: &str,
        width: u32,
        height: u32,
    ) -> PyResult<u64> {
        let source = self::source(source)?;
        let command = Command::SetView {
            peer_id,
            publisher_id,
            source,
            width,
            height,
        };
        Ok(self.request(py, room_id, command))
    }

    fn open_sink(&self, py: Python<'_>, room_id: &str, fd: i32) -> PyResult<u64> {
        // SAFETY: the descriptor is the caller's and open while it is duplicated.
        let pipe = unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned()?;
        py.detach(|| self.runtime.open_sink(room_id, pipe))
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => PyValueError::new_err("no such room"),
                _ => PyOSError::new_err(error.to_string()),
            })
    }

    fn close_sink(&self, py: Python<'_>, sink: u64) {
        py.detach(|| self.runtime.close_sink(sink));
    }

    fn start_tap(
        &self,
        py: Python<'_>,
        room_id: &str,
        peer_id: String,
        source: &str,
        sink: u64,
        track: u32,
    ) -> PyResult<u64> {
        let source = self::source(source)?;
        let command = Command::StartTap {
            peer_id,
            source,
            sink,
            track,
        };
        Ok(self.request(py, room_id, command))
    }

    fn stop_tap(&self, py: Python<'_>, room_id: &str, sink: u64, track: u32) -> u64 {
        self.request(py, room_id, Command::StopTap { sink, track })
    }

    fn metrics(&self, py: Python<'_>) -> String {
        py.detach(|| self.runtime.metrics_json())
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.runtime.close());
    }
}

#[pyfunction]
fn version() -> String {
    engine_runtime::version()
}

#[pymodule]
fn _engine(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Engine>()?;
    module.add_class::<synthetic::SyntheticPeers>()?;
    module.add_function(wrap_pyfunction!(version, module)?)
}
