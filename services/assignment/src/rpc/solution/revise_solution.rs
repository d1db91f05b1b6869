//! Replaces the terms of a solution that is not told yet: what was said of those before counts no more.

use redress_model::Fault;
use redress_proto::assignment::v1::{LikeCases, ReviseSolutionRequest, ReviseSolutionResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Asked, asked, like, note, required_for, terms};
use crate::domain::solution::{Draft, Solution};
use crate::domain::work::StepKind;
use crate::rpc::asked::{person_of, require_responsible};
use crate::rpc::{Shared, render};

const METHOD: &str = "redress.assignment.v1.SolutionService/ReviseSolution";

pub(super) async fn run(
    shared: &Shared,
    request: Request<ReviseSolutionRequest>,
) -> Result<ReviseSolutionResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let request_id = std::mem::take(&mut request.request_id);
    let (name, etag) = (&request.name, &request.etag);
    let asked = asked(shared, &caller, METHOD, name, request_id, &request, etag)?;
    // An empty one asks for no check elsewhere; here it would replace terms that nobody looked at (P28).
    if request.etag.is_empty() {
        return Err(Fault::invalid(
            "etag",
            "must be that of the solution that was looked at",
        ));
    }
    let operation = Revise {
        override_reason: std::mem::take(&mut request.wording_override_reason),
        draft: terms::parsed(&asked.name.site, request.terms, asked.now)?,
        asked,
    };
    let (solution, like) = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(ReviseSolutionResponse {
        solution: Some(render::solution(solution)),
        like_cases: Some(like),
    })
}

struct Revise<'a> {
    asked: Asked<'a>,
    draft: Draft,
    override_reason: String,
}

impl Operation for Revise<'_> {
    const NAME: &'static str = "assignment.revise_solution";
    type Output = (Solution, LikeCases);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let begun = self.asked.begin_anew(tx).await?;
        let like = like::cases(tx, self.asked.caller, &begun.work).await?;
        if begun.done {
            return Ok((begun.solution, like));
        }
        let site = &self.asked.name.site;
        let said = (&self.draft.terms, self.override_reason.as_str());
        let in_spite_of =
            terms::check_wording(tx, site, said, self.asked.caller, self.asked.now).await?;
        let work = &begun.work;
        let id = Some(begun.solution.id);
        let required = required_for(tx, work, &self.draft.terms, id).await?;
        let mut after = begun.solution.clone();
        after
            .revise(
                self.draft.clone(),
                person_of(self.asked.caller),
                required,
                work.epoch,
                self.asked.now,
            )
            .map_err(|e| self.asked.refused(&e))?;
        require_responsible(self.asked.caller, work)?;
        terms::require_owners(&self.draft.terms, work)?;
        terms::require_present(tx, &self.draft.terms, work, self.asked.now).await?;
        let text = format!(
            "{} revised, waits for {}{in_spite_of}",
            self.asked.name, after.required
        );
        let action = note(StepKind::SolutionProposed, text);
        let kept = self.asked.keep(tx, &begun, after, action).await?;
        Ok((kept, like))
    }
}
