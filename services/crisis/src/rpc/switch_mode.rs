//! SwitchMode: the commander's word, which holds until something new is public; where nobody commands, that of the duty
//! lead, else of the region's contact. A repeat that changes nothing succeeds.

use redress_model::Fault;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::command::{self, Command, Order};
use super::{Incidents, statements};
use crate::domain::statement::Person;
use crate::domain::words::{LogKind, Mode};
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
        let instead = turn.require_mode_decider(&self.by).await?;
        let now = turn.now();
        let switched = turn
            .set_mode(self.mode, self.reason, &self.by.subject, now)
            .await?;
        if switched && let Some(role) = instead {
            let text = format!("nobody commands or stands in: {role} on duty decided the mode");
            turn.note(LogKind::ModeSwitched, &self.by.subject, &text, "")
                .await?;
        }
        Ok(switched.then_some(Transition::Changed))
    }
}
