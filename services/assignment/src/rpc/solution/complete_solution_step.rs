//! Records that a step of an agreed solution is done, with what is done beside a repair (M12).

use redress_model::Fault;
use redress_model::text::is_blank;
use redress_proto::assignment::v1::{CompleteSolutionStepRequest, CompleteSolutionStepResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Asked, asked, note, required_now};
use crate::domain::practice::Refused;
use crate::domain::solution::Solution;
use crate::domain::work::StepKind;
use crate::rpc::asked::require_part;
use crate::rpc::{Shared, is_staff, parse, render};

const METHOD: &str = "redress.assignment.v1.SolutionService/CompleteSolutionStep";

pub(super) async fn run(
    shared: &Shared,
    request: Request<CompleteSolutionStepRequest>,
) -> Result<CompleteSolutionStepResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let request_id = std::mem::take(&mut request.request_id);
    let (name, etag) = (&request.name, &request.etag);
    let asked = asked(shared, &caller, METHOD, name, request_id, &request, etag)?;
    let operation = Complete {
        step: usize::try_from(request.step).unwrap_or_default(),
        // No list has item 0.
        items: request
            .checked_items
            .into_iter()
            .map(|n| usize::try_from(n).unwrap_or_default())
            .collect(),
        text: parse::text("text", request.text)?,
        asked,
    };
    let solution = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(CompleteSolutionStepResponse {
        solution: Some(render::solution(solution)),
    })
}

struct Complete<'a> {
    asked: Asked<'a>,
    /// Counts from 1.
    step: usize,
    /// What was done beside it, from 1.
    items: Vec<usize>,
    /// Why the rest was not.
    text: String,
}

impl Operation for Complete<'_> {
    const NAME: &'static str = "assignment.complete_solution_step";
    type Output = Solution;

    async fn run(&self, tx: &mut Tx) -> Result<Solution, Fault> {
        let begun = self.asked.begin(tx).await?;
        if begun.done {
            return Ok(begun.solution);
        }
        let required = required_now(tx, &begun.work, &begun.solution).await?;
        let (epoch, step) = (begun.work.epoch, self.step.wrapping_sub(1));
        let mut after = begun.solution.clone();
        let completed = after
            .complete(step, required, epoch, self.asked.now)
            .map_err(|e| self.asked.refused(&e))?;
        let (caller, case) = (self.asked.caller, &begun.work.case);
        let owner = after.terms.steps.get(step).and_then(|s| s.owner.as_ref());
        if !owner.is_some_and(|owner| is_staff(caller, case, owner)) {
            require_part(tx, caller, &begun.work, self.asked.now).await?;
        }
        match completed {
            None => {
                let last = after.done.len();
                Err(Fault::invalid("step", format!("must be from 1 to {last}")))
            }
            Some(false) => self.asked.keep_unsaid(tx, &begun, after).await,
            Some(true) => {
                let reasoned = !is_blank(&self.text);
                after
                    .check(step, &self.items, &caller.subject, reasoned, self.asked.now)
                    .map_err(|refused| self.unchecked(refused))?;
                let mut text = format!("{} step {}", self.asked.name, self.step);
                if reasoned {
                    text = format!("{text}: {}", self.text);
                }
                let action = note(StepKind::SolutionStepDone, text);
                self.asked.keep(tx, &begun, after, action).await
            }
        }
    }
}

impl Complete<'_> {
    /// What the checklist does not allow, as a caller reads it (I10).
    fn unchecked(&self, refused: Refused) -> Fault {
        match refused {
            Refused::State { reason, legal } => Fault::illegal(reason, legal, &self.asked.name),
            Refused::Value { rule, .. } => Fault::invalid("checked_items", rule),
        }
    }
}
