//! Proposes a solution inside: it waits for the lowest level that may decide its sum.

use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::SolutionName;
use redress_model::words::CaseStatus;
use redress_proto::assignment::v1::{LikeCases, ProposeSolutionRequest, ProposeSolutionResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{like, note, refused, required_for, terms};
use crate::domain::solution::{Draft, Refused, Solution};
use crate::domain::work::{Illegal, StepKind, Work};
use crate::rpc::asked::{Asked, person_of, require_responsible};
use crate::rpc::{Shared, illegal, parse, render};
use crate::store::solutions;

const METHOD: &str = "redress.assignment.v1.SolutionService/ProposeSolution";

pub(super) async fn run(
    shared: &Shared,
    request: Request<ProposeSolutionRequest>,
) -> Result<ProposeSolutionResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of("parent", &request.parent)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = shared.asked(&caller, METHOD, case, request_id, &request, &request.etag)?;
    let operation = Propose {
        override_reason: std::mem::take(&mut request.wording_override_reason),
        draft: terms::parsed(&asked.case.site, request.terms, asked.now)?,
        asked,
    };
    let (solution, like) = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(ProposeSolutionResponse {
        solution: Some(render::solution(solution)),
        like_cases: Some(like),
    })
}

struct Propose<'a> {
    asked: Asked<'a>,
    draft: Draft,
    override_reason: String,
}

impl Operation for Propose<'_> {
    const NAME: &'static str = "assignment.propose_solution";
    type Output = (Solution, LikeCases);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let begun = self.asked.begin(tx).await?;
        let like = like::cases(tx, self.asked.caller, &begun.work).await?;
        let site = &self.asked.case.site;
        if let Some(done) = begun.done {
            let id = done.rsplit('/').next().unwrap_or_default();
            let id: Uuid = id.parse().map_err(Fault::internal)?;
            let found = solutions::find(tx, site, id).await?;
            let found = found.ok_or_else(|| Fault::not_found("Solution", done))?;
            return Ok((found, like));
        }
        let said = (&self.draft.terms, self.override_reason.as_str());
        let in_spite_of =
            terms::check_wording(tx, site, said, self.asked.caller, self.asked.now).await?;
        let work = &begun.work;
        if work.status != CaseStatus::Investigating {
            self.refuse_second(tx, work).await?;
            let (status, wanted) = (work.status, CaseStatus::Proposed);
            return Err(illegal(&Illegal { status, wanted }, &work.case));
        }
        require_responsible(self.asked.caller, work)?;
        terms::require_owners(&self.draft.terms, work)?;
        terms::require_present(tx, &self.draft.terms, work, self.asked.now).await?;
        for before in solutions::of_case(tx, &work.case).await? {
            if before.gives_way(work.epoch) {
                self.asked.require_etag(work)?;
                let mut after = before.clone();
                after.supersede(self.asked.now);
                solutions::save(tx, Some(&before), &after).await?;
            }
        }
        let required = required_for(tx, work, &self.draft.terms, None).await?;
        let solution = Solution::propose(
            new_id(self.asked.now),
            work.case.clone(),
            work.epoch,
            self.draft.clone(),
            person_of(self.asked.caller),
            required,
            self.asked.now,
        );
        let name = SolutionName::new(site.clone(), solution.id).to_string();
        let text = format!("{name} waits for {}{in_spite_of}", solution.required);
        let action = note(StepKind::SolutionProposed, text);
        self.asked.change(tx, work, action).await?;
        solutions::save(tx, None, &solution).await?;
        self.asked.keep_as(tx, &name, solution.revision).await?;
        Ok((solution, like))
    }
}

impl Propose<'_> {
    /// One that the complainant was told, or that is carried out, is no matter for a second one beside it.
    async fn refuse_second(&self, tx: &mut Tx, work: &Work) -> Result<(), Fault> {
        let binding = solutions::of_case(tx, &work.case)
            .await?
            .into_iter()
            .find(|s| s.is_binding(work.epoch));
        let Some(solution) = binding else {
            return Ok(());
        };
        let why = Refused::State {
            state: solution.state,
            wanted: "followed by another",
        };
        let name = SolutionName::new(work.case.site.clone(), solution.id);
        Err(refused(&why, &name))
    }
}
