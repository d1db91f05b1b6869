//! AnswerBriefingQuestion. NOT_FOUND when there is no such question; FAILED_PRECONDITION `QUESTION_ANSWERED` when it has
//! an answer.

use redress_model::Fault;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::Incidents;
use super::super::command::Order;
use super::super::subject::{Command, run};
use crate::flow::{Transition, Turn};
use crate::store::briefings::Briefing;

const METHOD: &str = "redress.crisis.v1.BriefingService/AnswerBriefingQuestion";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::AnswerBriefingQuestionRequest>,
) -> Result<wire::AnswerBriefingQuestionResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::AnswerBriefingQuestionRequest {
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
    let answer = Answer {
        number: r.question_number,
        answer: &r.answer,
        actor: &caller.subject,
    };
    let briefing = run(api, caller, order, answer).await?;
    Ok(wire::AnswerBriefingQuestionResponse {
        briefing: Some(briefing),
    })
}

struct Answer<'a> {
    number: i32,
    answer: &'a str,
    actor: &'a str,
}

impl Command for Answer<'_> {
    const NAME: &'static str = "crisis.answer_briefing_question";
    type Subject = Briefing;

    async fn act(
        &self,
        turn: &mut Turn<'_>,
        briefing: Briefing,
    ) -> Result<Option<Transition>, Fault> {
        turn.answer_question(briefing, self.number, self.answer, self.actor)
            .await?;
        Ok(Some(Transition::Noted))
    }
}
