//! PyO3 glue of the synthetic peers: `media._engine.SyntheticPeers`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use synthetic_peers::{Clip, Fleet, FleetError, Layer};

/// Peers of a load run, all driven by one thread.
#[pyclass(module = "media._engine", frozen)]
pub struct SyntheticPeers {
    fleet: Fleet,
}

/// A `Sample` as the stub has it. Tens of thousands come a second in a large run, too many to be read as text.
type Seen = (String, String, bool, u64, u64, Option<u64>, bool, usize);

fn raised(error: FleetError) -> PyErr {
    match error {
        FleetError::Refused(why) => PyValueError::new_err(why),
        FleetError::Io(error) => PyOSError::new_err(error.to_string()),
        FleetError::Closed => PyRuntimeError::new_err("closed"),
    }
}

fn json<T: serde::Serialize>(value: &T) -> PyResult<String> {
    serde_json::to_string(value).map_err(|error| PyRuntimeError::new_err(error.to_string()))
}

#[pymethods]
impl SyntheticPeers {
    #[new]
    #[pyo3(signature = (bind_ip = "127.0.0.1"))]
    fn new(py: Python<'_>, bind_ip: &str) -> PyResult<SyntheticPeers> {
        let ip: IpAddr = bind_ip
            .parse()
            .map_err(|_| PyValueError::new_err(format!("no address: {bind_ip:?}")))?;
        let fleet = py
            .detach(|| Fleet::start(ip))
            .map_err(|error| PyOSError::new_err(error.to_string()))?;
        Ok(SyntheticPeers { fleet })
    }

    #[allow(clippy::type_complexity)] // The stub's signature.
    fn add_clip(
        &self,
        py: Python<'_>,
        video: bool,
        layers: Vec<(Option<String>, u64, u64, Vec<Vec<u8>>)>,
    ) -> PyResult<usize> {
        let layers = layers
            .into_iter()
            .map(|(rid, bitrate, interval_us, frames)| Layer {
                rid,
                bitrate,
                interval: Duration::from_micros(interval_us.max(1)),
                frames: frames.into_iter().map(Arc::from).collect(),
            })
            .collect();
        py.detach(|| self.fleet.add_clip(Clip { video, layers }))
            .map_err(raised)
    }

    #[allow(clippy::type_complexity)] // The stub's signature.
    fn offer(
        &self,
        py: Python<'_>,
        peer: String,
        sources: Vec<(String, usize)>,
    ) -> PyResult<(String, Vec<(String, String)>)> {
        py.detach(|| self.fleet.offer(peer, sources))
            .map_err(raised)
    }

    fn accept(&self, py: Python<'_>, peer: String, sdp: String) -> PyResult<()> {
        py.detach(|| self.fleet.accept(peer, sdp)).map_err(raised)
    }

    fn answer(&self, py: Python<'_>, peer: String, sdp: String) -> PyResult<String> {
        py.detach(|| self.fleet.answer(peer, sdp)).map_err(raised)
    }

    fn carries(
        &self,
        py: Python<'_>,
        peer: String,
        mid: String,
        publisher: Option<(String, String)>,
    ) -> PyResult<()> {
        py.detach(|| self.fleet.carries(peer, mid, publisher))
            .map_err(raised)
    }

    fn speak(&self, py: Python<'_>, peer: String, level: i8) -> PyResult<()> {
        py.detach(|| self.fleet.speak(peer, level)).map_err(raised)
    }

    fn layers_wanted(
        &self,
        py: Python<'_>,
        peer: String,
        source: String,
        rids: Vec<String>,
    ) -> PyResult<()> {
        py.detach(|| self.fleet.layers_wanted(peer, source, rids))
            .map_err(raised)
    }

    fn remove(&self, py: Python<'_>, peer: String) -> PyResult<()> {
        py.detach(|| self.fleet.remove(peer)).map_err(raised)
    }

    fn tap(&self, py: Python<'_>, peer: String) -> PyResult<()> {
        py.detach(|| self.fleet.tap(peer)).map_err(raised)
    }

    #[allow(clippy::type_complexity)] // The stub's signature.
    fn take_frames<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Vec<(u64, String, Bound<'py, PyBytes>)>> {
        let frames = py.detach(|| self.fleet.take_frames()).map_err(raised)?;
        let frames = frames.into_iter();
        Ok(frames
            .map(|(at_us, mid, data)| (at_us, mid, PyBytes::new(py, &data)))
            .collect())
    }

    fn take_samples(&self, py: Python<'_>) -> PyResult<Vec<Seen>> {
        let samples = py.detach(|| self.fleet.take_samples()).map_err(raised)?;
        let samples = samples.into_iter();
        Ok(samples
            .map(|one| {
                let whole = one.index.is_some();
                let latency_us = one.latency_us;
                (
                    one.peer,
                    one.mid,
                    one.video,
                    one.at_us,
                    one.sequence,
                    latency_us,
                    whole,
                    one.bytes,
                )
            })
            .collect())
    }

    fn reports(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| self.fleet.reports().map(|reports| json(&reports)))
            .map_err(raised)?
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.fleet.close());
    }
}
