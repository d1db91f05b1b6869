//! What an operator can set, read as written and checked into what the code uses.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use jiff::SignedDuration;
use redress_model::name::SiteId;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::domain::words::{MessageChannel, Template};
use crate::provider::Gateways;
use crate::provider::sms::{SmsGateway, SmsKey, SmsSettings, SmsSettingsError, SmsTemplate};
use crate::provider::smtp::{Smtp, SmtpSettingsError};
use crate::provider::webhook::{Webhook, WebhookSettingsError};
use crate::provider::wecom::{Wecom, WecomSettingsError};
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
    pub tasks: bool,
    pub app: bool,
    #[serde(default)]
    pub sms: Vec<RawSms>,
    #[serde(default)]
    pub wecom: Vec<RawWecom>,
    #[serde(default)]
    pub unsubscribe_url: Option<String>,
    #[serde(default)]
    pub survey_url: Option<String>,
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
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
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

/// One of `[[service.sms]]` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawSms {
    pub url: SecretString,
    pub keys: Vec<RawSmsKey>,
    #[serde(default)]
    pub signature: String,
    #[serde(default)]
    pub sites: Vec<String>,
    #[serde(default)]
    pub templates: BTreeMap<String, RawSmsTemplate>,
}

/// A key of a gateway for text messages as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawSmsKey {
    pub id: String,
    pub secret: SecretString,
}

/// A registered text of such a gateway as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawSmsTemplate {
    pub code: String,
    #[serde(default)]
    pub params: Vec<String>,
}

/// One of `[[service.wecom]]` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawWecom {
    pub url: SecretString,
    #[serde(default)]
    pub sites: Vec<String>,
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
    /// The authorities of the mail server cannot be read.
    #[error("service.smtp.ca_file: {0}")]
    CaFile(String),
    /// The webhook.
    #[error("service.{0}")]
    Webhook(#[from] WebhookSettingsError),
    /// A gateway for text messages.
    #[error("service.{0}")]
    Sms(#[from] SmsSettingsError),
    /// A robot.
    #[error("service.{0}")]
    Wecom(#[from] WecomSettingsError),
    /// A site of a gateway is none.
    #[error("service.{key}.sites must be ids of sites")]
    Site {
        /// Which gateway.
        key: &'static str,
    },
    /// A registered text is of a template that there is not.
    #[error("service.sms.templates.{0}: there is no such template")]
    SmsTemplate(String),
    /// Something would reach people out of a rehearsal.
    #[error(
        "service.{0} reaches people, and clock.rate makes this a rehearsal, in which nothing may leave; remove one of them"
    )]
    Rehearsal(&'static str),
    /// A rehearsal has nobody but the outbox.
    #[error("service.outbox must be on in a rehearsal: nobody else carries anything there")]
    RehearsalWithoutOutbox,
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
    /// What the token of a refusal is appended to; none: no e-mail has such a link.
    pub unsubscribe_url: Option<String>,
    /// What the token of a survey is appended to; none: customers are called.
    pub survey_url: Option<String>,
}

/// What a rehearsal asks for: nothing can leave. `unsubscribe_url` and `survey_url` lead people to real pages.
pub fn check_rehearsal(raw: &RawSettings) -> Result<(), SettingsError> {
    let reaching = [
        ("smtp", raw.smtp.is_some()),
        ("webhook", raw.webhook.is_some()),
        ("sms", !raw.sms.is_empty()),
        ("wecom", !raw.wecom.is_empty()),
        ("unsubscribe_url", raw.unsubscribe_url.is_some()),
        ("survey_url", raw.survey_url.is_some()),
    ];
    match reaching.iter().find(|(_, is)| *is) {
        Some((key, _)) => Err(SettingsError::Rehearsal(key)),
        None if !raw.outbox => Err(SettingsError::RehearsalWithoutOutbox),
        None => Ok(()),
    }
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
    // RFC 8058 asks for https, and a header takes no spaces.
    let link = |url: &String| {
        url.starts_with("https://")
            && url
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"<>,".contains(&b))
    };
    within(
        raw.unsubscribe_url.as_ref().is_none_or(link),
        "unsubscribe_url",
        "an https URL",
    )?;
    within(
        raw.survey_url.as_ref().is_none_or(link),
        "survey_url",
        "an https URL",
    )?;
    let timeout = Duration::from_secs(u64::from(raw.provider_timeout_seconds));
    let smtp = raw
        .smtp
        .as_ref()
        .map(|raw| smtp(raw, timeout))
        .transpose()?;
    let webhook = raw
        .webhook
        .as_ref()
        .map(|raw| webhook(raw, timeout))
        .transpose()?;
    let sms = raw
        .sms
        .iter()
        .map(|raw| sms(raw, timeout))
        .collect::<Result<Vec<_>, _>>()?;
    let wecom = raw
        .wecom
        .iter()
        .map(|raw| {
            let sites = sites("wecom", &raw.sites)?;
            Ok(Wecom::new(raw.url.expose_secret(), sites, timeout)?)
        })
        .collect::<Result<Vec<_>, SettingsError>>()?;
    let machines = smtp.is_some() || webhook.is_some() || !sms.is_empty();
    if !machines && !raw.outbox {
        return Err(SettingsError::Nobody);
    }
    let gateways = Gateways {
        smtp,
        webhook,
        sms,
        wecom,
        tasks: raw.tasks,
        app: raw.app,
        outbox: raw.outbox,
        breakers: Mutex::default(),
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
        unsubscribe_url: raw.unsubscribe_url.clone(),
        survey_url: raw.survey_url.clone(),
    };
    Ok((sending, gateways))
}

fn sites(key: &'static str, ids: &[String]) -> Result<Vec<SiteId>, SettingsError> {
    ids.iter()
        .map(|id| id.parse().map_err(|_| SettingsError::Site { key }))
        .collect()
}

fn smtp(raw: &RawSmtp, timeout: Duration) -> Result<Smtp, SettingsError> {
    let authorities = raw
        .ca_file
        .as_ref()
        .map(|file| {
            std::fs::read(file)
                .map_err(|e| SettingsError::CaFile(format!("{}: {e}", file.display())))
        })
        .transpose()?;
    let url = raw.url.expose_secret();
    Ok(Smtp::new(url, &raw.from, authorities.as_deref(), timeout)?)
}

fn sms(raw: &RawSms, timeout: Duration) -> Result<SmsGateway, SettingsError> {
    if let Some(key) = raw
        .templates
        .keys()
        .find(|key| Template::of_key(key).is_none())
    {
        return Err(SettingsError::SmsTemplate(key.clone()));
    }
    let settings = SmsSettings {
        url: raw.url.expose_secret().to_owned(),
        keys: raw
            .keys
            .iter()
            .map(|key| SmsKey {
                id: key.id.clone(),
                secret: key.secret.expose_secret().as_bytes().to_vec(),
            })
            .collect(),
        signature: raw.signature.clone(),
        sites: sites("sms", &raw.sites)?,
        templates: raw
            .templates
            .iter()
            .map(|(key, text)| {
                let template = SmsTemplate {
                    code: text.code.clone(),
                    params: text.params.clone(),
                };
                (key.clone(), template)
            })
            .collect(),
    };
    Ok(SmsGateway::new(settings, timeout)?)
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
        let providers = gateways.providers(&"lake".parse().expect("a slug"));
        assert!(providers.smtp);
        assert_eq!(providers.webhook, [MessageChannel::Sms]);
        let wrong = with("[service.smtp]\nurl = 'nonsense'\nfrom = 'a@example.com'");
        assert!(wrong.is_err_and(|e| e.starts_with("service.smtp.url")));
        assert!(with("unknown_key = 1").is_err());
    }

    #[test]
    fn check_config_says_what_would_only_be_found_after_postgres() {
        use redress_runtime::Service as _;
        use redress_runtime::config::{Sources, load};

        use crate::app::NotificationService;

        let checked = |overlay: &str| {
            let sources = Sources {
                overlay: Some(overlay.to_owned()),
                ..Sources::default()
            };
            let defaults = NotificationService::DEFAULT_CONFIG;
            let (common, settings) =
                load::<RawSettings>("notification", defaults, &sources).expect("readable");
            NotificationService::check(&common, &settings).map_err(|e| e.to_string())
        };
        assert_eq!(checked(""), Ok(()));
        assert_eq!(
            checked("[service]\nattempts_per_way_max = 99"),
            Err("service.attempts_per_way_max must be from 1 to 20".to_owned())
        );
        let wrong = checked("[service.smtp]\nurl = 'http://nope'\nfrom = 'a@example.com'");
        assert!(wrong.is_err_and(|e| e.starts_with("service.smtp.url")));
        let missing = "[service.smtp]\nurl = 'smtps://mail'\nfrom = 'a@example.com'\nca_file = '/no/such/file'";
        assert!(checked(missing).is_err_and(|e| e.starts_with("service.smtp.ca_file: /no/such")));
    }

    #[test]
    fn in_a_rehearsal_nothing_is_configured_that_could_reach_anybody() {
        let refused = |extra: &str| {
            let text = format!("{}\n{extra}", include_str!("../config.toml"));
            let file: File = toml::from_str(&text).expect("well formed");
            check_rehearsal(&file.service).map_err(|e| e.to_string())
        };
        assert_eq!(refused(""), Ok(()));
        for (key, extra) in [
            (
                "smtp",
                "[service.smtp]\nurl = 'smtp://localhost:25'\nfrom = 'a@example.com'",
            ),
            (
                "webhook",
                "[service.webhook]\nurl = 'https://x'\nsecrets = []\nchannels = []",
            ),
            ("sms", "[[service.sms]]\nurl = 'https://x'\nkeys = []"),
            ("wecom", "[[service.wecom]]\nurl = 'https://x'"),
            ("survey_url", "survey_url = 'https://x'"),
            ("unsubscribe_url", "unsubscribe_url = 'https://x'"),
        ] {
            let text = refused(extra).expect_err(key);
            assert!(
                text.starts_with(&format!("service.{key} reaches people")),
                "{text}"
            );
        }
        let text = include_str!("../config.toml").replace("outbox = true", "outbox = false");
        let file: File = toml::from_str(&text).expect("well formed");
        assert!(check_rehearsal(&file.service).is_err());
    }

    #[test]
    fn gateways_for_text_messages_and_robots_serve_their_sites() {
        let sms = "[[service.sms]]\nurl = 'https://sms.example.com/send'\nsites = ['lake']\n\
                   keys = [{ id = 'k1', secret = '0123456789abcdef' }]\n";
        let robot = "[[service.wecom]]\nurl = 'https://qyapi.example.com/send?key=k'\n";
        let (_, gateways) = with(&format!("{sms}{robot}")).expect("right");
        let at = |site: &str| gateways.providers(&site.parse().expect("a slug"));
        assert!(at("lake").sms && !at("river").sms && at("river").wecom);
        let short = sms.replace("0123456789abcdef", "hunter2");
        assert!(
            with(&short)
                .is_err_and(|e| e.starts_with("service.sms.keys") && !e.contains("hunter2"))
        );
        let unknown = format!("{sms}[service.sms.templates.'case.nothing']\ncode = 'S1'");
        assert!(with(&unknown).is_err_and(|e| e.contains("case.nothing")));
    }
}
