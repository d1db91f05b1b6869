//! An HTTP endpoint of the operator, signed after Standard Webhooks (standardwebhooks.com): headers
//! `webhook-id`, `webhook-timestamp` and `webhook-signature`, the latter `v1,` and the base64 of
//! HMAC-SHA256 over `id.timestamp.body`. The id belongs to the page of a message, so that a receiver
//! drops the copy of one whose first answer got lost.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::CONTENT_TYPE;
use serde::Serialize;
use sha2::Sha256;

use super::http::{self, HttpSetupError};
use super::{Answer, Outgoing};
use crate::domain::words::MessageChannel;

/// Prefix of a secret as Standard Webhooks writes it.
const SECRET_PREFIX: &str = "whsec_";
/// Shortest key, in bytes.
const KEY_BYTES_MIN: usize = 24;
/// Longest key, in bytes.
const KEY_BYTES_MAX: usize = 64;

/// An HTTP endpoint.
pub struct Webhook {
    client: reqwest::Client,
    url: reqwest::Url,
    keys: Vec<SigningKey>,
    channels: Vec<MessageChannel>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Webhook")
    }
}

/// Why a webhook cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum WebhookSettingsError {
    /// The URL cannot be understood. Does not repeat it, since it may hold a password.
    #[error("webhook.url must be an http or https URL")]
    Url,
    /// A secret cannot be understood. Does not repeat it.
    #[error("webhook.secrets must each be whsec_ and the base64 of 24 to 64 bytes, at least one")]
    Secret,
    /// The HTTP client.
    #[error("webhook: {0}")]
    Client(#[from] HttpSetupError),
}

/// A key that signs. Has no `Debug`, so that it is never printed.
#[derive(Clone)]
pub struct SigningKey(Vec<u8>);

impl SigningKey {
    /// Reads a secret as Standard Webhooks writes it: `whsec_` and base64.
    pub fn parse(secret: &str) -> Result<Self, WebhookSettingsError> {
        let text = secret.strip_prefix(SECRET_PREFIX).unwrap_or(secret);
        let key = BASE64
            .decode(text)
            .map_err(|_| WebhookSettingsError::Secret)?;
        if !(KEY_BYTES_MIN..=KEY_BYTES_MAX).contains(&key.len()) {
            return Err(WebhookSettingsError::Secret);
        }
        Ok(Self(key))
    }

    fn mac(&self, id: &str, timestamp: i64, body: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        mac
    }

    /// The signature of a message: `v1,` and base64.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let digest = self.mac(id, timestamp, body).finalize().into_bytes();
        format!("v1,{}", BASE64.encode(digest))
    }

    /// Whether one of a header's signatures is this key's, as a receiver checks it: in constant time,
    /// and with the timestamp no further than `tolerance` from `now`.
    pub fn verifies(
        &self,
        id: &str,
        timestamp: i64,
        body: &[u8],
        header: &str,
        now: Timestamp,
        tolerance: SignedDuration,
    ) -> bool {
        let age = now.as_second().saturating_sub(timestamp).saturating_abs();
        age <= tolerance.as_secs()
            && header
                .split(' ')
                .filter_map(|one| one.strip_prefix("v1,"))
                .filter_map(|text| BASE64.decode(text).ok())
                .any(|digest| self.mac(id, timestamp, body).verify_slice(&digest).is_ok())
    }
}

#[derive(Serialize)]
struct Payload<'a> {
    r#type: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    message: String,
    template: &'static str,
    page: i32,
    channel: &'static str,
    to: &'a str,
    language: &'static str,
    subject: &'a str,
    body: &'a str,
}

impl Webhook {
    /// An endpoint that serves some channels. Several secrets sign side by side, so that one can be
    /// exchanged without a gap. No request takes longer than `timeout`.
    pub fn new(
        url: &str,
        secrets: &[impl AsRef<str>],
        channels: Vec<MessageChannel>,
        timeout: Duration,
    ) -> Result<Self, WebhookSettingsError> {
        let url = reqwest::Url::parse(url).map_err(|_| WebhookSettingsError::Url)?;
        if !http::is_web(&url) {
            return Err(WebhookSettingsError::Url);
        }
        let keys = secrets
            .iter()
            .map(|secret| SigningKey::parse(secret.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(WebhookSettingsError::Secret);
        }
        let client = http::client(timeout)?;
        Ok(Self {
            client,
            url,
            keys,
            channels,
        })
    }

    /// The channels it serves.
    pub fn channels(&self) -> &[MessageChannel] {
        &self.channels
    }

    /// Hands a message over.
    pub async fn send(&self, message: &Outgoing, now: Timestamp) -> Answer {
        let payload = Payload {
            r#type: "message.requested",
            timestamp: now.to_string(),
            data: Data {
                message: message.name.to_string(),
                template: message.template.key(),
                page: message.page,
                channel: message.channel.word(),
                to: &message.address,
                language: message.language.tag(),
                subject: &message.subject,
                body: &message.body,
            },
        };
        let Ok(body) = serde_json::to_vec(&payload) else {
            return Answer::permanent("PAYLOAD_INVALID");
        };
        let id = format!("msg_{}", message.dedup_id());
        let timestamp = now.as_second();
        let signatures: Vec<String> = self
            .keys
            .iter()
            .map(|key| key.sign(&id, timestamp, &body))
            .collect();
        let sent = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures.join(" "))
            .body(body)
            .send()
            .await;
        match sent {
            Ok(response) => http::judge(response.status(), http::wish(response.headers(), now)),
            Err(error) => http::broken(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the reference implementations of Standard Webhooks share.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_signature_is_the_one_of_standard_webhooks() {
        let key = SigningKey::parse(SECRET).unwrap();
        assert_eq!(key.sign(ID, TIMESTAMP, BODY), SIGNATURE);
        assert!(key.verifies(ID, TIMESTAMP, BODY, SIGNATURE, at(TIMESTAMP), TOLERANCE));
    }

    #[test]
    fn a_receiver_refuses_another_id_time_body_key_version_or_age() {
        let key = SigningKey::parse(SECRET).unwrap();
        let other = SigningKey::parse(&format!("whsec_{}", BASE64.encode([7; 32]))).unwrap();
        let now = at(TIMESTAMP);
        let verifies = |key: &SigningKey, id, timestamp, body: &[u8], header, now| {
            key.verifies(id, timestamp, body, header, now, TOLERANCE)
        };
        assert!(!verifies(&key, "msg_x", TIMESTAMP, BODY, SIGNATURE, now));
        assert!(!verifies(&key, ID, TIMESTAMP + 1, BODY, SIGNATURE, now));
        assert!(!verifies(&key, ID, TIMESTAMP, b"{}", SIGNATURE, now));
        assert!(!verifies(&other, ID, TIMESTAMP, BODY, SIGNATURE, now));
        let version = SIGNATURE.replace("v1,", "v2,");
        assert!(!verifies(&key, ID, TIMESTAMP, BODY, &version, now));
        assert!(verifies(
            &key,
            ID,
            TIMESTAMP,
            BODY,
            SIGNATURE,
            at(TIMESTAMP + 300)
        ));
        assert!(!verifies(
            &key,
            ID,
            TIMESTAMP,
            BODY,
            SIGNATURE,
            at(TIMESTAMP + 301)
        ));
        assert!(!verifies(&key, ID, TIMESTAMP, BODY, "", now));
    }

    #[test]
    fn a_secret_can_be_exchanged_without_a_gap() {
        let old = SigningKey::parse(SECRET).unwrap();
        let new = SigningKey::parse(&format!("whsec_{}", BASE64.encode([7; 32]))).unwrap();
        let header = format!(
            "{} {}",
            new.sign(ID, TIMESTAMP, BODY),
            old.sign(ID, TIMESTAMP, BODY)
        );
        for key in [old, new] {
            assert!(key.verifies(ID, TIMESTAMP, BODY, &header, at(TIMESTAMP), TOLERANCE));
        }
    }

    #[test]
    fn weak_and_garbled_secrets_are_refused_without_being_repeated() {
        for secret in ["whsec_c2hvcnQ=", "whsec_***", ""] {
            let error = SigningKey::parse(secret).err().map(|e| e.to_string());
            assert!(error.is_some_and(|e| !e.contains("c2hv")));
        }
    }
}
