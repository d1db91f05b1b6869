//! Those who carry messages. An enum-like bundle and no trait: a handful, known at start, called from one
//! place.
//!
//! What the other side says never leaves this module: refusals quote addresses, so each becomes a
//! closed word (`SMTP_450`, `HTTP_503`, `TIMEOUT`) that is safe to store, log and show (I9).

mod http;
pub mod sms;
pub mod smtp;
pub mod webhook;
pub mod wecom;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use redress_model::name::{MessageName, SiteId};
use serde_json::Value;

use crate::domain::breaker::{Breaker, Standing};
use crate::domain::route::{Providers, Way};
use crate::domain::words::{AttemptOutcome, Language, MessageChannel, Provider, Template};
use sms::SmsGateway;
use smtp::Smtp;
use webhook::Webhook;
use wecom::Wecom;

/// A message ready to go. Names people: hence no `Debug`.
#[derive(Clone)]
pub struct Outgoing {
    /// The message.
    pub name: MessageName,
    /// Page of a call-out, from 1.
    pub page: i32,
    /// How many copies of this page are known not to have arrived by this provider and channel.
    pub lost: i64,
    /// The provider had the first copy of this page by another channel.
    pub by_another: bool,
    /// What is said.
    pub template: Template,
    /// By which channel it is meant to go.
    pub channel: MessageChannel,
    /// In which language it is written.
    pub language: Language,
    /// Where to; empty where the reader has no address.
    pub address: String,
    /// Subject line.
    pub subject: String,
    /// Text.
    pub body: String,
    /// What the text was written from, by the names of the variables: for gateways that know texts by codes.
    pub params: BTreeMap<String, Value>,
    /// Name of the reader; empty where unknown.
    pub reader: String,
    /// When it was caused.
    pub create_time: Timestamp,
    /// Where the reader refuses such messages by one click; none where they are told in any case.
    pub unsubscribe: Option<String>,
}

impl Outgoing {
    /// What makes two copies of one page recognisable: the same for every attempt at it, by whatever
    /// worker (the unknown end of an attempt is answered by sending again), until a copy is known not to have arrived. From
    /// then on it is another one: a provider that remembers what it took must not take the next copy for the lost one, nor for
    /// one that it carried by another channel.
    pub fn dedup_id(&self) -> String {
        let mut id = format!("{}.{}", self.name.id.simple(), self.page);
        if self.by_another {
            id.push('.');
            id.push_str(&self.channel.word().to_ascii_lowercase());
        }
        match self.lost {
            0 => id,
            lost => format!("{id}.{lost}"),
        }
    }
}

/// What became of handing a message over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Accepted, Transient or Permanent.
    pub outcome: AttemptOutcome,
    /// Closed word for what went wrong; empty when accepted.
    pub reason: String,
    /// How long the provider wants to be left alone.
    pub wish: Option<SignedDuration>,
}

impl Answer {
    /// The provider took it.
    pub fn accepted() -> Self {
        Self {
            outcome: AttemptOutcome::Accepted,
            reason: String::new(),
            wish: None,
        }
    }

    /// Not now.
    pub fn transient(reason: impl Into<String>) -> Self {
        Self {
            outcome: AttemptOutcome::Transient,
            reason: reason.into(),
            wish: None,
        }
    }

    /// Never this way.
    pub fn permanent(reason: impl Into<String>) -> Self {
        Self {
            outcome: AttemptOutcome::Permanent,
            reason: reason.into(),
            wish: None,
        }
    }
}

/// The gateways that the operator has configured. The local outbox, tasks and the stream of apps are no
/// gateways: they lie in the same database as the message.
#[derive(Debug, Default)]
pub struct Gateways {
    /// Mail server.
    pub smtp: Option<Smtp>,
    /// HTTP endpoint.
    pub webhook: Option<Webhook>,
    /// Gateways for text messages; the first that serves the site.
    pub sms: Vec<SmsGateway>,
    /// Robots of groups; the first that serves the site.
    pub wecom: Vec<Wecom>,
    /// Whether a person calls or writes where no gateway does.
    pub tasks: bool,
    /// Whether apps and portals are told through the stream.
    pub app: bool,
    /// Whether the local outbox takes what no gateway carries.
    pub outbox: bool,
    /// How each gateway has been doing: of a provider, by its place among its kind.
    pub breakers: Mutex<HashMap<(Provider, usize), Breaker>>,
}

impl Gateways {
    /// What can be routed at a site.
    pub fn providers(&self, site: &SiteId) -> Providers {
        Providers {
            smtp: self.smtp.is_some(),
            webhook: self
                .webhook
                .as_ref()
                .map(|w| w.channels().to_vec())
                .unwrap_or_default(),
            sms: self.sms.iter().any(|gateway| gateway.serves(site)),
            wecom: self.wecom.iter().any(|robot| robot.serves(site)),
            tasks: self.tasks,
            app: self.app,
            outbox: self.outbox,
        }
    }

    fn key(&self, way: Way, site: &SiteId) -> (Provider, usize) {
        let place = match way.provider {
            Provider::SmsGateway => self.sms.iter().position(|g| g.serves(site)),
            Provider::Wecom => self.wecom.iter().position(|r| r.serves(site)),
            Provider::Smtp
            | Provider::Webhook
            | Provider::Outbox
            | Provider::Task
            | Provider::App => None,
        };
        (way.provider, place.unwrap_or(0))
    }

    fn breaker<T>(&self, way: Way, site: &SiteId, work: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        work(breakers.entry(self.key(way, site)).or_default())
    }

    /// Until when a way is not to be used; none where it is open.
    pub fn shut_until(&self, way: Way, site: &SiteId, now: Timestamp) -> Option<Timestamp> {
        let resting = self.breaker(way, site, |breaker| breaker.shut_until(now));
        let full = match way.provider {
            Provider::Wecom => self
                .wecom
                .iter()
                .find(|robot| robot.serves(site))
                .and_then(|robot| robot.full_until(now)),
            _ => None,
        };
        resting.max(full)
    }

    /// Takes a place at a way, as the probe of a provider that has been resting. Says whether there was one.
    pub fn admit(&self, way: Way, site: &SiteId, now: Timestamp) -> bool {
        self.breaker(way, site, |breaker| breaker.admit(now))
    }

    /// Remembers how an attempt ended. Returns how the provider stands.
    pub fn heard(
        &self,
        way: Way,
        site: &SiteId,
        answer: &Answer,
        now: Timestamp,
        chance: f64,
    ) -> Standing {
        self.breaker(way, site, |breaker| {
            breaker.heard(answer.outcome, answer.wish, now, chance);
            breaker.standing(now)
        })
    }

    /// Hands a message to the gateway of a way. None for what is no gateway, and for one that is no longer
    /// configured.
    pub async fn send(&self, way: Way, message: &Outgoing, now: Timestamp) -> Option<Answer> {
        let site = &message.name.site;
        match way.provider {
            Provider::Smtp => Some(self.smtp.as_ref()?.send(message).await),
            Provider::Webhook => Some(self.webhook.as_ref()?.send(message, now).await),
            Provider::SmsGateway => {
                let gateway = self.sms.iter().find(|gateway| gateway.serves(site))?;
                Some(gateway.send(message, now).await)
            }
            Provider::Wecom => {
                let robot = self.wecom.iter().find(|robot| robot.serves(site))?;
                Some(robot.send(message, now).await)
            }
            Provider::Outbox | Provider::Task | Provider::App => None,
        }
    }
}
