//! SendMessage: what somebody wrote goes to the complainants of a case, after the wording check (M11); or who comes when,
//! which passes the single voice and therefore holds nobody's own words (section 9). It may tell what is nobody else's business:
//! people of cases that were merged into this one hear it where they are named alone.

use jiff::Timestamp;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, StaffName};
use redress_model::text::is_blank;
use redress_model::{Fault, ids};
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Keyring, Operation, Tx};
use redress_wording::Audience;
use redress_wording::promise::{self, Promise};
use tonic::Request;

use super::{Messages, texts as shared, wire};
use crate::domain::case::CaseView;
use crate::domain::causes;
use crate::domain::message::Appointment;
use crate::domain::texts::check;
use crate::domain::words::SaidPurpose;
use crate::jobs::voice;
use crate::store::messages::{self, Message};
use crate::store::texts::{self, Override};
use crate::store::{duty, matters, parts, promises, staff};

/// Lets its holder act in the name of whoever is responsible, as with assignment.
const OVERRIDE: &str = "assignments.override";

const METHOD: &str = "redress.notification.v1.MessageService/SendMessage";

struct SendMessage<'a> {
    case: &'a CaseName,
    keys: &'a Keyring,
    caller: &'a Caller,
    /// Empty where an appointment is told.
    text: &'a str,
    /// Who comes when, and that person.
    appointment: Option<(Appointment, StaffName)>,
    only: &'a [String],
    purpose: SaidPurpose,
    override_reason: &'a str,
    receipt: ReceiptKey,
    now: Timestamp,
}

/// What became of what was to be sent.
struct Sent {
    messages: Vec<Message>,
    /// Names of those of them that would be held now.
    waiting: Vec<String>,
    /// A reason let them through.
    is_overridden: bool,
}

impl Sent {
    async fn of(tx: &mut Tx, messages: Vec<Message>, is_overridden: bool) -> Result<Self, Fault> {
        let mut waiting = Vec::new();
        for message in &messages {
            if voice::would_wait(tx, message).await? {
                waiting.push(message.name.to_string());
            }
        }
        Ok(Self {
            messages,
            waiting,
            is_overridden,
        })
    }
}

impl Operation for SendMessage<'_> {
    const NAME: &'static str = "notification.send_message";
    type Output = Sent;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let site = &self.case.site;
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            let sent = messages::of_cause(tx, site, &resource).await?;
            return Sent::of(tx, sent, false).await;
        }
        let view = matters::case(tx, self.case)
            .await?
            // Staff complained about know of no case.
            .filter(|view| {
                let staff = self.caller.staff.as_ref().map(ToString::to_string);
                !staff.is_some_and(|staff| view.complained_about.contains(&staff))
            })
            .ok_or_else(|| Fault::not_found("Case", self.case))?;
        self.require_part(tx, &view).await?;
        if !view.may_page() {
            return Err(Fault::illegal(
                "MATTER_ENDED",
                "messages about a case or incident that has ended are not sent any more",
                self.case,
            ));
        }
        if let Some((appointment, visitor)) = &self.appointment {
            if appointment.time <= self.now {
                return Err(Fault::invalid("appointment.visit_time", "must lie ahead"));
            }
            self.may_visit(tx, &view, visitor).await?;
        }
        let mut readers = matters::readers(tx, self.case, &view).await?;
        if self.only.is_empty() {
            readers.retain(|reader| reader.known_by.is_none());
        } else {
            let is_known = |token: &String| readers.iter().any(|reader| reader.token == *token);
            if !self.only.iter().all(is_known) {
                return Err(Fault::invalid(
                    "person_tokens",
                    "must be complainants of the case",
                ));
            }
            readers.retain(|reader| self.only.contains(&reader.token));
        }
        if readers.is_empty() {
            return Err(Fault::illegal(
                "NOBODY_TO_TELL",
                "the case has no named complainant",
                self.case,
            ));
        }
        self.may_promise(tx, view.epoch).await?;
        let holding = texts::holding(tx, site, self.now).await?;
        let hits = check(&holding, self.text, Audience::Complainant);
        let rules = shared::let_through(&hits, self.override_reason, self.case)?;
        let cause = format!("said:{}", ids::new_id(self.now));
        let mut sent = Vec::with_capacity(readers.len());
        for reader in &readers {
            let id = ids::new_id(self.now);
            let staff = self.caller.staff.as_ref();
            let draft = match &self.appointment {
                Some((appointment, _)) => {
                    let told = (appointment, staff);
                    causes::appointment(&cause, self.case, reader, told, self.now)
                }
                None => {
                    let said = (self.purpose, staff);
                    causes::said(&cause, self.case, reader, said, self.now)
                }
            };
            messages::insert(tx, site, id, &draft, None, self.now).await?;
            let name = redress_model::name::MessageName::new(site.clone(), id);
            let author = &self.caller.subject;
            if self.appointment.is_none() {
                texts::keep_said(tx, self.keys, &name, author, self.text, self.now).await?;
            }
            if !rules.is_empty() {
                let kept = Override {
                    site: site.clone(),
                    id: ids::new_id(self.now),
                    message: name.clone(),
                    rules: rules.clone(),
                    reason: self.override_reason.to_owned(),
                    author: author.clone(),
                    create_time: self.now,
                };
                texts::keep_override(tx, &kept).await?;
            }
            sent.extend(messages::get(tx, &name).await?);
        }
        tx.wake();
        receipt::complete(tx, &self.receipt, &cause, "").await?;
        Sent::of(tx, sent, !rules.is_empty()).await
    }
}

impl SendMessage<'_> {
    /// The company speaks with one voice on a case: that of whoever answers for it, has a part in it, stands on the lead ladder
    /// now, or may act in another's name.
    async fn require_part(&self, tx: &mut Tx, view: &CaseView) -> Result<(), Fault> {
        let staff = self.caller.staff.as_ref();
        if view.is_with(staff.map(ToString::to_string).as_deref()) || self.caller.may(OVERRIDE) {
            return Ok(());
        }
        if let Some(staff) = staff.filter(|staff| staff.site == self.case.site)
            && (parts::has(tx, self.case, staff).await?
                || duty::is_lead(tx, staff, self.now).await?)
        {
            return Ok(());
        }
        let why = format!("{} is responsible", view.responsible);
        Err(Fault::denied_since(OVERRIDE, why))
    }

    /// Somebody who works at the site, and whom the case does not complain about: they do not handle it (section 7).
    async fn may_visit(
        &self,
        tx: &mut Tx,
        view: &CaseView,
        visitor: &StaffName,
    ) -> Result<(), Fault> {
        let known = staff::get(tx, self.keys, visitor).await?;
        if known.is_some_and(|known| !known.retired)
            && !view.complained_about.contains(&visitor.to_string())
        {
            return Ok(());
        }
        // Not said which: who is complained about is nobody else's business.
        Err(Fault::invalid(
            "appointment.visitor",
            "must be somebody who works at the site and may handle the case",
        ))
    }

    /// Money is promised only as far as somebody with authority approved it as a solution of this case (M10). No
    /// reason overrides that: whoever may decide it approves the solution.
    async fn may_promise(&self, tx: &mut Tx, epoch: i64) -> Result<(), Fault> {
        let Some(promised) = promise::promised(self.text) else {
            return Ok(());
        };
        let most = promises::most(tx, self.case, epoch, self.now).await?;
        let said = match promised {
            Promise::Sum(sum) if most.is_some_and(|most| sum <= most) => return Ok(()),
            Promise::Sum(sum) => format!("{sum} yuan"),
            Promise::Unsaid => "money without saying how much".to_owned(),
        };
        let allowed = most.map_or_else(
            || "no solution of the case may be told".to_owned(),
            |most| format!("the solutions that may be told give at most {most}"),
        );
        let why = format!(
            "the text promises {said}, and {allowed}; legal now: have a solution approved that covers it and name its sum, or name neither sum nor payment"
        );
        Err(Fault::illegal("PROMISE_NOT_APPROVED", why, self.case))
    }
}

/// Who comes when, where that is asked for instead of a text: nothing goes along in which anything else could be said.
fn appointment(
    case: &CaseName,
    asked: &proto::SendMessageRequest,
    now: Timestamp,
) -> Result<Option<(Appointment, StaffName)>, Fault> {
    let Some(given) = &asked.appointment else {
        return Ok(None);
    };
    if !asked.text.is_empty() {
        return Err(Fault::invalid(
            "text",
            "must be empty where an appointment is given: it says time, place and visitor alone",
        ));
    }
    let purpose: Option<SaidPurpose> = convert::from_wire(asked.purpose);
    if purpose.is_some_and(|purpose| purpose != SaidPurpose::Appointment) {
        return Err(Fault::invalid(
            "purpose",
            "must be APPOINTMENT where an appointment is given",
        ));
    }
    let time = given.visit_time.unwrap_or_default();
    let time = convert::from_deadline("appointment.visit_time", &time, now)?;
    let visitor: StaffName = parse_field("appointment.visitor", &given.visitor)?;
    if visitor.site != case.site {
        return Err(Fault::invalid(
            "appointment.visitor",
            "must be somebody of the case's site",
        ));
    }
    let told = Appointment {
        time,
        place: convert::required("appointment.place", given.place)?,
        visitor: visitor.to_string(),
    };
    Ok(Some((told, visitor)))
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
    let now = service.clock.now();
    let appointment = appointment(&case, asked, now)?;
    if appointment.is_none() && is_blank(&asked.text) {
        return Err(Fault::invalid("text", "must say something"));
    }
    let unnumbered = proto::SendMessageRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let operation = SendMessage {
        case: &case,
        keys: &service.keys,
        caller,
        text: &asked.text,
        appointment,
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
        now,
    };
    let sent = redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await?;
    if sent.is_overridden {
        service.metrics.overridden("message");
    }
    Ok(proto::SendMessageResponse {
        messages: sent.messages.iter().map(wire::message).collect(),
        waiting_messages: sent.waiting,
    })
}
