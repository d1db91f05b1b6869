//! What providers over HTTP share: one careful client, and how its answers are read.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::Answer;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// No HTTP client can be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpSetupError {
    /// The client itself.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
    /// TLS.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// A client of which no request takes longer than `timeout`.
pub(super) fn client(timeout: Duration) -> Result<reqwest::Client, HttpSetupError> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls()?)
        // The endpoint is the operator's own word; neither a redirect nor the environment's proxy
        // may send a message with a name in it anywhere else.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .timeout(timeout)
        .build()
        .map_err(HttpSetupError::Client)
}

fn tls() -> Result<rustls::ClientConfig, HttpSetupError> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(HttpSetupError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// Whether a URL can be called at all.
pub(super) fn is_web(url: &reqwest::Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// What a request that got no whole answer comes to. Its words may quote the URL, so they go nowhere.
pub(super) fn broken(error: &reqwest::Error) -> Answer {
    Answer::transient(if error.is_timeout() {
        "TIMEOUT"
    } else if error.is_connect() {
        "CONNECT"
    } else {
        "HTTP_BROKEN"
    })
}

/// Only an answer that says "this message is wrong" is for good; a gateway that is misconfigured,
/// gone or overloaded may be mended while we try.
pub(super) fn judge(status: StatusCode, wish: Option<SignedDuration>) -> Answer {
    if status.is_success() {
        return Answer::accepted();
    }
    let reason = format!("HTTP_{}", status.as_u16());
    match status {
        StatusCode::BAD_REQUEST
        | StatusCode::GONE
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNPROCESSABLE_ENTITY => Answer::permanent(reason),
        _ => Answer {
            wish,
            ..Answer::transient(reason)
        },
    }
}

/// What `Retry-After` asks for: seconds, or an HTTP date.
pub(super) fn wish(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(SignedDuration::from_secs(i64::from(seconds)));
    }
    let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(until.duration_since(now).max(SignedDuration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refused_message_is_for_good() {
        let outcome = |status: u16| judge(StatusCode::from_u16(status).unwrap(), None).outcome;
        for (status, word) in [
            (200, "ACCEPTED"),
            (202, "ACCEPTED"),
            (302, "TRANSIENT"),
            (400, "PERMANENT"),
            (401, "TRANSIENT"),
            (404, "TRANSIENT"),
            (410, "PERMANENT"),
            (422, "PERMANENT"),
            (429, "TRANSIENT"),
            (500, "TRANSIENT"),
            (503, "TRANSIENT"),
        ] {
            assert_eq!(outcome(status).word(), word, "{status}");
        }
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            wish(&headers, now).map(|w| w.as_secs())
        };
        assert_eq!(read("120"), Some(120));
        assert_eq!(read("Sat, 21 Nov 2026 00:01:30 GMT"), Some(90));
        assert_eq!(read("Fri, 20 Nov 2026 00:00:00 GMT"), Some(0));
        assert_eq!(read("soon"), None);
    }
}
