//! The public keys of one issuer: read from a file or URL, read again when a token names a key that
//! is not known (rotation in), and now and then (rotation out).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::RwLock;
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey};

use super::Issuer;

/// Keys older than this are read again, so that a key that was withdrawn stops being accepted.
const REREAD_AFTER: Duration = Duration::from_secs(300);

/// Unknown keys, and failures, make us read again at most this often, so that junk tokens cannot make us
/// a nuisance.
const REREAD_PAUSE: Duration = Duration::from_secs(5);

/// Longest wait for an issuer's answer.
const FETCH_LIMIT: Duration = Duration::from_secs(5);

/// Where an issuer publishes its keys.
#[derive(Debug, Clone)]
pub enum JwksSource {
    /// A file with a JWK set.
    File(PathBuf),
    /// A URL that answers with a JWK set.
    Url(String),
    /// Keys that never change while the process lives.
    Fixed(JwkSet),
}

impl JwksSource {
    /// Whether keys can come from there, as far as it can be told without the network.
    ///
    /// # Errors
    /// What is wrong, to be read after the name of the setting.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::Fixed(_) => Ok(()),
            Self::File(path) => {
                let told = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
                let set = in_file(path).map_err(|e| told(&e))?;
                if set.keys.iter().any(|key| usable(key).is_some()) {
                    Ok(())
                } else {
                    Err(told(
                        &"no key there has a kid and is for RS256, ES256 or EdDSA",
                    ))
                }
            }
            Self::Url(url) => match reqwest::Url::parse(url) {
                Ok(parsed) if parsed.has_host() && matches!(parsed.scheme(), "http" | "https") => {
                    Ok(())
                }
                _ => Err(format!("{url:?} is not an http:// or https:// URL")),
            },
        }
    }

    /// Whether what this issuer signs is accepted by whoever has keys from there, as far as it can be told without the
    /// network: a key of that id, which is the issuer's.
    pub fn has_key_of(&self, issuer: &Issuer) -> bool {
        let set = match self {
            Self::Fixed(set) => Ok(set.clone()),
            Self::File(path) => in_file(path),
            Self::Url(_) => return true,
        };
        let of_issuer = issuer.jwks();
        let is_its = |key: &Jwk| {
            let own = |own: &Jwk| {
                own.common.key_id == key.common.key_id && own.algorithm == key.algorithm
            };
            usable(key).is_some() && of_issuer.keys.iter().any(own)
        };
        set.is_ok_and(|set| set.keys.iter().any(is_its))
    }
}

/// The keys in a file, or what is wrong with it.
fn in_file(path: &Path) -> Result<JwkSet, String> {
    let text = std::fs::read(path).map_err(|e| e.to_string())?;
    serde_json::from_slice(&text).map_err(|e| format!("this is no JWK set: {e}"))
}

fn recent(instant: Option<Instant>) -> bool {
    instant.is_some_and(|t| t.elapsed() < REREAD_PAUSE)
}

/// A key and the one algorithm that it is for. The algorithm comes from the key, never from the
/// token: that closes the "none" and HMAC-with-the-public-key confusions.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

#[derive(Default)]
struct Known {
    keys: HashMap<String, Key>,
    read: Option<Instant>,
}

pub(super) struct Keys {
    source: JwksSource,
    http: reqwest::Client,
    known: RwLock<Known>,
    /// One reader at a time.
    reading: tokio::sync::Mutex<Reading>,
}

/// When the source was last read in vain.
#[derive(Default)]
struct Reading {
    failed: Option<Instant>,
    missed: Option<Instant>,
}

/// The keys could not be read.
#[derive(Debug)]
pub(super) struct Unreadable;

impl Keys {
    pub(super) fn new(source: JwksSource, http: reqwest::Client) -> Self {
        Self {
            source,
            http,
            known: RwLock::default(),
            reading: tokio::sync::Mutex::default(),
        }
    }

    /// The key with this id; none when the issuer has no such key. Old keys serve on while their issuer
    /// cannot be reached.
    pub(super) async fn find(&self, kid: &str) -> Result<Option<Key>, Unreadable> {
        let (key, fresh) = self.look_up(kid);
        if fresh && key.is_some() {
            return Ok(key);
        }
        let mut reading = self.reading.lock().await;
        // Somebody else may have read while we waited.
        let (key, fresh) = self.look_up(kid);
        let outcome = match (fresh, &key) {
            (true, Some(_)) => Ok(()),
            (true, None) if recent(reading.missed) => Ok(()),
            (true, None) => {
                reading.missed = Some(Instant::now());
                self.read(&mut reading).await
            }
            (false, _) => self.read(&mut reading).await,
        };
        match (self.look_up(kid).0, outcome) {
            (Some(key), _) => Ok(Some(key)),
            (None, Ok(())) => Ok(None),
            (None, Err(Unreadable)) => Err(Unreadable),
        }
    }

    fn look_up(&self, kid: &str) -> (Option<Key>, bool) {
        let known = self.known.read().unwrap_or_else(|e| e.into_inner());
        let fresh = known.read.is_some_and(|t| t.elapsed() < REREAD_AFTER);
        (known.keys.get(kid).cloned(), fresh)
    }

    async fn read(&self, reading: &mut Reading) -> Result<(), Unreadable> {
        if recent(reading.failed) {
            return Err(Unreadable);
        }
        match self.fetch().await {
            Ok(set) => {
                let keys = set.keys.iter().filter_map(usable).collect();
                let mut known = self.known.write().unwrap_or_else(|e| e.into_inner());
                *known = Known {
                    keys,
                    read: Some(Instant::now()),
                };
                Ok(())
            }
            Err(error) => {
                reading.failed = Some(Instant::now());
                tracing::warn!(source = %self.source, %error, "the keys of a token issuer cannot be read");
                Err(Unreadable)
            }
        }
    }

    async fn fetch(&self) -> Result<JwkSet, Box<dyn std::error::Error + Send + Sync>> {
        match &self.source {
            JwksSource::Fixed(set) => Ok(set.clone()),
            JwksSource::File(path) => Ok(serde_json::from_slice(&tokio::fs::read(path).await?)?),
            JwksSource::Url(url) => {
                let answer = self.http.get(url).timeout(FETCH_LIMIT).send().await?;
                Ok(answer.error_for_status()?.json().await?)
            }
        }
    }
}

impl std::fmt::Display for JwksSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Url(url) => f.write_str(url),
            Self::Fixed(_) => f.write_str("compiled-in keys"),
        }
    }
}

/// A key that we accept signatures of; others in the set are for somebody else.
fn usable(jwk: &Jwk) -> Option<(String, Key)> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(p) if p.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(p) if p.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        _ => return None,
    };
    if let Some(named) = jwk.common.key_algorithm
        && named.to_string().parse() != Ok(algorithm)
    {
        return None;
    }
    let kid = jwk.common.key_id.clone()?;
    let decoding = DecodingKey::from_jwk(jwk).ok()?;
    Some((
        kid,
        Key {
            algorithm,
            decoding,
        },
    ))
}
