//! ReleaseBriefing: the notes of a held briefing are fixed. A repeat changes nothing and succeeds. FAILED_PRECONDITION
//! `BRIEFING_STATE` when it was not held.

use redress_model::Fault;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::Incidents;
use super::super::command::Order;
use super::super::subject::{Command, run};
use crate::flow::{Transition, Turn};
use crate::store::briefings::Briefing;

const METHOD: &str = "redress.crisis.v1.BriefingService/ReleaseBriefing";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::ReleaseBriefingRequest>,
) -> Result<wire::ReleaseBriefingResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::ReleaseBriefingRequest {
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
    let release = Release {
        actor: &caller.subject,
    };
    let briefing = run(api, caller, order, release).await?;
    Ok(wire::ReleaseBriefingResponse {
        briefing: Some(briefing),
    })
}

struct Release<'a> {
    actor: &'a str,
}

impl Command for Release<'_> {
    const NAME: &'static str = "crisis.release_briefing";
    type Subject = Briefing;

    async fn act(
        &self,
        turn: &mut Turn<'_>,
        briefing: Briefing,
    ) -> Result<Option<Transition>, Fault> {
        let released = turn.release_briefing(briefing, self.actor).await?;
        Ok(released.then_some(Transition::Noted))
    }
}
