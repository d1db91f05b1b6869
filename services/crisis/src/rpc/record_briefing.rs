//! RecordBriefing: the weekly briefing was held (M01), in short. HoldBriefing takes attendance, questions and commitments.

use redress_model::Fault;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::Incidents;
use super::command::{self, Command, Order};
use crate::domain::briefing::Form;
use crate::flow::{Notes, Transition, Turn};
use crate::store::briefings::Held;

const METHOD: &str = "redress.crisis.v1.IncidentService/RecordBriefing";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::RecordBriefingRequest>,
) -> Result<wire::RecordBriefingResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::RecordBriefingRequest {
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
    let briefing = Briefing {
        attendance: r.attendance,
        reference: &r.reference,
        actor: &caller.subject,
    };
    let incident = command::run(api, caller, order, briefing).await?;
    Ok(wire::RecordBriefingResponse {
        incident: Some(incident),
    })
}

struct Briefing<'a> {
    attendance: i32,
    reference: &'a str,
    actor: &'a str,
}

impl Command for Briefing<'_> {
    const NAME: &'static str = "crisis.record_briefing";

    async fn act(&self, turn: &mut Turn<'_>) -> Result<Option<Transition>, Fault> {
        let briefing = turn.planned_briefing().await?;
        let held = Held {
            // Set by who complains now.
            form: Form::Meeting,
            at: turn.now(),
            by: self.actor.to_owned(),
            attendance: self.attendance,
            staff: Vec::new(),
            // Saying that it was held says that everybody concerned was told.
            cases: turn.concerned().await?,
            reference: self.reference.to_owned(),
        };
        turn.hold_briefing(briefing, held, &Notes::default())
            .await?;
        Ok(Some(Transition::Noted))
    }
}
