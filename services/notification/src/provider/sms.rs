//! A gateway for text messages over HTTP: the shape that gateways in mainland China share, where a text is a
//! registered template and its parameters. The request is signed with HMAC-SHA256 over its canonical form;
//! the delivery id, the same for every attempt at a page until one is known not to have arrived, is the idempotency key.
//!
//! The canonical form is these lines, joined by `\n`: the method, the path, the query (empty where none),
//! `content-type:application/json`, `x-redress-date:<UTC, 20261121T020000Z>`, `x-redress-delivery:<id>`, an
//! empty line, and the lower-case hex SHA-256 of the body. `Authorization` carries
//! `REDRESS-HMAC-SHA256 KeyId=<id>, Signature=<lower-case hex>`, once for each key while one is exchanged.

use std::collections::BTreeMap;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use redress_model::name::SiteId;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::http::{self, HttpSetupError};
use super::{Answer, Outgoing};

/// Shortest secret, in bytes.
const SECRET_BYTES_MIN: usize = 16;

/// What the gateway knows a text by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmsTemplate {
    /// Code under which the text was registered.
    pub code: String,
    /// Variables that it takes, by their names in our templates. Nothing else is handed over.
    pub params: Vec<String>,
}

/// A key that signs. Has no `Debug`, so that it is never printed.
#[derive(Clone)]
pub struct SmsKey {
    /// Name under which the gateway knows it.
    pub id: String,
    /// The secret.
    pub secret: Vec<u8>,
}

/// What makes up a gateway.
pub struct SmsSettings {
    /// Where it is.
    pub url: String,
    /// The keys that sign, side by side while one is exchanged.
    pub keys: Vec<SmsKey>,
    /// The name that receivers see in front of the text, as registered.
    pub signature: String,
    /// Its sites; empty: every site.
    pub sites: Vec<SiteId>,
    /// Registered texts by the keys of our templates; without one the text goes whole.
    pub templates: BTreeMap<String, SmsTemplate>,
}

/// A gateway for text messages.
pub struct SmsGateway {
    client: reqwest::Client,
    url: reqwest::Url,
    keys: Vec<SmsKey>,
    signature: String,
    sites: Vec<SiteId>,
    templates: BTreeMap<String, SmsTemplate>,
}

impl std::fmt::Debug for SmsGateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SmsGateway")
    }
}

/// Why a gateway cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum SmsSettingsError {
    /// The URL cannot be understood. Does not repeat it, since it may hold a password.
    #[error("sms.url must be an http or https URL")]
    Url,
    /// A key cannot be used. Does not repeat it.
    #[error(
        "sms.keys must hold at least one key with an id of plain letters and a secret of 16 bytes or more"
    )]
    Key,
    /// The HTTP client.
    #[error("sms: {0}")]
    Client(#[from] HttpSetupError),
}

#[derive(Serialize)]
struct Payload<'a> {
    delivery_id: &'a str,
    to: &'a str,
    signature: &'a str,
    language: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    params: BTreeMap<&'a str, &'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

/// Hex of the signature over the canonical form of a request.
pub fn sign(
    secret: &[u8],
    path: &str,
    query: &str,
    date: &str,
    delivery: &str,
    body: &[u8],
) -> String {
    let canonical = format!(
        "POST\n{path}\n{query}\ncontent-type:application/json\nx-redress-date:{date}\n\
         x-redress-delivery:{delivery}\n\n{}",
        hex(&Sha256::digest(body))
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(canonical.as_bytes());
    hex(&mac.finalize().into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl SmsGateway {
    /// A gateway. No request takes longer than `timeout`.
    pub fn new(settings: SmsSettings, timeout: Duration) -> Result<Self, SmsSettingsError> {
        let url = reqwest::Url::parse(&settings.url).map_err(|_| SmsSettingsError::Url)?;
        if !http::is_web(&url) {
            return Err(SmsSettingsError::Url);
        }
        let plain =
            |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let right = |key: &SmsKey| plain(&key.id) && key.secret.len() >= SECRET_BYTES_MIN;
        if settings.keys.is_empty() || !settings.keys.iter().all(right) {
            return Err(SmsSettingsError::Key);
        }
        Ok(Self {
            client: http::client(timeout)?,
            url,
            keys: settings.keys,
            signature: settings.signature,
            sites: settings.sites,
            templates: settings.templates,
        })
    }

    /// Whether it serves a site.
    pub fn serves(&self, site: &SiteId) -> bool {
        self.sites.is_empty() || self.sites.contains(site)
    }

    /// Hands a message over.
    pub async fn send(&self, message: &Outgoing, now: Timestamp) -> Answer {
        let delivery = message.dedup_id();
        let template = self.templates.get(message.template.key());
        let mut params = BTreeMap::new();
        for name in template.iter().flat_map(|t| &t.params) {
            // What a text was registered with has to be there, or the gateway would send a hole.
            let Some(value) = message.params.get(name) else {
                return Answer::permanent("PARAMETER_MISSING");
            };
            params.insert(name.as_str(), value);
        }
        let payload = Payload {
            delivery_id: &delivery,
            to: &message.address,
            signature: &self.signature,
            language: message.language.tag(),
            template: template.map(|t| t.code.as_str()),
            params,
            text: template.is_none().then_some(message.body.as_str()),
        };
        let Ok(body) = serde_json::to_vec(&payload) else {
            return Answer::permanent("PAYLOAD_INVALID");
        };
        let date = now
            .to_zoned(TimeZone::UTC)
            .strftime("%Y%m%dT%H%M%SZ")
            .to_string();
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("idempotency-key", &delivery)
            .header("x-redress-delivery", &delivery)
            .header("x-redress-date", &date);
        for key in &self.keys {
            let query = self.url.query().unwrap_or_default();
            let signature = sign(&key.secret, self.url.path(), query, &date, &delivery, &body);
            let value = format!(
                "REDRESS-HMAC-SHA256 KeyId={}, Signature={signature}",
                key.id
            );
            request = request.header(AUTHORIZATION, value);
        }
        match request.body(body).send().await {
            // It has taken this delivery before; the first answer got lost.
            Ok(response) if response.status() == StatusCode::CONFLICT => Answer::accepted(),
            Ok(response) => http::judge(response.status(), http::wish(response.headers(), now)),
            Err(error) => http::broken(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_covers_path_query_date_delivery_and_body() {
        let whole = |path, query, date, delivery, body: &[u8]| {
            sign(b"0123456789abcdef", path, query, date, delivery, body)
        };
        let first = whole("/send", "a=1", "20261121T020000Z", "d1", b"{}");
        // Computed once with Python's hmac over the canonical form that the module's head describes.
        assert_eq!(
            first,
            "37df5556f40a0f89106218ea3cd9a0da7c5a9a0c5f692a309a6ba75028527510"
        );
        for other in [
            whole("/other", "a=1", "20261121T020000Z", "d1", b"{}"),
            whole("/send", "a=2", "20261121T020000Z", "d1", b"{}"),
            whole("/send", "a=1", "20261121T020001Z", "d1", b"{}"),
            whole("/send", "a=1", "20261121T020000Z", "d2", b"{}"),
            whole("/send", "a=1", "20261121T020000Z", "d1", b"[]"),
        ] {
            assert_ne!(first, other);
        }
    }
}
