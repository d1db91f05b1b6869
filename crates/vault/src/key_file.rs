//! The key file: one key a line, so that rotation is one more line.
//!
//! ```text
//! # The last kek wraps; the others only unwrap. The token key never changes: person tokens are made of it.
//! token pRz1…=
//! kek 2026-01 3q2+…=
//! kek 2026-07 vu8R…=
//! ```

use std::fmt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::Rng as _;
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use zeroize::Zeroizing;

/// Length of every key.
pub(crate) const KEY_LENGTH_BYTES: usize = 32;

/// Longest id of a key-encryption key.
const KEK_ID_LENGTH_MAX: usize = 64;

pub(crate) type SecretKey = SecretBox<[u8; KEY_LENGTH_BYTES]>;

/// Why a key file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read.
    #[error("cannot read the key file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line is neither `kek ID KEY`, `token KEY`, a comment nor empty.
    #[error(
        "line {line} of the key file must be `kek ID KEY` or `token KEY` with a key of 32 bytes in base64"
    )]
    WrongLine {
        /// Number of the line, from 1.
        line: usize,
    },
    /// Two key-encryption keys share an id, or there are two token keys.
    #[error("line {line} of the key file repeats a key")]
    Repeated {
        /// Number of the line, from 1.
        line: usize,
    },
    /// There is no key-encryption key or no token key.
    #[error("the key file must hold a `token` and at least one `kek`")]
    Incomplete,
}

/// The keys of a file.
pub(crate) struct Keys {
    keks: Vec<(String, SecretKey)>,
    newest: (String, SecretKey),
    token: SecretKey,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&str> = self.keks.iter().map(|(id, _)| id.as_str()).collect();
        f.debug_struct("Keys")
            .field("newest", &self.newest.0)
            .field("older", &ids)
            .finish_non_exhaustive()
    }
}

impl Keys {
    pub(crate) fn parse(text: &str) -> Result<Self, KeyFileError> {
        let mut keks: Vec<(String, SecretKey)> = Vec::new();
        let mut token = None;
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let wrong = KeyFileError::WrongLine { line: number };
            let mut words = line.split_whitespace();
            match (words.next(), words.next(), words.next(), words.next()) {
                (None, ..) => {}
                (Some(first), ..) if first.starts_with('#') => {}
                (Some("token"), Some(key), None, None) => {
                    if token.is_some() {
                        return Err(KeyFileError::Repeated { line: number });
                    }
                    token = Some(decode(key).ok_or(wrong)?);
                }
                (Some("kek"), Some(id), Some(key), None) if id.len() <= KEK_ID_LENGTH_MAX => {
                    if keks.iter().any(|(known, _)| known == id) {
                        return Err(KeyFileError::Repeated { line: number });
                    }
                    keks.push((id.to_owned(), decode(key).ok_or(wrong)?));
                }
                _ => return Err(wrong),
            }
        }
        let newest = keks.pop().ok_or(KeyFileError::Incomplete)?;
        let token = token.ok_or(KeyFileError::Incomplete)?;
        Ok(Self {
            keks,
            newest,
            token,
        })
    }

    pub(crate) fn newest(&self) -> (&str, &SecretKey) {
        (&self.newest.0, &self.newest.1)
    }

    pub(crate) fn kek(&self, id: &str) -> Option<&SecretKey> {
        if self.newest.0 == id {
            return Some(&self.newest.1);
        }
        self.keks.iter().find(|(k, _)| k == id).map(|(_, key)| key)
    }

    pub(crate) fn token(&self) -> &SecretKey {
        &self.token
    }
}

fn decode(text: &str) -> Option<SecretKey> {
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    let key: [u8; KEY_LENGTH_BYTES] = bytes.as_slice().try_into().ok()?;
    Some(SecretBox::new(Box::new(key)))
}

pub(crate) fn random_key() -> SecretKey {
    SecretBox::init_with_mut(|key: &mut [u8; KEY_LENGTH_BYTES]| rand::rng().fill_bytes(key))
}

/// The text of a new key file with fresh keys; the key-encryption key gets the id.
pub fn generate_key_file(kek_id: &str) -> SecretString {
    let encode = |key: SecretKey| Zeroizing::new(STANDARD.encode(key.expose_secret()));
    SecretString::from(format!(
        "# Keys that seal personal data. Keep this file secret, and keep a copy: without it the sealed\n\
         # fields are lost. The last kek line seals, all open. To rotate, add one above the last and restart\n\
         # all that read this file; then move it to the end and restart them again.\n\
         # Never change the token line: people are recognised by it.\n\
         token {}\nkek {kek_id} {}\n",
        encode(random_key()).as_str(),
        encode(random_key()).as_str(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> String {
        STANDARD.encode([7_u8; KEY_LENGTH_BYTES])
    }

    #[test]
    fn wrong_files_name_the_line_and_never_a_key() {
        let k = key();
        for (text, expected) in [
            (format!("token {k}\nkek a"), "line 2"),
            (format!("token {k}\nkek a short="), "line 2"),
            (
                format!("token {k}\n\nkek a {k}\nkek a {k}"),
                "line 4 of the key file repeats",
            ),
            (
                format!("token {k}\ntoken {k}\nkek a {k}"),
                "line 2 of the key file repeats",
            ),
            (format!("kek a {k}"), "must hold"),
            (format!("token {k}"), "must hold"),
            (String::new(), "must hold"),
        ] {
            let error = Keys::parse(&text).expect_err("wrong").to_string();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains(&k), "{error}");
        }
    }

    #[test]
    fn debug_shows_ids_and_no_key() {
        let keys = Keys::parse(&format!("token {0}\nkek a {0}\nkek b {0}", key())).expect("right");
        let shown = format!("{keys:?}");
        assert!(
            shown.contains("\"b\"") && !shown.contains(&key()) && !shown.contains('7'),
            "{shown}"
        );
    }
}
