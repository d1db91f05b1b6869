//! An issuer with its verifier, and small helpers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::metrics::MeterProvider as _;
use redress_model::time::{SharedClock, SystemClock};
use redress_rpc::auth::{Grant, Issuer, JwksSource, Trusted, USER_AUDIENCE, Verifier};
use redress_rpc::roles::Roles;
use tempfile::TempDir;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

pub(crate) fn meter() -> opentelemetry::metrics::Meter {
    opentelemetry_sdk::metrics::SdkMeterProvider::default().meter("test")
}

/// A platform issuer with a key file and a JWKS file, in a folder that ends with it.
pub(crate) struct Platform {
    pub(crate) folder: TempDir,
    pub(crate) issuer: Issuer,
}

impl Platform {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let platform = Self {
            issuer: new_issuer(&folder, "first", "redress"),
            folder,
        };
        platform.publish(&platform.issuer);
        platform
    }

    pub(crate) fn jwks_file(&self) -> PathBuf {
        self.folder.path().join("jwks.json")
    }

    /// Makes this issuer's keys the published ones.
    pub(crate) fn publish(&self, issuer: &Issuer) {
        let text = serde_json::to_vec(&issuer.jwks()).expect("plain data");
        std::fs::write(self.jwks_file(), text).expect("writable");
    }

    pub(crate) fn trusted(&self) -> Trusted {
        Trusted {
            issuer: "redress".to_owned(),
            audience: USER_AUDIENCE.to_owned(),
            keys: JwksSource::File(self.jwks_file()),
            platform: true,
        }
    }

    pub(crate) fn verifier(&self) -> Verifier {
        verifier(vec![self.trusted()])
    }

    pub(crate) fn token(&self, roles: &[&str]) -> String {
        self.issuer
            .user_token(grant(roles), HOUR)
            .expect("signable")
    }
}

pub(crate) fn new_issuer(folder: &TempDir, file: &str, name: &str) -> Issuer {
    let path = folder.path().join(file);
    Issuer::generate_key_file(&path).expect("writable");
    Issuer::from_file(&path, name, clock()).expect("a key")
}

pub(crate) fn grant(roles: &[&str]) -> Grant {
    Grant {
        subject: "li".to_owned(),
        roles: roles.iter().map(|r| (*r).to_owned()).collect(),
        sites: vec!["lake".to_owned()],
        regions: vec!["demo/north".to_owned()],
        ..Grant::default()
    }
}

pub(crate) fn roles() -> Roles {
    let list = |items: &[&str]| items.iter().map(|i| (*i).to_owned()).collect::<Vec<_>>();
    Roles::new(BTreeMap::from([
        (
            "sre".to_owned(),
            list(&["events.inspect", "events.redrive"]),
        ),
        ("admin".to_owned(), list(&["*"])),
        ("clerk".to_owned(), list(&["cases.*"])),
        ("service".to_owned(), list(&["events.deliver"])),
    ]))
}

pub(crate) fn verifier(trusted: Vec<Trusted>) -> Verifier {
    Verifier::new("triage", trusted, roles(), 30, clock()).expect("an issuer")
}
