//! AES-256-GCM with the place of a field as associated data.
//!
//! A sealed field is `1 | id of the data key (16) | nonce (12) | cipher text and tag`. The nonce is
//! random: a data key may seal 2^32 fields before it should be replaced, more than a site ever has.

use std::fmt;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use rand::Rng as _;
use redress_model::name::SiteId;
use secrecy::{ExposeSecret as _, SecretBox};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::key_file::{KEY_LENGTH_BYTES, SecretKey, random_key};

/// First byte of everything sealed in this format.
const FORMAT: u8 = 1;
const NONCE_LENGTH_BYTES: usize = 12;
const KEY_ID_LENGTH_BYTES: usize = 16;
const HEADER_LENGTH_BYTES: usize = 1 + KEY_ID_LENGTH_BYTES;

/// Why something sealed does not open.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key-encryption key is not in the key file.
    #[error("the key file holds no key {kek_id}")]
    UnknownKek {
        /// Its id.
        kek_id: String,
    },
    /// The bytes are not of a known format, or of another data key.
    #[error("not sealed by this key")]
    ForeignKey,
    /// The bytes were changed, or belong to another place.
    #[error("changed, or moved from another place")]
    Broken,
}

/// Where a sealed field lives, within its site.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The row.
    pub row: Uuid,
    /// The field.
    pub field: &'a str,
}

/// A data key under a key-encryption key, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// The key-encryption key.
    pub kek_id: String,
    /// The wrapped key.
    pub bytes: Vec<u8>,
}

/// The key that seals the personal fields of one site.
pub struct DataKey {
    site: SiteId,
    id: Uuid,
    key: SecretKey,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey")
            .field("site", &self.site)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl DataKey {
    pub(crate) fn generate(site: SiteId, id: Uuid) -> Self {
        Self {
            site,
            id,
            key: random_key(),
        }
    }

    pub(crate) fn wrap(&self, (kek_id, kek): (&str, &SecretKey)) -> WrappedKey {
        WrappedKey {
            kek_id: kek_id.to_owned(),
            bytes: encrypt(kek, &self.wrap_aad(), self.key.expose_secret()),
        }
    }

    pub(crate) fn unwrap(
        site: SiteId,
        id: Uuid,
        kek: &SecretKey,
        bytes: &[u8],
    ) -> Result<Self, SealError> {
        let mut key = Self {
            site,
            id,
            key: SecretBox::new(Box::new([0; KEY_LENGTH_BYTES])),
        };
        let plain = decrypt(kek, &key.wrap_aad(), bytes)?;
        let plain: Zeroizing<[u8; KEY_LENGTH_BYTES]> =
            Zeroizing::new(plain.as_slice().try_into().map_err(|_| SealError::Broken)?);
        key.key = SecretBox::new(Box::new(*plain));
        Ok(key)
    }

    fn wrap_aad(&self) -> Vec<u8> {
        aad(&["data_key", self.site.as_str(), &self.id.to_string()])
    }

    fn field_aad(&self, place: &Place<'_>) -> Vec<u8> {
        aad(&[
            "field",
            place.table,
            &place.row.to_string(),
            place.field,
            self.site.as_str(),
        ])
    }

    /// Id of this key.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The id of the data key that sealed these bytes; none when they are not of a known format.
    pub fn id_of(sealed: &[u8]) -> Option<Uuid> {
        match sealed.split_first_chunk::<HEADER_LENGTH_BYTES>() {
            Some((header, _)) if header[0] == FORMAT => Uuid::from_slice(&header[1..]).ok(),
            _ => None,
        }
    }

    /// Seals a field in its place.
    pub fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Vec<u8> {
        let mut sealed = vec![FORMAT];
        sealed.extend_from_slice(self.id.as_bytes());
        sealed.extend_from_slice(&encrypt(&self.key, &self.field_aad(place), plain));
        sealed
    }

    /// Opens a field of this place.
    ///
    /// # Errors
    /// Sealed by another key, changed, or moved from another place.
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        if Self::id_of(sealed) != Some(self.id) {
            return Err(SealError::ForeignKey);
        }
        decrypt(
            &self.key,
            &self.field_aad(place),
            &sealed[HEADER_LENGTH_BYTES..],
        )
    }
}

/// Parts with their lengths, so that no two lists of parts make the same bytes.
fn aad(parts: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

fn cipher(key: &SecretKey) -> Aes256Gcm {
    Aes256Gcm::new(key.expose_secret().into())
}

fn encrypt(key: &SecretKey, aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut nonce = [0_u8; NONCE_LENGTH_BYTES];
    rand::rng().fill_bytes(&mut nonce);
    let text = cipher(key)
        .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad })
        .expect("AES-GCM refuses only more than 64 GiB");
    let mut sealed = nonce.to_vec();
    sealed.extend_from_slice(&text);
    sealed
}

fn decrypt(key: &SecretKey, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (nonce, text) = sealed
        .split_first_chunk::<NONCE_LENGTH_BYTES>()
        .ok_or(SealError::Broken)?;
    cipher(key)
        .decrypt(&Nonce::from(*nonce), Payload { msg: text, aad })
        .map(Zeroizing::new)
        .map_err(|_| SealError::Broken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(site: &str) -> DataKey {
        DataKey::generate(site.parse().expect("a slug"), Uuid::from_u128(1))
    }

    const PLACE: Place<'static> = Place {
        table: "complainant",
        row: Uuid::from_u128(5),
        field: "phone",
    };

    proptest! {
        #[test]
        fn what_is_sealed_opens_in_its_place(plain in proptest::collection::vec(any::<u8>(), 0..200)) {
            let key = key("lake");
            let sealed = key.seal(&PLACE, &plain);
            prop_assert_eq!(&*key.open(&PLACE, &sealed).expect("opens"), &plain);
            prop_assert!(plain.len() < 4 || !sealed.windows(plain.len()).any(|w| w == plain.as_slice()));
        }

        #[test]
        fn any_changed_byte_is_noticed(at in 0_usize..60, change in 1_u8..) {
            let key = key("lake");
            let mut sealed = key.seal(&PLACE, b"13800138000 of Li Wei");
            let at = at % sealed.len();
            sealed[at] ^= change;
            prop_assert!(key.open(&PLACE, &sealed).is_err());
        }
    }

    #[test]
    fn a_field_moved_elsewhere_does_not_open() {
        let key = key("lake");
        let sealed = key.seal(&PLACE, b"x");
        for other in [
            Place {
                row: Uuid::from_u128(6),
                ..PLACE
            },
            Place {
                field: "email",
                ..PLACE
            },
            Place {
                table: "staff",
                ..PLACE
            },
        ] {
            assert!(matches!(key.open(&other, &sealed), Err(SealError::Broken)));
        }
        let other_site = DataKey {
            site: "river".parse().expect("a slug"),
            id: key.id,
            key: SecretBox::new(Box::new(*key.key.expose_secret())),
        };
        assert!(matches!(
            other_site.open(&PLACE, &sealed),
            Err(SealError::Broken)
        ));
    }

    #[test]
    fn sealing_the_same_twice_gives_different_bytes() {
        let key = key("lake");
        assert_ne!(key.seal(&PLACE, b"x"), key.seal(&PLACE, b"x"));
    }

    #[test]
    fn garbage_is_an_error_and_no_panic() {
        let key = key("lake");
        for garbage in [&[][..], &[1; 5], &[1; 17], &[1; 30], &[2; 80]] {
            assert!(key.open(&PLACE, garbage).is_err());
        }
    }

    #[test]
    fn debug_shows_no_key() {
        assert!(!format!("{:?}", key("lake")).contains("key:"));
    }
}
