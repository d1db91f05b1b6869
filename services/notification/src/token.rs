//! Tokens in links that people get: what they allow stands in them in the clear, and a keyed hash shows that it
//! was written here. All replicas, and their successors, sign alike. Whoever has the link may use it; hence a
//! token allows one small thing, to refuse a topic or to answer one survey.

use redress_model::name::SiteId;
use redress_rpc::Fingerprints;
use uuid::Uuid;

use crate::domain::words::MessageTopic;

/// Signs and reads tokens.
#[derive(Debug, Clone)]
pub struct Tokens(Fingerprints);

/// The reader of a message refuses a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// At which site.
    pub site: SiteId,
    /// The reader, by person token.
    pub person: String,
    /// What.
    pub topic: MessageTopic,
}

impl Tokens {
    /// Tokens under the key of the service's fingerprints.
    pub fn new(key: Fingerprints) -> Self {
        Self(key)
    }

    /// What allows refusing a topic.
    pub fn refusal(&self, site: &SiteId, person: &str, topic: MessageTopic) -> String {
        self.sign(&format!("refuse.{site}.{person}.{topic}"))
    }

    /// What allows answering one survey.
    pub fn survey(&self, site: &SiteId, survey: Uuid) -> String {
        self.sign(&format!("survey.{site}.{}", survey.simple()))
    }

    /// What a token allows to refuse; none where it was not signed here, or allows something else.
    pub fn read_refusal(&self, token: &str) -> Option<Refusal> {
        let mut parts = self.verified(token)?.strip_prefix("refuse.")?.split('.');
        let (site, person, topic) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Refusal {
            site: site.parse().ok()?,
            person: person.to_owned(),
            topic: topic.parse().ok()?,
        })
    }

    /// The survey that a token allows to answer; none where it was not signed here, or allows something else.
    pub fn read_survey(&self, token: &str) -> Option<(SiteId, Uuid)> {
        let mut parts = self.verified(token)?.strip_prefix("survey.")?.split('.');
        let (site, survey) = (parts.next()?, parts.next()?);
        Some((site.parse().ok()?, survey.parse().ok()?))
    }

    fn sign(&self, text: &str) -> String {
        format!("{text}.{}", self.mac(text))
    }

    fn verified<'a>(&self, token: &'a str) -> Option<&'a str> {
        let (text, mac) = token.rsplit_once('.')?;
        let right = self.mac(text);
        // In constant time: how far a guess was right is not told.
        let differs = right.len() != mac.len()
            || right
                .bytes()
                .zip(mac.bytes())
                .fold(0, |d, (a, b)| d | (a ^ b))
                != 0;
        (!differs).then_some(text)
    }

    fn mac(&self, text: &str) -> String {
        use std::fmt::Write as _;
        // No RPC is called so: a receipt's fingerprint is no token.
        let mac = self.0.of("notification.token", &text.to_owned());
        mac.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_allows_what_it_says_and_nothing_else() {
        let tokens = Tokens::new(Fingerprints::new(b"one"));
        let lake: SiteId = "lake".parse().unwrap();
        let token = tokens.refusal(&lake, "a1", MessageTopic::Survey);
        let refusal = tokens.read_refusal(&token).unwrap();
        assert_eq!(
            (refusal.person.as_str(), refusal.topic),
            ("a1", MessageTopic::Survey)
        );
        assert_eq!(
            tokens.read_refusal(&token.replace("SURVEY", "PROGRESS")),
            None
        );
        assert_eq!(tokens.read_refusal(&token.replace("lake", "river")), None);
        assert_eq!(tokens.read_refusal(&token[..token.len() - 1]), None);
        assert_eq!(tokens.read_survey(&token), None);
        let other = Tokens::new(Fingerprints::new(b"two"));
        assert_eq!(other.read_refusal(&token), None);
        let survey = Uuid::from_u128(7);
        let token = tokens.survey(&lake, survey);
        assert_eq!(tokens.read_survey(&token), Some((lake, survey)));
        assert_eq!(tokens.read_refusal(&token), None);
    }
}
