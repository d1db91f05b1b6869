//! Checks what the platform attested ([`super::Issuer::attest`]): a compact JWS whose key stands in a JWKS.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::de::DeserializeOwned;

/// Why something counts as not attested. Names the cause, not what was signed.
#[derive(Debug, thiserror::Error)]
pub enum NotAttested {
    /// No JWS, or signed by another key than the one that it names.
    #[error("the signature does not hold")]
    Signature(#[from] jsonwebtoken::errors::Error),
    /// Made for something else, a token for example.
    #[error("it is of another type")]
    Type,
    /// The JWKS has no key of that name.
    #[error("its key is not among the given ones")]
    Key,
}

/// What was attested as this type by a key of this set.
///
/// # Errors
/// Where it was not.
pub fn attested<T: DeserializeOwned>(
    keys: &JwkSet,
    kind: &str,
    signature: &str,
) -> Result<T, NotAttested> {
    let header = jsonwebtoken::decode_header(signature)?;
    if header.typ.as_deref() != Some(kind) {
        return Err(NotAttested::Type);
    }
    let kid = header.kid.ok_or(NotAttested::Key)?;
    let key = keys.find(&kid).ok_or(NotAttested::Key)?;
    // It is no token: it neither ends nor is meant for anybody.
    let mut validation = Validation::new(Algorithm::ES256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let key = DecodingKey::from_jwk(key)?;
    Ok(jsonwebtoken::decode(signature, &key, &validation)?.claims)
}
