//! AddBriefingNotes: questions and commitments that come before the release, and what was recorded wrongly. FAILED_PRECONDITION
//! `BRIEFING_STATE` when it is not held, `NOT_ON_ROSTER` for an owner without a place here, `NOT_EVERYBODY_TOLD` as HoldBriefing.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::BriefingName;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::Incidents;
use super::super::command::Order;
use super::super::subject::{Command, run};
use crate::flow::{Correction, Notes, Transition, Turn};
use crate::store::briefings::Briefing;

const METHOD: &str = "redress.crisis.v1.BriefingService/AddBriefingNotes";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::AddBriefingNotesRequest>,
) -> Result<wire::AddBriefingNotesResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let BriefingName { site, .. } = parse_field("name", &r.name)?;
    let unidentified = wire::AddBriefingNotesRequest {
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
    let add = Add {
        notes: super::notes(&site, &r.questions, &r.commitments)?,
        right: Correction {
            attendance: r.attendance,
            staff: super::present(&r.staff, &site)?,
            cases: super::cases(&r.cases, &site)?,
            reference: r.reference.clone(),
        },
        actor: &caller.subject,
    };
    let briefing = run(api, caller, order, add).await?;
    Ok(wire::AddBriefingNotesResponse {
        briefing: Some(briefing),
    })
}

struct Add<'a> {
    notes: Notes,
    right: Correction,
    actor: &'a str,
}

impl Command for Add<'_> {
    const NAME: &'static str = "crisis.add_briefing_notes";
    type Subject = Briefing;

    async fn act(
        &self,
        turn: &mut Turn<'_>,
        briefing: Briefing,
    ) -> Result<Option<Transition>, Fault> {
        turn.add_notes(briefing, &self.notes, &self.right, self.actor)
            .await?;
        Ok(Some(Transition::Noted))
    }
}
