//! E-mail by SMTP (lettre). The Message-ID belongs to the page, not to the attempt, so that mailboxes
//! recognise a copy that was sent because the first answer got lost.

use std::error::Error as _;
use std::time::Duration;

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::{Answer, Outgoing};

/// A mail server.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    timeout: Duration,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Smtp")
    }
}

/// Why a mail server cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum SmtpSettingsError {
    /// The URL cannot be understood. Does not repeat it, since it may hold a password.
    #[error("smtp.url must look like smtps://user:password@host:465 or smtp://host:25")]
    Url,
    /// The sender is no address.
    #[error("smtp.from must be an e-mail address, with or without a name")]
    From,
    /// The authorities cannot be used.
    #[error("smtp.ca_file must hold certificates of authorities in PEM")]
    Authorities,
    /// Authorities are named for a server that need not show a certificate.
    #[error(
        "smtp.ca_file needs smtps:// or ?tls=required in smtp.url, or nothing is held against it"
    )]
    Unencrypted,
}

/// Tells mail robots not to answer.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Where the reader refuses such mail; with [`OneClick`] by a single POST (RFC 8058).
#[derive(Clone)]
struct ListUnsubscribe(String);

impl Header for ListUnsubscribe {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), format!("<{}>", self.0))
    }
}

/// Says that no page has to be visited.
#[derive(Clone)]
struct OneClick;

impl Header for OneClick {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe-Post")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "List-Unsubscribe=One-Click".to_owned())
    }
}

impl Smtp {
    /// A mail server by its URL, sending as `from`. Its certificate has to be of one of the `authorities`, in PEM; none:
    /// of one that is publicly trusted. No delivery takes longer than `timeout`.
    pub fn new(
        url: &str,
        from: &str,
        authorities: Option<&[u8]>,
        timeout: Duration,
    ) -> Result<Self, SmtpSettingsError> {
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|_| SmtpSettingsError::Url)?
            .timeout(Some(timeout));
        if let Some(pem) = authorities {
            transport = transport.tls(trusting(url, pem)?);
        }
        let from = from.parse().map_err(|_| SmtpSettingsError::From)?;
        Ok(Self {
            transport: transport.build(),
            from,
            timeout,
        })
    }

    /// Hands a message over.
    pub async fn send(&self, message: &Outgoing) -> Answer {
        let Ok(to) = message.address.parse::<Address>() else {
            return Answer::permanent("ADDRESS_INVALID");
        };
        let mut mail = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(&message.subject)
            .message_id(Some(format!(
                "<{}@{}>",
                message.dedup_id(),
                self.from.email.domain()
            )))
            .date(std::time::SystemTime::from(message.create_time))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN);
        if let Some(link) = &message.unsubscribe {
            mail = mail.header(ListUnsubscribe(link.clone())).header(OneClick);
        }
        let mail = mail.body(message.body.clone());
        let Ok(mail) = mail else {
            return Answer::permanent("MAIL_INVALID");
        };
        match tokio::time::timeout(self.timeout, self.transport.send(mail)).await {
            Ok(Ok(_)) => Answer::accepted(),
            Ok(Err(error)) => judge(&error),
            Err(_) => Answer::transient("TIMEOUT"),
        }
    }
}

/// TLS as the URL asks for it, with a server whose certificate is of one of these authorities and of no other.
fn trusting(url: &str, pem: &[u8]) -> Result<Tls, SmtpSettingsError> {
    // A store of no certificates would only be noticed by trusting nobody.
    if !String::from_utf8_lossy(pem).contains("-----BEGIN CERTIFICATE-----") {
        return Err(SmtpSettingsError::Authorities);
    }
    let url = reqwest::Url::parse(url).map_err(|_| SmtpSettingsError::Url)?;
    let host = url.host_str().ok_or(SmtpSettingsError::Url)?;
    let roots = Certificate::from_pem(pem).map_err(|_| SmtpSettingsError::Authorities)?;
    let parameters = TlsParameters::builder(host.to_owned())
        .certificate_store(CertificateStore::None)
        .add_root_certificate(roots)
        .build()
        .map_err(|_| SmtpSettingsError::Authorities)?;
    let asked = url.query_pairs().find(|(key, _)| key == "tls");
    let asked = asked.map(|(_, value)| value.into_owned());
    match (url.scheme(), asked.as_deref()) {
        ("smtps", _) => Ok(Tls::Wrapper(parameters)),
        (_, Some("required")) => Ok(Tls::Required(parameters)),
        _ => Err(SmtpSettingsError::Unencrypted),
    }
}

/// What went wrong in TLS, which lettre takes for an error of the connection; none where it was something else.
fn of_tls(error: &lettre::transport::smtp::Error) -> Option<&'static str> {
    let mut next = error.source();
    while let Some(cause) = next {
        // An I/O error tells what it wraps by `get_ref` alone.
        let inner = cause
            .downcast_ref::<std::io::Error>()
            .and_then(|io| io.get_ref());
        let tls = cause.downcast_ref().or_else(|| inner?.downcast_ref());
        match tls {
            Some(rustls::Error::InvalidCertificate(_)) => return Some("TLS_CERTIFICATE"),
            Some(_) => return Some("TLS"),
            None => next = cause.source(),
        }
    }
    None
}

fn judge(error: &lettre::transport::smtp::Error) -> Answer {
    if let Some(code) = error.status() {
        let word = format!("SMTP_{code}");
        return if refuses_for_good(&word) {
            Answer::permanent(word)
        } else {
            Answer::transient(word)
        };
    }
    let word = if error.is_timeout() {
        "TIMEOUT"
    } else if let Some(word) = of_tls(error) {
        word
    } else if error.is_tls() {
        "TLS"
    } else if error.is_client() {
        // The server lacks something we need, or our own request was not allowed to be sent.
        "SMTP_CLIENT"
    } else if error.to_string().starts_with("Connection error") {
        // lettre tells this kind by its text alone.
        "CONNECT"
    } else {
        // The server was reached: it may have the mail, and the answer was lost.
        "SMTP_BROKEN"
    };
    Answer::transient(word)
}

/// 5yz is for good, except where it is the operator's account that is refused and not the reader.
fn refuses_for_good(word: &str) -> bool {
    word.starts_with("SMTP_5") && !matches!(word, "SMTP_530" | "SMTP_534" | "SMTP_535" | "SMTP_538")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(5);

    #[test]
    fn a_wrong_url_is_refused_without_being_repeated() {
        let error = Smtp::new("smtps://user:hunter2@", "a@example.com", None, TIMEOUT)
            .expect_err("no host");
        assert!(!error.to_string().contains("hunter2"));
        assert!(matches!(
            Smtp::new("smtp://localhost:25", "not an address", None, TIMEOUT),
            Err(SmtpSettingsError::From)
        ));
    }

    #[test]
    fn authorities_are_certificates_and_hold_for_a_server_that_has_to_show_one() {
        const CA: &[u8] = include_bytes!("../../../../crates/runtime/tests/it/keys/ca.pem");
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let with = |url: &str, pem: &[u8]| {
            let made = Smtp::new(url, "a@example.com", Some(pem), TIMEOUT);
            made.map(|_| ()).map_err(|e| e.to_string())
        };
        assert_eq!(with("smtps://mail.example.com", CA), Ok(()));
        assert_eq!(with("smtp://mail.example.com?tls=required", CA), Ok(()));
        for url in ["smtp://localhost:25", "smtp://mail?tls=opportunistic"] {
            let refused = with(url, CA).expect_err(url);
            assert!(
                refused.starts_with("smtp.ca_file needs smtps://"),
                "{refused}"
            );
        }
        for pem in [&b""[..], b"nonsense", broken] {
            let refused = with("smtps://mail.example.com", pem).expect_err("no authority");
            assert!(refused.starts_with("smtp.ca_file must hold"), "{refused}");
        }
    }

    #[test]
    fn a_refused_reader_is_for_good_and_a_refused_account_is_not() {
        assert!(refuses_for_good("SMTP_550"));
        assert!(!refuses_for_good("SMTP_450"));
        assert!(!refuses_for_good("SMTP_535"));
    }
}
