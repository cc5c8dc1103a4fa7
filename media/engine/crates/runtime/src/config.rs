//! Settings of the engine (`media.types.EngineConfig` as JSON).

use std::net::IpAddr;

use engine_core::codec::Codec;
use engine_core::session::table::codec_by_name;
use serde::Deserialize;

/// Most workers; more cores than that want several processes.
const MAX_WORKERS: usize = 64;

#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct EngineConfig {
    pub bind_ip: IpAddr,
    /// Put into SDP as ICE host candidates.
    pub advertised_ips: Vec<IpAddr>,
    /// Worker *i* owns UDP and TCP port `port_base + i`; 0 lets the system choose.
    pub port_base: u16,
    pub workers: usize,
    pub event_capacity: usize,
    pub stats_interval_ms: u64,
    pub ice_tcp: bool,
    /// In order of preference.
    pub video_codecs: Vec<String>,
}

impl Default for EngineConfig {
    fn default() -> Self {
        let loopback = IpAddr::from([127, 0, 0, 1]);
        EngineConfig {
            bind_ip: loopback,
            advertised_ips: vec![loopback],
            port_base: 0,
            workers: 1,
            event_capacity: 8192,
            stats_interval_ms: 2000,
            ice_tcp: true,
            video_codecs: ["VP8", "H264", "VP9", "AV1"].map(str::to_owned).to_vec(),
        }
    }
}

impl EngineConfig {
    /// # Errors
    /// What is wrong with the text or a value in it.
    pub fn from_json(text: &str) -> Result<EngineConfig, String> {
        let config: EngineConfig = serde_json::from_str(text).map_err(|e| e.to_string())?;
        config.check()?;
        Ok(config)
    }

    /// # Errors
    /// Which value cannot be.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=MAX_WORKERS).contains(&self.workers) {
            return Err(format!("workers must be 1 to {MAX_WORKERS}"));
        }
        if self.port_base != 0 && usize::from(self.port_base) + self.workers > 65_536 {
            return Err("port_base leaves no room for the workers' ports".into());
        }
        if self.advertised_ips.is_empty() {
            return Err("advertised_ips is empty".into());
        }
        if self.event_capacity == 0 || self.stats_interval_ms < 100 {
            return Err("event_capacity or stats_interval_ms too small".into());
        }
        self.codecs().map(|_| ())
    }

    /// # Errors
    /// A name that is no video codec of the engine, or none at all.
    pub fn codecs(&self) -> Result<Vec<Codec>, String> {
        let codecs = self
            .video_codecs
            .iter()
            .map(|name| codec_by_name(name).filter(|c| c.is_video()).ok_or(name))
            .collect::<Result<Vec<Codec>, _>>()
            .map_err(|name| format!("unknown video codec {name}"))?;
        if codecs.is_empty() {
            return Err("video_codecs is empty".into());
        }
        Ok(codecs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_python_writes() {
        let text = r#"{"bind_ip": "0.0.0.0", "advertised_ips": ["203.0.113.7", "2001:db8::7"], "port_base": 4000,
            "workers": 2, "event_capacity": 100, "stats_interval_ms": 1000, "ice_tcp": false,
            "video_codecs": ["h264", "VP8"]}"#;
        let config = EngineConfig::from_json(text).unwrap();
        assert_eq!(config.codecs().unwrap(), [Codec::H264, Codec::Vp8]);
        assert_eq!(config.advertised_ips.len(), 2);
    }

    #[test]
    fn refuses_what_cannot_be() {
        for text in [
            "",
            r#"{"workers": 0}"#,
            r#"{"bind_ip": "nowhere"}"#,
            r#"{"advertised_ips": []}"#,
            r#"{"video_codecs": ["opus"]}"#,
            r#"{"port_base": 65535, "workers": 2}"#,
        ] {
            assert!(EngineConfig::from_json(text).is_err(), "{text}");
        }
    }
}
