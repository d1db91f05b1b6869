//! The platform's own issuer: an ES256 key in a file, from which services mint the short-lived tokens
//! that they show each other, and the local stack those of its users.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, JwkSet, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use p256::elliptic_curve::Generate as _;
use p256::pkcs8::{EncodePrivateKey as _, LineEnding};
use redress_model::name::SiteId;
use redress_model::time::SharedClock;

use super::{Audience, Claims, USER_AUDIENCE};
use crate::roles::SERVICE_ROLE;

/// How long a service's token lives: a call, its retries and some difference of clocks.
pub(super) const SERVICE_TOKEN_LIFETIME: Duration = Duration::from_secs(120);

/// A key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The file cannot be read or written.
    #[error("the issuer key {path}: {source}")]
    File {
        /// Path of the file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds no ES256 key.
    #[error("the issuer key {path} is not an ES256 private key in PKCS#8 PEM: {source}")]
    Key {
        /// Path of the file.
        path: String,
        /// Why.
        source: jsonwebtoken::errors::Error,
    },
    /// A token cannot be signed.
    #[error("a token cannot be signed: {0}")]
    Sign(jsonwebtoken::errors::Error),
}

/// What a user token shall say.
#[derive(Debug, Clone, Default)]
pub struct Grant {
    /// Subject.
    pub subject: String,
    /// Roles.
    pub roles: Vec<String>,
    /// Organizations in scope.
    pub organizations: Vec<String>,
    /// Regions in scope, as `organization/region`.
    pub regions: Vec<String>,
    /// Sites in scope.
    pub sites: Vec<String>,
    /// The person on the roster.
    pub staff: Option<String>,
}

/// Mints tokens.
#[derive(Clone)]
pub struct Issuer(Arc<Inner>);

struct Inner {
    issuer: String,
    key: EncodingKey,
    public: Jwk,
    kid: String,
    clock: SharedClock,
}

impl Issuer {
    /// Makes a new key in a new file that only its owner can read.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn generate_key_file(path: &Path) -> Result<(), IssuerError> {
        let file_error = |source| IssuerError::File {
            path: path.display().to_string(),
            source,
        };
        let pem = p256::SecretKey::generate()
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|e| file_error(std::io::Error::other(e)))?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(file_error)?;
        file.write_all(pem.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(file_error)
    }

    /// The issuer whose private key lies in this file.
    ///
    /// # Errors
    /// When it cannot be read or is no ES256 key.
    pub fn from_file(path: &Path, issuer: &str, clock: SharedClock) -> Result<Self, IssuerError> {
        let pem = std::fs::read(path).map_err(|source| IssuerError::File {
            path: path.display().to_string(),
            source,
        })?;
        let key_error = |source| IssuerError::Key {
            path: path.display().to_string(),
            source,
        };
        let key = EncodingKey::from_ec_pem(&pem).map_err(key_error)?;
        let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).map_err(key_error)?;
        let kid = public
            .thumbprint(ThumbprintHash::SHA256)
            .map_err(key_error)?;
        public.common.key_id = Some(kid.clone());
        Ok(Self(Arc::new(Inner {
            issuer: issuer.to_owned(),
            key,
            public,
            kid,
            clock,
        })))
    }

    /// The `iss` of the tokens.
    pub fn name(&self) -> &str {
        &self.0.issuer
    }

    /// The id of its key, which whatever it signs names: the thumbprint of the public key (RFC 7638).
    pub fn key_id(&self) -> &str {
        &self.0.kid
    }

    /// The public key, as verifiers read it.
    pub fn jwks(&self) -> JwkSet {
        JwkSet {
            keys: vec![self.0.public.clone()],
        }
    }

    /// A token for a person or portal.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn user_token(&self, grant: Grant, lifetime: Duration) -> Result<String, IssuerError> {
        self.sign(&Claims {
            sub: grant.subject,
            aud: Audience::One(USER_AUDIENCE.to_owned()),
            roles: grant.roles,
            organizations: grant.organizations,
            regions: grant.regions,
            sites: grant.sites,
            staff: grant.staff,
            ..self.blank(lifetime)
        })
    }

    /// A token with which `service` calls `audience`: for these sites, for this purpose.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn service_token(
        &self,
        service: &str,
        audience: &str,
        sites: &[SiteId],
        purpose: &str,
    ) -> Result<String, IssuerError> {
        self.sign(&Claims {
            sub: format!("services/{service}"),
            aud: Audience::One(audience.to_owned()),
            roles: vec![SERVICE_ROLE.to_owned()],
            sites: sites.iter().map(ToString::to_string).collect(),
            service: Some(service.to_owned()),
            purpose: Some(purpose.to_owned()),
            ..self.blank(SERVICE_TOKEN_LIFETIME)
        })
    }

    /// Signs any claims.
    ///
    /// # Errors
    /// When they cannot be signed.
    pub fn sign(&self, claims: &Claims) -> Result<String, IssuerError> {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.0.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.0.key).map_err(IssuerError::Sign)
    }

    /// Signs what is no token: a compact JWS of this type, whose key stands in the JWKS. The type keeps it from being
    /// taken for a token and the reverse.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn attest(
        &self,
        kind: &str,
        payload: &impl serde::Serialize,
    ) -> Result<String, IssuerError> {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(kind.to_owned());
        header.kid = Some(self.0.kid.clone());
        jsonwebtoken::encode(&header, payload, &self.0.key).map_err(IssuerError::Sign)
    }

    /// Claims that say who issued them and when, and nothing else.
    pub fn blank(&self, lifetime: Duration) -> Claims {
        let now = self.0.clock.now().as_second();
        let lifetime = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        Claims {
            iss: self.0.issuer.clone(),
            sub: String::new(),
            aud: Audience::Many(Vec::new()),
            exp: now.saturating_add(lifetime),
            nbf: Some(now),
            iat: Some(now),
            roles: Vec::new(),
            organizations: Vec::new(),
            regions: Vec::new(),
            sites: Vec::new(),
            staff: None,
            service: None,
            purpose: None,
        }
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer")
            .field("issuer", &self.0.issuer)
            .field("kid", &self.0.kid)
            .finish_non_exhaustive()
    }
}
