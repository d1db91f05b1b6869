//! Records what the complainant says to a solution: feedback that asks the customer to confirm (M03). A no is taken also once it
//! was agreed to, whoever it fails by: the case is investigated again, and the reason stays in its history.

use redress_model::Fault;
use redress_model::text::is_blank;
use redress_proto::assignment::v1::{ConfirmSolutionRequest, ConfirmSolutionResponse};
use redress_proto::convert;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Asked, asked, intact, required_now};
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
        let begun = self.asked.begin_anew(tx).await?;
        if begun.done {
            return Ok(begun.solution);
        }
        // By terms that were changed where they are kept nothing goes on; a no ends them.
        if self.answer != Answer::Declined {
            intact(&begun.solution).map_err(|e| self.asked.refused(&e))?;
        }
        let was = &begun.solution;
        let taken_back = was.is_taken_back_by(self.answer);
        if taken_back {
            self.require_reason()?;
        }
        let work = &begun.work;
        let visited = visits::last_made(tx, &work.case).await?;
        let required = required_now(tx, work, &begun.solution).await?;
        let mut after = begun.solution.clone();
        after
            .confirm(self.answer, visited, required, work.epoch, self.asked.now)
            .map_err(|e| self.asked.refused(&e))?;
        require_responsible(self.asked.caller, work)?;
        let text = match was.answer.filter(|_| taken_back) {
            Some(before) => format!("{} after {before}: {}", self.answer, self.note),
            None => format!("{}: {}", self.answer, self.note),
        };
        let action = Action::Answer(self.answer, text);
        self.asked.keep(tx, &begun, after, action).await
    }
}

impl Confirm<'_> {
    /// What was agreed to is not dropped unread, nor without saying why (P28).
    fn require_reason(&self) -> Result<(), Fault> {
        if self.asked.etag.is_empty() {
            return Err(Fault::invalid(
                "etag",
                "must be that of the solution that was looked at: it was agreed to",
            ));
        }
        if is_blank(&self.note) {
            return Err(Fault::invalid(
                "note",
                "must say why what was agreed to is not carried out",
            ));
        }
        Ok(())
    }
}
