//! What an operator can set, read as written and checked into what the code uses.

use std::time::Duration;

use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::domain::words::MessageChannel;
use crate::provider::Gateways;
use crate::provider::smtp::{Smtp, SmtpSettingsError};
use crate::provider::webhook::{Webhook, WebhookSettingsError};
use crate::store::digests::Bundling;

/// Section `[service]` as written. The meaning of each key stands in config.toml.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawSettings {
    pub receipt_wait_seconds: u32,
    pub digest_alone_max: u16,
    pub digest_window_seconds: u32,
    pub callout_answer_seconds: u32,
    pub attempts_per_way_max: u32,
    pub provider_timeout_seconds: u32,
    pub lease_seconds: u32,
    pub grave_concurrency_max: u16,
    pub routine_concurrency_max: u16,
    pub poll_milliseconds: u32,
    pub outbox: bool,
    #[serde(default)]
    pub smtp: Option<RawSmtp>,
    #[serde(default)]
    pub webhook: Option<RawWebhook>,
}

/// Section `[service.smtp]` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawSmtp {
    pub url: SecretString,
    pub from: String,
}

/// Section `[service.webhook]` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawWebhook {
    pub url: SecretString,
    pub secrets: Vec<SecretString>,
    pub channels: Vec<String>,
}

/// Shortest lease, in seconds: longer than asking for an address (10 s) and the longest provider timeout
/// (15 s) with the database work around them.
const LEASE_SECONDS_MIN: u32 = 45;

/// Longest time a digest may collect, in seconds: the shortest limit in which a page is acknowledged.
const DIGEST_WINDOW_SECONDS_MAX: u32 = 900;

/// Why settings are refused.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A number is out of range.
    #[error("service.{key} must be {bounds}")]
    Range {
        /// The key.
        key: &'static str,
        /// What would be right.
        bounds: &'static str,
    },
    /// A channel is none.
    #[error("service.webhook.channels: {0}")]
    Channel(#[from] redress_model::words::UnknownWord),
    /// The mail server.
    #[error("service.{0}")]
    Smtp(#[from] SmtpSettingsError),
    /// The webhook.
    #[error("service.{0}")]
    Webhook(#[from] WebhookSettingsError),
    /// Nobody would carry anything.
    #[error("service: configure smtp, webhook or outbox; without any no message reaches anybody")]
    Nobody,
}

/// How messages are sent.
#[derive(Debug, Clone)]
pub struct Sending {
    /// How long a receipt waits for what it should name.
    pub receipt_wait: SignedDuration,
    /// When messages to staff become a digest.
    pub bundling: Bundling,
    /// How long somebody called out has to acknowledge.
    pub callout_answer: SignedDuration,
    /// Attempts per way.
    pub attempts_per_way_max: u32,
    /// How long a worker holds a message.
    pub lease: SignedDuration,
    /// Call-outs and grade 1 under way at once.
    pub grave_concurrency_max: u16,
    /// Everything else under way at once.
    pub routine_concurrency_max: u16,
    /// Pause between looks at the database.
    pub poll: Duration,
}

/// Checks the settings.
pub fn check(raw: &RawSettings) -> Result<(Sending, Gateways), SettingsError> {
    let within = |ok: bool, key, bounds| {
        if ok {
            Ok(())
        } else {
            Err(SettingsError::Range { key, bounds })
        }
    };
    within(
        (1..=20).contains(&raw.attempts_per_way_max),
        "attempts_per_way_max",
        "from 1 to 20",
    )?;
    within(
        raw.lease_seconds >= LEASE_SECONDS_MIN,
        "lease_seconds",
        "45 or more",
    )?;
    within(
        (1..=15).contains(&raw.provider_timeout_seconds),
        "provider_timeout_seconds",
        "from 1 to 15",
    )?;
    within(
        raw.digest_window_seconds <= DIGEST_WINDOW_SECONDS_MAX,
        "digest_window_seconds",
        "at most 900",
    )?;
    within(
        raw.callout_answer_seconds >= 1,
        "callout_answer_seconds",
        "1 or more",
    )?;
    within(
        raw.grave_concurrency_max >= 1,
        "grave_concurrency_max",
        "1 or more",
    )?;
    within(
        raw.routine_concurrency_max >= 1,
        "routine_concurrency_max",
        "1 or more",
    )?;
    within(
        (10..=60_000).contains(&raw.poll_milliseconds),
        "poll_milliseconds",
        "from 10 to 60000",
    )?;
    let timeout = Duration::from_secs(u64::from(raw.provider_timeout_seconds));
    let smtp = raw
        .smtp
        .as_ref()
        .map(|smtp| Smtp::new(smtp.url.expose_secret(), &smtp.from, timeout))
        .transpose()?;
    let webhook = raw
        .webhook
        .as_ref()
        .map(|raw| webhook(raw, timeout))
        .transpose()?;
    if smtp.is_none() && webhook.is_none() && !raw.outbox {
        return Err(SettingsError::Nobody);
    }
    let gateways = Gateways {
        smtp,
        webhook,
        outbox: raw.outbox,
    };
    let sending = Sending {
        receipt_wait: SignedDuration::from_secs(i64::from(raw.receipt_wait_seconds)),
        bundling: Bundling {
            alone_max: raw.digest_alone_max,
            window: SignedDuration::from_secs(i64::from(raw.digest_window_seconds)),
        },
        callout_answer: SignedDuration::from_secs(i64::from(raw.callout_answer_seconds)),
        attempts_per_way_max: raw.attempts_per_way_max,
        lease: SignedDuration::from_secs(i64::from(raw.lease_seconds)),
        grave_concurrency_max: raw.grave_concurrency_max,
        routine_concurrency_max: raw.routine_concurrency_max,
        poll: Duration::from_millis(u64::from(raw.poll_milliseconds)),
    };
    Ok((sending, gateways))
}

fn webhook(raw: &RawWebhook, timeout: Duration) -> Result<Webhook, SettingsError> {
    let channels = raw
        .channels
        .iter()
        .map(|word| word.parse())
        .collect::<Result<Vec<MessageChannel>, _>>()?;
    let secrets: Vec<&str> = raw.secrets.iter().map(|s| s.expose_secret()).collect();
    let url = raw.url.expose_secret();
    Ok(Webhook::new(url, &secrets, channels, timeout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        service: RawSettings,
    }

    fn with(extra: &str) -> Result<(Sending, Gateways), String> {
        let text = format!("{}\n{extra}", include_str!("../config.toml"));
        let file: File = toml::from_str(&text).map_err(|e| e.to_string())?;
        check(&file.service).map_err(|e| e.to_string())
    }

    #[test]
    fn the_compiled_in_defaults_are_right_and_keep_messages_in_the_outbox() {
        let (sending, gateways) = with("").expect("defaults");
        assert_eq!(sending.callout_answer, SignedDuration::from_mins(5));
        assert!(gateways.outbox && gateways.smtp.is_none() && gateways.webhook.is_none());
    }

    #[test]
    fn gateways_are_built_and_wrong_ones_named() {
        let (_, gateways) = with(
            "[service.smtp]\nurl = 'smtp://localhost:25'\nfrom = 'A <a@example.com>'\n\
             [service.webhook]\nurl = 'https://example.com'\nsecrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']\nchannels = ['SMS']",
        )
        .expect("right");
        assert!(gateways.providers().smtp);
        assert_eq!(gateways.providers().webhook, [MessageChannel::Sms]);
        let wrong = with("[service.smtp]\nurl = 'nonsense'\nfrom = 'a@example.com'");
        assert!(wrong.is_err_and(|e| e.starts_with("service.smtp.url")));
        assert!(with("unknown_key = 1").is_err());
    }
}
