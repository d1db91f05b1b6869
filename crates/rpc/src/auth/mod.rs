//! Access tokens: what they say ([`Claims`]), who may issue them and how they are checked
//! ([`Verifier`]), and the platform's own issuer ([`Issuer`]) for services and the local stack.
//!
//! There is no mode without authentication.

mod attest;
mod issuer;
mod keys;
mod verifier;

use serde::{Deserialize, Serialize};

pub use attest::{NotAttested, attested};
pub use issuer::{Grant, Issuer, IssuerError};
pub use jsonwebtoken::jwk::JwkSet;
pub use keys::JwksSource;
pub use verifier::{Trusted, Verifier, VerifierError};

/// Audience of the tokens that people and portals carry; every service accepts it.
pub const USER_AUDIENCE: &str = "redress";

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// Subject: the person, portal or service.
    pub sub: String,
    /// Who the token is for.
    pub aud: Audience,
    /// End, in seconds since 1970.
    pub exp: i64,
    /// Begin, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// When it was issued, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// Roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Organizations in scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub organizations: Vec<String>,
    /// Regions in scope, as `organization/region`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// Sites in scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<String>,
    /// The person on the roster, as `sites/{site}/staff/{staff}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<String>,
    /// The calling service. Only the platform's issuer may say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Why a service calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
}

/// One audience or several, as RFC 7519 allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Audience {
    /// Whether the token is for `audience`.
    pub fn contains(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Many(many) => many.iter().any(|a| a == audience),
        }
    }
}
