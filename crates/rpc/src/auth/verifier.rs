//! Holds a token against everything that must be right about it, and turns it into a [`Caller`].

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use jsonwebtoken::Validation;
use redress_model::Fault;
use redress_model::name::RegionName;
use redress_model::time::SharedClock;

use super::Claims;
use super::keys::{JwksSource, Keys, Unreadable};
use crate::Caller;
use crate::roles::{Roles, SERVICE_ROLE};

/// Largest token, in bytes.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// An issuer whose tokens are accepted.
#[derive(Debug, Clone)]
pub struct Trusted {
    /// Its `iss`.
    pub issuer: String,
    /// The audience that its tokens for people and portals carry.
    pub audience: String,
    /// Where its keys are.
    pub keys: JwksSource,
    /// Whether it is the platform's own: only that one may speak for services.
    pub platform: bool,
}

/// A verifier that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum VerifierError {
    /// No issuer, so nobody could ever call.
    #[error(
        "no token issuer is trusted; set [platform] key_file or an issuer under [auth.issuers]"
    )]
    NoIssuer,
    /// The HTTP client for key sets cannot be made.
    #[error("the HTTP client for token keys cannot be made: {0}")]
    Http(String),
}

/// Checks tokens for one service.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    service: String,
    issuers: HashMap<String, (Trusted, Keys)>,
    roles: Roles,
    leeway_seconds: i64,
    clock: SharedClock,
}

impl Verifier {
    /// A verifier for `service` that trusts these issuers. `leeway_seconds` is how far clocks may differ.
    ///
    /// # Errors
    /// When no issuer is trusted.
    pub fn new(
        service: &str,
        trusted: Vec<Trusted>,
        roles: Roles,
        leeway_seconds: i64,
        clock: SharedClock,
    ) -> Result<Self, VerifierError> {
        if trusted.is_empty() {
            return Err(VerifierError::NoIssuer);
        }
        let http = http_client()?;
        let issuers = trusted
            .into_iter()
            .map(|t| {
                let keys = Keys::new(t.keys.clone(), http.clone());
                (t.issuer.clone(), (t, keys))
            })
            .collect();
        Ok(Self(Arc::new(Inner {
            service: service.to_owned(),
            issuers,
            roles,
            leeway_seconds,
            clock,
        })))
    }

    /// The caller behind a token.
    ///
    /// # Errors
    /// UNAUTHENTICATED with what is wrong (never the token); UNAVAILABLE when the issuer's keys cannot
    /// be read.
    pub async fn verify(&self, token: &str) -> Result<Caller, Fault> {
        let refuse = Fault::unauthenticated;
        if token.len() > TOKEN_BYTES_MAX {
            return Err(refuse("the access token is too long"));
        }
        let header = jsonwebtoken::decode_header(token)
            .map_err(|_| refuse("the access token is not a signed JWT"))?;
        let kid = header
            .kid
            .ok_or_else(|| refuse("the access token names no key (kid)"))?;
        let unchecked: Claims = jsonwebtoken::dangerous::insecure_decode_claims(token)
            .map_err(|_| refuse("the access token lacks a claim that Redress needs"))?;
        let (trusted, keys) = self
            .0
            .issuers
            .get(&unchecked.iss)
            .ok_or_else(|| refuse("the issuer of the access token is not trusted"))?;
        let key = keys
            .find(&kid)
            .await
            .map_err(|Unreadable| Fault::unavailable("the token issuer"))?
            .ok_or_else(|| refuse("the key of the access token is not known"))?;
        if header.alg != key.algorithm {
            return Err(refuse("the access token is signed with a wrong algorithm"));
        }
        let claims =
            jsonwebtoken::decode::<Claims>(token, &key.decoding, &only_signature(&key.algorithm))
                .map_err(|_| refuse("the signature of the access token is wrong"))?
                .claims;
        let expires = self.check_times(&claims)?;
        self.check_audience(&claims, trusted)?;
        self.caller(claims, expires)
    }

    fn check_times(&self, claims: &Claims) -> Result<Timestamp, Fault> {
        let now = self.0.clock.now().as_second();
        let leeway = self.0.leeway_seconds;
        if claims.exp.saturating_add(leeway) <= now {
            return Err(Fault::unauthenticated("the access token expired"));
        }
        if claims.nbf.is_some_and(|t| t > now.saturating_add(leeway)) {
            return Err(Fault::unauthenticated("the access token is not valid yet"));
        }
        Ok(Timestamp::from_second(claims.exp.saturating_add(leeway)).unwrap_or(Timestamp::MAX))
    }

    /// People's tokens are for all of Redress, a service's only for the one that it calls: a service
    /// cannot pass on what it was shown.
    fn check_audience(&self, claims: &Claims, trusted: &Trusted) -> Result<(), Fault> {
        let right = if claims.service.is_some() {
            if !trusted.platform {
                return Err(Fault::unauthenticated(
                    "only the platform's issuer may speak for a service",
                ));
            }
            claims.aud.contains(&self.0.service)
        } else {
            claims.aud.contains(&trusted.audience)
        };
        if right {
            Ok(())
        } else {
            Err(Fault::unauthenticated(
                "the access token is for another audience",
            ))
        }
    }

    fn caller(&self, claims: Claims, expires: Timestamp) -> Result<Caller, Fault> {
        let malformed = || Fault::unauthenticated("a scope claim of the access token is malformed");
        let is_service = claims.service.is_some();
        // Naming the role is not enough: it belongs to services.
        let roles: Vec<String> = claims
            .roles
            .into_iter()
            .filter(|r| is_service || r != SERVICE_ROLE)
            .collect();
        Ok(Caller {
            permissions: self.0.roles.permissions(roles.iter().map(String::as_str)),
            subject: claims.sub,
            issuer: claims.iss,
            organizations: parse_all(&claims.organizations).ok_or_else(malformed)?,
            regions: claims
                .regions
                .iter()
                .map(|r| region(r))
                .collect::<Option<_>>()
                .ok_or_else(malformed)?,
            sites: parse_all(&claims.sites).ok_or_else(malformed)?,
            roles,
            staff: claims
                .staff
                .map(|s| s.parse())
                .transpose()
                .map_err(|_| malformed())?,
            service: claims.service,
            purpose: claims.purpose,
            expires,
        })
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier")
            .field("service", &self.0.service)
            .finish_non_exhaustive()
    }
}

/// The signature alone: times and audience are checked here, against our clock.
fn only_signature(algorithm: &jsonwebtoken::Algorithm) -> Validation {
    let mut validation = Validation::new(*algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    validation
}

/// `organization/region`.
fn region(text: &str) -> Option<RegionName> {
    let (organization, region) = text.split_once('/')?;
    Some(RegionName {
        organization: organization.parse().ok()?,
        region: region.parse().ok()?,
    })
}

fn parse_all<T: std::str::FromStr>(texts: &[String]) -> Option<Vec<T>> {
    texts.iter().map(|t| t.parse().ok()).collect()
}

/// A client with its own TLS provider: nothing process-wide is installed.
fn http_client() -> Result<reqwest::Client, VerifierError> {
    let error = |e: &dyn std::fmt::Display| VerifierError::Http(e.to_string());
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| error(&e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .build()
        .map_err(|e| error(&e))
}
