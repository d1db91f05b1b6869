//! SolutionService, one file per RPC.

mod complete_solution_step;
mod confirm_solution;
mod get_authority_limits;
mod get_solution;
pub(super) mod level;
mod like;
mod list_solutions;
mod propose_solution;
mod review_solution;
mod revise_solution;
mod set_authority_limits;
mod tell_solution;
mod terms;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::SolutionName;
use redress_proto::assignment::v1::solution_service_server::SolutionService;
use redress_proto::assignment::v1::{
    CompleteSolutionStepRequest, CompleteSolutionStepResponse, ConfirmSolutionRequest,
    ConfirmSolutionResponse, GetAuthorityLimitsRequest, GetAuthorityLimitsResponse,
    GetSolutionRequest, GetSolutionResponse, ListSolutionsRequest, ListSolutionsResponse,
    ProposeSolutionRequest, ProposeSolutionResponse, ReviewSolutionRequest, ReviewSolutionResponse,
    ReviseSolutionRequest, ReviseSolutionResponse, SetAuthorityLimitsRequest,
    SetAuthorityLimitsResponse, TellSolutionRequest, TellSolutionResponse,
};
use redress_rpc::{Caller, etag, status};
use redress_store::Tx;
use redress_store::receipt::{self, Claim, ReceiptKey};
use rust_decimal::Decimal;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::asked::change;
use super::{Shared, render, visible_work};
use crate::domain::authority::{Level, Limits};
use crate::domain::solution::{Refused, Solution, Terms, bound, required};
use crate::domain::transition::Action;
use crate::domain::work::{StepKind, Work};
use crate::store::{bench, limits, solutions};

/// Solutions of cases.
#[derive(Debug, Clone)]
pub struct SolutionRpc(pub Shared);

/// A change of one solution that a caller asked for.
#[derive(Debug)]
struct Asked<'a> {
    receipt: ReceiptKey,
    name: SolutionName,
    etag: String,
    caller: &'a Caller,
    now: Timestamp,
}

/// What a change begins with.
struct Begun {
    work: Work,
    solution: Solution,
    /// The request was done before.
    done: bool,
}

/// A change of one solution; `request` comes with its `request_id` blanked.
fn asked<'a>(
    shared: &Shared,
    caller: &'a Caller,
    method: &'static str,
    name: &str,
    request_id: String,
    request: &impl prost::Message,
    etag: &str,
) -> Result<Asked<'a>, Fault> {
    let name: SolutionName = parse_field("name", name)?;
    caller.require_site(&name.site)?;
    Ok(Asked {
        receipt: shared.receipt(caller, method, &name.site, request_id, request),
        name,
        etag: etag.to_owned(),
        caller,
        now: shared.clock.now(),
    })
}

/// A solution with the work on its case, as far as the caller may see that.
async fn visible(
    tx: &mut Tx,
    caller: &Caller,
    name: &SolutionName,
) -> Result<(Work, Solution), Fault> {
    let missing = || Fault::not_found("Solution", name);
    let solution = solutions::find(tx, &name.site, name.id)
        .await?
        .ok_or_else(missing)?;
    let work = visible_work(tx, caller, &solution.case)
        .await
        .map_err(|fault| match fault {
            // Whoever is complained about learns nothing of the case from its solution.
            Fault::NotFound { .. } => missing(),
            other => other,
        })?;
    Ok((work, solution))
}

/// The lowest level that may approve it, or stands behind going on with it, as it stands and as the case is graded now.
pub(super) async fn required_now(
    tx: &mut Tx,
    work: &Work,
    solution: &Solution,
) -> Result<Level, Fault> {
    let (limits, bound) = limits_and_bound(tx, work, Some(solution.id)).await?;
    Ok(solution.required_now(&limits, bound, work.gravest))
}

/// The lowest level that may approve these terms of a solution of the case; none: of a new one.
async fn required_for(
    tx: &mut Tx,
    work: &Work,
    terms: &Terms,
    id: Option<Uuid>,
) -> Result<Level, Fault> {
    let (limits, bound) = limits_and_bound(tx, work, id).await?;
    Ok(required(&limits, terms, bound, work.gravest))
}

/// The limits of the site, and what the case is bound to beside this solution.
async fn limits_and_bound(
    tx: &mut Tx,
    work: &Work,
    beside: Option<Uuid>,
) -> Result<(Limits, Decimal), Fault> {
    let limits = limits::of_site(tx, &work.case.site).await?;
    let bound = bound(&solutions::of_case(tx, &work.case).await?, beside);
    Ok((limits, bound))
}

/// Whether the terms are those that the digest was made of (I12).
pub(super) fn intact(solution: &Solution) -> Result<(), Refused> {
    if render::digest(&solution.case.site, &solution.terms) == solution.digest {
        Ok(())
    } else {
        Err(Refused::Tampered)
    }
}

/// What the state of a solution does not allow, as FAILED_PRECONDITION with what is legal (I10).
pub(super) fn refused(refused: &Refused, name: &SolutionName) -> Fault {
    let text = refused.to_string();
    match refused {
        Refused::State { .. } | Refused::Outdated => {
            Fault::illegal("ILLEGAL_SOLUTION_STEP", text, name)
        }
        Refused::OwnWork => Fault::illegal("OWN_SOLUTION", text, name),
        Refused::AboveLimit { .. } => Fault::illegal("ABOVE_LIMIT", text, name),
        Refused::Tampered => Fault::illegal("SOLUTION_TAMPERED", text, name),
        Refused::NotApproved { .. } => Fault::illegal("NOT_APPROVED", text, name),
        Refused::Expired => Fault::illegal("OFFER_EXPIRED", text, name),
        Refused::NotAsked => Fault::illegal("NOT_ASKED_AGAIN", text, name),
    }
}

impl Asked<'_> {
    /// Begins a change of what stands: of terms that were changed where they are kept nothing goes on.
    async fn begin(&self, tx: &mut Tx) -> Result<Begun, Fault> {
        let begun = self.begin_anew(tx).await?;
        if !begun.done {
            intact(&begun.solution).map_err(|e| self.refused(&e))?;
        }
        Ok(begun)
    }

    /// Begins a change that replaces what stands.
    async fn begin_anew(&self, tx: &mut Tx) -> Result<Begun, Fault> {
        bench::lock(tx, &self.name.site).await?;
        let (work, solution) = visible(tx, self.caller, &self.name).await?;
        let done = match receipt::claim(tx, &self.receipt, self.now).await? {
            Claim::Seen { .. } => true,
            Claim::New => {
                etag::check(&self.etag, solution.revision, &self.name)?;
                false
            }
        };
        Ok(Begun {
            work,
            solution,
            done,
        })
    }

    fn refused(&self, why: &Refused) -> Fault {
        refused(why, &self.name)
    }

    /// Stores what became of a solution, with its step in the history of the work.
    async fn keep(
        &self,
        tx: &mut Tx,
        begun: &Begun,
        after: Solution,
        action: Action,
    ) -> Result<Solution, Fault> {
        change(tx, self.caller, &begun.work, action, self.now).await?;
        self.keep_unsaid(tx, begun, after).await
    }

    /// The same where the history has nothing to say.
    async fn keep_unsaid(
        &self,
        tx: &mut Tx,
        begun: &Begun,
        after: Solution,
    ) -> Result<Solution, Fault> {
        solutions::save(tx, Some(&begun.solution), &after).await?;
        let etag = etag::of(after.revision);
        receipt::complete(tx, &self.receipt, &self.name.to_string(), &etag).await?;
        Ok(after)
    }
}

/// A step in the history that moves nothing.
fn note(kind: StepKind, text: String) -> Action {
    Action::Note(kind, text)
}

#[tonic::async_trait]
impl SolutionService for SolutionRpc {
    async fn propose_solution(
        &self,
        request: Request<ProposeSolutionRequest>,
    ) -> Result<Response<ProposeSolutionResponse>, Status> {
        answer!(&self.0, request, propose_solution)
    }

    async fn revise_solution(
        &self,
        request: Request<ReviseSolutionRequest>,
    ) -> Result<Response<ReviseSolutionResponse>, Status> {
        answer!(&self.0, request, revise_solution)
    }

    async fn get_solution(
        &self,
        request: Request<GetSolutionRequest>,
    ) -> Result<Response<GetSolutionResponse>, Status> {
        answer!(&self.0, request, get_solution)
    }

    async fn list_solutions(
        &self,
        request: Request<ListSolutionsRequest>,
    ) -> Result<Response<ListSolutionsResponse>, Status> {
        answer!(&self.0, request, list_solutions)
    }

    async fn review_solution(
        &self,
        request: Request<ReviewSolutionRequest>,
    ) -> Result<Response<ReviewSolutionResponse>, Status> {
        answer!(&self.0, request, review_solution)
    }

    async fn tell_solution(
        &self,
        request: Request<TellSolutionRequest>,
    ) -> Result<Response<TellSolutionResponse>, Status> {
        answer!(&self.0, request, tell_solution)
    }

    async fn confirm_solution(
        &self,
        request: Request<ConfirmSolutionRequest>,
    ) -> Result<Response<ConfirmSolutionResponse>, Status> {
        answer!(&self.0, request, confirm_solution)
    }

    async fn complete_solution_step(
        &self,
        request: Request<CompleteSolutionStepRequest>,
    ) -> Result<Response<CompleteSolutionStepResponse>, Status> {
        answer!(&self.0, request, complete_solution_step)
    }

    async fn get_authority_limits(
        &self,
        request: Request<GetAuthorityLimitsRequest>,
    ) -> Result<Response<GetAuthorityLimitsResponse>, Status> {
        answer!(&self.0, request, get_authority_limits)
    }

    async fn set_authority_limits(
        &self,
        request: Request<SetAuthorityLimitsRequest>,
    ) -> Result<Response<SetAuthorityLimitsResponse>, Status> {
        answer!(&self.0, request, set_authority_limits)
    }
}
