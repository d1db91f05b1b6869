//! Sealing of personal data, and finding a person again without knowing who it is.
//!
//! - A [`Vault`] holds the key-encryption keys of a key file. It makes a [`DataKey`] for a site and
//!   wraps it; the service stores the wrapped key. Several key-encryption keys may be in force: the
//!   newest wraps, all unwrap, so that rotation needs no downtime.
//! - A [`DataKey`] seals fields with AES-256-GCM. A sealed field is bound to its [`Place`] (table, row,
//!   field, site): moved elsewhere it does not open. It carries the id of its data key.
//! - [`Vault::person_token`] turns an account, phone or e-mail address into a keyed hash per
//!   organization: equal tokens are one person, and without the key nobody can guess back.
//!
//! Beside it [`chain`]: what is only ever added to, hashed entry over entry (I12).
//!
//! Nothing here does I/O but [`Vault::from_file`]; nothing prints a key or a plain text.

pub mod chain;
mod identity;
mod key_file;
mod seal;

pub use identity::{Identity, PhoneError, normalize_email, normalize_phone};
pub use key_file::{KeyFileError, generate_key_file};
pub use seal::{DataKey, Place, SealError, WrappedKey};

use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use redress_model::name::{OrganizationId, SiteId};
use secrecy::ExposeSecret;
use sha2::Sha256;
use uuid::Uuid;

use key_file::{Keys, SecretKey};

/// Length of a person token in hex digits: 128 bits.
pub const TOKEN_LENGTH: usize = 32;

/// The key-encryption keys and the token key of one installation.
#[derive(Debug)]
pub struct Vault {
    keys: Keys,
}

impl Vault {
    /// Reads the key file.
    ///
    /// # Errors
    /// The file cannot be read, or a line of it is wrong; the error names the line and no key.
    pub fn from_file(path: &Path) -> Result<Self, KeyFileError> {
        let text = zeroize::Zeroizing::new(std::fs::read_to_string(path).map_err(|source| {
            KeyFileError::Unreadable {
                path: path.to_owned(),
                source,
            }
        })?);
        Self::parse(&text)
    }

    /// Reads the text of a key file.
    ///
    /// # Errors
    /// A line is wrong; the error names the line and no key.
    pub fn parse(text: &str) -> Result<Self, KeyFileError> {
        Ok(Self {
            keys: Keys::parse(text)?,
        })
    }

    /// Makes a data key for a site and wraps it under the newest key-encryption key.
    pub fn new_data_key(&self, site: &SiteId, id: Uuid) -> (DataKey, WrappedKey) {
        let key = DataKey::generate(site.clone(), id);
        let wrapped = key.wrap(self.keys.newest());
        (key, wrapped)
    }

    /// Opens a wrapped data key.
    ///
    /// # Errors
    /// The key-encryption key is not in the file any more, or the wrapped key is not of this site and
    /// id, or it was changed.
    pub fn unwrap(
        &self,
        site: &SiteId,
        id: Uuid,
        wrapped: &WrappedKey,
    ) -> Result<DataKey, SealError> {
        let kek = self
            .keys
            .kek(&wrapped.kek_id)
            .ok_or_else(|| SealError::UnknownKek {
                kek_id: wrapped.kek_id.clone(),
            })?;
        DataKey::unwrap(site.clone(), id, kek, &wrapped.bytes)
    }

    /// The same data key under the newest key-encryption key; none when it is already.
    ///
    /// # Errors
    /// As [`Vault::unwrap`].
    pub fn rewrap(
        &self,
        site: &SiteId,
        id: Uuid,
        wrapped: &WrappedKey,
    ) -> Result<Option<WrappedKey>, SealError> {
        if wrapped.kek_id == self.keys.newest().0 {
            return Ok(None);
        }
        Ok(Some(
            self.unwrap(site, id, wrapped)?.wrap(self.keys.newest()),
        ))
    }

    /// Id of the key-encryption key that wraps new data keys.
    pub fn newest_kek_id(&self) -> &str {
        self.keys.newest().0
    }

    /// The token of a person within an organization, 32 hex digits.
    pub fn person_token(&self, organization: &OrganizationId, identity: &Identity) -> String {
        self.keyed(&[
            "person",
            organization.as_str(),
            identity.kind(),
            identity.value(),
        ])
    }

    /// What finds a phone number again within an organization, 32 hex digits. Unlike a person token it
    /// is kept for every complainant with a phone, known by an account or not.
    pub fn phone_index(
        &self,
        organization: &OrganizationId,
        phone: &str,
    ) -> Result<String, PhoneError> {
        let phone = normalize_phone(phone)?;
        Ok(self.keyed(&["phone-index", organization.as_str(), &phone]))
    }

    /// The key under which a service fingerprints the requests that its receipts remember, 32 hex digits.
    /// It comes from the token key, so rotation of the others does not change it.
    pub fn fingerprint_key(&self, service: &str) -> String {
        self.keyed(&["fingerprint", service])
    }

    fn keyed(&self, parts: &[&str]) -> String {
        let mut mac = new_mac(self.keys.token());
        for part in parts {
            // Length first, so that no two lists of parts run together to the same bytes.
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            mac.update(&length.to_be_bytes());
            mac.update(part.as_bytes());
        }
        let mut text = hex::encode(mac.finalize().into_bytes());
        text.truncate(TOKEN_LENGTH);
        text
    }
}

fn new_mac(key: &SecretKey) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key.expose_secret()).expect("HMAC takes a key of any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> Vault {
        Vault::parse(generate_key_file("k1").expose_secret()).expect("a generated file parses")
    }

    fn organization(id: &str) -> OrganizationId {
        id.parse().expect("a slug")
    }

    #[test]
    fn the_same_person_has_the_same_token_whatever_the_spelling() {
        let v = vault();
        let o = organization("lake");
        let token = |phone: &str| v.person_token(&o, &Identity::phone(phone).expect("a phone"));
        assert_eq!(token("13800138000").len(), TOKEN_LENGTH);
        for spelling in [
            "+86 138-0013-8000",
            "0086 138 0013 8000",
            "１３８００１３８０００",
            "(138) 0013 8000",
        ] {
            assert_eq!(token(spelling), token("13800138000"), "{spelling}");
        }
        assert_ne!(token("13800138001"), token("13800138000"));
        let mail = |m: &str| v.person_token(&o, &Identity::email(m).expect("a mail address"));
        assert_eq!(mail("Li.Wei@Example.com "), mail("li.wei@example.com"));
    }

    #[test]
    fn tokens_differ_between_organizations_kinds_and_keys() {
        let v = vault();
        let phone = Identity::phone("13800138000").expect("a phone");
        let account = Identity::account("13800138000").expect("an account");
        let (a, b) = (organization("a"), organization("b"));
        assert_ne!(v.person_token(&a, &phone), v.person_token(&b, &phone));
        assert_ne!(v.person_token(&a, &phone), v.person_token(&a, &account));
        assert_ne!(v.person_token(&a, &phone), vault().person_token(&a, &phone));
        assert_ne!(
            v.person_token(&a, &phone),
            v.phone_index(&a, "13800138000").expect("a phone")
        );
    }

    #[test]
    fn an_older_key_still_opens_and_the_newest_seals() {
        let site: SiteId = "lake".parse().expect("a slug");
        let id = Uuid::from_u128(7);
        let old_text = generate_key_file("k1");
        let old = Vault::parse(old_text.expose_secret()).expect("parses");
        let (key, wrapped) = old.new_data_key(&site, id);
        let place = Place {
            table: "complainant",
            row: Uuid::from_u128(1),
            field: "phone",
        };
        let sealed = key.seal(&place, b"13800138000");

        let rotated_text = format!(
            "{}\nkek k2 {}\n",
            old_text.expose_secret(),
            generate_key_file("k2")
                .expose_secret()
                .lines()
                .find_map(|l| l.strip_prefix("kek k2 "))
                .expect("a kek line")
        );
        let rotated = Vault::parse(&rotated_text).expect("parses");
        assert_eq!(rotated.newest_kek_id(), "k2");
        let reopened = rotated
            .unwrap(&site, id, &wrapped)
            .expect("k1 is still there");
        assert_eq!(
            &*reopened.open(&place, &sealed).expect("opens"),
            b"13800138000"
        );

        let rewrapped = rotated
            .rewrap(&site, id, &wrapped)
            .expect("opens")
            .expect("was under k1");
        assert_eq!(rewrapped.kek_id, "k2");
        assert!(
            rotated
                .rewrap(&site, id, &rewrapped)
                .expect("opens")
                .is_none()
        );
        assert!(matches!(
            old.unwrap(&site, id, &rewrapped),
            Err(SealError::UnknownKek { .. })
        ));
        let again = rotated.unwrap(&site, id, &rewrapped).expect("opens");
        assert_eq!(
            &*again.open(&place, &sealed).expect("opens"),
            b"13800138000"
        );
    }
}
