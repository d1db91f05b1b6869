//! MoveStage: by decision, with a reason (M01). FAILED_PRECONDITION `ILLEGAL_STAGE` naming what is legal,
//! `STAGE_NOT_READY` naming what is missing. A repeat that changes nothing succeeds.

use redress_model::Fault;
use redress_proto::convert::required;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::Incidents;
use super::command::{self, Command, Order};
use crate::domain::gate::Waiver;
use crate::domain::words::Stage;
use crate::flow::{Transition, Turn};

const METHOD: &str = "redress.crisis.v1.IncidentService/MoveStage";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::MoveStageRequest>,
) -> Result<wire::MoveStageResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::MoveStageRequest {
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
    let move_stage = MoveStage {
        stage: required("stage", r.stage)?,
        reason: &r.reason,
        waivers: waivers(&r.waivers),
        actor: &caller.subject,
    };
    let incident = command::run(api, caller, order, move_stage).await?;
    Ok(wire::MoveStageResponse {
        incident: Some(incident),
    })
}

/// What the caller lets pass.
pub(super) fn waivers(sent: &[wire::GateWaiver]) -> Vec<Waiver> {
    let waiver = |w: &wire::GateWaiver| Waiver {
        gap: w.gap.clone(),
        reason: w.reason.clone(),
    };
    sent.iter().map(waiver).collect()
}

struct MoveStage<'a> {
    stage: Stage,
    reason: &'a str,
    waivers: Vec<Waiver>,
    actor: &'a str,
}

impl Command for MoveStage<'_> {
    const NAME: &'static str = "crisis.move_stage";

    async fn act(&self, turn: &mut Turn<'_>) -> Result<Option<Transition>, Fault> {
        turn.move_stage(self.stage, self.reason, &self.waivers, self.actor)
            .await
    }
}
