//! Those who carry messages. An enum-like bundle and no trait: three of them, known at start, called
//! from one place.
//!
//! What the other side says never leaves this module: refusals quote addresses, so each becomes a
//! closed word (`SMTP_450`, `HTTP_503`, `TIMEOUT`) that is safe to store, log and show (I9).

pub mod smtp;
pub mod webhook;

use jiff::{SignedDuration, Timestamp};
use redress_model::name::MessageName;

use crate::domain::route::{Providers, Way};
use crate::domain::words::{AttemptOutcome, Language, MessageChannel, Provider, Template};
use smtp::Smtp;
use webhook::Webhook;

/// A message ready to go. Names people: hence no `Debug`.
#[derive(Clone)]
pub struct Outgoing {
    /// The message.
    pub name: MessageName,
    /// Page of a call-out, from 1.
    pub page: i32,
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
    /// When it was caused.
    pub create_time: Timestamp,
}

impl Outgoing {
    /// What makes two copies of one page recognisable: the same for every attempt at it, by whatever
    /// worker (the unknown end of an attempt is answered by sending again).
    pub fn dedup_id(&self) -> String {
        format!("{}.{}", self.name.id.simple(), self.page)
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

/// The gateways that the operator has configured. The local outbox is no gateway: it lies in
/// `store::kept`, in the same database as the message.
#[derive(Debug, Default)]
pub struct Gateways {
    /// Mail server.
    pub smtp: Option<Smtp>,
    /// HTTP endpoint.
    pub webhook: Option<Webhook>,
    /// Whether the local outbox takes what no gateway carries.
    pub outbox: bool,
}

impl Gateways {
    /// What can be routed.
    pub fn providers(&self) -> Providers {
        Providers {
            smtp: self.smtp.is_some(),
            webhook: self
                .webhook
                .as_ref()
                .map(|w| w.channels().to_vec())
                .unwrap_or_default(),
            outbox: self.outbox,
        }
    }

    /// Hands a message to the gateway of a way. None for the outbox and for a gateway that is no longer
    /// configured.
    pub async fn send(&self, way: Way, message: &Outgoing, now: Timestamp) -> Option<Answer> {
        match way.provider {
            Provider::Smtp => Some(self.smtp.as_ref()?.send(message).await),
            Provider::Webhook => Some(self.webhook.as_ref()?.send(message, now).await),
            Provider::Outbox
            | Provider::SmsGateway
            | Provider::Wecom
            | Provider::Task
            | Provider::App => None,
        }
    }
}
