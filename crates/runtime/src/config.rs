//! Reads the configuration: what is compiled in, then a file, then the environment. Whatever is wrong
//! is told in one sentence that names the key and what to do.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::error::Kind;
use figment::providers::{Env, Format as _, Toml};
use redress_model::time::RATE_MAX;
use redress_rpc::client::check_address;
use redress_rpc::roles::Roles;
use redress_store::SERVICES;
use serde::de::DeserializeOwned;

use crate::settings::{Common, Whole};
use crate::telemetry;

const COMMON: &str = include_str!("../config.toml");
const ROLES: &str = include_str!("../roles.toml");

/// Where configuration comes from beyond the defaults, in this order.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A file.
    pub file: Option<PathBuf>,
    /// TOML text, for a host that configures its services itself.
    pub overlay: Option<String>,
    /// Whether the environment counts.
    pub environment: bool,
}

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// The roles that come with the product; a platform may say otherwise (section `[roles]`).
///
/// # Errors
/// When they cannot be read, which a test keeps from being so.
pub fn shipped_roles() -> Result<Roles, ConfigError> {
    #[derive(serde::Deserialize)]
    struct Shipped {
        roles: BTreeMap<String, Vec<String>>,
    }
    let shipped: Shipped = Figment::from(Toml::string(ROLES))
        .extract()
        .map_err(|e| ConfigError(e.to_string()))?;
    Ok(Roles::new(shipped.roles))
}

/// Reads the configuration of a service.
///
/// # Errors
/// The first thing that is wrong.
pub fn load<S: DeserializeOwned>(
    service: &str,
    defaults: &str,
    sources: &Sources,
) -> Result<(Common, S), ConfigError> {
    let mut figment = Figment::from(Toml::string(COMMON))
        .merge(Toml::string(ROLES))
        .merge(Toml::string(defaults));
    if let Some(file) = &sources.file {
        if !file.is_file() {
            return Err(ConfigError(format!(
                "the configuration file {} does not exist; check --config",
                file.display()
            )));
        }
        figment = figment.merge(Toml::file_exact(file));
    }
    if let Some(overlay) = &sources.overlay {
        figment = figment.merge(Toml::string(overlay));
    }
    if sources.environment {
        let prefix = environment_prefix(service);
        figment = figment
            .merge(Env::prefixed("REDRESS__").split("__"))
            .merge(Env::prefixed(&prefix).split("__"));
    }
    let whole: Whole<S> = figment.extract().map_err(|e| explain(service, e))?;
    let (common, own) = whole.split();
    check(&common)?;
    Ok((common, own))
}

/// What types cannot say.
fn check(common: &Common) -> Result<(), ConfigError> {
    let wrong = |text: String| Err(ConfigError(text));
    for (name, issuer) in &common.auth.issuers {
        if issuer.jwks_url.is_some() == issuer.jwks_file.is_some() {
            return wrong(format!(
                "auth.issuers.{name} needs either jwks_url or jwks_file; give exactly one"
            ));
        }
    }
    if common.clock.clock().is_none() {
        return wrong(format!(
            "clock.rate, clock.origin and clock.started make a rehearsal together; give all three with a rate from 1 to {RATE_MAX}, or none"
        ));
    }
    if common.clock.is_rehearsal()
        && let Some((name, _)) = common.peers.iter().find(|(_, url)| !is_here(url))
    {
        return wrong(format!(
            "peers.{name} is another machine, and clock.rate makes this a rehearsal, which stays on its own; remove one of them"
        ));
    }
    if let Some(peer) = common.peers.keys().find(|p| !is_service(p)) {
        return wrong(format!(
            "peers.{peer} is not a known key; remove it, or use one of: {}",
            SERVICES.join(", ")
        ));
    }
    for origin in &common.server.cors_origins {
        if origin != "*" && !is_origin(origin) {
            return wrong(format!(
                "server.cors_origins holds {origin:?}, which is no web origin; write it like https://portal.example.com"
            ));
        }
    }
    for (key, value) in [
        ("limits.calls_max", common.limits.calls_max),
        ("limits.streams_max", common.limits.streams_max),
    ] {
        if value == 0 {
            return wrong(format!(
                "{key} is 0, so nobody could call; set it to 1 or more"
            ));
        }
    }
    if common.limits.deadline_seconds == 0 {
        return wrong(
            "limits.deadline_seconds is 0, so no call could end in time; set it to 1 or more"
                .into(),
        );
    }
    Ok(())
}

fn is_service(name: &str) -> bool {
    SERVICES.contains(&name)
}

/// Whether it is what a browser sends as the origin of a page. Anything else would match no page, and nobody would
/// be told.
fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<http::Uri>() else {
        return false;
    };
    match (uri.scheme_str(), uri.authority()) {
        (Some(scheme), Some(authority)) => {
            let origin = format!("{scheme}://{authority}");
            text == origin && text == text.to_lowercase() && !text.contains('@')
        }
        _ => false,
    }
}

/// Whether a URL leads to this machine.
fn is_here(url: &str) -> bool {
    let host = url.parse::<http::Uri>().ok();
    let host = host.as_ref().and_then(http::Uri::host).unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// What only a process that serves needs: that it is there, and that it is no nonsense.
///
/// # Errors
/// The first key that is missing or wrong.
pub fn check_serving(common: &Common, service: &str) -> Result<(), ConfigError> {
    use secrecy::ExposeSecret as _;
    let needed = [
        (
            "database.app_url",
            common.database.app_url.expose_secret().is_empty(),
        ),
        (
            "database.worker_url",
            common.database.worker_url.expose_secret().is_empty(),
        ),
        ("platform.key_file", is_empty(&common.platform.key_file)),
        ("vault.key_file", is_empty(&common.vault.key_file)),
    ];
    if let Some((key, _)) = needed.iter().find(|(_, missing)| *missing) {
        return Err(ConfigError(format!(
            "{key} is missing; set it in the file given by --config or as {}",
            variable(service, key)
        )));
    }
    let told = |error: &dyn std::error::Error| ConfigError(error.to_string());
    common.database.check().map_err(|e| told(&e))?;
    for (peer, url) in &common.peers {
        check_address(peer, url).map_err(|e| told(&e))?;
    }
    telemetry::check(&common.telemetry).map_err(|e| told(&e))
}

fn is_empty(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

/// One sentence about what figment found.
fn explain(service: &str, error: figment::Error) -> ConfigError {
    let path = error.path.join(".");
    let source = error
        .metadata
        .as_ref()
        .map_or_else(String::new, |m| match &m.source {
            Some(source) => format!(" (in {source})"),
            None => format!(" (in {})", m.name),
        });
    // The path names the field where it exists, and stops above it where it does not.
    let at = |field: &str| match error.path.last() {
        None => field.to_owned(),
        Some(last) if last == field => path.clone(),
        Some(_) => format!("{path}.{field}"),
    };
    ConfigError(match &error.kind {
        Kind::UnknownField(field, known) => format!(
            "{} is not a known key{source}; remove it, or use one of: {}",
            at(field),
            known.join(", ")
        ),
        Kind::MissingField(field) => {
            let key = at(field);
            let variable = variable(service, &key);
            format!("{key} is missing; set it in the file given by --config or as {variable}")
        }
        Kind::InvalidType(actual, expected) => {
            format!("{path} must be {expected}, but is {actual}{source}; correct it")
        }
        Kind::InvalidValue(actual, expected) => {
            format!("{path} must be {expected}, but is {actual}{source}; correct it")
        }
        Kind::UnknownVariant(actual, known) => format!(
            "{path} is {actual:?}{source}; use one of: {}",
            known.join(", ")
        ),
        Kind::Message(_)
        | Kind::InvalidLength(..)
        | Kind::DuplicateField(_)
        | Kind::ISizeOutOfRange(_)
        | Kind::USizeOutOfRange(_)
        | Kind::Unsupported(_)
        | Kind::UnsupportedKey(..) => {
            let key = if path.is_empty() {
                "the configuration"
            } else {
                &path
            };
            format!("{key} cannot be read{source}: {}; correct it", error.kind)
        }
    })
}

fn environment_prefix(service: &str) -> String {
    format!("REDRESS_{}__", service.to_uppercase())
}

fn variable(service: &str, key: &str) -> String {
    let key = key.to_uppercase().replace('.', "__");
    format!("{}{key}", environment_prefix(service))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::NoSettings;

    fn read(overlay: &str) -> Result<Common, ConfigError> {
        let sources = Sources {
            overlay: Some(overlay.to_owned()),
            ..Sources::default()
        };
        load::<NoSettings>("intake", "[server]\nlisten = \"127.0.0.1:7401\"", &sources)
            .map(|(common, _)| common)
    }

    fn error(overlay: &str) -> String {
        read(overlay).expect_err("wrong").to_string()
    }

    #[test]
    fn defaults_are_complete_and_a_file_lies_on_top() {
        let common = read("[limits]\ncalls_max = 7").expect("right");
        assert_eq!(common.server.listen.port(), 7401);
        assert_eq!(common.limits.calls_max, 7);
        assert_eq!(common.limits.streams_max, 1024);
        assert!(common.roles["clerk"].contains(&"cases.create".to_owned()));
    }

    #[test]
    fn an_unknown_key_is_named_with_the_known_ones() {
        let text = error("[server]\nlisten_on = \"x\"");
        assert!(
            text.starts_with("server.listen_on is not a known key"),
            "{text}"
        );
        assert!(text.contains("listen, cors_origins"), "{text}");
        assert!(error("[serwer]\nlisten = 1").starts_with("serwer is not a known key"));
        assert!(error("[service]\nx = 1").starts_with("service.x is not a known key"));
    }

    #[test]
    fn a_wrong_value_is_named_with_what_is_right() {
        let text = error("[limits]\ncalls_max = \"many\"");
        assert!(text.starts_with("limits.calls_max must be"), "{text}");
        let text = error("[server]\nlisten = \"nowhere\"");
        assert!(text.starts_with("server.listen cannot be read"), "{text}");
        let text = error("[telemetry]\nlogs = \"loud\"");
        assert!(text.contains("use one of: auto, text, json, off"), "{text}");
        assert!(
            error("[limits]\ndeadline_seconds = 0").starts_with("limits.deadline_seconds is 0")
        );
    }

    #[test]
    fn what_serving_needs_is_named_with_its_variable() {
        let common = read("").expect("right");
        let text = check_serving(&common, "intake")
            .expect_err("no url")
            .to_string();
        assert_eq!(
            text,
            "database.app_url is missing; set it in the file given by --config or as REDRESS_INTAKE__DATABASE__APP_URL"
        );
    }

    #[test]
    fn what_would_match_nobody_is_refused_and_not_ignored() {
        let text = error("[peers]\ntriag = 'http://127.0.0.1:7402'");
        assert_eq!(
            text,
            "peers.triag is not a known key; remove it, or use one of: intake, triage, assignment, notification, crisis"
        );
        let origins = |origin: &str| format!("[server]\ncors_origins = [{origin:?}]");
        for wrong in [
            "portal.example.com",
            "https://portal.example.com/",
            "https://portal.example.com/app",
            "https://Portal.example.com",
            "https://me@portal.example.com",
            "https:// portal",
            "",
        ] {
            assert!(
                error(&origins(wrong)).starts_with("server.cors_origins holds"),
                "{wrong}"
            );
        }
        for right in ["*", "https://portal.example.com", "http://localhost:5173"] {
            read(&origins(right)).expect(right);
        }
    }

    #[test]
    fn what_serving_would_stumble_over_is_named_by_its_key() {
        let whole = "[database]\napp_url = 'postgres://a@h/d'\nworker_url = 'postgres://w@h/d'\n\
                     [platform]\nkey_file = 'p'\n[vault]\nkey_file = 'v'\n";
        let checked = |whole: &str| check_serving(&read(whole).expect("readable"), "intake");
        checked(whole).expect("right");
        for (from, to, key) in [
            ("postgres://a@h/d", "a", "database.app_url"),
            ("postgres://a@h/d", "mysql://a@h/d", "database.app_url"),
            ("postgres://w@h/d", "postgres://", "database.worker_url"),
            (
                "[platform]",
                "max_connections = 0\n[platform]",
                "database.max_connections",
            ),
            (
                "[platform]",
                "[peers]\ntriage = 'foo bar'\n[platform]",
                "peers.triage",
            ),
            (
                "[platform]",
                "[telemetry]\nfilter = 'info,redress=loud'\n[platform]",
                "telemetry.filter",
            ),
            (
                "[platform]",
                "[telemetry]\notlp_endpoint = 'collector'\n[platform]",
                "telemetry.otlp_endpoint",
            ),
        ] {
            let text = checked(&whole.replace(from, to)).expect_err(to).to_string();
            assert!(text.contains(key) && text.lines().count() == 1, "{text}");
        }
    }

    #[test]
    fn a_rehearsal_has_a_whole_clock_and_no_other_machine() {
        let clock = |rate: u32| {
            format!(
                "[clock]\nrate = {rate}\norigin = '2026-03-02T01:00:00Z'\nstarted = '2026-11-28T03:00:00Z'\n"
            )
        };
        assert!(!read("").expect("right").clock.is_rehearsal());
        let common = read(&clock(60)).expect("right");
        assert!(common.clock.is_rehearsal());
        assert_eq!(common.clock.clock().expect("a clock").rate(), 60);
        for wrong in [clock(0), clock(601), "[clock]\nrate = 60".to_owned()] {
            assert!(
                error(&wrong).starts_with("clock.rate, clock.origin"),
                "{wrong}"
            );
        }
        for url in [
            "http://crisis.redress.svc:7405",
            "http://10.0.0.7:7405",
            "nonsense",
        ] {
            let text = error(&format!("{}[peers]\ncrisis = '{url}'", clock(60)));
            assert!(
                text.starts_with("peers.crisis is another machine"),
                "{text}"
            );
        }
        for url in ["http://localhost:1", "http://[::1]:1", "http://127.0.0.1:1"] {
            read(&format!("{}[peers]\ncrisis = '{url}'", clock(60))).expect(url);
        }
    }

    #[test]
    fn an_issuer_has_its_keys_in_one_place() {
        let text = error("[auth.issuers.company]\nissuer = \"x\"");
        assert!(
            text.starts_with("auth.issuers.company needs either"),
            "{text}"
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let sources = Sources {
            file: Some("/nowhere/redress.toml".into()),
            ..Sources::default()
        };
        let text = load::<NoSettings>("intake", "", &sources)
            .expect_err("missing")
            .to_string();
        assert!(text.starts_with("the configuration file /nowhere/redress.toml does not exist"));
    }
}
