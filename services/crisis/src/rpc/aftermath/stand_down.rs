//! StandDown: by the commander, when nothing is left open. FAILED_PRECONDITION `NOT_READY_TO_STAND_DOWN` names each
//! condition that does not hold.

use redress_model::Fault;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::command::{self, Command, Order};
use super::super::move_stage::waivers;
use super::super::{Incidents, statements};
use crate::domain::gate::Waiver;
use crate::domain::statement::Person;
use crate::flow::{Transition, Turn};

const METHOD: &str = "redress.crisis.v1.AftermathService/StandDown";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::StandDownRequest>,
) -> Result<wire::StandDownResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::StandDownRequest {
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
    let stand_down = StandDown {
        reason: &r.reason,
        waivers: waivers(&r.waivers),
        by: statements::person(caller),
    };
    let incident = command::run(api, caller, order, stand_down).await?;
    Ok(wire::StandDownResponse {
        incident: Some(incident),
    })
}

struct StandDown<'a> {
    reason: &'a str,
    waivers: Vec<Waiver>,
    by: Person,
}

impl Command for StandDown<'_> {
    const NAME: &'static str = "crisis.stand_down";

    async fn act(&self, turn: &mut Turn<'_>) -> Result<Option<Transition>, Fault> {
        turn.stand_down(self.reason, &self.waivers, &self.by)
            .await?;
        Ok(Some(Transition::Changed))
    }
}
