//! SendMessage: what somebody wrote goes to the complainants of a case, after the wording check (M11).

use jiff::Timestamp;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, StaffName};
use redress_model::{Fault, ids};
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_wording::Audience;
use tonic::Request;

use super::{Messages, texts as shared, wire};
use crate::domain::causes;
use crate::domain::texts::check;
use crate::domain::words::SaidPurpose;
use crate::store::keys::Keys;
use crate::store::matters;
use crate::store::messages::{self, Message};
use crate::store::texts::{self, Override};

const METHOD: &str = "redress.notification.v1.MessageService/SendMessage";

struct SendMessage<'a> {
    case: &'a CaseName,
    keys: &'a Keys,
    subject: &'a str,
    staff: Option<&'a StaffName>,
    text: &'a str,
    only: &'a [String],
    purpose: SaidPurpose,
    override_reason: &'a str,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for SendMessage<'_> {
    const NAME: &'static str = "notification.send_message";
    /// The messages, and whether a reason let them through.
    type Output = (Vec<Message>, bool);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let site = &self.case.site;
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return Ok((messages::of_cause(tx, site, &resource).await?, false));
        }
        let view = matters::case(tx, self.case)
            .await?
            // Staff complained about know of no case.
            .filter(|view| {
                let staff = self.staff.map(ToString::to_string);
                !staff.is_some_and(|staff| view.complained_about.contains(&staff))
            })
            .ok_or_else(|| Fault::not_found("Case", self.case))?;
        if !view.may_page() {
            return Err(Fault::illegal(
                "MATTER_ENDED",
                "messages about a case or incident that has ended are not sent any more",
                self.case,
            ));
        }
        let mut tokens = view.person_tokens.clone();
        if !self.only.is_empty() {
            if !self.only.iter().all(|token| tokens.contains(token)) {
                return Err(Fault::invalid(
                    "person_tokens",
                    "must be complainants of the case",
                ));
            }
            tokens.retain(|token| self.only.contains(token));
        }
        if tokens.is_empty() {
            return Err(Fault::illegal(
                "NOBODY_TO_TELL",
                "the case has no named complainant",
                self.case,
            ));
        }
        let holding = texts::holding(tx, site, self.now).await?;
        let hits = check(&holding, self.text, Audience::Complainant);
        let rules = shared::let_through(&hits, self.override_reason, self.case)?;
        let cause = format!("said:{}", ids::new_id(self.now));
        let mut sent = Vec::with_capacity(tokens.len());
        for token in tokens {
            let id = ids::new_id(self.now);
            let draft = causes::said(&cause, self.case, &view, token, self.purpose, self.now);
            messages::insert(tx, site, id, &draft, None, self.now).await?;
            let name = redress_model::name::MessageName::new(site.clone(), id);
            texts::keep_said(tx, self.keys, &name, self.subject, self.text, self.now).await?;
            if !rules.is_empty() {
                let kept = Override {
                    site: site.clone(),
                    id: ids::new_id(self.now),
                    message: name.clone(),
                    rules: rules.clone(),
                    reason: self.override_reason.to_owned(),
                    author: self.subject.to_owned(),
                    create_time: self.now,
                };
                texts::keep_override(tx, &kept).await?;
            }
            sent.extend(messages::get(tx, &name).await?);
        }
        tx.wake();
        receipt::complete(tx, &self.receipt, &cause, "").await?;
        Ok((sent, !rules.is_empty()))
    }
}

pub(super) async fn handle(
    service: &Messages,
    request: Request<proto::SendMessageRequest>,
) -> Result<proto::SendMessageResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let case: CaseName = parse_field("parent", &asked.parent)?;
    caller.require_site(&case.site)?;
    shared::plain(&[
        ("text", &asked.text),
        ("override_reason", &asked.override_reason),
    ])?;
    shared::may_override(caller, &asked.override_reason)?;
    if asked.text.trim().is_empty() {
        return Err(Fault::invalid("text", "must say something"));
    }
    let unnumbered = proto::SendMessageRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let operation = SendMessage {
        case: &case,
        keys: &service.keys,
        subject: &caller.subject,
        staff: caller.staff.as_ref(),
        text: &asked.text,
        only: &asked.person_tokens,
        purpose: convert::from_wire(asked.purpose).unwrap_or(SaidPurpose::Ordinary),
        override_reason: &asked.override_reason,
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id: asked.request_id.clone(),
            site: case.site.to_string(),
            fingerprint: service.fingerprints.of(METHOD, &unnumbered).to_vec(),
        },
        now: service.clock.now(),
    };
    let (messages, overridden) = redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await?;
    if overridden {
        service.metrics.overridden("message");
    }
    Ok(proto::SendMessageResponse {
        messages: messages.iter().map(wire::message).collect(),
    })
}
