//! HoldBriefing: the planned briefing took place. FAILED_PRECONDITION `BRIEFING_STATE` when it is not planned,
//! `BRIEFING_TOO_EARLY` before the fixed time of the one before it, `NOT_EVERYBODY_TOLD` when personal notices leave somebody out,
//! `NOT_ON_ROSTER` for an owner without a place here.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::BriefingName;
use redress_proto::convert::from_timestamp;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;
use uuid::Uuid;

use super::super::Incidents;
use super::super::command::Order;
use super::super::subject::{Command, run};
use crate::domain::briefing::Form;
use crate::flow::{Notes, Transition, Turn};
use crate::store::briefings::{Briefing, Held};
use redress_model::name::StaffId;

const METHOD: &str = "redress.crisis.v1.BriefingService/HoldBriefing";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::HoldBriefingRequest>,
) -> Result<wire::HoldBriefingResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let BriefingName { site, .. } = parse_field("name", &r.name)?;
    let at = r.hold_time.as_ref();
    let unidentified = wire::HoldBriefingRequest {
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
    let hold = Hold {
        at: at.map(|t| from_timestamp("hold_time", t)).transpose()?,
        attendance: r.attendance,
        staff: super::present(&r.staff, &site)?,
        cases: super::cases(&r.cases, &site)?,
        reference: &r.reference,
        notes: super::notes(&site, &r.questions, &r.commitments)?,
        actor: &caller.subject,
    };
    let briefing = run(api, caller, order, hold).await?;
    Ok(wire::HoldBriefingResponse {
        briefing: Some(briefing),
    })
}

struct Hold<'a> {
    at: Option<Timestamp>,
    attendance: i32,
    staff: Vec<StaffId>,
    cases: Vec<Uuid>,
    reference: &'a str,
    notes: Notes,
    actor: &'a str,
}

impl Command for Hold<'_> {
    const NAME: &'static str = "crisis.hold_briefing";
    type Subject = Briefing;

    async fn act(
        &self,
        turn: &mut Turn<'_>,
        briefing: Briefing,
    ) -> Result<Option<Transition>, Fault> {
        let held = Held {
            // Set by who complains now.
            form: Form::Meeting,
            at: self.at.unwrap_or(turn.now()),
            by: self.actor.to_owned(),
            attendance: self.attendance,
            staff: self.staff.clone(),
            cases: self.cases.clone(),
            reference: self.reference.to_owned(),
        };
        turn.hold_briefing(briefing, held, &self.notes).await?;
        Ok(Some(Transition::Noted))
    }
}
