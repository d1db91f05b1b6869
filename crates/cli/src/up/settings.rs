//! What `redress up` makes up once and keeps: keys, passwords, ports; and the settings that it gives
//! each service from them.

use std::path::Path;

use jiff::Timestamp;
use redress_local::{Postgres, free_listener};
use redress_rpc::auth::Issuer;
use redress_runtime::settings::ClockSettings;
use redress_store::Role;
use secrecy::{ExposeSecret as _, SecretString};

use super::PortMap;
use crate::args::ServiceArg;
use crate::commands::token::LOCAL_ISSUER;
use crate::connect::{Endpoints, Home};
use crate::failure::Failure;

/// Id of the first key-encryption key.
const KEK_ID: &str = "local-1";

/// Database passwords.
#[derive(Debug)]
pub(crate) struct Secrets {
    seed: SecretString,
}

impl Secrets {
    /// The issuer key and the passwords of this data folder, made where they are missing: the data does not
    /// depend on them.
    pub(crate) fn of(home: &Home) -> Result<Self, Failure> {
        if !home.issuer_key().exists() {
            Issuer::generate_key_file(&home.issuer_key())
                .map_err(|e| Failure::platform("the issuer key cannot be made", e))?;
        }
        let path = home.folder().join("database.secret");
        if !path.exists() {
            write_private(&path, &random_text())?;
        }
        let seed = std::fs::read_to_string(&path).map_err(|source| Failure::File {
            what: "cannot read",
            path: path.display().to_string(),
            source,
        })?;
        Ok(Self {
            seed: seed.trim().to_owned().into(),
        })
    }

    /// The password of a service's role.
    pub(crate) fn password(&self, service: &str, role: Role) -> SecretString {
        format!("{}-{}", self.seed.expose_secret(), role.name(service)).into()
    }
}

/// Sees to it that the sealing keys are there: made for a home without data, and refused over data, which only the
/// lost ones open. Asked before the database starts, so that a crash in between leaves no data without keys.
pub(crate) fn keep_sealing_keys(home: &Home) -> Result<(), Failure> {
    if home.vault_key().exists() {
        return Ok(());
    }
    if Postgres::has_data(home.folder()) {
        return Err(Failure::KeysLost {
            path: home.vault_key().display().to_string(),
        });
    }
    new_sealing_keys(home)
}

/// New sealing keys, once what the old ones sealed is gone.
pub(crate) fn new_sealing_keys(home: &Home) -> Result<(), Failure> {
    write_private(
        &home.vault_key(),
        redress_vault::generate_key_file(KEK_ID).expose_secret(),
    )
}

/// 122 random bits as text.
fn random_text() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Where the services listen.
#[derive(Debug)]
pub(crate) struct Ports(PortMap);

impl Ports {
    /// The ports of the last start where they are free, else new ones.
    pub(crate) fn of(home: &Home) -> Result<Self, Failure> {
        let path = home.folder().join("ports.json");
        let mut ports: PortMap = std::fs::read_to_string(&path)
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        // All listeners are held until every port is chosen, so that no two services get the same.
        let mut held = Vec::new();
        for service in ServiceArg::ALL {
            let kept = ports.get(service.name()).copied();
            let listener = free_listener(kept)
                .map_err(|e| Failure::platform("no port is free on 127.0.0.1", e))?;
            let port = listener
                .local_addr()
                .map_err(|e| Failure::platform("no port is free on 127.0.0.1", e))?
                .port();
            ports.insert(service.name().to_owned(), port);
            held.push(listener);
        }
        let text = serde_json::to_string_pretty(&ports)
            .map_err(|e| Failure::platform("the ports cannot be written", e))?;
        write_private(&path, &text)?;
        Ok(Self(ports))
    }

    /// Service → URL.
    pub(crate) fn endpoints(&self) -> Endpoints {
        self.0
            .iter()
            .map(|(service, port)| (service.clone(), format!("http://127.0.0.1:{port}")))
            .collect()
    }
}

/// What a service on this machine has other than by default, as TOML.
pub(crate) fn overlay(
    home: &Home,
    service: &str,
    ports: &Ports,
    redis: &str,
    log: &str,
    clock: ClockSettings,
    url: impl Fn(Role) -> SecretString,
) -> String {
    let mut table = toml::Table::new();
    let mut section = |name: &str, entries: Vec<(&str, toml::Value)>| {
        let entries = entries
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v))
            .collect::<toml::Table>();
        table.insert(name.to_owned(), entries.into());
    };
    let port = ports.0.get(service).copied().unwrap_or(0);
    section(
        "server",
        vec![
            ("listen", format!("127.0.0.1:{port}").into()),
            // Pages under development come from any origin; a token is still asked for.
            ("cors_origins", vec![toml::Value::from("*")].into()),
        ],
    );
    section(
        "database",
        vec![
            ("app_url", url(Role::App).expose_secret().into()),
            ("worker_url", url(Role::Worker).expose_secret().into()),
            ("owner_url", url(Role::Owner).expose_secret().into()),
        ],
    );
    section("redis", vec![("url", redis.into())]);
    section(
        "platform",
        vec![
            ("issuer", LOCAL_ISSUER.into()),
            ("key_file", shown(&home.issuer_key())),
        ],
    );
    section("vault", vec![("key_file", shown(&home.vault_key()))]);
    let mut telemetry = vec![("filter", log.into())];
    if clock.is_rehearsal() {
        // Whoever watches the real platform is not alarmed by a rehearsal.
        telemetry.push(("otlp_endpoint", "off".into()));
    }
    section("telemetry", telemetry);
    let instant = |t: Option<Timestamp>| t.map(|t| toml::Value::from(t.to_string()));
    let parts = [
        ("rate", clock.rate.map(toml::Value::from)),
        ("origin", instant(clock.origin)),
        ("started", instant(clock.started)),
    ];
    let given = |(key, value): (&'static str, Option<_>)| value.map(|value| (key, value));
    section("clock", parts.into_iter().filter_map(given).collect());
    section(
        "peers",
        ports
            .endpoints()
            .iter()
            .map(|(name, url)| (name.as_str(), url.clone().into()))
            .collect(),
    );
    table.to_string()
}

fn shown(path: &Path) -> toml::Value {
    path.display().to_string().into()
}

/// Writes a file that only its owner can read, whole or not at all.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    let failed = |source| Failure::File {
        what: "cannot write",
        path: path.display().to_string(),
        source,
    };
    let draft = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .map_err(failed)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    std::fs::rename(&draft, path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_sealing_keys_are_made_anew_only_where_nothing_was_sealed() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let home = Home::new(folder.path());
        keep_sealing_keys(&home).expect("nothing is sealed yet");
        let first = std::fs::read(home.vault_key()).expect("they were made");

        let data = folder.path().join("postgres/data");
        std::fs::create_dir_all(&data).expect("a folder can be made");
        std::fs::write(data.join("PG_VERSION"), "15\n").expect("a file can be written");
        keep_sealing_keys(&home).expect("they are there");
        let kept = std::fs::read(home.vault_key()).expect("they were kept");
        assert!(first == kept, "the keys of data stay");

        std::fs::remove_file(home.vault_key()).expect("a file can be removed");
        let said = keep_sealing_keys(&home)
            .expect_err("what is sealed needs its keys")
            .to_string();
        assert!(
            said.contains("vault.key is missing") && said.contains("redress up --fresh"),
            "{said}"
        );
        assert!(!home.vault_key().exists(), "none is made over data");
    }
}
