//! Tells an approved solution to the complainant. Promising what nobody approved is refused (M10, M18).

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::words::Channel;
use redress_proto::assignment::v1::{TellSolutionRequest, TellSolutionResponse};
use redress_proto::convert::{from_deadline, required};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Asked, asked, required_now};
use crate::domain::solution::Solution;
use crate::domain::transition::Action;
use crate::rpc::asked::require_responsible;
use crate::rpc::{Shared, render};
use crate::store::outbox::{self, Spoken};

const METHOD: &str = "redress.assignment.v1.SolutionService/TellSolution";

pub(super) async fn run(
    shared: &Shared,
    request: Request<TellSolutionRequest>,
) -> Result<TellSolutionResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let request_id = std::mem::take(&mut request.request_id);
    let (name, etag) = (&request.name, &request.etag);
    let asked = asked(shared, &caller, METHOD, name, request_id, &request, etag)?;
    let promised = request
        .promised_next_time
        .as_ref()
        .map(|t| from_deadline("promised_next_time", t, asked.now))
        .transpose()?;
    if promised.is_some_and(|t| t <= asked.now) {
        return Err(Fault::invalid("promised_next_time", "must be ahead"));
    }
    let operation = Tell {
        channel: required("channel", request.channel)?,
        promised,
        asked,
    };
    let solution = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(TellSolutionResponse {
        solution: Some(render::solution(solution)),
    })
}

struct Tell<'a> {
    asked: Asked<'a>,
    channel: Channel,
    promised: Option<Timestamp>,
}

impl Operation for Tell<'_> {
    const NAME: &'static str = "assignment.tell_solution";
    type Output = Solution;

    async fn run(&self, tx: &mut Tx) -> Result<Solution, Fault> {
        let begun = self.asked.begin(tx).await?;
        if begun.done {
            return Ok(begun.solution);
        }
        let (work, now) = (&begun.work, self.asked.now);
        let required = required_now(tx, work, &begun.solution).await?;
        let mut after = begun.solution.clone();
        after
            .tell(required, work.epoch, now)
            .map_err(|e| self.asked.refused(&e))?;
        require_responsible(self.asked.caller, work)?;
        let action = Action::Tell(format!("{} by {}", self.asked.name, self.channel));
        let solution = self.asked.keep(tx, &begun, after, action).await?;
        let spoken = Spoken {
            channel: self.channel,
            substantive: true,
            visit: false,
            follow_up: false,
            promised: self.promised,
            staff: self.asked.caller.staff.as_ref(),
            at: now,
        };
        outbox::contact_recorded(tx, &work.case, &spoken).await?;
        Ok(solution)
    }
}
