//! Accepts a case that is handed over.

use redress_model::Fault;
use redress_proto::assignment::v1::{AcceptHandoverRequest, AcceptHandoverResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, refused, require_one_of};
use crate::domain::handover;
use crate::domain::work::Work;
use crate::rpc::asked::Asked;
use crate::rpc::{parse, render};
use crate::store::{bench, handovers, past_office};

const METHOD: &str = "redress.assignment.v1.StaffingService/AcceptHandover";

pub(super) async fn run(
    shared: &Shared,
    request: Request<AcceptHandoverRequest>,
) -> Result<AcceptHandoverResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = shared.asked(&caller, METHOD, case, request_id, &request, &request.etag)?;
    let scope = redress_runtime::scope(&caller);
    let work = shared.db.run(&scope, &Accept(asked)).await?;
    Ok(AcceptHandoverResponse {
        work: Some(render::work(work)),
    })
}

struct Accept<'a>(Asked<'a>);

impl Operation for Accept<'_> {
    const NAME: &'static str = "assignment.accept_handover";
    type Output = Work;

    async fn run(&self, tx: &mut Tx) -> Result<Work, Fault> {
        let begun = self.0.begin(tx).await?;
        if begun.done.is_some() {
            return Ok(begun.work);
        }
        let (before, case, now) = (&begun.work, &self.0.case, self.0.now);
        let mut outcome = handover::accept(before, now).map_err(|e| refused(&e, case))?;
        require_one_of(self.0.caller, case, &[before.offered_to.as_ref()])?;
        // Its time is over, though nobody has looked yet.
        if handovers::is_over(tx, case, now).await? {
            return Err(refused(&handover::Refusal::NotOffered, case));
        }
        if let Some(mark) = past_office::of_case(tx, case).await? {
            let bench = bench::load(tx, &case.site, now).await?;
            mark.give_back(before, &mut outcome.work, &bench, now);
        }
        self.0.save(tx, before, outcome).await
    }
}
