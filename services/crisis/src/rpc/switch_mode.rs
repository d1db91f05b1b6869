//! SwitchMode: the commander's word, which holds until something new is public. A repeat that changes
//! nothing succeeds.

use redress_model::Fault;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::command::{self, Command, Order};
use super::{Incidents, statements};
use crate::domain::statement::Person;
use crate::domain::words::Mode;
use crate::flow::{Transition, Turn};
use redress_proto::convert::required;

const METHOD: &str = "redress.crisis.v1.IncidentService/SwitchMode";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::SwitchModeRequest>,
) -> Result<wire::SwitchModeResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::SwitchModeRequest {
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
    let switch = SwitchMode {
        mode: required("mode", r.mode)?,
        reason: &r.reason,
        by: statements::person(caller),
    };
    let incident = command::run(api, caller, order, switch).await?;
    Ok(wire::SwitchModeResponse {
        incident: Some(incident),
    })
}

struct SwitchMode<'a> {
    mode: Mode,
    reason: &'a str,
    by: Person,
}

impl Command for SwitchMode<'_> {
    const NAME: &'static str = "crisis.switch_mode";

    async fn act(&self, turn: &mut Turn<'_>) -> Result<Option<Transition>, Fault> {
        turn.require_commander(&self.by).await?;
        let now = turn.now();
        let switched = turn
            .set_mode(self.mode, self.reason, &self.by.subject, now)
            .await?;
        Ok(switched.then_some(Transition::Changed))
    }
}
