//! RecordLeaderContact: a leader spoke with a complainant (section 9, private mode). FAILED_PRECONDITION
//! `NO_SUCH_PROMISE` when no such clock runs for the case.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::ids::new_id;
use redress_model::name::CaseName;
use redress_model::words::ClockKind;
use redress_proto::convert::from_timestamp;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::Incidents;
use super::command::{self, Command, Order};
use crate::domain::words::LogKind;
use crate::flow::{Transition, Turn};
use crate::store::cases::Contact;

const METHOD: &str = "redress.crisis.v1.IncidentService/RecordLeaderContact";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::RecordLeaderContactRequest>,
) -> Result<wire::RecordLeaderContactResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::RecordLeaderContactRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let order = Order {
        method: METHOD,
        field: "name",
        name: &r.name,
        etag: &r.etag,
        request_id: &r.request_id,
        fingerprint: api.fingerprints.of(METHOD, &unidentified),
    };
    let at = r.contact_time.as_ref();
    let contact = LeaderContact {
        case: parse_field("case", &r.case)?,
        at: at.map(|t| from_timestamp("contact_time", t)).transpose()?,
        reference: &r.reference,
        actor: &caller.subject,
    };
    let incident = command::run(api, caller, order, contact).await?;
    Ok(wire::RecordLeaderContactResponse {
        incident: Some(incident),
    })
}

struct LeaderContact<'a> {
    case: CaseName,
    at: Option<Timestamp>,
    reference: &'a str,
    actor: &'a str,
}

impl Command for LeaderContact<'_> {
    const NAME: &'static str = "crisis.record_leader_contact";

    async fn act(&self, turn: &mut Turn<'_>) -> Result<Option<Transition>, Fault> {
        if self.case.site != turn.incident.name.site {
            return Err(Fault::invalid("case", "must belong to the incident's site"));
        }
        let now = turn.now();
        let at = self.at.unwrap_or(now);
        if at > now || at < turn.incident.opened {
            let text = "must not be ahead, and not before the incident opened";
            return Err(Fault::invalid("contact_time", text));
        }
        let met = turn
            .meet(ClockKind::LeaderContact, Some(self.case.id))
            .await?;
        if !met {
            let text = "no leader's contact is awaited for this case; it is in private mode, \
                        once for each case of the incident";
            return Err(Fault::illegal("NO_SUCH_PROMISE", text, &self.case));
        }
        let contact = Contact {
            case: self.case.clone(),
            id: new_id(now),
            staff: self.actor.to_owned(),
            // A case that joined later than it was contacted has been contacted all the same.
            at: now,
            lead: true,
        };
        turn.contacted(&contact).await?;
        let text = format!("a leader spoke with the complainant at {at}");
        turn.note(LogKind::LeaderContact, self.actor, &text, self.reference)
            .await?;
        Ok(Some(Transition::Noted))
    }
}
