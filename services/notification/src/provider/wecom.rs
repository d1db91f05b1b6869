//! The robot of a WeCom group: staff read it, and are mentioned by phone number. WeCom answers every request
//! with 200; `errcode` says what became of it. A robot takes 20 messages a minute; counting them here keeps
//! us from running into its refusal, which WeCom punishes with a longer one.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redress_model::name::SiteId;
use serde::Deserialize;
use serde_json::json;

use super::http::{self, HttpSetupError};
use super::{Answer, Outgoing};

/// Messages that a robot takes within [`WINDOW`].
const MESSAGES_MAX: usize = 20;
/// Over which span they are counted.
const WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// Longest text, in bytes.
const CONTENT_BYTES_MAX: usize = 2048;

/// A robot.
pub struct Wecom {
    client: reqwest::Client,
    url: reqwest::Url,
    sites: Vec<SiteId>,
    lately: Mutex<VecDeque<Timestamp>>,
}

impl std::fmt::Debug for Wecom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wecom")
    }
}

/// Why a robot cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum WecomSettingsError {
    /// The URL cannot be understood. Does not repeat it, since it holds the robot's key.
    #[error("wecom.url must be the http or https URL of the robot, with its key")]
    Url,
    /// The HTTP client.
    #[error("wecom: {0}")]
    Client(#[from] HttpSetupError),
}

#[derive(Deserialize)]
struct Verdict {
    errcode: i64,
}

impl Wecom {
    /// The robot of these sites' group; no site: of every site's. No request takes longer than `timeout`.
    pub fn new(
        url: &str,
        sites: Vec<SiteId>,
        timeout: Duration,
    ) -> Result<Self, WecomSettingsError> {
        let url = reqwest::Url::parse(url).map_err(|_| WecomSettingsError::Url)?;
        if !http::is_web(&url) {
            return Err(WecomSettingsError::Url);
        }
        Ok(Self {
            client: http::client(timeout)?,
            url,
            sites,
            lately: Mutex::default(),
        })
    }

    /// Whether it serves a site.
    pub fn serves(&self, site: &SiteId) -> bool {
        self.sites.is_empty() || self.sites.contains(site)
    }

    /// Until when its minute is full; none while it takes more.
    pub fn full_until(&self, now: Timestamp) -> Option<Timestamp> {
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now.saturating_sub(WINDOW).unwrap_or(now);
        while lately.front().is_some_and(|sent| *sent <= since) {
            lately.pop_front();
        }
        let first = lately.front().filter(|_| lately.len() >= MESSAGES_MAX)?;
        first.saturating_add(WINDOW).ok()
    }

    /// Hands a message over.
    pub async fn send(&self, message: &Outgoing, now: Timestamp) -> Answer {
        if let Some(until) = self.full_until(now) {
            return Answer {
                wish: Some(until.duration_since(now)),
                ..Answer::transient("WECOM_MINUTE_FULL")
            };
        }
        self.lately
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(now);
        let content = format!("{}\n{}", message.subject, message.body);
        let mut text = json!({ "content": shortened(&content) });
        if !message.address.is_empty() {
            text["mentioned_mobile_list"] = json!([message.address.trim_start_matches("+86")]);
        }
        let body = json!({ "msgtype": "text", "text": text });
        let sent = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
            .await;
        let response = match sent {
            Ok(response) => response,
            Err(error) => return http::broken(&error),
        };
        if !response.status().is_success() {
            return http::judge(response.status(), http::wish(response.headers(), now));
        }
        match response.bytes().await {
            Ok(bytes) => match serde_json::from_slice::<Verdict>(&bytes) {
                Ok(verdict) => judge(verdict.errcode),
                Err(_) => Answer::transient("WECOM_GARBLED"),
            },
            Err(error) => http::broken(&error),
        }
    }
}

/// What an `errcode` means: 0 took it; 45009 and 45033 ask for patience; what is wrong with this message is
/// for good; a wrong key, a removed robot or a busy WeCom may be mended while we try.
fn judge(errcode: i64) -> Answer {
    let word = format!("WECOM_{}", errcode.unsigned_abs());
    match errcode {
        0 => Answer::accepted(),
        45009 | 45033 => Answer {
            wish: Some(WINDOW),
            ..Answer::transient(word)
        },
        40008 | 40058 | 44004 | 45002 => Answer::permanent(word),
        _ => Answer::transient(word),
    }
}

/// As much as a robot takes, cut between characters.
fn shortened(text: &str) -> &str {
    let mut end = text.len().min(CONTENT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errcodes_say_now_later_or_never() {
        let of = |code| {
            let answer = judge(code);
            (answer.outcome.word(), answer.wish.map(|w| w.as_secs()))
        };
        assert_eq!(of(0), ("ACCEPTED", None));
        assert_eq!(of(45009), ("TRANSIENT", Some(60)));
        assert_eq!(of(45033), ("TRANSIENT", Some(60)));
        assert_eq!(of(93000), ("TRANSIENT", None));
        assert_eq!(of(-1), ("TRANSIENT", None));
        assert_eq!(of(44004), ("PERMANENT", None));
        assert_eq!(judge(93000).reason, "WECOM_93000");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = "字".repeat(1000);
        assert_eq!(shortened(&text).len(), 2046);
        assert_eq!(shortened("short"), "short");
    }
}
