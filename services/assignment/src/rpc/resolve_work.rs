//! Resolves a case: what was done, and why it happened in the first place (M15).

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{CaseName, SolutionName};
use redress_proto::assignment::v1::{ResolveWorkRequest, ResolveWorkResponse};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use rust_decimal::Decimal;
use tonic::Request;

use super::asked::{person_of, require_responsible};
use super::{Shared, illegal, parse, render, solution, visible_work};
use crate::domain::bench::Bench;
use crate::domain::solution::{State, may_resolve};
use crate::domain::transition::{Action, transition};
use crate::domain::work::{Resolution, Work};
use crate::store::{bench, solutions, work};

const METHOD: &str = "redress.assignment.v1.WorkService/ResolveWork";

pub(super) async fn run(
    shared: &Shared,
    request: Request<ResolveWorkRequest>,
) -> Result<ResolveWorkResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    caller.require_site(&case.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let operation = Resolve {
        receipt: shared.receipt(&caller, METHOD, &case.site, request_id, &request),
        case,
        resolution: Resolution {
            summary: request.summary,
            root_cause: request.root_cause,
            resolver: person_of(&caller),
        },
        etag: request.etag,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let work = shared.db.run(&scope, &operation).await?;
    Ok(ResolveWorkResponse {
        work: Some(render::work(work)),
    })
}

struct Resolve<'a> {
    receipt: ReceiptKey,
    case: CaseName,
    resolution: Resolution,
    etag: String,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Resolve<'_> {
    const NAME: &'static str = "assignment.resolve_work";
    type Output = Work;

    async fn run(&self, tx: &mut Tx) -> Result<Work, Fault> {
        bench::lock(tx, &self.case.site).await?;
        let before = visible_work(tx, self.caller, &self.case).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return Ok(before);
        }
        let name = parse::work_name(&self.case);
        etag::check(&self.etag, before.revision, &name)?;
        let action = Action::Resolve(self.resolution.clone());
        let outcome = transition(&before, action, &Bench::default(), self.now)
            .map_err(|e| illegal(&e, &self.case))?;
        require_responsible(self.caller, &before)?;
        let carried_out = self.carry_out(tx, &before).await?;
        may_resolve(&self.resolution.summary, before.gravest, carried_out)
            .map_err(|e| Fault::illegal("NOT_ON_THE_SPOT", e.to_string(), &name))?;
        work::save(tx, Some(&before), &outcome, &self.caller.subject, self.now).await?;
        let etag = etag::of(outcome.work.revision);
        receipt::complete(tx, &self.receipt, &name.to_string(), &etag).await?;
        Ok(outcome.work)
    }
}

impl Resolve<'_> {
    /// What was agreed to is done, and nothing waits unsaid: no case is resolved around its own solution (M18).
    /// Returns what the solution that resolves it may cost.
    async fn carry_out(&self, tx: &mut Tx, work: &Work) -> Result<Option<Decimal>, Fault> {
        let mut carried_out = None;
        for before in solutions::of_case(tx, &self.case).await? {
            if before.epoch != work.epoch {
                continue;
            }
            let is_agreed = before.state == State::Agreed && before.is_done();
            let waits = matches!(
                before.state,
                State::AwaitingApproval | State::Approved | State::Told | State::Agreed
            );
            if waits && !is_agreed {
                return Err(Fault::illegal(
                    "SOLUTION_NOT_CARRIED_OUT",
                    format!(
                        "a solution of the case is {}; legal now: bring it to an end, or have it refused",
                        before.state
                    ),
                    parse::work_name(&self.case),
                ));
            }
            if is_agreed {
                let mut after = before.clone();
                carried_out = Some(after.terms.sum_to_decide());
                let solution = SolutionName::new(work.case.site.clone(), before.id);
                let required = solution::required_now(tx, work, &before).await?;
                solution::intact(&before)
                    .and_then(|()| after.carry_out(required, self.now))
                    .map_err(|e| solution::refused(&e, &solution))?;
                solutions::save(tx, Some(&before), &after).await?;
            }
        }
        Ok(carried_out)
    }
}
