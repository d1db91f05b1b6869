//! AcknowledgeMessage: whoever was paged says "I have it", which ends the paging. A digest is
//! acknowledged with everything that it tells.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::MessageName;
use redress_proto::notification::v1 as proto;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Messages, wire};
use crate::domain::message::Recipient;
use crate::domain::words::{MessageState, Template};
use crate::jobs::announce;
use crate::store::digests;
use crate::store::messages::{self, Message};

const METHOD: &str = "redress.notification.v1.MessageService/AcknowledgeMessage";

/// What a caller needs besides the method's own permission to answer for somebody else.
const ACKNOWLEDGE_ANY: &str = "messages.acknowledge_any";

struct AcknowledgeMessage<'a> {
    name: &'a MessageName,
    caller: &'a Caller,
    etag: &'a str,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for AcknowledgeMessage<'_> {
    const NAME: &'static str = "notification.acknowledge_message";
    /// The message, and whether this call acknowledged it.
    type Output = (Message, bool);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let claim = receipt::claim(tx, &self.receipt, self.now).await?;
        let mut message = messages::lock(tx, self.name)
            .await?
            .ok_or_else(|| Fault::not_found("Message", self.name))?;
        if matches!(claim, Claim::Seen { .. }) {
            return Ok((message, false));
        }
        self.may_answer(&message)?;
        if !message.template.is_acknowledged() {
            return Err(Fault::illegal(
                "NOT_A_PAGE",
                "only call-outs, summonses, breaches, climbs and digests are acknowledged",
                self.name,
            ));
        }
        let fresh = match message.fate.state {
            MessageState::Acknowledged => false,
            MessageState::Cancelled => {
                return Err(Fault::illegal(
                    "MESSAGE_ENDED",
                    "a cancelled page needs no answer; any other state takes one",
                    self.name,
                ));
            }
            MessageState::Queued
            | MessageState::Sending
            | MessageState::Sent
            | MessageState::Asked
            | MessageState::Failed
            | MessageState::Held
            | MessageState::Bundled => {
                etag::check(self.etag, message.fate.revision, self.name)?;
                let fate = &mut message.fate;
                fate.state = MessageState::Acknowledged;
                fate.due_time = None;
                fate.lease_token = None;
                fate.reason.clear();
                fate.acknowledge_time = Some(self.now);
                self.caller.subject.clone_into(&mut fate.acknowledged_by);
                messages::settle(tx, &mut message).await?;
                announce::changed(tx, &message, self.now).await?;
                if message.template == Template::ClockDigest {
                    digests::release(tx, self.name, self.now).await?;
                }
                true
            }
        };
        let etag = etag::of(message.fate.revision);
        receipt::complete(tx, &self.receipt, &self.name.to_string(), &etag).await?;
        Ok((message, fresh))
    }
}

impl AcknowledgeMessage<'_> {
    fn may_answer(&self, message: &Message) -> Result<(), Fault> {
        let own = match &message.recipient {
            Recipient::Staff(staff) => self.caller.staff.as_ref() == Some(staff),
            Recipient::Complainant(_) => false,
        };
        if own {
            Ok(())
        } else {
            self.caller.require(ACKNOWLEDGE_ANY)
        }
    }
}

pub(super) async fn handle(
    service: &Messages,
    request: Request<proto::AcknowledgeMessageRequest>,
) -> Result<proto::AcknowledgeMessageResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let name: MessageName = parse_field("name", &asked.name)?;
    caller.require_site(&name.site)?;
    let unnumbered = proto::AcknowledgeMessageRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let operation = AcknowledgeMessage {
        name: &name,
        caller,
        etag: &asked.etag,
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id: asked.request_id.clone(),
            site: name.site.to_string(),
            fingerprint: service.fingerprints.of(METHOD, &unnumbered).to_vec(),
        },
        now: service.clock.now(),
    };
    let (message, fresh) = redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await?;
    if fresh {
        service.metrics.reached(&message);
        tracing::info!(message.name = %message.name, "a page was acknowledged");
    }
    Ok(proto::AcknowledgeMessageResponse {
        message: Some(wire::message(&message)),
    })
}
