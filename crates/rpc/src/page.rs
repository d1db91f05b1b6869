//! Keyset pages (AIP-158). A page token is opaque: the key of the last row, bound to a digest of the
//! filter, so that a token cannot be carried over to another question and silently skip rows.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use prost::Message;
use redress_model::Fault;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

/// Size of a page when none is asked for.
pub const PAGE_SIZE_DEFAULT: i32 = 50;

/// Largest page.
pub const PAGE_SIZE_MAX: i32 = 1000;

/// What a question was, in eight bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 8]);

impl Digest {
    /// The digest of a method and its filter: the request with its page fields blanked.
    pub fn of(method: &str, filter: &impl Message) -> Self {
        let mut hash = Sha256::new();
        hash.update(method.as_bytes());
        hash.update([0]);
        hash.update(filter.encode_to_vec());
        let full: [u8; 32] = hash.finalize().into();
        let mut short = [0; 8];
        short.copy_from_slice(&full[..8]);
        Self(short)
    }

    /// A token that holds a position and this digest.
    pub(crate) fn seal(self, position: &impl Serialize) -> String {
        let mut bytes = self.0.to_vec();
        serde_json::to_writer(&mut bytes, position)
            .expect("keys are plain data and memory takes every write");
        BASE64.encode(bytes)
    }

    /// The position in a token of the same question; none when it belongs to another one.
    pub(crate) fn open<P: DeserializeOwned>(self, token: &str) -> Option<P> {
        let bytes = BASE64.decode(token).ok()?;
        let position = bytes.strip_prefix(&self.0)?;
        serde_json::from_slice(position).ok()
    }
}

/// One page of a list, as asked for.
#[derive(Debug, Clone)]
pub struct Page<K> {
    size: i32,
    after: Option<K>,
    digest: Digest,
}

impl<K: Serialize + DeserializeOwned> Page<K> {
    /// Reads the page fields of a request. `filter` is the request with `page_size` and `page_token`
    /// blanked. A size of 0 means [`PAGE_SIZE_DEFAULT`]; sizes above [`PAGE_SIZE_MAX`] are cut to it.
    ///
    /// # Errors
    /// INVALID_ARGUMENT on `page_size` below 0, or on a `page_token` that this question did not make.
    pub fn of(
        method: &str,
        page_size: i32,
        page_token: &str,
        filter: &impl Message,
    ) -> Result<Self, Fault> {
        let size = match page_size {
            ..0 => return Err(Fault::invalid("page_size", "must be 0 or more")),
            0 => PAGE_SIZE_DEFAULT,
            n => n.min(PAGE_SIZE_MAX),
        };
        let digest = Digest::of(method, filter);
        let after = if page_token.is_empty() {
            None
        } else {
            let key = digest.open(page_token).ok_or_else(|| {
                Fault::invalid(
                    "page_token",
                    "must be the next_page_token of the same request; list again from the start",
                )
            })?;
            Some(key)
        };
        Ok(Self {
            size,
            after,
            digest,
        })
    }

    /// The key of the last row of the page before.
    pub fn after(&self) -> Option<&K> {
        self.after.as_ref()
    }

    /// How many rows to read: one more than the page holds, which tells whether there is a next page.
    pub fn limit(&self) -> i64 {
        i64::from(self.size) + 1
    }

    /// Cuts the extra row off and makes the token of the next page, empty on the last one.
    pub fn finish<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> K) -> (Vec<T>, String) {
        let size = usize::try_from(self.size).expect("sizes are from 1 to 1000");
        if rows.len() <= size {
            return (rows, String::new());
        }
        rows.truncate(size);
        let token = rows
            .last()
            .map(|row| self.digest.seal(&key(row)))
            .unwrap_or_default();
        (rows, token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(size: i32, token: &str, filter: &str) -> Result<Page<(i64, String)>, Fault> {
        Page::of("ListCases", size, token, &filter.to_owned())
    }

    fn key(row: &i64) -> (i64, String) {
        (*row, "k".to_owned())
    }

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let first = page(2, "", "grade=1").expect("a page");
        assert_eq!(first.limit(), 3);
        let (rows, token) = first.finish(vec![9, 8, 7], key);
        assert_eq!(rows, [9, 8]);
        let second = page(2, &token, "grade=1").expect("a page");
        assert_eq!(second.after(), Some(&(8, "k".to_owned())));
        let (rows, token) = second.finish(vec![7, 6], key);
        assert_eq!((rows, token.as_str()), (vec![7, 6], ""));
    }

    #[test]
    fn a_token_of_another_filter_is_refused() {
        let (_, token) = page(1, "", "grade=1")
            .expect("a page")
            .finish(vec![9, 8], key);
        let fault = page(1, &token, "grade=2").expect_err("another question");
        assert!(fault.to_string().starts_with("page_token"));
        assert!(page(1, "%%%", "grade=1").is_err());
    }

    #[test]
    fn sizes_are_bounded() {
        assert_eq!(page(0, "", "").expect("a page").limit(), 51);
        assert_eq!(page(5000, "", "").expect("a page").limit(), 1001);
        assert!(page(-1, "", "").is_err());
    }
}
