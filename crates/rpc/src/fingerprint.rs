//! Fingerprints of requests: they tell whether a repeated `request_id` carries the same request (I2).
//! Keyed, because a receipt must not let anybody guess the names and phones that a request held.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use prost::Message;
use sha2::Sha256;

/// Makes fingerprints under one key.
#[derive(Clone)]
pub struct Fingerprints(Arc<Hmac<Sha256>>);

impl Fingerprints {
    /// Fingerprints under this key. All replicas of a service, and their successors, need the same.
    pub fn new(key: &[u8]) -> Self {
        let mac = Hmac::new_from_slice(key).expect("HMAC takes keys of any length");
        Self(Arc::new(mac))
    }

    /// The fingerprint of a request whose `request_id` was blanked.
    pub fn of(&self, method: &str, request: &impl Message) -> [u8; 32] {
        let mut mac = (*self.0).clone();
        mac.update(method.as_bytes());
        mac.update(&[0]);
        mac.update(&request.encode_to_vec());
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Fingerprints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprints")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_depends_on_key_method_and_request() {
        let one = Fingerprints::new(b"one");
        let base = one.of("CreateCase", &"leak".to_owned());
        assert_eq!(base, one.of("CreateCase", &"leak".to_owned()));
        assert_ne!(base, one.of("CreateCase", &"noise".to_owned()));
        assert_ne!(base, one.of("UpdateCase", &"leak".to_owned()));
        let other = Fingerprints::new(b"two");
        assert_ne!(base, other.of("CreateCase", &"leak".to_owned()));
    }
}
