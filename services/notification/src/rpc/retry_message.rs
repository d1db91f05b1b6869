//! RetryMessage: a failed message is queued anew, by every way again.

use jiff::Timestamp;
use redress_model::fault::parse_field;
use redress_model::name::MessageName;
use redress_model::{Fault, ids};
use redress_proto::notification::v1 as proto;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Messages, texts as shared, wire};
use crate::domain::paging::{CALLOUT_PAGES_MAX, matter_ended};
use crate::domain::words::{MessageState, Template};
use crate::store::matters;
use crate::store::messages::{self, Fate, Message};
use crate::store::texts::{self, Override};

const METHOD: &str = "redress.notification.v1.MessageService/RetryMessage";

struct RetryMessage<'a> {
    name: &'a MessageName,
    etag: &'a str,
    subject: &'a str,
    override_reason: &'a str,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for RetryMessage<'_> {
    const NAME: &'static str = "notification.retry_message";
    type Output = Message;

    async fn run(&self, tx: &mut Tx) -> Result<Message, Fault> {
        let claim = receipt::claim(tx, &self.receipt, self.now).await?;
        let mut message = messages::lock(tx, self.name)
            .await?
            .ok_or_else(|| Fault::not_found("Message", self.name))?;
        if matches!(claim, Claim::Seen { .. }) {
            return Ok(message);
        }
        match message.fate.state {
            // What a digest tells is on its way with it.
            MessageState::Queued
            | MessageState::Sending
            | MessageState::Sent
            | MessageState::Asked
            | MessageState::Bundled => {}
            MessageState::Cancelled | MessageState::Acknowledged => {
                return Err(Fault::illegal(
                    "MESSAGE_ENDED",
                    "only a message in state FAILED can be retried; this one needs nobody any more",
                    self.name,
                ));
            }
            MessageState::Held => {
                return Err(Fault::illegal(
                    "MESSAGE_HELD",
                    "it waits for the spokesperson, who releases or drops it",
                    self.name,
                ));
            }
            MessageState::Failed => {
                etag::check(self.etag, message.fate.revision, self.name)?;
                self.still_wanted(tx, &message).await?;
                self.let_through(tx, &message).await?;
                queue_anew(&mut message.fate, message.template.is_callout(), self.now);
                messages::settle(tx, &mut message).await?;
            }
        }
        let etag = etag::of(message.fate.revision);
        receipt::complete(tx, &self.receipt, &self.name.to_string(), &etag).await?;
        Ok(message)
    }
}

impl RetryMessage<'_> {
    /// Ended cases and incidents page nobody, not even by an operator's hand (P06). That they have ended is told.
    async fn still_wanted(&self, tx: &mut Tx, message: &Message) -> Result<(), Fault> {
        if has_ended(tx, message).await? {
            return Err(Fault::illegal(
                "MATTER_ENDED",
                "messages about a case or incident that has ended are not sent any more",
                self.name,
            ));
        }
        Ok(())
    }
}

impl RetryMessage<'_> {
    /// Keeps why the wording check is overridden, where it keeps this message back.
    async fn let_through(&self, tx: &mut Tx, message: &Message) -> Result<(), Fault> {
        if self.override_reason.is_empty() || message.blocked_rules.is_empty() {
            return Ok(());
        }
        let kept = Override {
            site: self.name.site.clone(),
            id: ids::new_id(self.now),
            message: self.name.clone(),
            rules: message.blocked_rules.clone(),
            reason: self.override_reason.to_owned(),
            author: self.subject.to_owned(),
            create_time: self.now,
        };
        texts::keep_override(tx, &kept).await
    }
}

/// Whether what a message is about has ended.
pub(super) async fn has_ended(tx: &mut Tx, message: &Message) -> Result<bool, Fault> {
    if message.erased {
        return Ok(true);
    }
    if message.template == Template::StatementPublished {
        // What was said stays said.
        return Ok(false);
    }
    Ok(match (&message.incident, &message.case) {
        (Some(incident), _) => matters::incident_ended(tx, incident).await?,
        (None, Some(case)) => matters::case_told(tx, case, message.template)
            .await?
            .is_some_and(|case| {
                matter_ended(message.template, &case, message.facts.is_of_appeal())
            }),
        (None, None) => false,
    })
}

/// A call-out that nobody answered pages anew with new pages; anything else sends the page that failed.
pub(super) fn queue_anew(fate: &mut Fate, callout: bool, now: Timestamp) {
    if callout && fate.reason == "NOT_ACKNOWLEDGED" {
        fate.page += 1;
        fate.page_max = fate.page + CALLOUT_PAGES_MAX - 1;
    }
    fate.state = MessageState::Queued;
    fate.due_time = Some(now);
    fate.round += 1;
    fate.defer_count = 0;
    fate.rest_time = None;
    fate.reason.clear();
}

pub(super) async fn handle(
    service: &Messages,
    request: Request<proto::RetryMessageRequest>,
) -> Result<proto::RetryMessageResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let name: MessageName = parse_field("name", &asked.name)?;
    caller.require_site(&name.site)?;
    shared::plain(&[("override_reason", &asked.override_reason)])?;
    shared::may_override(caller, &asked.override_reason)?;
    let unnumbered = proto::RetryMessageRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let operation = RetryMessage {
        name: &name,
        etag: &asked.etag,
        subject: &caller.subject,
        override_reason: &asked.override_reason,
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id: asked.request_id.clone(),
            site: name.site.to_string(),
            fingerprint: service.fingerprints.of(METHOD, &unnumbered).to_vec(),
        },
        now: service.clock.now(),
    };
    let message = redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await?;
    if !asked.override_reason.is_empty() && !message.blocked_rules.is_empty() {
        service.metrics.overridden("message");
    }
    Ok(proto::RetryMessageResponse {
        message: Some(wire::message(&message)),
    })
}
