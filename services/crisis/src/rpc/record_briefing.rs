//! RecordBriefing: the weekly briefing was held (M01).

use redress_model::Fault;
use redress_model::words::ClockKind;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::Incidents;
use super::command::{self, Command, Order};
use crate::domain::words::LogKind;
use crate::flow::{Transition, Turn};

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
        turn.meet(ClockKind::WeeklyBriefing, None).await?;
        let text = format!("the briefing was held, {} attended", self.attendance);
        turn.note(LogKind::Briefing, self.actor, &text, self.reference)
            .await?;
        Ok(Some(Transition::Noted))
    }
}
