//! The configuration that every service shares, as types. Keys, defaults and meanings stand in
//! `config.toml`, which is compiled in.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use redress_rpc::gate::Limits;
use redress_store::DatabaseSettings;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use jiff::Timestamp;
use redress_model::time::{ScaledClock, SharedClock, SystemClock};

/// What every service shares.
#[derive(Debug, Clone)]
pub struct Common {
    /// Section `[server]`.
    pub server: ServerSettings,
    /// Section `[database]`.
    pub database: DatabaseSettings,
    /// Section `[redis]`.
    pub redis: RedisSettings,
    /// Section `[clock]`.
    pub clock: ClockSettings,
    /// Section `[auth]`.
    pub auth: AuthSettings,
    /// Section `[platform]`.
    pub platform: PlatformSettings,
    /// Section `[peers]`: URLs of the services by name.
    pub peers: BTreeMap<String, String>,
    /// Section `[peers_tls]`.
    pub peers_tls: PeersTlsSettings,
    /// Section `[roles]`: permissions by role.
    pub roles: BTreeMap<String, Vec<String>>,
    /// Section `[limits]`.
    pub limits: LimitSettings,
    /// Section `[telemetry]`.
    pub telemetry: TelemetrySettings,
    /// Section `[vault]`.
    pub vault: VaultSettings,
}

/// The whole configuration of a service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whole<S> {
    server: ServerSettings,
    database: DatabaseSettings,
    redis: RedisSettings,
    clock: ClockSettings,
    auth: AuthSettings,
    platform: PlatformSettings,
    peers: BTreeMap<String, String>,
    #[serde(default)]
    peers_tls: PeersTlsSettings,
    roles: BTreeMap<String, Vec<String>>,
    limits: LimitSettings,
    telemetry: TelemetrySettings,
    vault: VaultSettings,
    service: S,
}

impl<S> Whole<S> {
    /// What is shared, and what is the service's own.
    pub(crate) fn split(self) -> (Common, S) {
        let common = Common {
            server: self.server,
            database: self.database,
            redis: self.redis,
            clock: self.clock,
            auth: self.auth,
            platform: self.platform,
            peers: self.peers,
            peers_tls: self.peers_tls,
            roles: self.roles,
            limits: self.limits,
            telemetry: self.telemetry,
            vault: self.vault,
        };
        (common, self.service)
    }
}

/// Settings of a service that has none of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

/// How the process listens and stops.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    /// Address.
    pub listen: SocketAddr,
    /// Web origins that may call.
    pub cors_origins: Vec<String>,
    /// Pause between "not serving" and closing the door.
    pub drain_wait_seconds: u64,
    /// Time for calls in flight to end.
    pub drain_limit_seconds: u64,
    /// Worker threads; 0 is one for each core.
    pub threads: usize,
    /// Section `[server.tls]`; absent: in the clear.
    #[serde(default)]
    pub tls: Option<ServerTlsSettings>,
}

/// What the server shows, and whom it asks for the like.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerTlsSettings {
    /// Its certificate and those between it and the root, PEM.
    pub cert_file: PathBuf,
    /// The key of the certificate, PEM.
    pub key_file: PathBuf,
    /// Authorities of which clients need a certificate, PEM; absent: clients need none.
    #[serde(default)]
    pub client_ca_file: Option<PathBuf>,
}

/// What calls to peers trust and show.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeersTlsSettings {
    /// Authorities of the peers' certificates, PEM; absent: the machine's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Certificate to show, PEM.
    #[serde(default)]
    pub cert_file: Option<PathBuf>,
    /// The key of that certificate, PEM.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
}

/// Where Redis is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisSettings {
    /// URL, several of a cluster separated by commas; empty for none.
    pub url: String,
}

impl RedisSettings {
    /// The URLs; none without Redis, several for a cluster.
    pub fn urls(&self) -> Vec<String> {
        self.url
            .split(',')
            .map(str::trim)
            .filter(|u| !u.is_empty())
            .map(ToOwned::to_owned)
            .collect()
    }
}

/// The clock of a rehearsal; all absent: the machine's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockSettings {
    /// How many times as fast as the machine's.
    #[serde(default)]
    pub rate: Option<u32>,
    /// What it showed at `started`.
    #[serde(default)]
    pub origin: Option<Timestamp>,
    /// What the machine's showed at `origin`.
    #[serde(default)]
    pub started: Option<Timestamp>,
}

impl ClockSettings {
    /// Whether this is a rehearsal: nothing may reach anybody.
    pub fn is_rehearsal(self) -> bool {
        self != Self::default()
    }

    /// The clock of the business; none where the settings contradict themselves.
    pub fn clock(self) -> Option<SharedClock> {
        match (self.rate, self.origin, self.started) {
            (None, None, None) => Some(Arc::new(SystemClock)),
            (Some(rate), Some(origin), Some(started)) => {
                let clock = ScaledClock::new(origin, started, rate)?;
                Some(Arc::new(clock))
            }
            _ => None,
        }
    }
}

/// Whose tokens are accepted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthSettings {
    /// How far clocks may differ.
    pub leeway_seconds: i64,
    /// Issuers by name.
    #[serde(default)]
    pub issuers: BTreeMap<String, IssuerSettings>,
}

/// One issuer of tokens for people and portals.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerSettings {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// The `aud` of its tokens.
    #[serde(default = "user_audience")]
    pub audience: String,
    /// URL of its keys.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// File with its keys.
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
}

fn user_audience() -> String {
    redress_rpc::auth::USER_AUDIENCE.to_owned()
}

/// The platform's own issuer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformSettings {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// Its private key.
    pub key_file: PathBuf,
    /// Its public keys; empty for the one of `key_file`.
    pub jwks_file: PathBuf,
}

/// How much the process takes on.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSettings {
    /// Longest time for a call that does not stream.
    pub deadline_seconds: u64,
    /// Calls at the same time.
    pub calls_max: usize,
    /// Streams at the same time.
    pub streams_max: usize,
}

impl From<LimitSettings> for Limits {
    fn from(settings: LimitSettings) -> Self {
        Self {
            deadline_max: Duration::from_secs(settings.deadline_seconds),
            calls_max: settings.calls_max,
            streams_max: settings.streams_max,
        }
    }
}

/// What is told about the process.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetrySettings {
    /// Which logs; traces do not depend on it.
    pub filter: String,
    /// Logs on standard error.
    pub logs: Logs,
    /// Where OTLP goes; empty for the standard variables, "off" for nowhere.
    pub otlp_endpoint: String,
    /// How many sites a metric may name, the worst first; 0 for none.
    pub top_sites: u32,
}

/// How logs look on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Logs {
    /// Text unless logs go out by OTLP.
    Auto,
    /// For people.
    Text,
    /// For machines, one object a line.
    Json,
    /// None.
    Off,
}

/// Where keys are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultSettings {
    /// The key file.
    pub key_file: PathBuf,
}
