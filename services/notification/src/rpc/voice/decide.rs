//! A decision about a held message: it goes, or it never does. Both are final.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{IncidentName, MessageName};
use redress_model::text::is_blank;
use redress_proto::notification::v1 as proto;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Keyring, Operation, Tx};

use super::{Shown, Voice};
use crate::domain::words::{HoldDecision, MessageState};
use crate::jobs::{announce, voice};
use crate::rpc::texts as shared;
use crate::store::{held, messages, tasks, texts};

/// The permission to decide in every incident.
const RELEASE: &str = "voice.release";
/// Why a dropped message was cancelled.
const DROPPED: &str = "DROPPED";

/// What was asked for.
pub(super) struct Order<'a> {
    pub(super) method: &'static str,
    pub(super) name: &'a str,
    pub(super) reason: &'a str,
    pub(super) etag: &'a str,
    pub(super) request_id: &'a str,
    pub(super) fingerprint: Vec<u8>,
    pub(super) decision: HoldDecision,
}

/// Decides.
pub(super) async fn run(
    service: &Voice,
    caller: &Caller,
    order: Order<'_>,
) -> Result<proto::HeldMessage, Fault> {
    let name: MessageName = parse_field("name", order.name)?;
    caller.require_site(&name.site)?;
    shared::plain(&[("reason", order.reason)])?;
    if is_blank(order.reason) {
        return Err(Fault::invalid("reason", "must say why"));
    }
    let decide = Decide {
        keys: &service.keys,
        caller,
        reason: order.reason,
        etag: order.etag,
        decision: order.decision,
        receipt: ReceiptKey {
            caller: caller.key(),
            method: order.method,
            request_id: order.request_id.to_owned(),
            site: name.site.to_string(),
            fingerprint: order.fingerprint,
        },
        name,
        now: service.clock.now(),
    };
    let (shown, new) = redress_runtime::sight(caller)
        .run(&service.db, &decide)
        .await?;
    if new {
        service.metrics.decided(order.decision);
        tracing::info!(
            message.name = %shown.message.name,
            decision = order.decision.word(),
            "a held message was decided",
        );
    }
    Ok(super::shown(shown))
}

struct Decide<'a> {
    name: MessageName,
    keys: &'a Keyring,
    caller: &'a Caller,
    reason: &'a str,
    etag: &'a str,
    decision: HoldDecision,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for Decide<'_> {
    const NAME: &'static str = "notification.decide_held";
    /// The message, and whether it was decided just now.
    type Output = (Shown, bool);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let missing = || Fault::not_found("Message", &self.name);
        let claim = receipt::claim(tx, &self.receipt, self.now).await?;
        let mut message = messages::lock(tx, &self.name).await?.ok_or_else(missing)?;
        let new = claim == Claim::New;
        let found = held::get(tx, &self.name).await?;
        let mut held = match found {
            Some(held) if !new || held.decision.is_none() => held,
            _ => {
                let text = "the message does not wait for the spokesperson; ListHeldMessages says which do";
                return Err(Fault::illegal("MESSAGE_NOT_HELD", text, &self.name));
            }
        };
        if new {
            let incident = IncidentName::new(self.name.site.clone(), held.incident);
            super::require(tx, self.caller, RELEASE, Some(&incident), self.now).await?;
            etag::check(self.etag, message.fate.revision, &self.name)?;
            held.decision = Some(self.decision);
            self.caller.subject.clone_into(&mut held.decided_by);
            self.reason.clone_into(&mut held.reason);
            held.decided = Some(self.now);
            let fate = &mut message.fate;
            match (self.decision, fate.state) {
                (HoldDecision::Released, MessageState::Held) => {
                    fate.state = MessageState::Queued;
                    fate.due_time = Some(self.now);
                    fate.reason.clear();
                }
                (
                    HoldDecision::Dropped,
                    // One that is on its way anew has not left; no worker has it.
                    MessageState::Held
                    | MessageState::Asked
                    | MessageState::Failed
                    | MessageState::Queued,
                ) => {
                    fate.state = MessageState::Cancelled;
                    fate.due_time = None;
                    DROPPED.clone_into(&mut fate.reason);
                }
                // Whoever was asked to call or to write may do so, or needs not any more; what has left has left.
                (HoldDecision::Released | HoldDecision::Dropped, _) => {}
            }
            if self.decision == HoldDecision::Dropped {
                tasks::end_dropped(tx, &self.name, self.now).await?;
            }
            if let Some(case) = &message.case {
                // Before the count of what waits of it.
                crate::store::matters::lock_case(tx, case).await?;
            }
            held::update(tx, &held).await?;
            messages::settle(tx, &mut message).await?;
            if message.fate.state == MessageState::Cancelled {
                announce::changed(tx, &message, self.now).await?;
            }
            voice::tell(tx, &message, &held, self.now).await?;
            let etag = etag::of(message.fate.revision);
            receipt::complete(tx, &self.receipt, &self.name.to_string(), &etag).await?;
        }
        let text = texts::said(tx, self.keys, &self.name).await?;
        let shown = Shown {
            held,
            message,
            text,
            preview: None,
        };
        Ok((shown, new))
    }
}
