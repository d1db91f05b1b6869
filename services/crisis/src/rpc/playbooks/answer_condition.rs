//! AnswerCondition: a person's word on an exit condition. The last one counts, until the stage moves.

use redress_model::Fault;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::command::{self, Command, Order};
use super::Playbooks;
use super::get_incident_plan::read;
use crate::flow::{Transition, Turn};
use crate::store::stages::Word;

const METHOD: &str = "redress.crisis.v1.PlaybookService/AnswerCondition";

pub(super) async fn handle(
    api: &Playbooks,
    request: &Request<wire::AnswerConditionRequest>,
) -> Result<wire::AnswerConditionResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::AnswerConditionRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let order = Order {
        method: METHOD,
        field: "name",
        name: &r.name,
        etag: &r.etag,
        request_id: &r.request_id,
        fingerprint: api.incidents.fingerprints.of(METHOD, &unidentified),
    };
    let answer = Answer {
        request: r,
        actor: &caller.subject,
    };
    command::run(&api.incidents, caller, order, answer).await?;
    let plan = read(api, caller, "name", &r.name).await?;
    Ok(wire::AnswerConditionResponse { plan: Some(plan) })
}

struct Answer<'a> {
    request: &'a wire::AnswerConditionRequest,
    actor: &'a str,
}

impl Command for Answer<'_> {
    const NAME: &'static str = "crisis.answer_condition";

    async fn act(&self, turn: &mut Turn<'_>) -> Result<Option<Transition>, Fault> {
        let word = Word {
            key: self.request.condition.clone(),
            holds: self.request.holds,
            actor: self.actor.to_owned(),
            reason: self.request.reason.clone(),
            at: turn.now(),
        };
        let changed = turn.answer_condition(&word).await?;
        Ok(changed.then_some(Transition::Noted))
    }
}
