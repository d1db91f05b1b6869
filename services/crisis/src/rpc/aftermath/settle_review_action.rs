//! SettleReviewAction: done, or dropped with a reason. FAILED_PRECONDITION `REVIEW_ACTION_SETTLED` when it was settled before.

use redress_model::Fault;
use redress_proto::convert::required;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::Incidents;
use super::super::command::Order;
use super::super::subject::{Command, run};
use crate::domain::aftermath::ActionState;
use crate::flow::{Transition, Turn};
use crate::store::reviews::Action;

const METHOD: &str = "redress.crisis.v1.AftermathService/SettleReviewAction";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::SettleReviewActionRequest>,
) -> Result<wire::SettleReviewActionResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::SettleReviewActionRequest {
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
    let command = SettleReviewAction {
        state: required("state", r.state)?,
        outcome: &r.outcome,
        actor: &caller.subject,
    };
    let action = run(api, caller, order, command).await?;
    Ok(wire::SettleReviewActionResponse {
        action: Some(action),
    })
}

struct SettleReviewAction<'a> {
    state: ActionState,
    outcome: &'a str,
    actor: &'a str,
}

impl Command for SettleReviewAction<'_> {
    const NAME: &'static str = "crisis.settle_review_action";
    const OPEN: bool = false;
    type Subject = Action;

    async fn act(&self, turn: &mut Turn<'_>, action: Action) -> Result<Option<Transition>, Fault> {
        turn.settle_action(&action, self.state, self.outcome, self.actor)
            .await?;
        Ok(Some(Transition::Noted))
    }
}
