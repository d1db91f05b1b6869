//! Records what the complainant says to a solution: feedback that asks the customer to confirm (M03).

use redress_model::Fault;
use redress_proto::assignment::v1::{ConfirmSolutionRequest, ConfirmSolutionResponse};
use redress_proto::convert;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Asked, asked, required_now};
use crate::domain::solution::{Answer, Solution};
use crate::domain::transition::Action;
use crate::rpc::asked::require_responsible;
use crate::rpc::{Shared, render};
use crate::store::visits;

const METHOD: &str = "redress.assignment.v1.SolutionService/ConfirmSolution";

pub(super) async fn run(
    shared: &Shared,
    request: Request<ConfirmSolutionRequest>,
) -> Result<ConfirmSolutionResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let request_id = std::mem::take(&mut request.request_id);
    let (name, etag) = (&request.name, &request.etag);
    let asked = asked(shared, &caller, METHOD, name, request_id, &request, etag)?;
    let operation = Confirm {
        answer: convert::required("answer", request.answer)?,
        note: request.note,
        asked,
    };
    let solution = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(ConfirmSolutionResponse {
        solution: Some(render::solution(solution)),
    })
}

struct Confirm<'a> {
    asked: Asked<'a>,
    answer: Answer,
    note: String,
}

impl Operation for Confirm<'_> {
    const NAME: &'static str = "assignment.confirm_solution";
    type Output = Solution;

    async fn run(&self, tx: &mut Tx) -> Result<Solution, Fault> {
        let begun = self.asked.begin(tx).await?;
        if begun.done {
            return Ok(begun.solution);
        }
        let work = &begun.work;
        let visited = visits::last_made(tx, &work.case).await?;
        let required = required_now(tx, work, &begun.solution).await?;
        let mut after = begun.solution.clone();
        after
            .confirm(self.answer, visited, required, work.epoch, self.asked.now)
            .map_err(|e| self.asked.refused(&e))?;
        require_responsible(self.asked.caller, work)?;
        let text = format!("{}: {}", self.answer, self.note);
        let action = Action::Answer(self.answer, text);
        self.asked.keep(tx, &begun, after, action).await
    }
}
