//! Approves or refuses a solution as it stands; never by its author, and within the reviewer's limit.

use redress_model::Fault;
use redress_model::text::is_blank;
use redress_proto::assignment::v1::{ReviewSolutionRequest, ReviewSolutionResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::level::level_of;
use super::{Asked, asked, note, required_now};
use crate::domain::solution::{Review, Solution};
use crate::domain::work::StepKind;
use crate::rpc::asked::person_of;
use crate::rpc::{Shared, render};

const METHOD: &str = "redress.assignment.v1.SolutionService/ReviewSolution";

pub(super) async fn run(
    shared: &Shared,
    request: Request<ReviewSolutionRequest>,
) -> Result<ReviewSolutionResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let request_id = std::mem::take(&mut request.request_id);
    let (name, etag) = (&request.name, &request.etag);
    let asked = asked(shared, &caller, METHOD, name, request_id, &request, etag)?;
    // An empty one asks for no check elsewhere; here it would be an approval of what nobody looked at.
    if request.etag.is_empty() {
        return Err(Fault::invalid(
            "etag",
            "must be that of the solution that was looked at",
        ));
    }
    if !request.approve && is_blank(&request.reason) {
        return Err(Fault::invalid("reason", "must be given to refuse"));
    }
    let operation = Decide {
        approve: request.approve,
        reason: request.reason,
        asked,
    };
    let solution = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(ReviewSolutionResponse {
        solution: Some(render::solution(solution)),
    })
}

struct Decide<'a> {
    asked: Asked<'a>,
    approve: bool,
    reason: String,
}

impl Operation for Decide<'_> {
    const NAME: &'static str = "assignment.review_solution";
    type Output = Solution;

    async fn run(&self, tx: &mut Tx) -> Result<Solution, Fault> {
        let begun = self.asked.begin(tx).await?;
        if begun.done {
            return Ok(begun.solution);
        }
        let (work, caller) = (&begun.work, self.asked.caller);
        let level = level_of(tx, caller, &work.case.site).await?;
        let required = required_now(tx, work, &begun.solution).await?;
        let review = Review {
            sequence: 0,
            approved: self.approve,
            level,
            reviewer: person_of(caller),
            reason: self.reason.clone(),
            digest: Vec::new(),
            at: self.asked.now,
        };
        let mut after = begun.solution.clone();
        after
            .review(review, required, work.epoch)
            .map_err(|e| self.asked.refused(&e))?;
        let text = format!("{} {} by {level}", self.asked.name, after.state);
        let action = note(StepKind::SolutionReviewed, text);
        self.asked.keep(tx, &begun, after, action).await
    }
}
