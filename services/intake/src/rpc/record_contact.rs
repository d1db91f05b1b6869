//! RecordContact: who spoke with whom; what was said stays here, the facts go to the clocks.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::CaseName;
use redress_model::words::CaseStatus;
use redress_proto::intake::v1 as pb;
use redress_proto::intake::v1::TimelineKind;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::refuse_nul;
use crate::domain::contact::{NewContact, answers};
use crate::domain::status::is_open;
use crate::domain::timeline::facts;
use crate::intake::Intake;
use crate::store::timeline::Happened;
use crate::store::{announce, case, contact, stored, timeline};

const METHOD: &str = "redress.intake.v1.CaseService/RecordContact";

/// Answers RecordContact.
pub(super) async fn record(
    intake: &Intake,
    request: Request<pb::RecordContactRequest>,
) -> Result<pb::Contact, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let request_id = std::mem::take(&mut request.request_id);
    let name: CaseName = parse_field("parent", &request.parent)?;
    let wire = request.contact.clone().unwrap_or_default();
    refuse_nul("contact.note", &wire.note)?;
    if answers(&wire) {
        caller.require("cases.answer")?;
    }
    let receipt = intake.receipt(&caller, METHOD, Some(&name.site), &request_id, &request);
    let operation = Record {
        caller: &caller,
        name,
        wire,
        receipt,
        now: intake.now(),
    };
    intake.run(&caller, &operation).await
}

struct Record<'a> {
    caller: &'a Caller,
    name: CaseName,
    wire: pb::Contact,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for Record<'_> {
    const NAME: &'static str = "intake.record_contact";
    type Output = pb::Contact;

    async fn run(&self, tx: &mut Tx) -> Result<pb::Contact, Fault> {
        let mut case = case::lock(tx, &self.name).await?;
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            let id = resource.rsplit('/').next().unwrap_or_default();
            return contact::get(tx, &self.name, stored(id)?).await;
        }
        if case.is_historical()
            || case.erased
            || matches!(case.status, CaseStatus::Merged | CaseStatus::Archived)
        {
            let instead = match case.status {
                _ if case.is_historical() => "imported history is only kept; make a new case",
                _ if case.erased => "it was erased, and keeps no words any more; make a new case",
                CaseStatus::Merged => "use the case that it was merged into",
                _ => "reopen it first",
            };
            let text = format!(
                "no contact is recorded on a case that is {} ({}); {instead}",
                case.status, case.mode
            );
            return Err(Fault::illegal("ILLEGAL_CONTACT", text, &self.name));
        }
        let is_open = is_open(case.status);
        let new = NewContact::parse(
            &self.wire,
            &self.name.site,
            self.caller.staff.as_ref(),
            case.received,
            is_open,
            self.now,
        )?;
        let staff = new
            .staff
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let happened = Happened {
            kind: TimelineKind::Contact,
            at: new.at,
            actor: &self.caller.subject,
            facts: facts([
                ("direction", direction(new.direction).to_owned()),
                ("channel", new.channel.word().to_owned()),
                ("by_person", new.by_person.to_string()),
                ("substantive", new.substantive.to_string()),
                ("visit", new.visit.to_string()),
                (
                    "promised_next_time",
                    new.promised_next.map(|t| t.to_string()).unwrap_or_default(),
                ),
                ("staff", staff.clone()),
            ]),
            note: &new.note,
        };
        timeline::append(tx, &mut case, happened, self.now).await?;
        case::save(tx, &mut case, self.now).await?;
        let sequence = case.timeline_length;
        let id = contact::add(tx, &self.name, &new, &staff, sequence, self.now).await?;
        let answer = contact::get(tx, &self.name, id).await?;
        receipt::complete(tx, &self.receipt, &answer.name, &etag::of(case.revision)).await?;
        announce::contact(tx, &case, id, &new, &staff).await?;
        Ok(answer)
    }
}

fn direction(direction: redress_proto::event::v1::ContactDirection) -> &'static str {
    let name = direction.as_str_name();
    name.strip_prefix("CONTACT_DIRECTION_").unwrap_or(name)
}
